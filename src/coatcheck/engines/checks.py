"""Is a blob what was written? Its CRC-64 is computed when a process first opens it, and then believed for a day.

Also computed anew when the file's inode, size or time is another one: blobs never change, so somebody did something to
it. A blob of this version has a sum of its own in the catalog. One of the first release has none: there all of the
object is computed, and compared with the object's CRC. Encrypted blobs aren't looked at here, since no piece of one is
given out that its tag doesn't fit (`encrypted`).

Files are read with `preadv`, not mapped: a map costs a third less, but a file that gets shorter under it ends the
process (SIGBUS), and that is one of the things to be found. Both the read and the CRC let other threads run.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Final, NamedTuple

from msgspec import Struct

from ..core.digests import EMPTY_CRC64, update_crc64
from ..core.limits import BLOB_BELIEVED_S, BLOB_CHECK_FIRST_MAX_BYTES, BLOB_CHECKS_WAITING_MAX, BLOBS_BELIEVED_MAX
from ..ports.byte_store import BlobGone, any_encrypted, is_encrypted
from ..ports.damage import Damaged, Origin
from ..ports.object import Segment

_PIECE_BYTES: Final = 256 * 1024
_THREADS: Final = 2  # for small blobs, whose readers wait, and as many for large ones

Stamp = tuple[int, int, int]  # of a file: inode, bytes, time of change in ns
Whole = tuple[int, tuple[Segment, ...]]  # CRC-64 and segments of an object


class BlobFacts(Struct, frozen=True):
    """What the catalog says of a blob. Both None: it was written by the first release, or is encrypted."""

    size: int | None
    crc64: int | None


FindBlob = Callable[[str], BlobFacts | None]  # None: no row names it


class _Known(Struct, frozen=True):
    """What a check has shown.

    `of` is the object whose CRC it was compared with, where that says nothing of the blob's other uses. `fault` is why
    it is damaged, "" for right.
    """

    stamp: Stamp
    until: float
    fault: str = ""
    of: Whole | None = None


class Doubt(NamedTuple):
    """An opened blob that nobody has looked at, or not lately."""

    blob_id: str
    stamp: Stamp
    facts: BlobFacts | None

    @property
    def has_sum(self) -> bool:
        return self.facts is not None and self.facts.crc64 is not None


class Check:
    """A check that is under way, maybe for several readers; `found` is the damage, or None."""

    def __init__(self, origin: Origin | None) -> None:
        self.origin = origin
        self.found: Future[Damaged | None] = Future()

    async def wait(self, origin: Origin | None) -> None:
        """Raises: Damaged, BlobGone."""
        damage = await asyncio.shield(asyncio.wrap_future(self.found))
        if damage is not None:
            raise damage if origin is self.origin else damage.again().reported(origin)


class BlobChecks:
    """The checks of one process, and what they have shown; all but the computing happens on the event loop.

    Args:
        path_of: blob id -> path.
        find_blob: asks the catalog. Called on the event loop.
    """

    def __init__(self, path_of: Callable[[str], str], find_blob: FindBlob) -> None:
        self._path_of = path_of
        self._find_blob = find_blob
        self._known: OrderedDict[str, _Known] = OrderedDict()  # the least recently used first
        self._running: dict[tuple[object, ...], Check] = {}
        self._small = ThreadPoolExecutor(_THREADS, "blob-check")
        self._large = ThreadPoolExecutor(_THREADS, "blob-check-large")
        self._closing = threading.Event()

    def close(self) -> None:
        """End the checks that are under way, unfinished, and the threads."""
        self._closing.set()
        for threads in (self._small, self._large):
            threads.shutdown()

    def lost(self, blob_id: str) -> Damaged | BlobGone:
        """What it means that a blob has no file. A row is written after its blobs and deleted before they are, so one
        that names a missing blob is damage."""
        return BlobGone(blob_id) if self._find_blob(blob_id) is None else Damaged("its file is missing", blob_id)

    def look(self, blob_id: str, status: os.stat_result, origin: Origin | None) -> Doubt | None:
        """None if the opened blob can be believed, whose file's status is this.

        Raises: Damaged, for what is known to be, or has not the size it should have.
        """
        stamp = stamp_of(status)
        if self._is_believed(blob_id, stamp, origin) or is_encrypted(blob_id):
            return None
        facts = self._find_blob(blob_id)
        if facts is not None and facts.size is not None and facts.size != stamp[1]:
            raise Damaged(f"its file has {stamp[1]} bytes, not {facts.size}", blob_id).reported(origin)
        return Doubt(blob_id, stamp, facts)

    def _is_believed(self, blob_id: str, stamp: Stamp, origin: Origin | None) -> bool:
        """Raises: Damaged, for what is known to be."""
        known = self._known.get(blob_id)
        if known is None or known.stamp != stamp or not (known.of is None or _is_of(known.of, origin)):
            return False
        if known.fault:
            raise Damaged(known.fault, blob_id).reported(origin)
        if monotonic() >= known.until:
            return False
        self._known.move_to_end(blob_id)
        return True

    def begin(self, doubt: Doubt, fds: Mapping[str, int], origin: Origin | None, *, needed: bool) -> Check | None:
        """The check that will tell; None if there is nothing to compare with, or another check has told meanwhile.

        Args:
            fds: the reader's open files, the doubted one among them.
            needed: somebody will wait for it. Otherwise it isn't begun when too many are under way already.
        Raises: Damaged, if another check has found that meanwhile.
        """
        blob_id, stamp, facts = doubt
        key: tuple[object, ...]
        if facts is not None and facts.crc64 is not None:
            expected = facts.crc64
            key, size, fds = (blob_id, stamp), stamp[1], {blob_id: fds[blob_id]}

            def run(held: Mapping[str, int]) -> Damaged | None:
                return self._check_blob(blob_id, stamp, held[blob_id], expected)

        elif origin is not None and not any_encrypted(origin.record.segments):
            whole = key = (origin.record.crc64, origin.record.segments)
            size = origin.record.size

            def run(held: Mapping[str, int]) -> Damaged | None:
                return self._check_whole(whole, held)

        else:
            return None
        check = self._running.get(key)
        if check is None:
            if self._is_believed(blob_id, stamp, origin):
                return None
            if not needed and len(self._running) >= BLOB_CHECKS_WAITING_MAX:
                return None
            check = self._running[key] = Check(origin)
            threads = self._small if size <= BLOB_CHECK_FIRST_MAX_BYTES else self._large
            threads.submit(self._run, key, check, run, {opened: os.dup(fd) for opened, fd in fds.items()})
        return check

    def is_small(self, doubt: Doubt, origin: Origin | None) -> bool:
        """Whether the check takes so little that its reader can wait for it before it begins."""
        size = doubt.stamp[1] if doubt.has_sum or origin is None else origin.record.size
        return size <= BLOB_CHECK_FIRST_MAX_BYTES

    # --- in threads ---

    def _run(
        self,
        key: tuple[object, ...],
        check: Check,
        run: Callable[[Mapping[str, int]], Damaged | None],
        held: dict[str, int],
    ) -> None:
        try:
            found = run(held)
            if found is not None:
                found.reported(check.origin)
            self._running.pop(key, None)
            check.found.set_result(found)
        except BaseException as error:
            self._running.pop(key, None)
            check.found.set_exception(error)
        finally:
            for fd in held.values():
                os.close(fd)

    def _check_blob(self, blob_id: str, stamp: Stamp, fd: int, expected: int) -> Damaged | None:
        try:
            crc64 = self._sum(fd, 0, stamp[1], EMPTY_CRC64)
        except _Unreadable as unreadable:
            return Damaged(unreadable.reason, blob_id)
        fault = "" if crc64 == expected else "its CRC-64 is another one"
        self._note({blob_id: _Known(stamp, monotonic() + BLOB_BELIEVED_S, fault)})
        return Damaged(fault, blob_id) if fault else None

    def _check_whole(self, whole: Whole, held: Mapping[str, int]) -> Damaged | None:
        """Of an object with blobs that have no sums. If it is right so is every blob of which it has all."""
        expected, segments = whole
        crc64, stamps = EMPTY_CRC64, dict[str, Stamp]()
        for blob_id, start, stop in segments:
            try:
                with self._opened(blob_id, held) as fd:
                    stamps[blob_id] = stamp_of(os.fstat(fd))
                    crc64 = self._sum(fd, start, stop, crc64)
            except _TooShort as short:
                self._note({blob_id: _Known(stamps[blob_id], 0, short.reason, whole)})
                return Damaged(short.reason, blob_id)
            except _Unreadable as unreadable:
                return Damaged(unreadable.reason, blob_id)
        if crc64 != expected:
            fault = (
                "its CRC-64 is another one"
                if len(stamps) == 1
                else f"the CRC-64 of its {len(stamps)} blobs is another one"
            )
            self._note({blob_id: _Known(stamp, 0, fault, whole) for blob_id, stamp in stamps.items()})
            return Damaged(fault, segments[0].blob_id if len(stamps) == 1 else "")
        until = monotonic() + BLOB_BELIEVED_S
        complete = {s.blob_id for s in segments if s.start == 0 and s.stop == stamps[s.blob_id][1]}
        self._note({b: _Known(stamp, until, of=None if b in complete else whole) for b, stamp in stamps.items()})
        return None

    @contextmanager
    def _opened(self, blob_id: str, held: Mapping[str, int]) -> Iterator[int]:
        """Raises: BlobGone."""
        if blob_id in held:
            yield held[blob_id]
            return
        try:
            fd = os.open(self._path_of(blob_id), os.O_RDONLY)
        except FileNotFoundError:
            raise BlobGone(blob_id) from None
        try:
            yield fd
        finally:
            os.close(fd)

    def _sum(self, fd: int, start: int, stop: int, crc64: int) -> int:
        """The CRC-64 so far, taken on over these bytes of the file. Raises: _Unreadable."""
        buffer = bytearray(min(_PIECE_BYTES, stop - start))
        while start < stop:
            if self._closing.is_set():
                raise RuntimeError("The server is ending.")
            try:
                count = os.preadv(fd, [buffer], start)
            except OSError as error:
                raise _Unreadable(f"its file can't be read: {error.strerror}") from None
            if not count:
                raise _TooShort(f"its file has {start} bytes, and should have {stop} at least")
            count = min(count, stop - start)
            crc64 = update_crc64(buffer if count == len(buffer) else buffer[:count], crc64)
            start += count
        return crc64

    def _note(self, found: Mapping[str, _Known]) -> None:
        for blob_id, known in found.items():
            self._known[blob_id] = known
        while len(self._known) > BLOBS_BELIEVED_MAX:
            self._known.popitem(last=False)


class _Unreadable(Exception):
    """Maybe the disk can read it the next time."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _TooShort(_Unreadable):
    """It can't."""


def stamp_of(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_of(whole: Whole, origin: Origin | None) -> bool:
    return origin is not None and whole == (origin.record.crc64, origin.record.segments)
