"""aws-chunked: a body within a body, whose pieces may be signed, with headers behind it.

    hex-size[;chunk-signature=64 hex digits]\\r\\n
    data\\r\\n
    ...
    0[;chunk-signature=...]\\r\\n
    [name:value\\r\\n ...]\\r\\n

It is chosen by x-amz-content-sha256, which is part of what was signed, and never by Content-Encoding. Data is handed on
while a chunk arrives, since it goes nowhere before the end was reached: a signature that differs ends the body in a
refusal. Source: S3 reference, section 4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from hashlib import sha256
from typing import Final, Protocol

from coatcheck.core.body import Body
from coatcheck.core.errors import INCOMPLETE_BODY, SIGNATURE_DOES_NOT_MATCH, OssError
from coatcheck.core.limits import S3_CHUNK_LINE_MAX_BYTES, S3_SIGNED_CHUNK_MAX_BYTES, S3_TRAILERS_MAX
from coatcheck.core.s3_errors import S3_BAD_TRAILER, S3_CHUNK_TOO_LARGE

_SIGNATURE: Final = b"chunk-signature="
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_SIZE_MAX_DIGITS: Final = 12


class ChunkChecks(Protocol):
    """What knows the signatures of one body."""

    def is_chunk(self, digest: str, signature: str) -> bool:
        """Whether that is the signature of the next chunk, of which `digest` is the SHA-256 in hex."""

    def is_trailer(self, text: str, signature: str) -> bool:
        """Whether that is the signature of the trailing headers, "name:value\\n" each."""


class AwsChunked:
    """The decoder: bytes in, data out. Holds one line at most.

    Attributes:
        trailers: by lower-case names; whole once the body has ended.
        size: bytes of data so far.
    """

    def __init__(self, checks: ChunkChecks | None, announced: frozenset[str]) -> None:
        """
        Args:
            checks: None for chunks that aren't signed.
            announced: the lower-case names of the trailing headers that must come, and no others.
        """
        self.trailers: dict[str, str] = {}
        self.size = 0
        self._checks = checks
        self._announced = announced
        self._line = bytearray()
        self._left = 0
        self._state = self._read_head
        self._signature = ""
        self._hash = sha256()
        self._last = False
        self._trailer_lines = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The data in these bytes. Raises: OssError INCOMPLETE_BODY, SIGNATURE_DOES_NOT_MATCH, S3_BAD_TRAILER,
        S3_CHUNK_TOO_LARGE."""
        view = memoryview(data)
        while view:
            if self._left:
                piece = view[: self._left]
                view = view[len(piece) :]
                self._left -= len(piece)
                self.size += len(piece)
                if self._checks is not None:
                    self._hash.update(piece)
                yield data if len(piece) == len(data) else bytes(piece)  # most are whole, and are not copied
                if not self._left:
                    self._state = self._read_end
                continue
            view = self._take_line(view)

    def end(self) -> None:
        """The bytes have ended. Raises: OssError INCOMPLETE_BODY, S3_BAD_TRAILER, SIGNATURE_DOES_NOT_MATCH."""
        if not self._last:
            raise INCOMPLETE_BODY("The body ends before its last chunk is whole.")
        if self._line:
            raise S3_BAD_TRAILER()
        signature = self.trailers.pop(_TRAILER_SIGNATURE, None)
        if self._announced != self.trailers.keys():
            raise S3_BAD_TRAILER()
        if self._checks is not None and self._announced:
            text = "".join([f"{name}:{value}\n" for name, value in self.trailers.items()])
            if not self._checks.is_trailer(text, signature or ""):
                raise SIGNATURE_DOES_NOT_MATCH("The signature of the trailing headers does not match.")
        elif signature is not None:
            raise S3_BAD_TRAILER()

    def _take_line(self, view: memoryview) -> memoryview:
        """Take up to the end of a line, and do what it says; what is left."""
        found = bytes(view[:S3_CHUNK_LINE_MAX_BYTES]).find(b"\n")
        taken = view[: found + 1] if found >= 0 else view
        self._line += taken
        if len(self._line) > S3_CHUNK_LINE_MAX_BYTES:
            raise self._bad_line()
        if found >= 0:
            line = bytes(self._line[:-1]).removesuffix(b"\r")
            strict = self._line.endswith(b"\r\n")
            self._line.clear()
            self._state(line, strict)
        return view[len(taken) :]

    def _bad_line(self) -> OssError:
        return S3_BAD_TRAILER() if self._last else INCOMPLETE_BODY("A line between chunks is not well-formed.")

    def _read_head(self, line: bytes, strict: bool) -> None:
        size, semicolon, extension = line.partition(b";")
        if not strict or not size or len(size) > _SIZE_MAX_DIGITS or not _HEX.issuperset(size):
            raise self._bad_line()
        self._left = int(size, 16)
        if self._checks is None:
            if semicolon:
                raise self._bad_line()
        else:
            if not extension.startswith(_SIGNATURE):
                raise INCOMPLETE_BODY("A chunk has no signature.")
            if self._left > S3_SIGNED_CHUNK_MAX_BYTES:
                raise S3_CHUNK_TOO_LARGE()
            self._signature = extension[len(_SIGNATURE) :].decode("latin-1")
            self._hash = sha256()
        if not self._left:
            self._check_chunk()
            self._last = True
            self._state = self._read_trailer

    def _read_end(self, line: bytes, strict: bool) -> None:
        if line or not strict:
            raise self._bad_line()
        self._check_chunk()
        self._state = self._read_head

    def _check_chunk(self) -> None:
        if self._checks is not None and not self._checks.is_chunk(self._hash.hexdigest(), self._signature):
            raise SIGNATURE_DOES_NOT_MATCH("The signature of a chunk does not match.")

    def _read_trailer(self, line: bytes, strict: bool) -> None:
        """Clients differ in where they put empty lines: they mean nothing, and are few."""
        self._trailer_lines += 1
        if self._trailer_lines > S3_TRAILERS_MAX:
            raise S3_BAD_TRAILER()
        if not line:
            return
        name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
        name = name.strip().lower()
        if not colon or name in self.trailers:
            raise S3_BAD_TRAILER()
        self.trailers[name] = value.strip()


async def decoded_chunks(
    body: Body, checks: ChunkChecks | None, announced: frozenset[str], length: int, trailers: dict[str, str]
) -> AsyncIterator[bytes]:
    """The data of an aws-chunked body.

    Args:
        length: of the data, as x-amz-decoded-content-length says.
        trailers: gets the trailing headers, before the end is told.
    Raises: OssError, from the iterator, as `AwsChunked` does; INCOMPLETE_BODY where the length differs; a body that
        fails, fails as it does.
    """
    decoder = AwsChunked(checks, announced)
    async for data in body.chunks():
        for piece in decoder.feed(data):
            if decoder.size > length:
                raise INCOMPLETE_BODY("The body is longer than x-amz-decoded-content-length says.")
            yield piece
    decoder.end()
    if decoder.size != length:
        raise INCOMPLETE_BODY("The body is shorter than x-amz-decoded-content-length says.")
    trailers.update(decoder.trailers)


def read_announced(headers: Mapping[str, str]) -> frozenset[str]:
    """The names in x-amz-trailer, in lower case."""
    names = (name.strip().lower() for name in headers.get("x-amz-trailer", "").split(","))
    return frozenset(name for name in names if name)
