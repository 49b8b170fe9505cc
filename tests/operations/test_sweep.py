"""Blobs that nobody names go when nobody can be reading them any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.operations.commit import commit
from coatcheck.operations.context import Ports
from coatcheck.operations.limited import LimitedDownloads
from coatcheck.operations.sweep import forget_links, sweep
from coatcheck.ports.links import Link
from coatcheck.ports.object import Deletion, Segment

from ..moved_clock import MovedClock
from ..ports.byte_store_contract import content_of
from ..ports.catalog_contract import a_bucket, a_large_object
from .stage import NOW, Stage

HOUR_S = 3600


class Distant(MemoryByteStore):
    """Blobs somewhere else: readers fetch piece by piece, so a removed blob breaks them off."""

    removal_grace_s = 24 * HOUR_S


class Failing(MemoryByteStore):
    broken = True

    async def remove(self, blob_ids: Sequence[str]) -> None:
        if self.broken:
            raise OSError("the disk has a fault")
        await super().remove(blob_ids)


async def let_go(store: MemoryByteStore) -> tuple[Stage, str]:
    """An object was stored and deleted at NOW: where, and its blob."""
    stage = Stage(MemoryCatalog(lambda: NOW), store)
    stage.ports = Ports(stage.catalog, store)  # type: ignore[arg-type]
    stage.bucket = await stage.catalog.create_bucket(a_bucket(), most=100)
    blob = await store.new_blob()
    await blob.write(bytes(100_000))
    await blob.finish()
    record = a_large_object("a", blob.blob_id)
    await commit(stage.ports, stage.catalog.put_object(stage.bucket.bucket_id, record), blob)
    await commit(stage.ports, stage.catalog.delete_object(stage.bucket.bucket_id, Deletion("a")))
    return stage, blob.blob_id


async def test_what_readers_hold_open_is_removed_at_once() -> None:
    stage, _ = await let_go(MemoryByteStore())
    assert (stage.blobs.blobs, stage.catalog.garbage) == ({}, set())
    assert await sweep(stage.ports, NOW + HOUR_S) == 0


async def test_what_readers_may_need_is_there_until_the_grace_is_over() -> None:
    stage, blob_id = await let_go(Distant())
    assert await sweep(stage.ports, NOW + 24 * HOUR_S) == 0
    assert await content_of(stage.blobs, Segment(blob_id, 0, 100_000)) == bytes(100_000)
    assert await sweep(stage.ports, NOW + 24 * HOUR_S + 1) == 1
    assert (stage.blobs.blobs, stage.catalog.garbage) == ({}, set())


async def test_a_removal_that_failed_is_made_later_and_not_under_the_feet_of_who_makes_it() -> None:
    store = Failing()
    stage, blob_id = await let_go(store)
    assert stage.catalog.garbage == {blob_id}
    assert await sweep(stage.ports, NOW + 60) == 0
    with pytest.raises(OSError, match="the disk has a fault"):
        await sweep(stage.ports, NOW + 61)
    store.broken = False
    assert await sweep(stage.ports, NOW + 61) == 1
    assert (stage.blobs.blobs, stage.catalog.garbage) == ({}, set())


async def test_thousands_are_swept() -> None:
    stage, _ = await let_go(MemoryByteStore())
    for number in range(1000):
        stage.catalog.garbage.add(f"{number:032x}")
        stage.catalog._released_at[f"{number:032x}"] = NOW
    assert await sweep(stage.ports, NOW + HOUR_S) == 1000
    assert stage.catalog.garbage == set()


@pytest.mark.parametrize(("later_s", "kept"), [(30 * 86_400, ["lk_a", "lk_b"]), (30 * 86_400 + 1, ["lk_b"])])
async def test_links_that_ended_long_ago_are_forgotten(later_s: int, kept: list[str]) -> None:
    register = MemoryLinks()
    for link in (
        Link("lk_a", "1", "k", "photos", "cat.jpg", 0, ends_at=NOW),
        Link("lk_b", "1", "k", "photos", "cat.jpg", 0),
    ):
        await register.change_link(link.id, lambda _, link=link: link)  # type: ignore[misc]
    catalog = MemoryCatalog(clock=lambda: NOW + later_s)
    ports = Ports(catalog, MemoryByteStore(), links=LimitedDownloads(register))  # type: ignore[arg-type]
    assert await forget_links(ports, NOW + later_s) == 2 - len(kept)
    assert [link.id for link in await register.list_links("1", most=9)] == kept


async def test_a_clock_that_jumps_years_ahead_forgets_no_link() -> None:
    """It may be set back, and the link isn't over then."""
    register, clock = MemoryLinks(), MovedClock(NOW)
    link = Link("lk_a", "1", "k", "photos", "cat.jpg", 0, ends_at=NOW + 400 * 86_400, cancelled_at=NOW)
    await register.change_link("lk_a", lambda _: link)
    catalog = MemoryCatalog(clock=clock.wall, monotonic=clock.monotonic)
    ports = Ports(catalog, MemoryByteStore(), links=LimitedDownloads(register))  # type: ignore[arg-type]
    clock.wrong_by = 10 * 365 * 86_400
    assert await forget_links(ports, clock.wall()) == 0
    clock.wrong_by = 0
    clock.go_by(431 * 86_400)
    assert await forget_links(ports, clock.wall()) == 1
