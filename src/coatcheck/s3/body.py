"""A body that came in the S3 dialect, as an operation takes it in: decoded, and compared with all that was said of it.

Source: S3 reference, sections 2.1, 4 and 5.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Protocol

from coatcheck.core.digests import update_crc32, update_crc32c
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_DIGEST, MISSING_CONTENT_LENGTH
from coatcheck.core.names import is_sha256
from coatcheck.core.s3_errors import S3_BAD_CHECKSUM, S3_BAD_DIGEST, S3_NOT_BUILT, S3_SHA256_MISMATCH
from coatcheck.signing.s3_v4_scheme import STREAMING
from coatcheck.wire.aws_chunked import ChunkChecks, decoded_chunks, read_announced
from coatcheck.wire.request import Request

_CHECKSUM: Final = "x-amz-checksum-"
_NOT_A_SUM: Final = frozenset({"algorithm", "mode", "type"})


class Sum(Protocol):
    """A checksum that is being taken."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, take: Callable[[bytes, int], int], size: int) -> None:
        self._take = take
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._take(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _crc64nvme() -> Sum:
    """Raises: OssError S3_NOT_BUILT, where the library isn't installed."""
    try:
        from awscrt.checksums import crc64nvme
    except ImportError:
        raise S3_NOT_BUILT(
            "This server cannot compute CRC64NVME: install coatcheck[s3] there, or have the client use CRC32."
        ) from None
    return _Crc(crc64nvme, 8)


SUMS: Final[Mapping[str, tuple[int, Callable[[], Sum]]]] = {
    "crc32": (4, lambda: _Crc(update_crc32, 4)),
    "crc32c": (4, lambda: _Crc(update_crc32c, 4)),
    "crc64nvme": (8, _crc64nvme),
    "sha1": (20, lambda: hashlib.sha1(usedforsecurity=False)),
    "sha256": (32, hashlib.sha256),
}


class S3Body:
    """What `Request.body` becomes.

    Attributes:
        sums: the checksums that were sent and held, by name, in base64; whole once the body has ended.
    """

    def __init__(self, sent: Request, checks: ChunkChecks | None, payload: str) -> None:
        """
        Args:
            checks: of the signatures of chunks; None where they aren't signed.
            payload: the last line of the canonical request.
        Raises: OssError, for what is known without the bytes.
        """
        self.sums: dict[str, str] = {}
        self._body = sent.body
        self._checks = checks
        self._payload = payload
        self._announced = read_announced(sent.headers)
        self._length = _read_decoded_length(sent.headers) if payload in STREAMING else None
        self._sent = {
            name[len(_CHECKSUM) :]: value
            for name, value in sent.headers.items()
            if name.startswith(_CHECKSUM) and name[len(_CHECKSUM) :] not in _NOT_A_SUM
        }
        trailing = {name[len(_CHECKSUM) :] for name in self._announced if name.startswith(_CHECKSUM)}
        if len(self._sent) + len(trailing) > 1:
            raise S3_BAD_CHECKSUM("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        for name, value in self._sent.items():
            _check_form(name, value)
        for name in trailing:
            _need_known(name)
        self._computed = {name: SUMS[name][1]() for name in (*self._sent, *trailing)}
        self._md5 = _read_md5(sent.headers.get("content-md5"))

    @property
    def has_digest(self) -> bool:
        """Whether anything says what the bytes are, beside the signature."""
        return self._md5 is not None or bool(self._computed)

    @property
    def length(self) -> int | None:
        """Of the data, where the headers say that of chunks."""
        return self._length

    async def chunks(self) -> AsyncIterator[bytes]:
        """As `Body.chunks`. Raises: OssError, from the iterator: what differs, and in which way."""
        trailers: dict[str, str] = {}
        if self._length is None:
            arriving = self._body.chunks()
        else:
            arriving = decoded_chunks(self._body, self._checks, self._announced, self._length, trailers)
        sha256 = hashlib.sha256() if is_sha256(self._payload) else None
        md5 = None if self._md5 is None else hashlib.md5(usedforsecurity=False)
        taken: list[Any] = [each for each in (sha256, md5, *self._computed.values()) if each is not None]
        async for chunk in arriving:
            for each in taken:
                each.update(chunk)
            yield chunk
        if sha256 is not None and sha256.hexdigest() != self._payload:
            raise S3_SHA256_MISMATCH(
                ClientComputedContentSHA256=self._payload, S3ComputedContentSHA256=sha256.hexdigest()
            )
        if md5 is not None and md5.digest() != self._md5:
            raise S3_BAD_DIGEST("The Content-MD5 you specified did not match what we received.")
        self._compare({**self._sent, **_sums_in(trailers)})

    def _compare(self, sent: Mapping[str, str]) -> None:
        for name, value in sent.items():
            _check_form(name, value)
            ours = b64encode(self._computed[name].digest()).decode()
            if ours != value:
                raise S3_BAD_DIGEST(f"The {name.upper()} you specified did not match the calculated checksum.")
            self.sums[name] = ours


def _sums_in(trailers: Mapping[str, str]) -> dict[str, str]:
    return {name[len(_CHECKSUM) :]: value for name, value in trailers.items() if name.startswith(_CHECKSUM)}


def _need_known(name: str) -> None:
    if name not in SUMS:
        raise S3_BAD_CHECKSUM(f"The checksum algorithm {name[:32]} is not known here.")


def _check_form(name: str, value: str) -> None:
    """Raises: OssError S3_BAD_CHECKSUM."""
    _need_known(name)
    try:
        raw = b64decode(value, validate=True)
    except (BadBase64, ValueError):
        raw = b""
    if len(raw) != SUMS[name][0]:
        raise S3_BAD_CHECKSUM(f"Value for x-amz-checksum-{name} header is invalid.")


def _read_md5(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        raw = b64decode(text, validate=True)
    except (BadBase64, ValueError):
        raw = b""
    if len(raw) != 16:
        raise INVALID_DIGEST("The Content-MD5 you specified was invalid.")
    return raw


def _read_decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length")
    if text is None:
        raise MISSING_CONTENT_LENGTH()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT(ArgumentName="x-amz-decoded-content-length", ArgumentValue=text[:64])
    return int(text)


def with_s3_body(request: Request, checks: ChunkChecks | None, payload: str) -> tuple[Request, S3Body]:
    """The request with its body decoded, and with the headers of what is left to read. Raises: OssError."""
    body = S3Body(request, checks, payload)
    headers = {name: value for name, value in request.headers.items() if name != "content-md5"}
    if body.length is not None:
        headers.pop("transfer-encoding", None)
        headers["content-length"] = str(body.length)
    return request._replace(headers=headers, body=body), body
