"""The byte store: immutable blobs under random ids, never under a key.

Order of a write: `new_blob`, any number of `write`s, `finish` (now durable, still unnamed), then the catalog commits a
row that names it, then `keep`. A blob that isn't finished and kept is removed by `discard`, or by the engine's recovery
at the next start, unless a row names it. Order of a removal: the catalog commits, then `remove`, then the catalog's
`forget_blobs`.

A store on other machines recovers while it serves, since nobody knows when all have ended: what was neither kept nor
discarded is released by `release_unnamed`, and what was discarded is released too: both are there until the sweep.

Every method may also raise BytesAway (of `ports.catalog`), within seconds, where blobs are kept elsewhere.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from ..core.body import FileSlice, Stream
from ..core.byte_range import ByteRange
from ..core.customer_key import CustomerKey
from .damage import Origin
from .object import Segment


class BlobGone(Exception):
    """The blob does not exist (any more): the row that named it was read before it was replaced."""


class RemovalHeld(Exception):
    """Nothing may be removed now, since a backup is copying it. What was released stays so, for a later sweep."""


class BlobWriter(Protocol):
    """One blob in the making. Not shared between tasks."""

    blob_id: str

    async def write(self, data: bytes | bytearray) -> None:
        """Append `data`, unaltered by anybody meanwhile, and hand it to the operating system. Raises: NoSpace."""
        ...

    async def finish(self) -> None:
        """Make the bytes and the blob's name durable. Raises: NoSpace."""
        ...

    async def keep(self) -> None:
        """A committed row names the blob now. Cheap; a crash before it is mended by recovery."""
        ...

    async def discard(self) -> None:
        """Remove every trace, at any stage before `keep`, also of a call that was cancelled; or have the sweep do it,
        see the module. May be called twice."""
        ...


class BlobReader(Protocol):
    """Opened segments. Reading goes on correctly even if the blobs are removed meanwhile.

    An engine may bound how many blobs a reader holds open, and says so; then BlobGone can come out of `chunks` for an
    object of more. Ids aren't used twice.

    Nothing damaged is given out whole as if it were right. A blob's bytes are compared with what was written when a
    process opens it for the first time, and again a day later or when its file has changed; what comes after that is
    believed. The comparison may run beside the reading. Where a store elsewhere answers for its bytes, a whole object
    is compared each time that it is read, as it passes by, and a part of one is believed.
    """

    def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        """Bytes [start, stop) of the segments' joint content in pieces, read off the event loop. May be called once.

        If that is the whole object, its last piece is held back until the blobs are known to be right. A part of a
        large object doesn't wait for that. Raises: Damaged, BlobGone.
        """
        ...

    def slices(self, start: int, stop: int) -> AsyncIterator[FileSlice] | None:
        """The same bytes as slices of files, under the same promises; None where no file has them as they are. Only one
        of the two is read."""
        ...

    def at_hand(self, start: int, stop: int) -> FileSlice | None:
        """The same bytes as one slice, where that is what `slices` would give without waiting: they are believed, and
        in memory. The file stays open until the reader is closed."""
        ...

    async def verify(self) -> None:
        """Wait until what was opened is known to be what was written: before anything is made of it for good.

        Raises: Damaged.
        """
        ...

    def as_file(self) -> AbstractAsyncContextManager[int | None]:
        """Within the block, the descriptor of a file that is open for reading and has the content and nothing else, for
        other processes; None where there is no such file. They leave its position alone.

        What they made of it counts only when the block has been left: that waits as `verify` does, and looks whether
        the file has changed meanwhile. Raises, when it is left: Damaged.
        """
        ...

    async def close(self) -> None:
        """May be called twice."""
        ...


class BlobStore(Protocol):
    """Where blobs are kept. See the module for the order of calls."""

    @property
    def removal_grace_s(self) -> float:
        """How long after its release a blob may still be needed by readers that were opened before: longer than any
        download. 0 where a reader holds what it has opened, whatever is removed."""
        ...

    async def new_blob(self, *, encryption: str = "") -> BlobWriter:
        """
        Args:
            encryption: a label (`core.encryption_label`). The blob's id says whether it is encrypted (`is_encrypted`);
                encrypting is done by who wraps this store.
        Raises: NoSpace.
        """
        ...

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        """All that the segments name, where it is one slice of a file, as `BlobReader.at_hand` has it, and nothing has
        to be waited for before it is sent. None where it isn't so, for whatever reason: `open` tells."""
        ...

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> BlobReader:
        """Open what the segments name.

        Args:
            span: of their joint content, what will be read, where that is known. A store elsewhere begins with it, and
                finds only of its beginning whether it is there.
            origin: the object they are of. Without it damage has no name in the log, and blobs that were written
                before blobs had sums of their own are not compared with anything.
        Raises: BlobGone; Damaged, also for a blob that a row names and whose file isn't there.
        """
        ...

    async def remove(self, blob_ids: Sequence[str]) -> None:
        """Remove blobs, durably; fine if one is not there. Raises: RemovalHeld, and none was."""
        ...

    async def size(self, blob_id: str) -> int:
        """The bytes in a finished blob. Raises: BlobGone."""
        ...

    async def release_unnamed(self, now: float) -> int:
        """Release blobs that were begun long ago, and that no row names; how many. None where recovery sees to them.

        Raises: NotWritten, Unknown.
        """
        ...

    async def look(self) -> None:
        """Whether blobs can be read now. Raises: BytesAway."""
        ...


class ByteStore(BlobStore, Protocol):
    """A blob store that encrypts the blobs that are to be, and small bodies that live elsewhere.

    What a client keeps the key of (`core.customer_key`) is written and read by `with_keys` alone; here it is refused by
    `new_blob`, `open`, `encrypt` and `decrypt`. Raises: OssError S3_KEY_NEEDED.
    """

    def supports(self, encryption: str) -> bool:
        """Whether bytes can be kept as a label says: not every build of OpenSSL has every cipher, and a client's key
        has to be here."""
        ...

    def with_keys(self, keys: Sequence[CustomerKey]) -> ByteStore:
        """The same store, for a request that brought these keys along, and no others."""
        ...

    def encrypt(self, body: bytes, encryption: str) -> bytes:
        """A body as it may be kept where others could read it; `encryption` is a label."""
        ...

    def decrypt(self, sealed: bytes) -> bytes:
        """What was put into `encrypt`. Raises: Damaged, not reported yet."""
        ...


def make_blob_id(*, encrypted: bool) -> str:
    """A new random id; the last digit of an encrypted blob's is "f", and of no other's."""
    return secrets.token_hex(16)[:-1] + (_ENCRYPTED if encrypted else secrets.choice(_PLAIN))


def is_encrypted(blob_id: str) -> bool:
    return blob_id[-1] == _ENCRYPTED


def any_encrypted(segments: Iterable[Segment]) -> bool:
    """Whether one of thousands is."""
    return _ENCRYPTED in {segment.blob_id[-1] for segment in segments}


_ENCRYPTED: Final = "f"
_PLAIN: Final = "0123456789abcde"
