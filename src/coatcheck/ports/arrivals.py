"""Files that come in by upload boxes: on their way, or waiting to be accepted. None of them is an object yet, and no
operation of OSS sees one.

A box's counts cover everything that it ever took, also what was accepted or refused since, and what is kept free for
files on their way; they change in the same transaction as the rows, so no race passes a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from .catalog import Unwritable, Written
from .object import ObjectRecord, Segment


class Arrival(Struct, frozen=True):
    """One file. Its bytes are durable before a row names them.

    Attributes:
        id: 32 hex digits, the first 8 of them the time it began, so that ids are in order; who has it may go on with
            an upload.
        link_id: of the box.
        bucket_id, key: where its object will be.
        file_name: as its sender calls it, made harmless.
        content_type: that its object will have.
        size: bytes; of one that is on its way, what is kept free for it.
        started_at, ends_at: Unix seconds; at its end it is removed.
        sender: the address that it came from.
        is_whole: all of it is here, and it waits to be accepted.
        segments: what is here of it.
        etags: the MD5 of each piece, upper-case hex.
        crc64: of what is here.
        encryption: how its bytes are kept; as in `ObjectRecord`.
    """

    id: str
    link_id: str
    bucket_id: int
    key: str
    file_name: str
    content_type: str
    size: int
    started_at: int
    ends_at: int
    sender: str = ""
    is_whole: bool = False
    segments: tuple[Segment, ...] = ()
    etags: tuple[str, ...] = ()
    crc64: int = 0
    encryption: str = ""

    @property
    def received(self) -> int:
        """Bytes that are here."""
        return sum(stop - start for _, start, stop in self.segments)


class Taken(NamedTuple):
    """What a box has taken, or keeps free for what is on its way.

    Attributes:
        under_way: files on their way; they count as files too.
    """

    files: int = 0
    size_bytes: int = 0
    under_way: int = 0


ArrivalChange = Callable[[Arrival | None, Taken], tuple[Arrival | None, Taken]]


class Changed(Struct, frozen=True):
    """What a change left.

    Attributes:
        released: blobs that no row names any more.
    """

    arrival: Arrival | None
    released: tuple[str, ...] = ()


class Arrivals(Protocol):
    """Changes are seen by the next question of any process; none is lost once its method has returned."""

    async def find_arrival(self, arrival_id: str) -> Arrival | None: ...

    async def find_taken(self, link_id: str) -> Taken: ...

    async def list_arrivals(self, link_id: str, *, after: str = "", most: int) -> Sequence[Arrival]:
        """Those of a box that are whole, by id, behind `after`."""
        ...

    async def list_ended(self, before: int, most: int) -> Sequence[Arrival]:
        """Those of any box whose end was before a Unix second."""
        ...

    async def change_arrival(self, link_id: str, arrival_id: str, change: ArrivalChange) -> Changed:
        """Put what `change` makes of a row (None: there is none, or there is to be none) and of its box's counts in
        their places, in one transaction. `change` may run twice, so it only computes.

        Raises: what `change` raises (OssError, Gone, Stale), and nothing has changed; NotWritten, Unknown.
        """
        ...

    async def make_object(self, link_id: str, arrival_id: str, change: ArrivalChange, record: ObjectRecord) -> Written:
        """As `change_arrival`, where `change` leaves no row; `record` becomes an object in the same transaction, unless
        there is one of its key. Its bytes are those of the row, or newer ones.

        Raises: as `change_arrival`; Gone (no such bucket any more), AlreadyThere, Immutable.
        """
        ...


class NoArrivals:
    """Where there are no boxes."""

    async def find_arrival(self, arrival_id: str) -> Arrival | None:
        return None

    async def find_taken(self, link_id: str) -> Taken:
        return Taken()

    async def list_arrivals(self, link_id: str, *, after: str = "", most: int) -> Sequence[Arrival]:
        return ()

    async def list_ended(self, before: int, most: int) -> Sequence[Arrival]:
        return ()

    async def change_arrival(self, link_id: str, arrival_id: str, change: ArrivalChange) -> Changed:
        raise Unwritable("There are no upload boxes here.")

    async def make_object(self, link_id: str, arrival_id: str, change: ArrivalChange, record: ObjectRecord) -> Written:
        raise Unwritable("There are no upload boxes here.")
