"""Downloads of limited links, on a register in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from coatcheck.core.body import UNKNOWN_SIZE, FileSlice, Stream, nothing
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_CANCELLED, LINK_USED_UP, Broken, OssError
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.links.uses import Content
from coatcheck.links.uses_text import read_uses
from coatcheck.operations.limited import LimitedDownload, LimitedPart, name_receiver
from coatcheck.ports.links import Limits, Link

NOW = 1_790_000_000.0
MIB = 1024 * 1024
LINK = Link("lk_b", "1", "LTAI5tAnna", "photos", "film.mp4", 100, limits=Limits(downloads=1))
ANNA = name_receiver("192.0.2.7", "curl/8.5.0")
BEN = name_receiver("192.0.2.8", "curl/8.5.0")


@pytest.fixture
async def links() -> MemoryLinks:
    links = MemoryLinks()
    await links.change_link("lk_b", lambda _: LINK)
    return links


def download(links: MemoryLinks, size: int = 100, span: ByteRange | None = None) -> LimitedDownload:
    return LimitedDownload(links, LimitedPart("lk_b"), Content("v1", size), span or ByteRange(0, size), NOW)


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield bytes(size)


async def file_slices(*sizes: int) -> AsyncIterator[FileSlice]:
    for size in sizes:
        yield FileSlice(0, 0, size)


async def test_a_download_takes_the_only_use(links: MemoryLinks) -> None:
    first = download(links)
    await first.begin(1, ANNA)
    with pytest.raises(OssError) as refused:
        await download(links).begin(1, BEN)
    assert refused.value.fault is LINK_USED_UP
    await first.end(100)
    uses = read_uses(await links.find_uses("lk_b"))
    assert (uses.taken, uses.open[0].whole) == (1, True)


async def test_a_broken_download_leaves_the_use_to_others(links: MemoryLinks) -> None:
    first = download(links)
    await first.begin(1, ANNA)
    await first.end(60)
    await first.end(100)  # only the first call counts
    await download(links).begin(1, BEN)
    assert read_uses(await links.find_uses("lk_b")).slack == 60


async def test_a_link_without_a_row_has_been_taken_away(links: MemoryLinks) -> None:
    await links.change_link("lk_b", lambda _: replace(LINK, ends_at=10))
    await links.forget_ended(11, 1)
    with pytest.raises(OssError) as refused:
        await download(links).begin(1, ANNA)
    assert refused.value.fault is LINK_CANCELLED


async def allowed_to(links: MemoryLinks) -> int:
    return read_uses(await links.find_uses("lk_b")).open[0].running[0].allowed_to


async def test_the_register_is_told_of_each_step_before_it_begins(links: MemoryLinks) -> None:
    long = download(links, 160 * MIB, ByteRange(2 * MIB, 160 * MIB))
    await long.begin(1, ANNA)
    told = []
    async for _ in long.stream(Stream(pieces(4 * MIB, 8 * MIB, 100 * MIB), UNKNOWN_SIZE, nothing)).chunks:
        told.append(await allowed_to(links) // MIB)
    assert told == [12, 22, 114]


async def test_slices_are_told_of_as_chunks_are(links: MemoryLinks) -> None:
    long = download(links, 64 * MIB)
    await long.begin(1, ANNA)
    stream = long.stream(Stream(pieces(), UNKNOWN_SIZE, nothing, file_slices(4 * MIB, 1, 59 * MIB)))
    assert stream.slices is not None
    told = []
    async for _ in stream.slices:
        told.append(await allowed_to(links) // MIB)
    assert told == [4, 8, 63]


async def test_a_download_that_was_given_up_breaks_off(links: MemoryLinks) -> None:
    long = download(links, 64 * MIB)
    await long.begin(1, ANNA)
    await links.change_uses("lk_b", {"": lambda _: ""})
    with pytest.raises(Broken):
        await anext(aiter(long.stream(Stream(pieces(8 * MIB), UNKNOWN_SIZE, nothing)).chunks))
    with pytest.raises(Broken):
        await long.keep_known()


async def test_a_running_download_stays_known(links: MemoryLinks) -> None:
    running = download(links)
    await running.begin(1, ANNA)
    await running.keep_known()
    assert await allowed_to(links) == 100


def test_receivers_are_told_apart_by_address_and_agent() -> None:
    names = {name_receiver(address, agent) for address in ("192.0.2.7", "192.0.2.8") for agent in ("curl", "wget")}
    assert len(names) == 4
    assert name_receiver("192.0.2.7", "猫\udcff") == name_receiver("192.0.2.7", "猫\udcff")
