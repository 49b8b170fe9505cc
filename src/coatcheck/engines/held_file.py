"""A whole object that is one file, believed and in memory: it is sent by the kernel, and nobody waits for anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from ..core.body import FileSlice, Later, Stream
from ..core.limits import SLICE_BYTES
from ..linux import CAN_SEND_FILES, is_cached
from ..ports.byte_store import BlobReader
from ..ports.damage import Damaged, Origin
from ..ports.object import Segment
from .checks import BlobChecks
from .open_blobs import OpenBlob, OpenBlobs


def hold(segments: Sequence[Segment], origin: Origin, shared: OpenBlobs, checks: BlobChecks) -> OpenBlob | None:
    """The open file that is all of it, to be given back to `shared`. None where there is more to it."""
    if len(segments) != 1 or not CAN_SEND_FILES:
        return None
    blob_id, start, stop = segments[0]
    if start or not 0 < stop <= SLICE_BYTES:
        return None
    try:
        file, status = shared.open(blob_id)
    except OSError:  # whoever opens it to read it says what that means
        return None
    try:
        is_believed = status.st_size == stop and checks.look(blob_id, status, origin) is None
    except Damaged:
        is_believed = False
    if is_believed and is_cached(file.fd, 0, stop):
        return file
    shared.close(file)
    return None


class HeldFile:
    """Such a file while it is sent.

    Args:
        make_reader: for who sends no file, or not at once.
    """

    __slots__ = ("_file", "_make_reader", "_reader", "_segment", "_shared")

    def __init__(
        self, file: OpenBlob, segment: Segment, shared: OpenBlobs, make_reader: Callable[[], BlobReader]
    ) -> None:
        self._file: OpenBlob | None = file
        self._segment = segment
        self._shared = shared
        self._make_reader = make_reader
        self._reader: BlobReader | None = None

    def stream(self) -> Stream:
        """The body of a reply."""
        assert self._file is not None
        size = self._segment.stop
        chunks, slices = Later(self._chunks, 0, size), Later(self._slices, 0, size)
        return Stream(chunks, size, self.close, slices, FileSlice(self._file.fd, 0, size), self.let_go)

    def let_go(self) -> bool:
        """Give the file back, unless a reader has to be closed, too."""
        if self._reader is not None:
            return False
        if self._file is not None:
            self._shared.close(self._file)
            self._file = None
        return True

    async def close(self) -> None:
        """May be called twice."""
        reader, self._reader = self._reader, None
        self.let_go()
        if reader is not None:
            await reader.close()

    def _chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        self._reader = self._make_reader()
        return self._reader.chunks(start, stop)

    def _slices(self, start: int, stop: int) -> AsyncIterator[FileSlice] | None:
        self._reader = self._make_reader()
        return self._reader.slices(start, stop)
