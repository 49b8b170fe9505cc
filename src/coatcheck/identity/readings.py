"""How links read that have verified: a bounded memory, so that nothing pure is worked out twice for a link.

Remembered is what follows from a request's bytes and the server's settings alone: the target, the text that was signed,
the claim, the route. Whether the link is good is asked each time: the time, the key and its secret (the text is signed
with it and compared, every time), the domain, the bucket, the permission, the object.

A reading is believed for the very bytes that it was made from (`_digest`); it has one place for each signature, so
whoever writes one link in many ways fills one place. Only what has verified enters, at its second use, and when the
memory is full only now and then, in the place of one that hasn't been used lately: neither junk nor links that are
followed once push out what is in use.

Links of GET and HEAD to objects are remembered, of any scheme of either dialect whose row says what stays of a claim
(`Scheme.keep`). Not those that name the addresses that may use them: what these signed depends on who asks. In which
dialect a request is follows from what a reading is of, so none is ever read in the other one.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Collection, Mapping
from hashlib import blake2b
from random import Random
from typing import Any, Final

from coatcheck.core.limits import CLOCK_SKEW_MAX_S, READINGS_MAX_BYTES
from coatcheck.core.percent import decode_query
from coatcheck.ports.snapshot import Lookup
from coatcheck.signing.scheme import Claim
from coatcheck.signing.source_ip import is_restricted
from coatcheck.wire.request import Headers, Request
from coatcheck.wire.target import Target

# Headers besides Host, x-oss-*, x-amz-* and the listed ones that a link's claim or its text may depend on.
_NAMED: Final = frozenset({"authorization", "content-md5", "content-type", "date", "security-token"})
_ALWAYS: Final = ("x-oss-", "x-amz-")
_METHODS: Final = ("GET", "HEAD")
_SIGNATURE: Final = b"ignature="  # of x-oss-signature, X-Amz-Signature and Signature

_ENTRY_BYTES: Final = 440  # what a reading weighs besides its three texts; 64 of them for its share of a dict
_KIND_BYTES: Final = 1536
_ENTRY_MAX_BYTES: Final = 4096  # longer ones aren't remembered
_SEEN: Final = 1 << 17  # links that are told from new ones, a byte each
_CHANCE: Final = 0.125  # of being kept when another must go
_LOOKS: Final = 8  # at the oldest ones, for one that isn't used


class Kind:
    """What links have in common that were signed alike for one route.

    Attributes:
        claim: without time and signature, which are of one link.
        lasts_s: how long such a link is good.
        who: what has to be known of the signer; None where only the keyring can tell, each time.
        domain: the host that they came by, if it may be an own domain: that it still stands for the bucket is asked.
        route: the dialect's own.
        listed: headers that were signed by choice, besides Host.
        links: how many are remembered.
    """

    __slots__ = ("claim", "domain", "lasts_s", "links", "listed", "route", "signed_headers", "weight", "who")

    def __init__(self, claim: Claim, lasts_s: float, who: Lookup | None, domain: str, route: Any) -> None:
        self.claim = claim
        self.lasts_s = lasts_s
        self.who = who
        self.domain = domain
        self.route = route
        self.signed_headers = frozenset(claim.additional_headers)
        self.listed = _besides_host(claim)
        self.links = 0
        listed = sum(map(sys.getsizeof, claim.additional_headers))
        self.weight = _KIND_BYTES + 2 * (listed + sys.getsizeof(claim.security_token) + sys.getsizeof(domain))


class Reading:
    """What one link says.

    Attributes:
        digest: of all that it was read from.
        text: that was signed, and `signature` is its signature.
        end_s: Unix seconds, when it ends.
        used: since somebody looked for one that must go.
    """

    __slots__ = ("digest", "end_s", "kind", "signature", "target", "text", "used")

    @property
    def signed_at_s(self) -> int | None:
        """Unix seconds; None where the scheme doesn't say."""
        claim = self.kind.claim
        return None if claim.signed_at_s is None else int(self.end_s - self.kind.lasts_s) + CLOCK_SKEW_MAX_S

    def __init__(self, digest: bytes, kind: Kind, target: Target, text: str, signature: str, end_s: int) -> None:
        self.digest = digest
        self.kind = kind
        self.target = target
        self.text = text
        self.signature = signature
        self.end_s = end_s
        self.used = False


class Readings:
    """The memory of one pipeline, whose settings never change.

    Args:
        most_bytes: of everything in it.
        chance: which links are kept when it is full.
    """

    def __init__(self, most_bytes: int = READINGS_MAX_BYTES, chance: Random | None = None) -> None:
        self._most_bytes = most_bytes
        self._chance = chance or Random()  # noqa: S311  no secret
        self._begun_digest = blake2b(secrets.token_bytes(16), digest_size=16)
        self._readings: dict[str, Reading] = {}  # by signature, the oldest first
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self._seen = bytearray(_SEEN)
        self.bytes = _SEEN

    def find(self, request: Request) -> Reading | None:
        """The reading of these very bytes."""
        signature = _signature_in(request)
        if signature is None:
            return None
        reading = self._readings.get(signature)
        if reading is None or reading.digest != self._digest(request, reading.kind.listed):
            return None
        reading.used = True
        return reading

    def keep(self, request: Request, claim: Claim, target: Target, text: str, kind: tuple[Any, str]) -> None:
        """Remember a link that has just verified, unless it is the first time.

        Args:
            text: that was signed.
            kind: the route, and the host where only the catalog knows what it stands for, else "".
        """
        signature, keep = claim.signature, claim.scheme.keep
        if keep is None or not self._was_seen(signature) or request.method not in _METHODS or target.key is None:
            return
        # A signature may be written in several ways; this one is found again.
        if not request.query.raw or _signature_in(request) != signature or is_restricted(request.query):
            return
        common, end_s, lasts_s = keep(claim)
        weight = _weigh(target, text, signature)
        if weight > _ENTRY_MAX_BYTES:
            return
        if signature in self._readings:
            self._forget(signature)
        elif self.bytes + weight + _KIND_BYTES > self._most_bytes and not self._make_room():
            return
        digest = self._digest(request, _besides_host(claim))
        target = target._replace(bucket=sys.intern(target.bucket or ""))
        reading = Reading(digest, self._kind(common, lasts_s, *kind), target, text, signature, end_s)
        reading.kind.links += 1
        self._readings[signature] = reading
        self.bytes += weight
        while self.bytes > self._most_bytes:
            self._forget(next(iter(self._readings)))

    def _was_seen(self, signature: str) -> bool:
        """Whether it was asked before. It may be forgotten, or another be taken for it."""
        number = hash(signature)
        place, mark = number % _SEEN, (number >> 20) % 255 + 1
        if self._seen[place] == mark:
            return True
        self._seen[place] = mark
        return False

    def _make_room(self) -> bool:
        """Let one go that isn't used; False if that isn't to be, this time."""
        if self._chance.random() > _CHANCE:
            return False
        for _ in range(min(_LOOKS, len(self._readings))):
            signature = next(iter(self._readings))
            reading = self._readings[signature]
            if not reading.used:
                self._forget(signature)
                return True
            reading.used = False
            self._readings[signature] = self._readings.pop(signature)  # now the newest
        return False

    def _kind(self, claim: Claim, lasts_s: float, route: Any, domain: str) -> Kind:
        place = claim, route, domain
        kind = self._kinds.get(place)
        if kind is None:
            who = Lookup(access_key_id=claim.access_key_id) if claim.security_token is None else None
            kind = self._kinds[place] = Kind(claim, lasts_s, who, domain, route)
            self.bytes += kind.weight
        return kind

    def _forget(self, signature: str) -> None:
        reading = self._readings.pop(signature)
        self.bytes -= _weigh(reading.target, reading.text, signature)
        kind = reading.kind
        kind.links -= 1
        if not kind.links:
            del self._kinds[kind.claim, kind.route, kind.domain]
            self.bytes -= kind.weight

    def _digest(self, request: Request, listed: Collection[str]) -> bytes:
        """Of all that a reading is made from, with a key that nobody knows. Two requests never share one.

        The lengths say where each part ends.
        """
        method, path, query = request.method, request.raw_path, request.query.raw
        signed = _find_signed(request.headers, listed)
        start = f"{method} {len(path)} {len(query)} {signed}".encode("utf-8", "surrogateescape")
        digest = self._begun_digest.copy()
        digest.update(start + path + query)
        return digest.digest()


def _signature_in(request: Request) -> str | None:
    """The first parameter that is called so, in any scheme; its whole query is not read for it."""
    raw = request.query.raw
    start = raw.find(_SIGNATURE) + len(_SIGNATURE)
    if start < len(_SIGNATURE):
        return None
    end = raw.find(b"&", start)
    signature = (raw[start:] if end < 0 else raw[start:end]).decode("latin-1")
    return decode_query(signature) if "%" in signature else signature


def _besides_host(claim: Claim) -> frozenset[str]:
    return frozenset(claim.additional_headers) - {"host"}


def _find_signed(headers: Mapping[str, str], listed: Collection[str]) -> str:
    """The headers that a link's claim or its text may depend on."""
    if listed or not isinstance(headers, Headers):
        return _write_signed(headers, listed)
    if headers.signed is None:
        headers.signed = _write_signed(headers, listed)
    return headers.signed


def _write_signed(headers: Mapping[str, str], listed: Collection[str]) -> str:
    host = headers.get("host", "")
    names = sorted([name for name in headers if name.startswith(_ALWAYS) or name in _NAMED or name in listed])
    rest = "".join([f"{len(name)} {len(headers[name])} {name}{headers[name]}" for name in names])
    return f"{len(host)} {host}{rest}"


def _weigh(target: Target, text: str, signature: str) -> int:
    return _ENTRY_BYTES + sys.getsizeof(target.key) + sys.getsizeof(text) + sys.getsizeof(signature)
