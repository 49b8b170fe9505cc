"""A blob in the making, see `files.py`: what blocks is done in threads."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from ..core.limits import DISK_RESERVE_BYTES
from ..linux import start_writeback
from ..ports.catalog import NoSpace, Unwritable
from .blob_paths import BlobPaths, has_room
from .trouble import tell_trouble

T = TypeVar("T")

_SEND_TO_DISK_BYTES: Final = 8 * 1024**2
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNWRITABLE: Final = (errno.EROFS, errno.EACCES, errno.EPERM)


async def in_thread(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    """What a call in a thread gives, or raises; a cancelled one goes on there."""
    return await asyncio.get_running_loop().run_in_executor(threads, call)


def _send_to_disk(file: int, first: int, last: int) -> None:
    """In a thread of its own turn: a disk that has much to do takes 10 to 30 ms to accept some MiB, and the next pieces
    needn't wait for that."""
    try:
        start_writeback(file, first, last)
    finally:
        os.close(file)


class FileBlobWriter:
    """One blob in the making.

    A cancelled call's thread goes on for a moment, so each step takes `_turn` and looks whether the file is still open.
    """

    def __init__(self, paths: BlobPaths, blob_id: str, threads: ThreadPoolExecutor) -> None:
        self.blob_id = blob_id
        self._paths = paths
        self._threads = threads
        self._turn = threading.Lock()
        self._fd: int | None = None
        self._written = 0
        self._sent_to_disk = 0
        self._sending: Future[None] | None = None
        self._over = False

    async def begin(self) -> None:
        try:
            await self._step(self._begin)
        except BaseException:
            with contextlib.suppress(OSError):  # what can't be made can't be removed either
                await self.discard()
            raise

    async def write(self, data: bytes | bytearray) -> None:
        await self._step(lambda: self._write(data))

    async def finish(self) -> None:
        await self._step(self._finish)

    async def keep(self) -> None:
        await in_thread(self._threads, lambda: self._paths.keep(self.blob_id))

    async def discard(self) -> None:
        await in_thread(self._threads, self._discard)

    async def _step(self, step: Callable[[], None]) -> None:
        await in_thread(self._threads, lambda: self._run(step))

    def _run(self, step: Callable[[], None]) -> None:
        with self._turn:
            if self._over:
                raise ValueError("This blob was finished or discarded.")
            try:
                step()
            except OSError as error:
                if error.errno in _NO_SPACE:
                    tell_trouble("uploads have no space left", error)
                    raise NoSpace(str(error)) from error
                if error.errno in _UNWRITABLE:
                    tell_trouble("uploads cannot be written", error)
                    raise Unwritable(str(error)) from error
                raise

    def _begin(self) -> None:
        self._fd = os.open(self._paths.incoming(self.blob_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def _write(self, data: bytes | bytearray) -> None:
        assert self._fd is not None
        if not has_room(self._fd):
            tell_trouble("uploads are refused", f"less than {DISK_RESERVE_BYTES} bytes are left on the disk")
            raise NoSpace(f"Less than {DISK_RESERVE_BYTES} bytes are left on the disk.")
        with memoryview(data) as view:
            done = 0
            while done < len(view):
                done += os.write(self._fd, view[done:])
        self._written += done
        is_free = self._sending is None or self._sending.done()
        if is_free and self._written - self._sent_to_disk >= _SEND_TO_DISK_BYTES:
            file, first, last = os.dup(self._fd), self._sent_to_disk, self._written
            self._sending = self._threads.submit(lambda: _send_to_disk(file, first, last))
            self._sent_to_disk = last

    def _finish(self) -> None:
        assert self._fd is not None
        os.fsync(self._fd)
        self._close()
        self._paths.make_final(self.blob_id)
        self._over = True

    def _discard(self) -> None:
        with self._turn:
            self._over = True
            self._close()
            self._paths.discard(self.blob_id)

    def _close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)
