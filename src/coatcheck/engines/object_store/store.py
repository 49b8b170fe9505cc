"""The byte store on an object store: `PREFIX/ab/<id>`, one object a blob.

The catalog has a row of every blob that is on its way (`ports.blob_intents`), so whatever happens to a process, nothing
is in the store that no row knows. Blobs are removed by the sweep alone, long after they were released.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ...core.body import Stream
from ...core.byte_range import ByteRange
from ...core.limits import BYTES_GRACE_S
from ...ports.blob_intents import BlobIntents
from ...ports.byte_store import make_blob_id
from ...ports.catalog import BytesAway
from ...ports.damage import Origin
from ...ports.object import Segment
from .place import BytePlace, make_client, path_of

if TYPE_CHECKING:
    from .line import Line
    from .reading import ObjectBlobReader
    from .writing import ObjectBlobWriter, Room

_ABANDONED_AT_ONCE: Final = 256


class ObjectByteStore:
    """See the module, and `ports.byte_store`. The client is made when it is first needed, and not before a fork."""

    removal_grace_s: Final = BYTES_GRACE_S

    def __init__(self, place: BytePlace, intents: BlobIntents) -> None:
        self._place = place
        self._intents = intents
        self._line: Line | None = None
        self._room: Room | None = None

    async def new_blob(self, *, encryption: str = "") -> ObjectBlobWriter:
        from .writing import ObjectBlobWriter, Room

        if self._room is None:
            self._room = Room()
        blob_id = make_blob_id(encrypted=encryption != "")
        writer = ObjectBlobWriter(self._the_line(), self._intents, self._room, blob_id)
        await writer.begin()
        return writer

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        return None

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> ObjectBlobReader:
        from .reading import ObjectBlobReader

        reader = ObjectBlobReader(self._the_line(), segments, origin)
        try:
            await reader.begin(span)
        except BaseException:
            await reader.close()
            raise
        return reader

    async def remove(self, blob_ids: Sequence[str]) -> None:
        paths, line = [path_of(blob_id) for blob_id in blob_ids], self._the_line()
        try:
            await line.ask(line.client.delete_async(paths))
        except FileNotFoundError:  # S3 doesn't mind; a local directory does
            for path in paths:
                with suppress(FileNotFoundError):
                    await line.ask(line.client.delete_async(path))

    async def size(self, blob_id: str) -> int:
        from .reading import find_size

        return await find_size(self._the_line(), blob_id)

    async def release_unnamed(self, now: float) -> int:
        """A blob's intent is made young while its bytes come in, so one that is old has nobody."""
        before, released = int(now - 2 * BYTES_GRACE_S), 0
        while more := await self._intents.abandon_old(before, limit=_ABANDONED_AT_ONCE):
            released += more
        return released

    async def look(self) -> None:
        if not await self._the_line().answers():
            raise BytesAway("The byte store does not answer.")

    def _the_line(self) -> Line:
        if self._line is None:
            from .line import Line

            self._line = Line(make_client(self._place))
        return self._line
