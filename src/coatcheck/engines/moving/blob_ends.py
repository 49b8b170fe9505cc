"""Where blobs are moved from and to: files of a data directory, or an object store. Bytes are moved as they are kept,
so encrypted ones stay so, under the same key."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from ...ports.byte_store import BlobGone, BlobStore
from ...ports.object import Segment
from ..blob_paths import SHARDS, BlobPaths, has_room, sync_directory
from ..files import FileByteStore
from ..object_store.place import BytePlace, make_client, path_of
from ..object_store.store import ObjectByteStore
from ..upkeep.copying import PART, DiskFull, make_folder

_PIECE_BYTES: Final = 1024**2
_ID: Final = re.compile(r"[0-9a-f]{32}")


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

    def list(self) -> AsyncIterator[tuple[str, int]]:
        """Ids of all that are there, and their sizes. Raises: BytesAway."""
        ...

    def store(self) -> BlobStore:
        """The same, for who reads contents."""
        ...

    async def is_stray(self, blob_id: str) -> bool:
        """Whether it is there, and isn't on its way in."""
        ...


class FileEnd:
    """See `BlobEnd`."""

    def __init__(self, data: Path) -> None:
        self._data, self._paths = data, BlobPaths(data)

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

    async def list(self) -> AsyncIterator[tuple[str, int]]:
        for blob_id in self._paths.stored():
            if _ID.fullmatch(blob_id):
                with suppress(BlobGone):
                    yield blob_id, await self.size(blob_id)

    def store(self) -> BlobStore:
        return FileByteStore(self._data, lambda blob_id: None)

    async def is_stray(self, blob_id: str) -> bool:
        arriving, there = (_is_file(path) for path in (self._paths.incoming(blob_id), self._paths.blob(blob_id)))
        return there and not arriving

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

        self._place, self._line = place, Line(make_client(place))
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

    async def list(self) -> AsyncIterator[tuple[str, int]]:
        for shard in SHARDS:
            pages = self._line.client.list(prefix=shard)
            while page := await self._line.ask(_next(pages)):
                for entry in page:
                    blob_id = entry["path"].rpartition("/")[2]
                    if _ID.fullmatch(blob_id):
                        yield blob_id, entry["size"]

    def store(self) -> BlobStore:
        return ObjectByteStore(self._place, _NoIntents())

    async def is_stray(self, blob_id: str) -> bool:
        """What is on its way has a row before it is there."""
        try:
            await self.size(blob_id)
        except BlobGone:
            return False
        return True

    async def remove(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await self._line.ask(self._line.client.delete_async([path_of(blob_id) for blob_id in blob_ids]))


def _is_file(path: str) -> bool:
    return os.path.exists(path)


async def _next(pages: Any) -> Any:
    """A page of a list, of obstore's own kind; None at the end."""
    return await anext(pages, None)


class _NoIntents:
    """The move's own list says what may be there. See `ports.blob_intents`."""

    async def intend(self, blob_id: str) -> None: ...

    async def abandon(self, blob_id: str) -> None: ...

    async def abandon_old(self, before: int, *, limit: int) -> int:
        return 0
