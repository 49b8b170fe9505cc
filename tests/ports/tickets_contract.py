"""What every keeper of tickets does. An engine joins by subclassing `TicketsContract` with its fixture."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from coatcheck.core.author import Author
from coatcheck.ports.links import Limits, Link, Links
from coatcheck.ports.tickets import Box, Names, Ticket, Tickets

ACCOUNT = "1234567890123456"
LINK = Link("lk_t", ACCOUNT, "LTAI5tAnna", "photos", "2026/猫.jpg", 1000, limits=Limits(1), note="for Ben")
AUTHOR = Author(ACCOUNT, role="300000000000000001", session="tuesday", session_policy='{"Version":"1"}', at=1000)
TICKET = Ticket("lk_t", Names.OBJECT, ("2026/猫.jpg",), AUTHOR, "sealed", "v1", "image/resize,w_100", "猫.jpg", True)
BOX = Box(3, 100, 1000, ("image/*",), ("*.jpg", "*.png"), dated=False, quarantine=False)


class Both:
    def __init__(self, links: Links, tickets: Tickets) -> None:
        self.links = links
        self.tickets = tickets


class TicketsContract:
    async def test_a_ticket_is_found_as_it_was_put_with_its_row(self, both: Both) -> None:
        for ticket in (TICKET, replace(TICKET, names=Names.BOX, keys=("in/",), box=BOX, password="kept", latest_end=9)):
            await both.tickets.change_ticket("lk_t", lambda *_, ticket=ticket: (LINK, ticket))
            assert await both.tickets.find_ticket("lk_t") == (LINK, ticket)
            assert await both.links.find_link("lk_t") == LINK
        assert await both.tickets.find_ticket("lk_u") is None

    async def test_a_link_is_no_ticket(self, both: Both) -> None:
        await both.links.change_link("lk_t", lambda _: LINK)
        assert await both.tickets.find_ticket("lk_t") is None

    async def test_what_happens_to_its_row_is_seen(self, both: Both) -> None:
        await both.tickets.change_ticket("lk_t", lambda *_: (LINK, TICKET))
        cancelled = await both.links.change_link("lk_t", lambda link: replace(link or LINK, cancelled_at=2000))
        assert await both.tickets.find_ticket("lk_t") == (cancelled, TICKET)

    async def test_a_refused_change_changes_nothing(self, both: Both) -> None:
        await both.tickets.change_ticket("lk_t", lambda *_: (LINK, TICKET))

        def refuse(*_: object) -> tuple[Link, Ticket]:
            raise ValueError("not yours")

        with pytest.raises(ValueError, match="not yours"):
            await both.tickets.change_ticket("lk_t", refuse)
        assert await both.tickets.find_ticket("lk_t") == (LINK, TICKET)

    async def test_the_number_moves_with_tickets(self, both: Both) -> None:
        before = both.links.number()
        await both.tickets.change_ticket("lk_t", lambda *_: (LINK, TICKET))
        assert both.links.number() != before

    async def test_a_ticket_goes_with_its_row(self, both: Both) -> None:
        await both.tickets.change_ticket("lk_t", lambda *_: (replace(LINK, ends_at=10), TICKET))
        await both.links.change_uses("lk_t", {"a": lambda _: "one"})
        assert await both.links.forget_ended(before=11, most=9) == 1
        assert await both.tickets.find_ticket("lk_t") is None
        assert await both.links.find_uses("lk_t", "a") == ""

    async def test_so_many_tries_and_no_more(self, both: Both) -> None:
        take = both.tickets.take_try
        assert [await take("lk_t", "192.0.2.1", 2, 60, 1000) for _ in range(3)] == [True, True, False]
        assert await take("lk_t", "192.0.2.2", 2, 60, 1000)
        assert await take("lk_u", "192.0.2.1", 2, 60, 1000)
        assert not await take("lk_t", "192.0.2.1", 2, 60, 1059)
        assert await take("lk_t", "192.0.2.1", 2, 60, 1060)

    async def test_tries_at_once_are_counted_each(self, both: Both) -> None:
        taken = await asyncio.gather(*(both.tickets.take_try("lk_t", "192.0.2.1", 5, 60, 1000) for _ in range(20)))
        assert sum(taken) == 5

    async def test_who_knew_the_password_may_try_again(self, both: Both) -> None:
        assert await both.tickets.take_try("lk_t", "192.0.2.1", 1, 60, 1000)
        await both.tickets.forget_tries("lk_t", "192.0.2.1")
        assert await both.tickets.take_try("lk_t", "192.0.2.1", 1, 60, 1000)
