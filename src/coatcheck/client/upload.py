"""PutObject in constant memory, whatever the size; what the server stored is compared with what was read."""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES

from .connection import Connection
from .errors import ClientError
from .transfer import CRC64_HEADER, PIECE_BYTES, Progress, check_crc64, read_crc64

_TOO_LARGE: Final = "One PutObject carries 5 GiB at most."
_COMPRESSED_TYPES: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What is now stored. `etag` is without quotes, `crc64` of the bytes read here and confirmed by the server."""

    bucket: str
    key: str
    size_bytes: int
    content_type: str
    etag: str
    crc64: int


def put_file(
    connection: Connection,
    file: Path,
    bucket: str,
    key: str,
    *,
    progress: Progress,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Uploaded:
    """Upload one file.

    Raises:
        OSError: the file can't be read.
        ClientError: not a regular file, larger than 5 GiB, changed meanwhile, refused; Damaged when checksums differ.
    """
    with file.open("rb", buffering=0) as source:
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ClientError(
                "NotAFile", f"{file} is not a regular file.", hint="pipe it: ... | coatcheck put - oss://…"
            )
        if facts.st_size > PUT_OBJECT_MAX_BYTES:
            raise ClientError("EntityTooLarge", f"{file}: {_TOO_LARGE}", hint="split the file")
        progress.begin(file.name, facts.st_size)
        body = _Body(source, facts.st_size, str(file), progress)
        return _put(connection, body, bucket, key, content_type or guess_type(file.name), headers)


def put_stream(
    connection: Connection,
    source: BinaryIO,
    bucket: str,
    key: str,
    *,
    progress: Progress,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Uploaded:
    """Upload what a stream of unknown length gives, chunked. Raises as `put_file`."""
    progress.begin(key, None)
    body = _Body(source, None, "standard input", progress)
    return _put(connection, body, bucket, key, content_type or guess_type(key), headers)


def guess_type(name: str) -> str:
    """A file name -> its media type; "a.tar.gz" is gzip, since that is what the bytes are."""
    kind, encoding = mimetypes.guess_type(name, strict=False)
    if encoding:
        return _COMPRESSED_TYPES.get(encoding, "application/octet-stream")
    return kind or "application/octet-stream"


def _put(
    connection: Connection,
    body: _Body,
    bucket: str,
    key: str,
    content_type: str,
    extra: Mapping[str, str] | None,
) -> Uploaded:
    headers = {**(extra or {}), "Content-Type": content_type}
    if body.size_bytes is not None:
        headers["Content-Length"] = str(body.size_bytes)
    answer, _ = connection.send("PUT", bucket, key, headers=headers, content=body)
    check_crc64(f"oss://{bucket}/{key}", body.crc64, read_crc64(answer.get(CRC64_HEADER)))
    return Uploaded(bucket, key, body.sent_bytes, content_type, answer.get("etag", "").strip('"'), body.crc64)


class _Body:
    """The pieces of an upload in order, counted and summed as they go out."""

    def __init__(self, source: BinaryIO, size_bytes: int | None, name: str, progress: Progress) -> None:
        self.size_bytes = size_bytes
        self.sent_bytes = 0
        self.crc64 = EMPTY_CRC64
        self._source = source
        self._name = name
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._next_piece():
            self.crc64 = update_crc64(piece, self.crc64)
            self.sent_bytes += len(piece)
            if self.sent_bytes > PUT_OBJECT_MAX_BYTES:
                raise ClientError("EntityTooLarge", f"{self._name}: {_TOO_LARGE}", hint="split it")
            yield piece
            self._progress.advance(len(piece))
        if self.size_bytes is not None and self.sent_bytes < self.size_bytes:
            raise ClientError("FileChanged", f"{self._name} became shorter while it was read.", hint="try again")

    def _next_piece(self) -> bytes:
        """Never more than was announced: a file that grows meanwhile is stored as long as it was."""
        left = PIECE_BYTES if self.size_bytes is None else min(PIECE_BYTES, self.size_bytes - self.sent_bytes)
        return self._source.read(left) or b""
