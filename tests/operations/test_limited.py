"""Downloads of limited links, on a register in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from msgspec.structs import replace

from coatcheck.core.body import UNKNOWN_SIZE, FileSlice, Stream, nothing
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_CANCELLED, LINK_USED_UP, Broken, OssError
from coatcheck.core.limits import LINK_GAP_S
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.links.uses import Content, settle
from coatcheck.links.uses import Uses as UsesModel
from coatcheck.links.uses_text import read_uses
from coatcheck.operations.limited import LimitedDownload, LimitedDownloads, name_receiver
from coatcheck.ports.catalog import Busy, Unknown, Unwritable
from coatcheck.ports.links import LimitedPart, Limits, Link, Uses

NOW = 1_790_000_000.0
MIB = 1024 * 1024
LINK = Link("lk_b", "1", "LTAI5tAnna", "photos", "film.mp4", 100, limits=Limits(downloads=1))
ANNA = name_receiver("192.0.2.7", "curl/8.5.0")
ALL = ByteRange(0, 100)
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


class CountingLinks(MemoryLinks):
    """Says how often accounts of uses were changed, and can refuse to."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[str] = []
        self.error: Exception | None = None

    async def change_uses(self, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
        self.changes.append("change")
        if self.error is not None:
            raise self.error
        await super().change_uses(link_id, changes)

    async def tell_uses(self, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
        self.changes.append(f"tell {len(changes)}")
        if self.error is not None:
            raise self.error
        await super().tell_uses(changes)


@pytest.fixture
async def counting() -> CountingLinks:
    links = CountingLinks()
    for name in ("lk_a", "lk_b", "lk_c"):
        await links.change_link(name, lambda _, name=name: replace(LINK, id=name))  # type: ignore[misc]
    return links


async def begun(
    downloads: LimitedDownloads, link_id: str = "lk_b", limit: int = 2, span: ByteRange = ALL
) -> LimitedDownload:
    return await downloads.begin(LimitedPart(link_id), limit, ANNA, Content("v1", 100), span, NOW)


async def running(links: MemoryLinks, link_id: str = "lk_b") -> list[int]:
    """How many downloads run, of each open use."""
    return [len(use.running) for use in read_uses(await links.find_uses(link_id)).open]


async def test_ends_of_whole_downloads_are_told_together(counting: CountingLinks) -> None:
    downloads = LimitedDownloads(counting)
    for one in [await begun(downloads, name) for name in ("lk_a", "lk_b", "lk_c")]:
        await downloads.end(one, 100)
    assert await running(counting) == [1]
    await downloads.settled()
    assert await running(counting) == [0]
    assert counting.changes == ["change", "change", "change", "tell 3"]


async def test_the_end_of_a_whole_download_is_told_with_the_links_next_one(counting: CountingLinks) -> None:
    downloads = LimitedDownloads(counting)
    await downloads.end(await begun(downloads), 100)
    await begun(downloads)
    assert await running(counting) == [0, 1]
    await downloads.settled()
    assert counting.changes == ["change", "change"]


@pytest.mark.parametrize("span", [ALL, ByteRange(0, 99)])
async def test_the_end_of_a_download_that_may_give_its_use_back_is_told_at_once(
    counting: CountingLinks, span: ByteRange
) -> None:
    downloads = LimitedDownloads(counting)
    await downloads.end(await begun(downloads, span=span), 99)
    await downloads.settled()
    assert counting.changes == ["change", "change"]
    assert read_uses(await counting.find_uses("lk_b")).taken == 0


@pytest.mark.parametrize("refusal", [None, Busy("locked"), Unknown("lost")])
async def test_no_end_is_lost_with_the_download_that_should_have_told_it(
    counting: CountingLinks, refusal: Exception | None
) -> None:
    downloads = LimitedDownloads(counting)
    await downloads.end(await begun(downloads, limit=1), 100)
    counting.error = refusal
    with pytest.raises(OssError if refusal is None else type(refusal)):
        await begun(downloads, limit=1)
    counting.error = None
    await downloads.settled()
    assert await running(counting) == [0]


async def test_an_end_that_cannot_be_told_leaves_its_download_as_if_it_were_whole(
    counting: CountingLinks, caplog: pytest.LogCaptureFixture
) -> None:
    downloads = LimitedDownloads(counting)
    await downloads.end(await begun(downloads, limit=1), 100)
    counting.error = Unwritable("read-only")
    await downloads.settled()
    assert settle(read_uses(await counting.find_uses("lk_b")), NOW + LINK_GAP_S + 1) == UsesModel(closed=1)
    assert "cannot be written down" in caplog.text


def test_receivers_are_told_apart_by_address_and_agent() -> None:
    names = {name_receiver(address, agent) for address in ("192.0.2.7", "192.0.2.8") for agent in ("curl", "wget")}
    assert len(names) == 4
    assert name_receiver("192.0.2.7", "猫\udcff") == name_receiver("192.0.2.7", "猫\udcff")
