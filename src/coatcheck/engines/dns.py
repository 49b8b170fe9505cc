"""The resolver that asks the machine's own name servers, through dnspython."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_LIFETIME_S: Final = 5.0  # of a question, all name servers and attempts together


class DnsResolver:
    """See `ports.resolver`.

    Args:
        name_server: address and port of the one to ask; the machine's own if None.
    """

    def __init__(self, name_server: tuple[str, int] | None = None) -> None:
        self._name_server = name_server

    async def find_texts(self, name: str) -> Sequence[str]:
        from dns.asyncresolver import Resolver  # takes a moment to load: not before the first question
        from dns.exception import DNSException

        try:
            resolver = Resolver(configure=self._name_server is None)
            if self._name_server is not None:
                resolver.nameservers, resolver.port = [self._name_server[0]], self._name_server[1]
            answer = await resolver.resolve(name, "TXT", search=False, lifetime=_LIFETIME_S)
        except (DNSException, OSError):
            return ()
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
