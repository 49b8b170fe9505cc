"""What every store of links' totals does. An engine joins by subclassing `LinkTotalsContract` with its fixtures."""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.ports.link_totals import LinkTotals, Totals
from coatcheck.ports.links import Links

from .links_contract import LINK, put

ONE = Totals(1, 100, 0, 0, 5_000)


class LinkTotalsContract:
    async def test_what_is_added_joins_what_was_there(self, links: Links, totals: LinkTotals) -> None:
        await put(links, LINK)
        await totals.add("s", 0, 10, {"lk_b": ONE})
        await totals.add("s", 10, 30, {"lk_b": Totals(2, 7, 1, 3, 4_000)})
        assert await totals.find(["lk_b", "lk_c"]) == {"lk_b": Totals(3, 107, 1, 3, 5_000)}
        assert await totals.counted() == {"s": 30}

    async def test_what_was_added_is_not_added_again(self, links: Links, totals: LinkTotals) -> None:
        await put(links, LINK)
        for _ in range(2):
            await totals.add("s", 0, 10, {"lk_b": ONE})
        await totals.add("s", 20, 30, {"lk_b": ONE})
        assert (await totals.find(["lk_b"]), await totals.counted()) == ({"lk_b": ONE}, {"s": 10})

    async def test_only_links_that_the_register_has_are_counted(self, links: Links, totals: LinkTotals) -> None:
        await totals.add("s", 0, 10, {"lk_b": ONE})
        await put(links, LINK)
        assert await totals.find(["lk_b"]) == {}

    async def test_links_that_the_register_has_are_known(self, links: Links, totals: LinkTotals) -> None:
        for number in range(0, 1200, 2):
            await put(links, replace(LINK, id=f"lk_{number}"))
        assert sorted(await totals.known([f"lk_{number}" for number in (*range(1000), 1198)])) == sorted(
            f"lk_{number}" for number in (*range(0, 1000, 2), 1198)
        )
        assert not await totals.known(())

    async def test_totals_go_with_their_link(self, links: Links, totals: LinkTotals) -> None:
        await put(links, replace(LINK, ends_at=5))
        await totals.add("s", 0, 10, {"lk_b": ONE})
        await links.forget_ended(before=9999, most=9)
        assert await totals.find(["lk_b"]) == {}
        await put(links, LINK)
        await totals.add("s", 10, 11, {"lk_b": ONE})
        assert await totals.find(["lk_b"]) == {"lk_b": ONE}

    async def test_a_segment_that_is_gone_is_forgotten(self, totals: LinkTotals) -> None:
        await totals.add("s", 0, 10, {})
        for _ in range(2):
            await totals.forget_segment("s")
        assert await totals.counted() == {}
