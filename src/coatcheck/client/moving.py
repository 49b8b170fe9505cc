"""One job of a copy, in whichever direction: a file to an object, an object to a file, an object to an object."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from msgspec import Struct, field

from coatcheck.core.digests import update_crc64

from .connection import Connection
from .download import CONNECTIONS, Destination, download, object_source
from .local_tree import Landing
from .naming import NAME_MAX_BYTES
from .objects import ObjectAddress, copy_object
from .transfer import CRC64_HEADER, Progress, check_crc64, read_crc64
from .upload import Parts, put_file

SMALL_BYTES: Final = 1024**2  # fetched by one request into memory
_LARGE_AT_ONCE: Final = 2  # each has several connections of its own


class Spot(Struct, frozen=True):
    """A file of a tree: where it is, is seen when it is written, and its folders are made then."""

    landing: Landing
    name: str

    def __str__(self) -> str:
        return os.fspath(self.landing.directory / self.name)


Place = Path | ObjectAddress | Spot


class Job(Struct, frozen=True):
    """What is copied where to; `size_bytes` as a listing or a directory says."""

    source: Path | ObjectAddress
    target: Place
    size_bytes: int


class Moved(Struct, frozen=True):
    """A job that is done. `crc64` is confirmed by the server; None where it doesn't say one."""

    size_bytes: int
    crc64: int | None = None
    resumed_bytes: int = 0


class Mover(Struct, frozen=True):
    """Does jobs; safe to use from several threads.

    Attributes:
        headers: that uploaded objects get.
        content_type: theirs, in place of the one that their names say.
        removes: a source is deleted once its copy is there.
    """

    connection: Connection
    parts: Parts
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    removes: bool = False
    _large: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_LARGE_AT_ONCE))

    def do(self, job: Job, progress: Progress) -> Moved:
        """Copy, and remove the source if that is wanted. Raises: ClientError; OSError."""
        with self._large if job.size_bytes > self.parts.above_bytes else nullcontext():
            moved = self._copy(job, progress)
        if self.removes:
            self._remove(job.source)
        return moved

    def _copy(self, job: Job, progress: Progress) -> Moved:
        match job.source, job.target:
            case Path() as file, ObjectAddress(bucket, key):
                done = put_file(
                    self.connection,
                    file,
                    bucket,
                    key,
                    progress=progress,
                    content_type=self.content_type,
                    headers=self.headers,
                    parts=self.parts,
                )
                return Moved(done.size_bytes, done.crc64, done.resumed_bytes)
            case ObjectAddress() as source, ObjectAddress() as target:
                copied = copy_object(self.connection, source, target, progress)
                return Moved(copied.size_bytes, copied.crc64)
            case ObjectAddress() as source, Spot(landing, name):
                if name.endswith("/"):
                    landing.make_folder(name)
                    return Moved(0)
                return self._fetch(source, landing.place(name), job.size_bytes, progress)
            case ObjectAddress() as source, Path() as file:
                return self._fetch(source, file, job.size_bytes, progress)
        raise AssertionError(f"nobody plans {job}")

    def _fetch(self, source: ObjectAddress, file: Path, size_bytes: int, progress: Progress) -> Moved:
        if size_bytes <= SMALL_BYTES:
            return self._fetch_small(source, file, progress)
        several = size_bytes > self.parts.above_bytes
        done = download(
            object_source(self.connection, source.bucket, source.key),
            Destination(file),
            progress,
            connections=CONNECTIONS if several else 1,
        )
        return Moved(done.size_bytes, done.crc64, done.resumed_bytes)

    def _fetch_small(self, source: ObjectAddress, file: Path, progress: Progress) -> Moved:
        """The whole at once; the file gets its name when all of it is there."""
        headers, body = self.connection.send("GET", source.bucket, source.key)
        crc64 = update_crc64(body)
        check_crc64(str(source), crc64, read_crc64(headers.get(CRC64_HEADER)))
        if file.is_dir():
            raise IsADirectoryError(21, os.strerror(21), os.fspath(file))
        stem = os.fsencode(file.name)[: NAME_MAX_BYTES - 20].decode(errors="ignore")
        fresh = file.with_name(f"{stem}.{secrets.token_hex(4)}.part")
        try:
            with fresh.open("xb", buffering=0) as out:
                out.write(body)
            os.replace(fresh, file)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        progress.begin(file.name, len(body))
        progress.advance(len(body))
        return Moved(len(body), crc64)

    def _remove(self, source: Path | ObjectAddress) -> None:
        if isinstance(source, Path):
            source.unlink()
        else:
            self.connection.send("DELETE", source.bucket, source.key)
