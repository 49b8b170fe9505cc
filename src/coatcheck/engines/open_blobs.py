"""Blobs that stay open for a moment, so that a blob that is read often is not opened and closed each time.

All readers of a blob share its descriptor; nobody uses its position. Whoever opens it again within `BLOB_OPEN_S`
seconds gets the same one, unless its file has no name any more: then it was removed, or another was put in its place.
So a removed blob gives its space back when its last reader ends, or some seconds later at most, whichever process
removed it; and where a file has a name elsewhere too, what was done to it by its name is seen as late as that.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from ..core.limits import BLOB_OPEN_S, BLOBS_OPEN_MAX

_SWEEP_S: Final = BLOB_OPEN_S / 2


class OpenBlob:
    """An open file; `readers` is how many hold it."""

    __slots__ = ("blob_id", "fd", "readers", "until")

    def __init__(self, blob_id: str, fd: int) -> None:
        self.blob_id = blob_id
        self.fd = fd
        self.readers = 0
        self.until = monotonic() + BLOB_OPEN_S


class OpenBlobs:
    """Those of one process.

    Args:
        path_of: blob id -> path.
    """

    def __init__(self, path_of: Callable[[str], str]) -> None:
        self._path_of = path_of
        self._turn = threading.Lock()  # readers may be closed in threads
        self._files: dict[str, OpenBlob] = {}  # the one that was opened first comes first
        self._timer: asyncio.TimerHandle | None = None

    def open(self, blob_id: str) -> tuple[OpenBlob, os.stat_result]:
        """The blob's file, to be given back to `close`, and its status now. On the event loop.

        Raises: FileNotFoundError, OSError.
        """
        with self._turn:
            file = self._files.get(blob_id)
            if file is not None:
                status = os.fstat(file.fd)
                if status.st_nlink and monotonic() < file.until:
                    file.readers += 1
                    return file, status
                self._drop(file)
            return self._open(blob_id)

    def _open(self, blob_id: str) -> tuple[OpenBlob, os.stat_result]:
        file = OpenBlob(blob_id, os.open(self._path_of(blob_id), os.O_RDONLY))
        file.readers = 1
        if len(self._files) >= BLOBS_OPEN_MAX:
            self._drop(next(iter(self._files.values())))
        self._files[blob_id] = file
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)
        return file, os.fstat(file.fd)

    def close(self, file: OpenBlob) -> None:
        """A reader has ended."""
        with self._turn:
            file.readers -= 1
            if not file.readers and self._files.get(file.blob_id) is not file:
                os.close(file.fd)

    def forget(self, blob_ids: Iterable[str]) -> None:
        """They are removed: what nobody reads is closed now, the rest with its last reader."""
        with self._turn:
            for blob_id in blob_ids:
                if (file := self._files.get(blob_id)) is not None:
                    self._drop(file)

    def end(self) -> None:
        """Close all that nobody reads."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.forget(list(self._files))

    def _sweep(self) -> None:
        now, self._timer = monotonic(), None
        with self._turn:
            for file in [file for file in self._files.values() if file.until <= now]:
                self._drop(file)
            if self._files:
                self._timer = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def _drop(self, file: OpenBlob) -> None:
        del self._files[file.blob_id]
        if not file.readers:
            os.close(file.fd)
