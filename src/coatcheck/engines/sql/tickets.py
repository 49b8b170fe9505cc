"""Tickets, by SQL."""

from __future__ import annotations

from typing import Final

from ...ports.links import Link
from ...ports.tickets import Change, Ticket
from ..ticket_text import read_ticket, write_ticket
from .contract import SqlConnection, SqlReader, SqlWriter, held_links
from .links import LINK, put_link, read_link

_TICKET: Final = "SELECT document FROM ticket WHERE id = ?"


class SqlTickets:
    """See `ports.tickets`."""

    def __init__(self, reader: SqlReader, writer: SqlWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def find_ticket(self, link_id: str) -> tuple[Link, Ticket] | None:
        row = await self._reader.find(_TICKET, (link_id,))
        if row is None:
            return None
        of_link = await self._reader.find(f"{LINK} WHERE id = ?", (link_id,))
        return None if of_link is None else (read_link(of_link), read_ticket(link_id, row[0]))

    async def change_ticket(self, link_id: str, change: Change) -> tuple[Link, Ticket]:
        return await self._writer.run(lambda connection: _change(connection, link_id, change))

    async def take_try(self, link_id: str, receiver: str, most: int, window_s: int, now: int) -> bool:
        place = (link_id, receiver)
        return await self._writer.run(
            lambda connection: _take_try(connection, place, most, window_s, now), held_links(link_id)
        )

    async def forget_tries(self, link_id: str, receiver: str) -> None:
        sql = "DELETE FROM ticket_try WHERE id = ? AND receiver = ?"
        await self._writer.run(
            lambda connection: connection.execute(sql, (link_id, receiver)).rowcount, held_links(link_id)
        )


# --- mutations, run by the writer -----------------------------------------------------------------------------------


def _change(connection: SqlConnection, link_id: str, change: Change) -> tuple[Link, Ticket]:
    row = connection.execute(_TICKET, (link_id,)).fetchone()
    of_link = connection.execute(f"{LINK} WHERE id = ?", (link_id,)).fetchone()
    link, ticket = change(read_link(of_link) if of_link else None, read_ticket(link_id, row[0]) if row else None)
    put_link(connection, link)
    document = write_ticket(ticket)
    connection.execute("INSERT OR REPLACE INTO ticket (id, document) VALUES (?, ?)", (link_id, document))
    return link, ticket


def _take_try(connection: SqlConnection, place: tuple[str, str], most: int, window_s: int, now: int) -> bool:
    """A window that began in what is now the future began by a clock that was wrong: it is over, too."""
    connection.execute("DELETE FROM ticket_try WHERE since <= ? OR since > ?", (now - window_s, now + window_s))
    row = connection.execute("SELECT tries FROM ticket_try WHERE id = ? AND receiver = ?", place).fetchone()
    if row is not None and row[0] >= most:
        return False
    connection.execute(
        "INSERT INTO ticket_try (id, receiver, since, tries) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (id, receiver) DO UPDATE SET tries = ticket_try.tries + 1",
        (*place, now),
    )
    return True
