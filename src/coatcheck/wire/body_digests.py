"""What a client said of its request's body in digests, each held against the bytes that arrive.

Content-MD5 and x-oss-hash-crc64ecma are for accidents. x-oss-content-sha256 is part of a V4 signature: with a digest in
it, the signer meant these bytes and no others. Source: OSS API reference, Content-MD5 and x-oss-hash-crc64ecma;
signing reference, 1.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, Protocol

from coatcheck.core.digests import EMPTY_CRC64, read_content_md5, update_crc64
from coatcheck.core.errors import INVALID_CRC64, INVALID_DIGEST
from coatcheck.core.names import is_sha256

from .request import Body, Request

CONTENT_SHA256: Final = "x-oss-content-sha256"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"


def compared_chunks(request: Request) -> AsyncIterator[bytes]:
    """The body's chunks, compared with every digest in the headers before the end is told.

    Raises: OssError INVALID_DIGEST, INVALID_CRC64, from the iterator; a body that fails, fails as it does.
    """
    checks = [make(request.headers[name]) for name, make in _CHECKS.items() if name in request.headers]
    return _compared(request.body, checks) if checks else request.body.chunks()


def meant_chunks(request: Request) -> AsyncIterator[bytes]:
    """As `compared_chunks`, for who computes MD5 and CRC anyway: compared with x-oss-content-sha256 alone."""
    sent = request.headers.get(CONTENT_SHA256)
    return request.body.chunks() if sent is None else _compared(request.body, [_Sha256(sent)])


class _Check(Protocol):
    def update(self, chunk: bytes) -> None: ...

    def end(self) -> None: ...


async def _compared(body: Body, checks: list[_Check]) -> AsyncIterator[bytes]:
    async for chunk in body.chunks():
        for check in checks:
            check.update(chunk)
        yield chunk
    for check in checks:
        check.end()


class _Md5:
    def __init__(self, sent: str) -> None:
        self._expected = read_content_md5(sent)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        self._md5.update(chunk)

    def end(self) -> None:
        if self._md5.digest() != self._expected:
            raise INVALID_DIGEST()


class _Crc64:
    def __init__(self, sent: str) -> None:
        self._expected = sent
        self._crc = EMPTY_CRC64

    def update(self, chunk: bytes) -> None:
        self._crc = update_crc64(chunk, self._crc)

    def end(self) -> None:
        if str(self._crc) != self._expected:
            raise INVALID_CRC64()


class _Sha256:
    def __init__(self, sent: str) -> None:
        self._expected = sent
        self._sha256 = hashlib.sha256()

    def update(self, chunk: bytes) -> None:
        self._sha256.update(chunk)

    def end(self) -> None:
        if self._expected == UNSIGNED_PAYLOAD:
            return
        if not is_sha256(self._expected) or self._sha256.hexdigest() != self._expected:
            raise INVALID_DIGEST(f"The body is not the one that {CONTENT_SHA256} names.")


_CHECKS: Final[Mapping[str, Callable[[str], _Check]]] = {
    "content-md5": _Md5,
    "x-oss-hash-crc64ecma": _Crc64,
    CONTENT_SHA256: _Sha256,
}
