"""Where blobs are moved from and to: files of a data directory, or an object store. Bytes are moved as they are kept,
so encrypted ones stay so, under the same key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from ...ports.byte_store import BlobGone
from ...ports.object import Segment
from ..blob_paths import BlobPaths, has_room, sync_directory
from ..object_store.place import BytePlace, make_client, path_of
from ..upkeep.copying import PART, DiskFull, make_folder

_PIECE_BYTES: Final = 1024**2


class BlobEnd(Protocol):
    """One end. Used on one event loop."""

    async def size(self, blob_id: str) -> int:
        """In bytes. Raises: BlobGone."""
        ...

    def read(self, blob_id: str, size: int) -> AsyncIterator[bytes]:
        """Raises: BlobGone, Damaged."""
        ...

    async def write(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        """Durably, over what may be there under that name. Raises: DiskFull, BytesAway; what `pieces` raises."""
        ...

    async def remove(self, blob_ids: Sequence[str]) -> None:
        """Fine for one that isn't there."""
        ...


class FileEnd:
    """See `BlobEnd`."""

    def __init__(self, data: Path) -> None:
        self._paths = BlobPaths(data)

    async def size(self, blob_id: str) -> int:
        try:
            return os.stat(self._paths.blob(blob_id)).st_size
        except FileNotFoundError:
            raise BlobGone(blob_id) from None

    async def read(self, blob_id: str, size: int) -> AsyncIterator[bytes]:
        try:
            file = open(self._paths.blob(blob_id), "rb")  # noqa: ASYNC230, SIM115  a local file, closed below
        except FileNotFoundError:
            raise BlobGone(blob_id) from None
        with file:
            while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                yield piece

    async def write(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        path = self._paths.blob(blob_id)
        unfinished = path + PART
        make_folder(Path(path).parent)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            async for piece in pieces:
                if not has_room(file.fileno()):
                    raise DiskFull(f"The disk of {path} is full.")
                await asyncio.to_thread(file.write, piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        os.rename(unfinished, path)
        for directory in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            await asyncio.to_thread(sync_directory, directory)

    async def remove(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            with suppress(FileNotFoundError):
                os.unlink(self._paths.blob(blob_id))


class ObjectEnd:
    """See `BlobEnd`."""

    def __init__(self, place: BytePlace) -> None:
        """Raises: BadPlace."""
        from ..object_store.line import Line
        from ..object_store.writing import Room

        self._line = Line(make_client(place))
        self._room = Room()

    async def size(self, blob_id: str) -> int:
        from ..object_store.reading import find_size

        return await find_size(self._line, blob_id)

    async def read(self, blob_id: str, size: int) -> AsyncIterator[bytes]:
        from ..object_store.reading import ObjectBlobReader

        reader = ObjectBlobReader(self._line, [Segment(blob_id, 0, size)], None)
        try:
            async for piece in reader.chunks(0, size):
                yield bytes(piece)
        finally:
            await reader.close()

    async def write(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        from ..object_store.writing import ObjectBlobWriter

        writer = ObjectBlobWriter(self._line, _NoIntents(), self._room, blob_id)
        await writer.begin()
        try:
            async for piece in pieces:
                await writer.write(piece)
            await writer.finish()
        except BaseException:
            await writer.discard()
            raise

    async def remove(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await self._line.ask(self._line.client.delete_async([path_of(blob_id) for blob_id in blob_ids]))


class _NoIntents:
    """The move's own list says what may be there. See `ports.blob_intents`."""

    async def intend(self, blob_id: str) -> None: ...

    async def abandon(self, blob_id: str) -> None: ...

    async def abandon_old(self, before: int, *, limit: int) -> int:
        return 0
