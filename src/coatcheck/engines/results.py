"""Rendered pictures, remembered on disk: `DATA/results/ab/<name>`, the least recently used go first.

A name is a digest of everything that went into a result, object and version included, so a result is never stale: when
an object is replaced or deleted its results simply aren't asked for any more, and go a day later, as all do that nobody
asked for so long (`forget_unused`). Files are written aside and renamed.
They aren't fsynced: after a restart of the machine (`results/boot` says which start they are from) all are dropped. One
that isn't what was written goes too and is made anew: its CRC-64 is compared when a process first uses it, and daily.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ..clock import Clock
from ..core.digests import update_crc64
from ..core.limits import BLOB_BELIEVED_S, INLINE_MAX_BYTES, RESULT_UNUSED_MAX_S
from ..linux import boot_id
from ..ports.byte_store import BlobGone
from ..ports.object import Segment
from ..ports.renderer import Job, Rendered, Renderer
from .blob_paths import BlobPaths
from .files import FileBlobReader, Lent

_VERSION: Final = "3"  # of what makes the pixels; another one leaves the old results to be forgotten
_TYPE_BYTES: Final = 64  # the Content-Type, padded with blanks,
_HEAD_BYTES: Final = _TYPE_BYTES + 16  # and the CRC-64 of both in hex, before the content
_BELIEVED_MAX: Final = 16_384  # results whose CRC was compared, that a process remembers
_SHARDS: Final = tuple(f"{number:02x}" for number in range(256))
_TOUCH_AFTER_S: Final = 60.0
_KEPT_SHARE: Final = 0.75  # of the limit is left when results were dropped


log: Final = logging.getLogger("coatcheck")


def prepare_results(directory: Path) -> None:
    """Make the directory ready for a server: results of another start of the machine go."""
    boot = boot_id()
    if not boot or not (directory / "boot").exists() or (directory / "boot").read_text() != boot:
        import shutil

        shutil.rmtree(directory, ignore_errors=True)
    for folder in (directory, directory / "new"):
        folder.mkdir(mode=0o700, exist_ok=True)
    for leftover in (directory / "new").iterdir():
        leftover.unlink(missing_ok=True)
    with open(directory / "boot", "w", encoding="ascii", opener=_private) as file:
        file.write(boot)


class RememberingRenderer:
    """A renderer that asks another one only for what it doesn't remember, and never twice at once for the same.

    Args:
        most_bytes: of all results together, those of the other server processes included.
        sharers: server processes that share the directory.
        look: the settings that decide how results look, as text; with others they have other names.
        clock: wall time, of when results were used.
    """

    def __init__(
        self, renderer: Renderer, directory: Path, *, most_bytes: int, sharers: int, clock: Clock, look: str = ""
    ) -> None:
        self._renderer = renderer
        self._look = look
        self._results = _Results(directory, most_bytes, sharers, clock)
        self._running: dict[str, asyncio.Task[Rendered]] = {}

    async def render(self, job: Job) -> Rendered:
        name = name_result(job, self._look)
        found = await self._results.find(name)
        if found is not None:
            return found
        running = self._running.get(name)
        if running is None:
            running = asyncio.create_task(self._make(name, job))
            self._running[name] = running
            running.add_done_callback(lambda _: self._running.pop(name, None))
        made = await asyncio.shield(running)
        if isinstance(made.body, bytes) and made.size > INLINE_MAX_BYTES:
            return await self._results.find(name) or made
        return made

    async def _make(self, name: str, job: Job) -> Rendered:
        made = await self._renderer.render(job)
        assert isinstance(made.body, bytes)  # only ours are readers
        if all(picture.remember for picture in (job.source, *job.marks.values())):
            await self._results.keep(name, made.content_type, made.body)
        return made

    async def forget_unused(self) -> None:
        """Remove the results that nobody asked for lately. Called now and then."""
        await self._results.forget_unused()

    def close(self) -> None:
        self._results.close()


def name_result(job: Job, look: str = "") -> str:
    """The same for jobs that ask the same of the same pictures, however they say it, of servers of the same look."""
    from ..images.text import read_plan, write_plan  # with the first picture

    parts = [_VERSION, look, write_plan(read_plan(job.process)), job.source.identity]
    for key in sorted(job.marks):
        parts += [key, job.marks[key].identity]
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(framed.encode("utf-8", "surrogateescape")).hexdigest()


class _Paths(BlobPaths):
    """Where results lie, for `FileBlobReader`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._directory = str(directory)

    def blob(self, blob_id: str) -> str:
        return f"{self._directory}/{blob_id[:2]}/{blob_id}"


class _Results:
    def __init__(self, directory: Path, most_bytes: int, sharers: int, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._paths = _Paths(directory)
        self._most_bytes = most_bytes
        self._allowance = int(most_bytes * (1 - _KEPT_SHARE) / max(1, sharers))
        self._added = self._allowance  # look at what is there before adding
        self._threads = ThreadPoolExecutor(2, "coatcheck-results")
        self._lent = Lent()
        self._believed: dict[str, tuple[int, float]] = {}  # of a name: inode, and until when

    async def find(self, name: str) -> Rendered | None:
        """On the event loop, as long as opening a stored object takes; the CRC of a large one beside it."""
        try:
            fd = os.open(self._paths.blob(name), os.O_RDONLY)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            size = status.st_size - _HEAD_BYTES
            if abs(self._clock() - status.st_mtime) > _TOUCH_AFTER_S:
                os.utime(fd)
            inline = size <= INLINE_MAX_BYTES
            data = os.pread(fd, status.st_size if inline else _HEAD_BYTES, 0)
        except OSError:
            return None
        finally:
            os.close(fd)
        if size < 0 or len(data) < _HEAD_BYTES:
            return None
        content_type, crc64 = data[:_TYPE_BYTES].rstrip().decode("ascii", "replace"), data[_TYPE_BYTES:_HEAD_BYTES]
        if inline:
            return Rendered(content_type, size, data[_HEAD_BYTES:]) if self._fits(name, data, crc64) else None
        if not self._is_believed(name, status.st_ino):
            loop = asyncio.get_running_loop()
            if not await loop.run_in_executor(self._threads, self._file_fits, name, crc64):
                return None
            self._believe(name, status.st_ino)
        reader = FileBlobReader(
            self._paths, [Segment(name, _HEAD_BYTES, _HEAD_BYTES + size)], self._threads, self._lent
        )
        try:
            reader.open_first()
        except BlobGone:
            return None
        return Rendered(content_type, size, reader)

    def _is_believed(self, name: str, inode: int) -> bool:
        known, until = self._believed.get(name, (0, 0.0))
        return known == inode and time.monotonic() < until

    def _believe(self, name: str, inode: int) -> None:
        self._believed[name] = inode, time.monotonic() + BLOB_BELIEVED_S
        while len(self._believed) > _BELIEVED_MAX:
            del self._believed[next(iter(self._believed))]

    def _file_fits(self, name: str, crc64: bytes) -> bool:
        try:
            return self._fits(name, Path(self._paths.blob(name)).read_bytes(), crc64)
        except OSError:
            return False

    def _fits(self, name: str, data: bytes, crc64: bytes) -> bool:
        """Whether a result is what was written; if not, it goes."""
        fits = _write_crc64(data[:_TYPE_BYTES], data[_HEAD_BYTES:]) == crc64
        if not fits:
            log.error("damaged result=%s: its CRC-64 is another one; it is made anew", name)
            _unlink(self._paths.blob(name))
        return fits

    async def keep(self, name: str, content_type: str, body: bytes) -> None:
        """Remember a result; without a complaint if it can't be."""
        size = len(body) + _HEAD_BYTES
        if size > self._allowance:
            return
        await asyncio.get_running_loop().run_in_executor(self._threads, self._keep, name, content_type, body)

    def _keep(self, name: str, content_type: str, body: bytes) -> None:
        fresh = str(self._directory / "new" / secrets.token_hex(16))
        try:
            self._added += len(body) + _HEAD_BYTES
            if self._added > self._allowance:
                self._added = len(body) + _HEAD_BYTES
                self._drop()
            with open(fresh, "xb", opener=_private) as file:
                head = content_type.encode("ascii").ljust(_TYPE_BYTES)
                file.write(head + _write_crc64(head, body))
                file.write(body)
            os.makedirs(self._directory / name[:2], mode=0o700, exist_ok=True)
            os.rename(fresh, self._paths.blob(name))
        except OSError:
            _unlink(fresh)

    def _drop(self) -> None:
        """Remove the results that were used longest ago, until there is room for what all sharers may add."""
        found = sorted(self._look(), reverse=True)
        left = int(self._most_bytes * _KEPT_SHARE)
        for _, size, path in found:
            left -= size
            if left < 0:
                _unlink(path)

    async def forget_unused(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._forget_unused)

    def _forget_unused(self) -> None:
        oldest = self._clock() - RESULT_UNUSED_MAX_S
        for used_at, _, path in self._look():
            if used_at < oldest:
                _unlink(path)

    def _look(self) -> Iterable[tuple[float, int, str]]:
        """When each result was used last, its size and its path. A use in the future is that of a clock that has gone
        back: whatever was used since has been touched, the others count as the oldest."""
        latest = self._clock() + _TOUCH_AFTER_S
        for shard in _SHARDS:
            if not (self._directory / shard).is_dir():
                continue
            with os.scandir(self._directory / shard) as entries:
                for entry in entries:
                    try:
                        status = entry.stat()
                    except FileNotFoundError:  # another process was faster
                        continue
                    used_at = status.st_mtime if status.st_mtime <= latest else 0.0
                    yield used_at, status.st_size, entry.path

    def close(self) -> None:
        self._threads.shutdown()


def _write_crc64(head: bytes, content: bytes) -> bytes:
    return b"%016x" % update_crc64(content, update_crc64(head))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
