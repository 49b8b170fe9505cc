"""What every keeper of arrivals does. An engine joins by subclassing `ArrivalsContract` with its fixtures `arrivals`
and `catalog`, of one store."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from coatcheck.ports.arrivals import Arrival, ArrivalChange, Arrivals, Taken
from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone
from coatcheck.ports.object import ObjectRecord, Segment

from .catalog_contract import BLOB_A, BLOB_B, BLOB_C, a_bucket, a_large_object, an_object

ID = "69a92bd9" + "0" * 24
LATER = "69a92bda" + "0" * 24
ARRIVAL = Arrival(
    ID, "lk_box", 1, "in/猫.jpg", "猫.jpg", "image/jpeg", 100_000, 1000, 2000, "192.0.2.7", crc64=2**64 - 1
)
WHOLE = replace(
    ARRIVAL,
    is_whole=True,
    segments=(Segment(BLOB_A, 0, 60_000), Segment(BLOB_B, 0, 40_000)),
    etags=("A" * 32, "B" * 32),
)
TAKEN = Taken(3, 200_000, 1)


def become(arrival: Arrival | None, taken: Taken = TAKEN) -> ArrivalChange:
    return lambda *_: (arrival, taken)


async def put(arrivals: Arrivals, arrival: Arrival, taken: Taken = TAKEN) -> None:
    await arrivals.change_arrival(arrival.link_id, arrival.id, become(arrival, taken))


class ArrivalsContract:
    async def test_one_is_found_as_it_was_put_with_its_boxs_counts(self, arrivals: Arrivals) -> None:
        for arrival in (ARRIVAL, WHOLE):
            await put(arrivals, arrival)
            assert await arrivals.find_arrival(ID) == arrival
        assert await arrivals.find_taken("lk_box") == TAKEN
        assert await arrivals.find_arrival(LATER) is None
        assert await arrivals.find_taken("lk_other") == Taken()

    async def test_a_change_sees_what_is_there_and_nothing_of_another_box(self, arrivals: Arrivals) -> None:
        seen = []

        def look(found: Arrival | None, taken: Taken) -> tuple[Arrival | None, Taken]:
            seen.append((found, taken))
            return found, taken

        await arrivals.change_arrival("lk_box", ID, look)
        await put(arrivals, WHOLE)
        await arrivals.change_arrival("lk_box", ID, look)
        await arrivals.change_arrival("lk_other", LATER, look)
        assert seen == [(None, Taken()), (WHOLE, TAKEN), (None, Taken())]

    async def test_a_refused_change_changes_nothing(self, arrivals: Arrivals) -> None:
        await put(arrivals, ARRIVAL)

        def refuse(*_: object) -> tuple[Arrival | None, Taken]:
            raise Gone(ID)

        with pytest.raises(Gone):
            await arrivals.change_arrival("lk_box", ID, refuse)
        assert await arrivals.find_arrival(ID) == ARRIVAL

    async def test_blobs_go_with_the_last_row_that_names_them(self, arrivals: Arrivals, catalog: Catalog) -> None:
        await put(arrivals, replace(WHOLE, segments=WHOLE.segments[:1]))
        assert (await arrivals.change_arrival("lk_box", ID, become(WHOLE))).released == ()
        less = replace(WHOLE, segments=WHOLE.segments[1:])
        assert (await arrivals.change_arrival("lk_box", ID, become(less))).released == (BLOB_A,)
        gone = await arrivals.change_arrival("lk_box", ID, become(None))
        assert (gone.arrival, gone.released) == (None, (BLOB_B,))
        assert await arrivals.find_arrival(ID) is None
        assert set(await catalog.released_blobs(2**40, limit=9)) == {BLOB_A, BLOB_B}

    async def test_a_released_blob_is_never_named_again(self, arrivals: Arrivals) -> None:
        await put(arrivals, WHOLE)
        await arrivals.change_arrival("lk_box", ID, become(None))
        with pytest.raises(ValueError, match="released"):
            await arrivals.change_arrival("lk_box", ID, become(WHOLE))

    async def test_lists_are_of_whole_ones_in_their_order(self, arrivals: Arrivals) -> None:
        await put(arrivals, replace(WHOLE, id=LATER, segments=()))
        await put(arrivals, replace(WHOLE, segments=()))
        await put(arrivals, replace(ARRIVAL, id="f" * 32))
        await put(arrivals, replace(WHOLE, id="e" * 32, link_id="lk_other", segments=()))
        found = await arrivals.list_arrivals("lk_box", most=9)
        assert [arrival.id for arrival in found] == [ID, LATER]
        assert [arrival.id for arrival in await arrivals.list_arrivals("lk_box", most=1)] == [ID]
        assert [arrival.id for arrival in await arrivals.list_arrivals("lk_box", after=ID, most=9)] == [LATER]

    async def test_ended_ones_are_of_any_box_whole_or_not(self, arrivals: Arrivals) -> None:
        await put(arrivals, ARRIVAL)
        await put(arrivals, replace(WHOLE, id=LATER, link_id="lk_other", ends_at=1500, segments=()))
        assert await arrivals.list_ended(1500, 9) == []
        assert [arrival.id for arrival in await arrivals.list_ended(1501, 9)] == [LATER]
        assert [arrival.id for arrival in await arrivals.list_ended(2001, 9)] == [LATER, ID]
        assert [arrival.id for arrival in await arrivals.list_ended(2001, 1)] == [LATER]

    async def test_an_object_takes_over_the_bytes_in_one_commit(self, arrivals: Arrivals, catalog: Catalog) -> None:
        bucket_id = (await catalog.create_bucket(a_bucket(), most=9)).bucket_id
        arrival = replace(WHOLE, bucket_id=bucket_id)
        await put(arrivals, arrival)
        assert await catalog.find_object(bucket_id, arrival.key) is None
        assert (await catalog.stat_bucket(bucket_id)).arrivals_bytes == 100_000
        record = a_record(arrival)
        written = await arrivals.make_object("lk_box", ID, become(None, Taken(3)), record)
        assert (written.version_id, written.released) == ("null", ())
        found = await catalog.find_object(bucket_id, arrival.key)
        assert found is not None
        assert found.segments == arrival.segments
        assert (await arrivals.find_arrival(ID), await arrivals.find_taken("lk_box")) == (None, Taken(3))
        stat = await catalog.stat_bucket(bucket_id)
        assert (stat.arrivals_bytes, stat.parts, stat.uploads) == (0, 0, 0)
        assert list(await catalog.released_blobs(2**40, limit=9)) == []

    async def test_an_object_may_have_bytes_that_came_last(self, arrivals: Arrivals, catalog: Catalog) -> None:
        bucket_id = (await catalog.create_bucket(a_bucket(), most=9)).bucket_id
        arrival = replace(ARRIVAL, bucket_id=bucket_id)
        await put(arrivals, arrival)
        record = a_large_object(arrival.key, BLOB_C)
        await arrivals.make_object("lk_box", ID, become(None), record)
        found = await catalog.find_object(bucket_id, arrival.key)
        assert found is not None
        assert found.segments == (Segment(BLOB_C, 0, 100_000),)

    async def test_no_object_is_overwritten(self, arrivals: Arrivals, catalog: Catalog) -> None:
        bucket_id = (await catalog.create_bucket(a_bucket(), most=9)).bucket_id
        arrival = replace(WHOLE, bucket_id=bucket_id)
        await put(arrivals, arrival)
        await catalog.put_object(bucket_id, an_object(arrival.key))
        with pytest.raises(AlreadyThere):
            await arrivals.make_object("lk_box", ID, become(None), a_record(arrival))
        assert await arrivals.find_arrival(ID) == arrival

    async def test_without_its_bucket_it_stays(self, arrivals: Arrivals) -> None:
        arrival = replace(WHOLE, bucket_id=77)
        await put(arrivals, arrival)
        with pytest.raises(Gone):
            await arrivals.make_object("lk_box", ID, become(None), a_record(arrival))
        assert await arrivals.find_arrival(ID) == arrival

    async def test_many_that_count_at_once_all_count(self, arrivals: Arrivals) -> None:
        def one_more(_: Arrival | None, taken: Taken) -> tuple[None, Taken]:
            return None, taken._replace(files=taken.files + 1)

        await asyncio.gather(*(arrivals.change_arrival("lk_box", f"{n:032x}", one_more) for n in range(30)))
        assert await arrivals.find_taken("lk_box") == Taken(30)


def a_record(arrival: Arrival) -> ObjectRecord:
    return an_object(arrival.key, None, size=arrival.size, segments=arrival.segments)
