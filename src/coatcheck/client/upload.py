"""Uploads of files and streams, small memory whatever the size; what was stored is compared with what was read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES

from .connection import Connection
from .errors import ClientError
from .media_types import SAMPLE_BYTES, guess_type
from .multipart import PART_BYTES, Target, read_fully, upload_parts, upload_stream
from .transfer import CRC64_HEADER, PIECE_BYTES, Progress, check_crc64, read_crc64

MULTIPART_ABOVE_BYTES: Final = 64 * 1024**2
_STREAM_PART_BYTES: Final = 32 * 1024**2
_TOO_LARGE: Final = "One PutObject carries 5 GiB at most."


class Uploaded(Struct, frozen=True):
    """What is now stored. `etag` is without quotes, `crc64` of the bytes read here and confirmed by the server."""

    bucket: str
    key: str
    size_bytes: int
    content_type: str
    etag: str
    crc64: int
    resumed_bytes: int = 0


class Parts(Struct, frozen=True):
    """How large files go: in parts from a size on, with their journals in the directory `state`."""

    state: Path
    above_bytes: int = MULTIPART_ABOVE_BYTES
    part_bytes: int = PART_BYTES


def put_file(
    connection: Connection,
    file: Path,
    bucket: str,
    key: str,
    *,
    progress: Progress,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    parts: Parts | None = None,
) -> Uploaded:
    """Upload one file.

    Args:
        parts: None sends it by one request, whatever its size.
    Raises:
        OSError: the file can't be read.
        ClientError: not a regular file, larger than 5 GiB in one piece, changed meanwhile, refused; Damaged when
            checksums differ.
    """
    with file.open("rb", buffering=0) as source:
        facts = os.fstat(source.fileno())
        size_bytes = facts.st_size
        if not stat.S_ISREG(facts.st_mode):
            raise ClientError(
                "NotAFile", f"{file} is not a regular file.", hint="pipe it: ... | coatcheck put - oss://…"
            )
        if parts is None and size_bytes > PUT_OBJECT_MAX_BYTES:
            raise ClientError("EntityTooLarge", f"{file}: {_TOO_LARGE}", hint="split the file")
        sample = os.pread(source.fileno(), SAMPLE_BYTES, 0)
        kind = content_type or guess_type(file.name, sample, whole=len(sample) == size_bytes)
        sent = {**(headers or {}), "Content-Type": kind}
        if parts is None or size_bytes <= parts.above_bytes:
            progress.begin(file.name, size_bytes)
            if len(sample) == size_bytes:
                return _put_bytes(connection, sample, Target(bucket, key, sent), progress)
            return _put(connection, _Body(source, size_bytes, str(file), progress), Target(bucket, key, sent))
    done = upload_parts(
        connection, file, Target(bucket, key, sent), progress, state=parts.state, part_bytes=parts.part_bytes
    )
    return Uploaded(bucket, key, done.size_bytes, kind, done.etag, done.crc64, done.resumed_bytes)


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
    """Upload what a stream of unknown length gives; in parts, if it is longer than one. Raises as `put_file`."""
    progress.begin(key, None)
    first = read_fully(source, _STREAM_PART_BYTES)
    whole = len(first) < _STREAM_PART_BYTES
    kind = content_type or guess_type(key, first[:SAMPLE_BYTES], whole=len(first) <= SAMPLE_BYTES)
    target = Target(bucket, key, {**(headers or {}), "Content-Type": kind})
    if whole:
        return _put_bytes(connection, first, target, progress)
    done = upload_stream(connection, first, source, target, progress)
    return Uploaded(bucket, key, done.size_bytes, kind, done.etag, done.crc64)


def _put_bytes(connection: Connection, body: bytes, target: Target, progress: Progress) -> Uploaded:
    answer, _ = connection.send(
        "PUT", target.bucket, target.key, headers=target.headers, content=body, sent=progress.advance
    )
    return _check(target, answer, len(body), update_crc64(body))


def _put(connection: Connection, body: _Body, target: Target) -> Uploaded:
    headers = {**target.headers, "Content-Length": str(body.size_bytes)}
    answer, _ = connection.send("PUT", target.bucket, target.key, headers=headers, content=body)
    return _check(target, answer, body.sent_bytes, body.crc64)


def _check(target: Target, answer: Mapping[str, str], size_bytes: int, crc64: int) -> Uploaded:
    check_crc64(str(target), crc64, read_crc64(answer.get(CRC64_HEADER)))
    etag = answer.get("etag", "").strip('"')
    return Uploaded(target.bucket, target.key, size_bytes, target.headers["Content-Type"], etag, crc64)


class _Body:
    """The pieces of an upload in order, counted and summed as they go out."""

    def __init__(self, source: BinaryIO, size_bytes: int, name: str, progress: Progress) -> None:
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
            yield piece
            self._progress.advance(len(piece))
        if self.sent_bytes < self.size_bytes:
            raise ClientError("FileChanged", f"{self._name} became shorter while it was read.", hint="try again")

    def _next_piece(self) -> bytes:
        """Never more than was announced: a file that grows meanwhile is stored as long as it was."""
        return self._source.read(min(PIECE_BYTES, self.size_bytes - self.sent_bytes)) or b""
