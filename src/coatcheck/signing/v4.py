"""OSS signature version 4: canonical request -> string to sign -> signature. One text for headers and for URLs.

A request is turned into six parts, each on a line of its own:

    METHOD                  GET
    canonical URI           /examplebucket/exampleobject.txt
    canonical query         x-oss-credential=...&x-oss-date=...&x-oss-expires=3600&x-oss-signature-version=...
    canonical headers       content-type:image/png        (each line ends itself, so an empty line follows)
    additional headers      host;range
    payload hash            UNSIGNED-PAYLOAD

The string to sign names the algorithm, the moment, the scope (date/region/product/aliyun_v4_request) and the SHA-256 of
that text; the signing key is derived from the secret and the scope, so it is good for one day, region and product.

The rules that carry the security:

1. The resource is signed, not the address. The URI is /bucket/key however the request was addressed; the key is decoded
   once and encoded again, since libraries differ in what they leave bare on the wire.
2. What arrived is what is signed: every query parameter but the signature, and every x-oss-*, content-type and
   content-md5 header that is there. The list of additional headers can only add to that.
3. A URL and an Authorization header differ in where the six values are found (`v4_scheme.py`), in nothing here.

Source: signing reference, sections 1 and 2; the texts of the official SDKs are in tests/signing/vectors.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from coatcheck.core.limits import SIGNING_KEYS_CACHED
from coatcheck.core.percent import encode, encode_path
from coatcheck.wire.query import Parameter
from coatcheck.wire.target import Target

ALGORITHM: Final = "OSS4-HMAC-SHA256"
TERMINATOR: Final = "aliyun_v4_request"
PRODUCT: Final = "oss"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
SIGNATURE_PARAMETER: Final = "x-oss-signature"

_ALWAYS_SIGNED: Final = frozenset({"content-type", "content-md5"})


class Scope(NamedTuple):
    """What a signing key is good for: a day (YYYYMMDD, UTC), a region and a product."""

    date: str
    region: str
    product: str = PRODUCT

    def __str__(self) -> str:
        return _scope_text(*self)


@lru_cache(maxsize=SIGNING_KEYS_CACHED)
def _scope_text(date: str, region: str, product: str) -> str:
    return f"{date}/{region}/{product}/{TERMINATOR}"


def canonical_uri(target: Target) -> str:
    """/bucket/key with "/" kept, /bucket/ at bucket level, / at service level."""
    if target.bucket is None:
        return "/"
    return f"/{target.bucket}/{encode_path(target.key)}" if target.key is not None else f"/{target.bucket}/"


def canonical_query(parameters: Iterable[Parameter], *, keep_bare_equals: bool = False) -> str:
    """Every parameter but the signature, encoded, in byte order of encoded name and then value.

    Args:
        keep_bare_equals: write "acl=" for a piece that was sent so (so ali-oss signs an empty string); else "acl".
    """
    signed = tuple([parameter for parameter in parameters if parameter[0] != SIGNATURE_PARAMETER])
    return _write_query(signed, keep_bare_equals)


# Links that were signed together have all but the signature in common. Few, since each may be as long as a request.
@lru_cache(maxsize=256)
def _write_query(signed: tuple[Parameter, ...], keep_bare_equals: bool) -> str:
    pieces = sorted(
        [
            _known_piece(name, value) if len(name) + len(value) <= _REMEMBERED_CHARS else _encode_piece(name, value)
            for name, value, _ in signed
        ]
    )
    if not keep_bare_equals:
        return "&".join([text for _, _, text in pieces])
    bare = {encode(name) for name, _, bare_equals in signed if bare_equals}
    return "&".join([f"{name}=" if not value and name in bare else text for name, value, text in pieces])


def _encode_piece(name: str, value: str) -> tuple[str, str, str]:
    """(encoded name, encoded value, what is written): the first two are what it is sorted by."""
    encoded_name, encoded_value = encode(name), encode(value)
    return encoded_name, encoded_value, f"{encoded_name}={encoded_value}" if encoded_value else encoded_name


# Long pieces are not remembered, so that what strangers send cannot fill the memory.
_REMEMBERED_CHARS: Final = 256
_known_piece = lru_cache(maxsize=2048)(_encode_piece)


def is_always_signed(name: str) -> bool:
    """Whether a header of that lower-case name is signed whenever it is there, without being listed."""
    return name.startswith("x-oss-") or name in _ALWAYS_SIGNED


def canonical_headers(headers: Mapping[str, str], additional_headers: Collection[str] = ()) -> str:
    """ "name:value\\n" for each signed header that is there, sorted by name.

    Args:
        headers: lower-case names, trimmed values.
        additional_headers: lower-case names that are signed by choice; one that isn't there adds no line.
    """
    names_sent = "\n".join(headers)
    if not additional_headers and "x-oss-" not in names_sent and "content-" not in names_sent:
        return ""  # most links; looked at in one go
    listed = frozenset(additional_headers)  # a stranger's list may be long
    names = sorted([name for name in headers if is_always_signed(name) or name in listed])
    return "".join([f"{name}:{headers[name]}\n" for name in names])


def canonical_request(
    method: str, uri: str, query: str, headers: str, additional_line: str, payload_line: str = UNSIGNED_PAYLOAD
) -> str:
    """The six parts, each made by the function of its name."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{additional_line}\n{payload_line}"


def string_to_sign(timestamp: str, scope: Scope | str, request_text: str) -> str:
    """
    Args:
        timestamp: YYYYMMDDTHHMMSSZ, exactly as the request has it.
        scope: or its text, from who has it at hand.
        request_text: the canonical request.
    """
    digest = sha256(_as_sent(request_text)).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"


def derive_key(secret: str, scope: Scope) -> bytes:
    """The 32 bytes that sign everything of one secret, day, region and product."""
    key = f"aliyun_v4{secret}".encode()
    for part in (scope.date, scope.region, scope.product, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return key


class SigningKey:
    """A derived key, made ready for HMAC (RFC 2104): the two hashes that have already taken in the padded key.

    An HMAC is then a copy of each and an update, which takes less than half the time of `hmac.digest`.
    """

    __slots__ = ("inner", "outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self.inner = sha256(block.translate(_INNER_PAD))
        self.outer = sha256(block.translate(_OUTER_PAD))


_INNER_PAD: Final = bytes([byte ^ 0x36 for byte in range(256)])
_OUTER_PAD: Final = bytes([byte ^ 0x5C for byte in range(256)])


@lru_cache(maxsize=SIGNING_KEYS_CACHED)
def signing_key(secret: str, scope: Scope) -> SigningKey:
    """The derived key of a scope, ready for use; derived once and remembered."""
    return SigningKey(derive_key(secret, scope))


def sign(key: SigningKey, text: str) -> str:
    """HMAC-SHA256, as 64 lower-case hex digits."""
    inner, outer = key.inner.copy(), key.outer.copy()
    inner.update(_as_sent(text))
    outer.update(inner.digest())
    return outer.hexdigest()


def _as_sent(text: str) -> bytes:
    """The bytes that text stands for; nearly all of it is ASCII, which has the shorter way."""
    return text.encode() if text.isascii() else text.encode("utf-8", "surrogateescape")
