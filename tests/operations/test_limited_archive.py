"""A ZIP of limited objects, on a register in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from coatcheck.archives.members import Member
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.limits import LINK_GAP_S, LINK_NEWS_S
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.links.uses import Uses, settle
from coatcheck.links.uses_text import read_uses
from coatcheck.operations.archive_download import ArchiveDownload, MemberSpan
from coatcheck.operations.limited import LimitedDownloads, name_part
from coatcheck.operations.limited_archive import LimitedArchive, Receiver
from coatcheck.ports.links import Limits, Link

NOW = 1_790_000_000.0
LINK = Link("lk_b", "1", "LTAI5tAnna", "photos", "2026/", 100, limits=Limits(downloads=1))
KEYS = ("2026/a", "2026/b")


class Contents:
    """Two objects of 100 bytes, one behind the other."""

    def contents(self, span: ByteRange) -> Iterator[MemberSpan]:
        for number, key in enumerate(KEYS):
            stop = min(100, span.stop - 100 * number)
            if stop > 0:
                yield MemberSpan(Member(0, key, None, key, 100, "E", 0), ByteRange(0, stop))


@pytest.fixture
async def links() -> MemoryLinks:
    links = MemoryLinks()
    await links.change_link("lk_b", lambda _: LINK)
    return links


def archive(links: MemoryLinks, now: float = NOW) -> LimitedArchive:
    download = cast(ArchiveDownload, Contents())
    return LimitedArchive(links, Receiver("lk_b", 1, "anna"), download, ByteRange(0, 200), now)


async def uses_of(links: MemoryLinks, key: str) -> Uses:
    return read_uses(await links.find_uses("lk_b", name_part(key)))


async def test_a_long_zip_stays_known_and_gives_back_what_it_did_not_send(links: MemoryLinks) -> None:
    downloads, long = LimitedDownloads(links), archive(links)
    await long.begin()
    downloads.note(long)
    for minutes in range(3, 30, 3):
        long._zero += 180  # three minutes pass
        assert long.silent_s >= LINK_NEWS_S / 2
        await downloads.keep_known()
        assert long.silent_s < 1
        for key in KEYS:
            assert [len(use.running) for use in settle(await uses_of(links, key), NOW + 60 * minutes).open] == [1]
    await downloads.end(long, 100)
    await downloads.settled()
    assert [(await uses_of(links, key)).taken for key in KEYS] == [1, 0]


async def test_a_zip_that_was_given_up_stays_so(links: MemoryLinks) -> None:
    long = archive(links)
    await long.begin()
    given_up = {key: settle(await uses_of(links, key), NOW + LINK_GAP_S + 1) for key in KEYS}
    assert given_up[KEYS[0]] == Uses(closed=1)
    await links.change_uses("lk_b", {name_part(key): lambda _: '{"closed":1,"slack":0,"open":[]}' for key in KEYS})
    await long.keep_known()
    assert [await uses_of(links, key) for key in KEYS] == [Uses(closed=1), Uses(closed=1)]
