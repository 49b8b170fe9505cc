"""AWS signature version 4 as S3 reads it: canonical request -> string to sign -> signature.

    METHOD
    canonical URI           the path as sent, decoded once and encoded again: it has the bucket only in path style
    canonical query         every parameter but X-Amz-Signature, always name=value, sorted
    canonical headers       exactly those that the signer listed, runs of blanks folded to one
    signed headers          host;x-amz-content-sha256;x-amz-date
    payload                 the body's SHA-256, or a word that says how the body is signed

It differs from OSS's version 4 in what it leaves to the server: a header that the signer did not list is not covered,
so `find_unsigned` names those that must have been. Chunks of a body are signed one behind the other, from the signature
of the head on.

Source: S3 reference, sections 2, 3 and 4; the texts of botocore are in tests/signing/s3_vectors.json.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from coatcheck.core.limits import SIGNING_KEYS_CACHED
from coatcheck.core.percent import encode
from coatcheck.wire.query import Parameter

from .v4 import Scope, SigningKey, sign

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
SERVICE: Final = "s3"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
CONTENT_SHA256: Final = "x-amz-content-sha256"
SIGNATURE_PARAMETER: Final = "X-Amz-Signature"
EMPTY_SHA256: Final = sha256().hexdigest()

_CHUNK: Final = f"{ALGORITHM}-PAYLOAD"
_TRAILER: Final = f"{ALGORITHM}-TRAILER"


def write_scope(scope: Scope) -> str:
    return f"{scope.date}/{scope.region}/{scope.product}/{TERMINATOR}"


def canonical_uri(raw_path: bytes) -> str:
    """Of the path as it arrived: "//", "." and ".." stay, a "+" is a plus."""
    return quote_from_bytes(unquote_to_bytes(raw_path), safe="/")


def canonical_query(parameters: Iterable[Parameter]) -> str:
    """Every parameter but the signature, "name=" for one without a value, in order of encoded name and then value."""
    pairs = [(encode(name), encode(value)) for name, value, _ in parameters if name != SIGNATURE_PARAMETER]
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def canonical_headers(headers: Mapping[str, str], signed: Iterable[str]) -> str:
    """ "name:value\\n" for each header that the signer listed; one that isn't there adds no line."""
    return "".join([f"{name}:{' '.join(headers[name].split())}\n" for name in signed if name in headers])


def find_unsigned(headers: Mapping[str, str], signed: Iterable[str]) -> list[str]:
    """The names of headers that a request has and its signer did not list, and that would change what it does.

    x-amz-content-sha256 needs no place in the list: it is the last line of the canonical request.
    """
    listed = frozenset(signed)
    missing = [] if "host" in listed else ["host"]
    return missing + [
        name for name in headers if name.startswith("x-amz-") and name not in listed and name != CONTENT_SHA256
    ]


def canonical_request(
    method: str, uri: str, query: str, headers: str, signed_line: str, payload: str = UNSIGNED_PAYLOAD
) -> str:
    """The six parts, each made by the function of its name."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{signed_line}\n{payload}"


def string_to_sign(timestamp: str, scope: str, request_text: str) -> str:
    """
    Args:
        timestamp: YYYYMMDDTHHMMSSZ.
        scope: as `write_scope` writes it.
        request_text: the canonical request.
    """
    digest = sha256(request_text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"


@lru_cache(maxsize=SIGNING_KEYS_CACHED)
def signing_key(secret: str, scope: Scope) -> SigningKey:
    """The key that signs everything of one secret, day, region and service; derived once and remembered."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.product, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return SigningKey(key)


class ChunkSigner:
    """The signatures of the chunks of one body, each of which covers the one before it."""

    def __init__(self, secret: str, scope: Scope, timestamp: str, seed: str) -> None:
        """
        Args:
            seed: the signature of the request's head, which has been verified.
        """
        self._key = signing_key(secret, scope)
        self._head = f"{timestamp}\n{write_scope(scope)}"
        self._previous = seed

    def next_chunk(self, digest: str) -> str:
        """The signature of the next chunk, of which `digest` is the SHA-256 in hex."""
        self._previous = sign(self._key, f"{_CHUNK}\n{self._head}\n{self._previous}\n{EMPTY_SHA256}\n{digest}")
        return self._previous

    def trailer(self, text: str) -> str:
        """The signature of the trailing headers, "name:value\\n" each, behind the last chunk."""
        digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        return sign(self._key, f"{_TRAILER}\n{self._head}\n{self._previous}\n{digest}")
