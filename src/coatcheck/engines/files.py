"""The byte store on a directory: `blobs/ab/<id>` for what is named, `incoming/<id>` for what is in flight.

A blob is written and fsynced under `incoming/`; `finish` gives it its second, final name, and `keep` takes the first
away. So whatever a crash left unnamed has a name in `incoming/`, and recovery looks there alone: its cost follows what
was in flight, not what is stored. Directories are fsynced in the order that makes this true after a power cut too: the
first name is durable before the second is made. A directory of `blobs/` is made when its first blob comes.

A reader holds its files open, so that they stay readable when they are removed; of objects with more than
`OPEN_AT_ONCE` blobs only that many: the others are opened when they are reached, and if one was removed by then,
BlobGone comes out of `chunks`. When a blob's bytes are believed is in `checks`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ..core.body import FileSlice, Stream
from ..core.byte_range import ByteRange
from ..core.limits import (
    READ_LARGE_PIECE_BYTES,
    READ_PIECES,
    READ_WHOLE_BYTES,
    READ_WHOLE_LENT_BYTES,
    SLICE_BYTES,
)
from ..linux import CAN_SEND_FILES, READ_CACHED, is_cached
from ..ports.byte_store import BlobGone, make_blob_id
from ..ports.damage import Damaged, Origin
from ..ports.object import Segment
from .blob_paths import BlobPaths
from .blob_writer import FileBlobWriter, in_thread
from .checks import BlobChecks, Check, Doubt, FindBlob
from .held_file import HeldFile, hold
from .open_blobs import OpenBlob, OpenBlobs

OPEN_AT_ONCE: Final = 64  # blobs a reader opens up front
_THREADS: Final = 8  # for writing, and as many for reading: a slow fsync holds up no download


class FileByteStore:
    """See the module, and `ports.byte_store`."""

    removal_grace_s: Final = 0.0

    def __init__(self, root: Path, find_blob: FindBlob) -> None:
        self._paths = BlobPaths(root)
        self._checks = BlobChecks(self._paths.blob, find_blob)
        self._writing = ThreadPoolExecutor(_THREADS, "blob-writer")
        self._reading = ThreadPoolExecutor(_THREADS, "blob-reader")
        self._lent = Lent()
        self._open = OpenBlobs(self._paths.blob)

    async def new_blob(self, *, encryption: str = "") -> FileBlobWriter:
        writer = FileBlobWriter(self._paths, make_blob_id(encrypted=encryption != ""), self._writing)
        await writer.begin()
        return writer

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        file = hold(segments, origin, self._open, self._checks)
        if file is None:
            return None
        return HeldFile(file, segments[0], self._open, lambda: self._reader(segments, origin)).stream()

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> FileBlobReader:
        reader = self._reader(segments, origin)
        if reader.doubted:
            try:
                await reader.verify_small()
            except BaseException:
                await reader.close()
                raise
        return reader

    def _reader(self, segments: Sequence[Segment], origin: Origin | None) -> FileBlobReader:
        """Raises: BlobGone, Damaged."""
        reader = FileBlobReader(self._paths, segments, self._reading, self._lent, self._checks, origin, self._open)
        reader.open_first()
        return reader

    async def remove(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await in_thread(self._writing, lambda: self._paths.remove(blob_ids))
            self._open.forget(blob_ids)

    async def size(self, blob_id: str) -> int:
        try:  # on the event loop, as opening is: some microseconds
            return os.stat(self._paths.blob(blob_id)).st_size
        except FileNotFoundError:
            raise self._checks.lost(blob_id) from None

    async def release_unnamed(self, now: float) -> int:
        """They have names in `incoming/`, where recovery looks."""
        return 0

    async def look(self) -> None:
        """Files are here."""

    def close(self) -> None:
        """Wait for running calls and end the threads."""
        self._open.end()
        self._checks.close()
        self._writing.shutdown()
        self._reading.shutdown()


def _first_of(segments: Sequence[Segment]) -> Sequence[str]:
    """The blobs to open up front; nearly always there is one."""
    if len(segments) == 1:
        return (segments[0].blob_id,)
    return list(dict.fromkeys(segment.blob_id for segment in segments))[:OPEN_AT_ONCE]


def _slice_size(left: int) -> int:
    return min(left, SLICE_BYTES)


class Lent:
    """How many bytes the readers of a process have handed out whose takers haven't come back for more.

    Large pieces are fastest, but a taker that stops holds one, or some: the server underneath queues about half a dozen
    for each connection. So the size of the next piece follows what is lent out altogether.
    """

    def __init__(self) -> None:
        self.total = 0

    def next_piece(self, left: int) -> int:
        """How many of the `left` bytes to hand out next."""
        if left <= READ_WHOLE_BYTES and self.total < READ_WHOLE_LENT_BYTES:
            return min(left, READ_LARGE_PIECE_BYTES)
        return min(left, next(piece for below, piece in READ_PIECES if self.total < below))


class FileBlobReader:
    """Segments of blobs, opened.

    What the page cache holds is read at once, on the event loop: a change of threads costs more than the copy. Other
    reads run in threads, one piece at a time; `_turn` keeps `close` out of a read. Checks are begun on the event loop.

    Args:
        checks: of the blobs; None for files that aren't blobs.
        shared: what is open for all readers; None for files that aren't blobs.
    """

    def __init__(
        self,
        paths: BlobPaths,
        segments: Sequence[Segment],
        threads: ThreadPoolExecutor,
        lent: Lent,
        checks: BlobChecks | None = None,
        origin: Origin | None = None,
        shared: OpenBlobs | None = None,
    ) -> None:
        self._paths = paths
        self._segments = segments
        self._threads = threads
        self._lent = lent
        self._lent_here = 0  # the part of `lent` that is of this reader
        self._checks = checks
        self._origin = origin
        self._turn = threading.Lock()
        self._shared = shared
        self._held: list[OpenBlob] = []  # of the shared ones
        self._fds: dict[str, int] = {}
        self._unseen: list[str] = []  # blobs opened and not looked at yet
        self._doubts: list[Doubt] = []
        self._pending: deque[Check] = deque()
        self._checks_whole = False  # one check is of all blobs that have no sum
        self._closed = False

    def open_first(self) -> None:
        """Open up to OPEN_AT_ONCE blobs. On the event loop: a few microseconds each, less than a change of threads.

        Raises: BlobGone, Damaged.
        """
        try:
            for blob_id in _first_of(self._segments):
                if self._shared is None:
                    self._fd(blob_id)
                else:
                    self._share(blob_id, self._shared)
            self._look()
        except BlobGone as gone:
            self._close()
            raise self._lost(gone) from None
        except BaseException:
            self._close()
            raise

    def _share(self, blob_id: str, shared: OpenBlobs) -> None:
        try:
            file, status = shared.open(blob_id)
        except FileNotFoundError:
            raise BlobGone(blob_id) from None
        self._held.append(file)
        self._fds[blob_id] = file.fd
        if self._checks is not None and (doubt := self._checks.look(blob_id, status, self._origin)):
            self._doubts.append(doubt)

    @property
    def doubted(self) -> bool:
        return bool(self._doubts)

    async def verify_small(self) -> None:
        """Wait for the check of what is read in no time; larger ones run beside the reading. Raises: Damaged."""
        if self._checks is not None and len(self._doubts) == 1 and self._checks.is_small(self._doubts[0], self._origin):
            await self.verify()

    async def verify(self) -> None:
        try:
            self._begin_checks(needed=True)
            while self._pending:
                await self._pending.popleft().wait(self._origin)
        except BlobGone as gone:
            raise self._lost(gone) from None

    @contextlib.asynccontextmanager
    async def as_file(self) -> AsyncIterator[int | None]:
        file = self._only_file()
        if file is None:
            yield None
            return
        self._begin_checks(needed=True)
        yield file
        await self._verify_last(is_only=False)

    def _only_file(self) -> int | None:
        """The open file that has all of the content and nothing else."""
        if len(self._segments) != 1:
            return None
        blob_id, start, stop = self._segments[0]
        file = self._fds[blob_id]
        return file if (start, stop) == (0, os.fstat(file).st_size) else None

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        whole = self._is_whole(start, stop)
        for blob_id, offset, length, done in self._pieces(start, stop, self._lent.next_piece):
            piece = await self._read(blob_id, offset, length)
            if self._unseen or self._doubts or self._pending or (whole and done):
                await self._believe(done, stop - start if whole else 0, length)
            self._lend(length)
            try:
                yield piece
            finally:
                self._lend(-length)

    def slices(self, start: int, stop: int) -> AsyncIterator[FileSlice] | None:
        return self._slices(start, stop) if CAN_SEND_FILES else None

    def at_hand(self, start: int, stop: int) -> FileSlice | None:
        waits = self._unseen or self._doubts or self._pending
        if waits or not CAN_SEND_FILES or len(self._segments) != 1 or not 0 < stop - start <= SLICE_BYTES:
            return None
        blob_id, first, last = self._segments[0]
        fd = self._opened(blob_id)
        if fd is None or first + stop > last or not is_cached(fd, first + start, stop - start):
            return None
        return FileSlice(fd, first + start, stop - start)

    async def _slices(self, start: int, stop: int) -> AsyncIterator[FileSlice]:
        whole = self._is_whole(start, stop)
        for blob_id, offset, length, done in self._pieces(start, stop, _slice_size):
            fd = await self._warm(blob_id, offset, length)
            if self._unseen or self._doubts or self._pending or (whole and done):
                await self._believe(done, stop - start if whole else 0, length)
            yield FileSlice(fd, offset, length)

    def _pieces(self, start: int, stop: int, next_piece: Callable[[int], int]) -> Iterator[tuple[str, int, int, int]]:
        """Blob id, offset in it, length, and how many bytes came before it, of each piece."""
        at = 0  # where the segment begins within the joint content
        for blob_id, first, last in self._segments:
            begin, end = max(start - at, 0), min(stop - at, last - first)
            while begin < end:
                length = min(next_piece(stop - at - begin), end - begin)
                yield blob_id, first + begin, length, at + begin - start
                begin += length
            at += last - first
            if at >= stop:
                return

    def _lend(self, length: int) -> None:
        if not self._closed:
            self._lent_here += length
            self._lent.total += length

    async def close(self) -> None:
        self._lend(-self._lent_here)  # a generator nobody goes on with may live until garbage is collected
        if self._turn.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._turn.release()
        else:  # a cancelled read is still running
            await in_thread(self._threads, self._close_in_turn)

    # --- are they what was written? ---

    def _look(self) -> None:
        """Raises: Damaged."""
        if self._checks is None:
            self._unseen.clear()
        while self._unseen:
            blob_id = self._unseen.pop()
            if self._checks is not None and (
                doubt := self._checks.look(blob_id, os.fstat(self._fds[blob_id]), self._origin)
            ):
                self._doubts.append(doubt)

    def _begin_checks(self, *, needed: bool) -> None:
        """Raises: Damaged."""
        self._look()
        while self._doubts and self._checks is not None:
            doubt = self._doubts.pop()
            if not doubt.has_sum:
                if self._checks_whole:
                    continue
                self._checks_whole = True
            check = self._checks.begin(doubt, self._fds, self._origin, needed=needed)
            if check is not None:
                self._pending.append(check)

    async def _go_on_checking(self, *, needed: bool) -> None:
        """Begin what has to be; raise what has come out. With very many blobs, don't run ahead of their checks."""
        self._begin_checks(needed=needed)
        try:
            while self._pending and (self._pending[0].found.done() or len(self._pending) > OPEN_AT_ONCE):
                await self._pending.popleft().wait(self._origin)
        except BlobGone as gone:
            raise self._lost(gone) from None

    async def _believe(self, done: int, whole_bytes: int, length: int) -> None:
        """Before a piece goes out, behind `done` bytes; `whole_bytes` is 0 for a part of the content.

        Raises: Damaged.
        """
        if self._unseen or self._doubts or self._pending:
            await self._go_on_checking(needed=whole_bytes > 0)
        if done + length == whole_bytes and (self._pending or done):
            await self._verify_last(is_only=not done)

    async def _verify_last(self, *, is_only: bool) -> None:
        """Before the last piece of all goes out. What took longer than one piece is also looked at once more: its file
        may have changed meanwhile."""
        await self.verify()
        if not is_only:
            self._unseen.extend(self._fds)
            self._checks_whole = False
            await self.verify()

    def _is_whole(self, start: int, stop: int) -> bool:
        size = sum([stop - start for _, start, stop in self._segments])
        return start == 0 and stop >= size and (self._origin is None or size == self._origin.record.size)

    def _lost(self, gone: BlobGone) -> BlobGone | Damaged:
        """What it means that a blob isn't there."""
        lost = gone if self._checks is None else self._checks.lost(gone.args[0])
        return lost.reported(self._origin) if isinstance(lost, Damaged) else lost

    # --- reading ---

    def _opened(self, blob_id: str) -> int | None:
        """The blob's open file; None if a thread is opening others just now."""
        fd = self._fds.get(blob_id)
        if fd is None and self._turn.acquire(blocking=False):  # beyond those that were opened first
            try:
                fd = self._fd(blob_id)
            finally:
                self._turn.release()
        return fd

    def _read_cached(self, blob_id: str, offset: int, length: int) -> bytearray | None:
        """The piece if the page cache has all of it, else None."""
        fd = self._opened(blob_id)
        if fd is None or not READ_CACHED:
            return None
        piece = bytearray(length)
        try:
            done = os.preadv(fd, [piece], offset, READ_CACHED)
        except OSError:  # not in the cache, or a file system that can't say
            return None
        return piece if done == length else None

    async def _read(self, blob_id: str, offset: int, length: int) -> bytes | bytearray:
        try:
            cached = self._read_cached(blob_id, offset, length)
            if cached is not None:
                return cached
            return await in_thread(self._threads, lambda: self._read_in_turn(blob_id, offset, length))
        except (BlobGone, Damaged) as error:
            raise self._meant_by(error) from None

    async def _warm(self, blob_id: str, offset: int, length: int) -> int:
        """The blob's open file, once these bytes of it are in the page cache: the event loop waits for no disk."""
        try:
            fd = self._opened(blob_id)
            if fd is None or not is_cached(fd, offset, length):
                await in_thread(self._threads, lambda: self._read_in_turn(blob_id, offset, length))
                fd = self._fds[blob_id]
            return fd
        except (BlobGone, Damaged) as error:
            raise self._meant_by(error) from None

    def _meant_by(self, error: BlobGone | Damaged) -> BlobGone | Damaged:
        """What comes out of here; damage is in the log then."""
        return self._lost(error) if isinstance(error, BlobGone) else error.reported(self._origin)

    def _read_in_turn(self, blob_id: str, offset: int, length: int) -> bytes:
        with self._turn:
            fd = self._fd(blob_id)
            data = b""
            while len(data) < length:
                try:
                    more = os.pread(fd, length - len(data), offset + len(data))
                except OSError as error:
                    raise Damaged(f"its file can't be read: {error.strerror}", blob_id) from None
                if not more:
                    raise Damaged("its file is shorter than it should be", blob_id)
                data = data + more if data else more
            return data

    def _fd(self, blob_id: str) -> int:
        """The blob's open file; beyond OPEN_AT_ONCE, the one opened last makes room."""
        if self._closed:
            raise ValueError("This reader is closed.")
        fd = self._fds.get(blob_id)
        if fd is None:
            try:
                fd = os.open(self._paths.blob(blob_id), os.O_RDONLY)
            except FileNotFoundError:
                raise BlobGone(blob_id) from None
            if len(self._fds) > OPEN_AT_ONCE:
                os.close(self._fds.popitem()[1])
            self._fds[blob_id] = fd
            self._unseen.append(blob_id)
        return fd

    def _close_in_turn(self) -> None:
        with self._turn:
            self._close()

    def _close(self) -> None:
        self._closed = True
        while self._held and self._shared is not None:
            file = self._held.pop()
            del self._fds[file.blob_id]
            self._shared.close(file)
        while self._fds:
            os.close(self._fds.popitem()[1])
