"""Bytes and rows, in the order that loses nothing; and what is done when a race was lost.

A blob is kept when a committed row names it, discarded when the catalog refused or its bytes didn't come, and what a
commit let go of is removed after it. This is the only file that keeps, discards, removes and repeats: operations say
what is to be committed.

An operation that lost a race runs again, on what is there now. The request itself never does: its body was read, its
signature verified, and what it stored so far stays stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from msgspec import Struct

from coatcheck.core.errors import FILE_IMMUTABLE, INTERNAL_ERROR, NO_SUCH_KEY, PRECONDITION_FAILED, OssError
from coatcheck.ports.arrivals import Changed
from coatcheck.ports.byte_store import BlobWriter, ByteStore, RemovalHeld
from coatcheck.ports.catalog import (
    AlreadyThere,
    Deleted,
    Gone,
    Immutable,
    NothingThere,
    NotWritten,
    Stale,
    Unknown,
    Unmet,
    Written,
)
from coatcheck.ports.damage import Damaged
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.quota import OverQuota

from .capacity import quota_exceeded
from .context import Ports

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger("coatcheck")

ATTEMPTS: Final = 5
WRITE_ATTEMPTS: Final = 8  # of appends and parts, which come in by many at once
_WAITED_FOR: Final = 4  # blobs, as those of simple objects
_removals: set[asyncio.Task[None]] = set()  # the event loop itself remembers tasks only weakly


class ReplacedMeanwhile(Exception):
    """An object was replaced or deleted between finding it and reading or naming its bytes."""


class Stored(Struct, frozen=True):
    """A version as it was committed, under the id that the catalog gave it."""

    record: ObjectRecord
    version_id: str


async def commit(
    ports: Ports,
    write: Awaitable[T],
    blob: BlobWriter | None = None,
    *,
    gone: OssError | None = None,
    exists: OssError | None = None,
) -> T:
    """Wait for a mutation that names the blob, if there is one, keep or discard that, and remove what it let go of.

    Only a known refusal discards the blob: after anything else (Unknown above all, or a cancelled wait) the commit may
    stand, so the blob is neither kept nor discarded, and recovery at the next start decides.

    Args:
        gone, exists: what the catalog's Gone and AlreadyThere are for the client.
    Raises: `gone`, `exists`, OssError FILE_IMMUTABLE, PRECONDITION_FAILED, NO_SUCH_KEY, QUOTA_EXCEEDED, Stale, and what
        else the mutation raises: Unknown among it.
    """
    try:
        result = await write
    except (AlreadyThere, Gone, Immutable, NotWritten, OssError, OverQuota, Stale, Unmet) as error:
        await discard(blob)
        if isinstance(error, OverQuota):
            raise quota_exceeded(error) from None
        if isinstance(error, Immutable):
            raise FILE_IMMUTABLE(Key=str(error)) from None
        if isinstance(error, Unmet):
            raise unmet(str(error), nothing_there=isinstance(error, NothingThere)) from None
        if isinstance(error, Gone) and gone is not None:
            raise gone from None
        if isinstance(error, AlreadyThere) and exists is not None:
            raise exists from None
        raise
    if blob is not None:
        await blob.keep()
    await _remove(ports, _released_by(result))
    return result


def unmet(key: str, *, nothing_there: bool) -> OssError:
    """The refusal of a write that means another object than there is, or one where there is none."""
    return NO_SUCH_KEY(Key=key) if nothing_there else PRECONDITION_FAILED(Condition="If-Match")


async def commit_what_came(blob: BlobWriter | None, storing: Awaitable[Stored]) -> Stored:
    """Wait for an operation that commits the bytes of a body by naming its blob, or by what it copied from that; the
    blob is then kept or discarded.

    Raises: what the operation raises; a known refusal discards the blob, as in `commit`, and so does damage, which is
        found before anything is committed.
    """
    try:
        stored = await storing
    except (Damaged, NotWritten, OssError):
        await discard(blob)
        raise
    if blob is not None and any(segment.blob_id == blob.blob_id for segment in stored.record.segments):
        await blob.keep()
    else:
        await discard(blob)
    return stored


@asynccontextmanager
async def new_blob(store: ByteStore, *, encryption: str) -> AsyncIterator[BlobWriter]:
    """A blob to be written within, for the caller to commit: finished at the end, discarded where that isn't reached.

    Raises: NoSpace.
    """
    blob = await store.new_blob(encryption=encryption)
    try:
        yield blob
        await blob.finish()
    except BaseException:
        await blob.discard()
        raise


async def discard(blob: BlobWriter | None) -> None:
    """Remove every trace of a blob that nothing will name, if there is one."""
    if blob is not None:
        await blob.discard()


async def repeated(
    first: T,
    attempt: Callable[[T], Awaitable[R]],
    again: Callable[[T], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    lost: str = "The object is being replaced faster than it can be read. Try again.",
) -> R:
    """The outcome of an attempt that lost no race.

    Args:
        first: what the first attempt works on.
        attempt: reads no body of the request's, and changes nothing where it raises ReplacedMeanwhile or Stale.
        again: what is there by then, and that it may be done to it.
        lost: what the client is told when every attempt lost.
    """
    given = first
    for _ in range(attempts):
        try:
            return await attempt(given)
        except (ReplacedMeanwhile, Stale):
            given = await again(given)
    raise INTERNAL_ERROR(lost)


async def removed() -> None:
    """Wait for the removals that are under way."""
    await asyncio.gather(*_removals)


def _released_by(result: object) -> Sequence[str]:
    """The blobs that no row names any more, by what a mutation of the catalog returned."""
    match result:
        case Written() | Deleted() | Changed():
            return result.released
        case tuple() | list():
            return [blob_id for part in result for blob_id in _released_by(part)]
        case str():
            return (result,)
    return ()


async def _remove(ports: Ports, blob_ids: Sequence[str]) -> None:
    """Remove the blobs, then forget them; where readers may still need them, leave that to the sweep. A crash in
    between is finished by recovery at the next start, and a removal that fails by the sweep: what let go of them is
    committed and told so.

    Each removal costs a sync of a directory, so nobody waits for those of an object that was made of many blobs.
    """
    if ports.byte_store.removal_grace_s > 0:
        return
    if len(blob_ids) <= _WAITED_FOR:
        if blob_ids:
            await _remove_if_possible(ports, blob_ids)
        return
    removal = asyncio.create_task(_remove_if_possible(ports, blob_ids))
    _removals.add(removal)
    removal.add_done_callback(_removals.discard)


async def _remove_if_possible(ports: Ports, blob_ids: Sequence[str]) -> None:
    """What cannot be removed now, because the server ends or the disk has a fault, is by a later sweep."""
    try:
        await ports.byte_store.remove(blob_ids)
        await ports.catalog.forget_blobs(blob_ids)
    except RemovalHeld:
        pass  # the sweep does it when the backup is done
    except (OSError, RuntimeError, NotWritten, Unknown) as error:
        log.warning("%d released blobs are left for the next sweep: %s", len(blob_ids), error)
