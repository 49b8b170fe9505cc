"""`<Hint>`: the one change that would make a refused request work, for whoever sent it. A sentence beside the refusal,
which stays as it is.

Nothing is said that a stranger could not compute from their own request and the refusal: what a signature would match
is said only where the very signature that was given does match it (`signing/hints.py`). The CPU that strangers can buy
is bounded: hints are few a second, and one a second for each address; whoever asks for more gets none.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from coatcheck.core.addresses import name_client
from coatcheck.core.errors import (
    AUTHORIZATION_INVALID,
    LINK_CANCELLED,
    LINK_FOR_PEOPLE,
    LINK_NOT_STARTED,
    LINK_USED_UP,
    LINK_WRONG_ADDRESS,
    QUERY_AUTHORIZATION_INCOMPLETE,
    QUERY_AUTHORIZATION_INVALID,
    REQUEST_EXPIRED,
    REQUEST_NOT_YET_VALID,
    REQUEST_TIME_TOO_SKEWED,
    SECURITY_TOKEN_EXPIRED,
    SIGNATURE_DOES_NOT_MATCH,
    OssError,
)
from coatcheck.core.fault import Fault
from coatcheck.core.limits import HINTS_PER_S
from coatcheck.core.s3_errors import (
    S3_EXPIRED,
    S3_HEADER_MALFORMED,
    S3_HEADERS_NOT_SIGNED,
    S3_NOT_YET_VALID,
    S3_QUERY_MALFORMED,
)
from coatcheck.core.times import read_basic_iso, read_iso, write_duration
from coatcheck.exchange import Exchange
from coatcheck.identity.identify import ask_for_key, find_key
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Reads
from coatcheck.signing.any_claim import read_any_claim
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

_PLAIN: Final[dict[Fault, str]] = {
    LINK_CANCELLED: "Nothing in the request would make it work: whoever owns the link has cancelled it.",
    LINK_USED_UP: "Nothing in the request would make it work: all downloads that the link allows have been taken.",
    LINK_NOT_STARTED: "Use it again from the time in ValidFrom on.",
    LINK_WRONG_ADDRESS: "Use it from a network that its owner has named.",
    LINK_FOR_PEOPLE: "Use it with another User-Agent: this one is that of a program which previews links.",
    SECURITY_TOKEN_EXPIRED: "The security token that it was signed with has ended, before the link itself: get a new "
    "token and sign again; a link lives no longer than its token.",
}
_EXPLAINED: Final = frozenset(
    {
        *_PLAIN,
        *{SIGNATURE_DOES_NOT_MATCH, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, REQUEST_TIME_TOO_SKEWED},
        *{QUERY_AUTHORIZATION_INCOMPLETE, QUERY_AUTHORIZATION_INVALID, AUTHORIZATION_INVALID},
        *{S3_EXPIRED, S3_NOT_YET_VALID, S3_HEADERS_NOT_SIGNED, S3_QUERY_MALFORMED, S3_HEADER_MALFORMED},
    }
)
_WRONG_REGION: Final = frozenset({"0002-00000226", "0002-00000228"})
_HOUR_S: Final = 3600


class Allowance:
    """How many hints may be given: so many a second, and one a second for each address.

    Args:
        monotonic: seconds, of a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._given: deque[tuple[float, str]] = deque()  # of the last second: never more than HINTS_PER_S

    def take(self, address: str) -> bool:
        """Whether one may be given now, to that address (IPv6: its /64); it counts as given."""
        now, client = self._monotonic(), name_client(address)
        while self._given and self._given[0][0] <= now - 1:
            self._given.popleft()
        if len(self._given) >= HINTS_PER_S or any(known == client for _, known in self._given):
            return False
        self._given.append((now, client))
        return True


class Hints:
    """Of one process.

    Args:
        regions: those that are served.
        cpu: seconds of CPU that this thread has used.
    """

    def __init__(
        self,
        regions: Collection[str],
        reads: Reads,
        keyring: KeyUse,
        allowance: Allowance | None = None,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._regions = regions
        self._reads = reads
        self._keyring = keyring
        self._allowance = allowance or Allowance()
        self._cpu = cpu

    async def give(self, error: OssError, exchange: Exchange) -> None:
        """Put its hint into a refusal, if it may have one and there is one to give."""
        if error.fault not in _EXPLAINED or not self._allowance.take(exchange.request.client):
            return
        if error.fault is SIGNATURE_DOES_NOT_MATCH:
            error.hint = await self._explain_mismatch(exchange)
        else:
            error.hint = self._describe(error, exchange.request)

    async def _explain_mismatch(self, exchange: Exchange) -> str:
        """ "" if it isn't known."""
        from coatcheck.signing.attempt import Attempt
        from coatcheck.signing.hints import find_mismatch_hint

        request, keyring = exchange.request, self._keyring
        try:
            claim = read_any_claim(request)
            if claim is None:  # the signature of a form is of its fields
                return ""
            key = find_key(claim, await self._reads.read(ask_for_key(claim, keyring)), keyring, exchange.now)
        except OssError:
            return ""
        target = Target(exchange.bucket or None, exchange.key or None)
        return find_mismatch_hint(Attempt(request, target, claim), key.access_key_secret, self._regions, self._cpu)

    def _describe(self, error: OssError, request: Request) -> str:
        fault = error.fault
        if fault in _PLAIN:
            return _PLAIN[fault]
        if fault in (REQUEST_EXPIRED, S3_EXPIRED):
            return f"The link ended {_between(error, 'Expires', 'ServerTime')} ago: ask for a new one."
        if fault in (REQUEST_NOT_YET_VALID, S3_NOT_YET_VALID):
            return (
                f"The link starts in {_between(error, 'ServerTime', 'RequestTime')}: the signer's clock is ahead, or "
                "the signer wrote local time where UTC belongs."
            )
        if fault is REQUEST_TIME_TOO_SKEWED:
            return _describe_skew(error)
        if fault is S3_HEADERS_NOT_SIGNED:
            names = error.facts.get("HeadersNotSigned", "")
            return f"Don't send {names}, or have the signer list it in SignedHeaders: what isn't signed isn't obeyed."
        return self._describe_unread(error, request)

    def _describe_unread(self, error: OssError, request: Request) -> str:
        """Of what could not be read, or names another region."""
        try:
            claim = read_any_claim(request)
        except OssError:
            from coatcheck.signing.hints import find_unread_hint

            return find_unread_hint(request)
        if claim is None or not claim.region or error.ec not in _WRONG_REGION:
            return ""
        addressed = next((region for region in self._regions if region in request.host), "")
        if addressed:  # said only where the address says so itself
            return f"It is signed for region {claim.region}, but its address is in {addressed}: sign it for that one."
        return f"It is signed for region {claim.region}, which isn't the one here: sign it for the bucket's region."


def _describe_skew(error: OssError) -> str:
    apart = _read(error, "RequestTime") - _read(error, "ServerTime")
    side = "ahead of" if apart > 0 else "behind"
    zone = min(apart % _HOUR_S, -apart % _HOUR_S) < 300 and abs(apart) < 15 * _HOUR_S
    why = ", or local time was signed where UTC belongs" if zone else ""
    return f"The signer's clock is {write_duration(abs(apart))} {side} the server's{why}: set it, and sign again."


def _between(error: OssError, earlier: str, later: str) -> str:
    return write_duration(max(0, _read(error, later) - _read(error, earlier)))


def _read(error: OssError, name: str) -> int:
    text = error.facts.get(name, "")
    return read_iso(text) or read_basic_iso(text) or 0
