"""The resolver that asks the machine's own name servers, through dnspython."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_LIFETIME_S: Final = 5.0  # of a question, all name servers and attempts together


class DnsResolver:
    """See `ports.resolver`."""

    async def find_texts(self, name: str) -> Sequence[str]:
        from dns.asyncresolver import resolve  # half a second of imports: not before the first question
        from dns.exception import DNSException

        try:
            answer = await resolve(name, "TXT", search=False, lifetime=_LIFETIME_S)
        except (DNSException, OSError):
            return ()
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
