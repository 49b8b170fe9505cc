"""Tickets in SQLite."""

from __future__ import annotations

import sqlite3
from typing import Final

from ...ports.links import Link
from ...ports.tickets import Change, Ticket
from ..ticket_text import read_ticket, write_ticket
from .connection import Reader
from .links import find_link_row, put_link
from .writer import Writer

_TICKET: Final = "SELECT document FROM ticket WHERE id = ?"


class SqliteTickets:
    """See `ports.tickets`."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def find_ticket(self, link_id: str) -> tuple[Link, Ticket] | None:
        row = self._reader.row(_TICKET, (link_id,))
        if row is None:
            return None
        link = find_link_row(self._reader.row, link_id)
        return None if link is None else (link, read_ticket(link_id, row[0]))

    async def change_ticket(self, link_id: str, change: Change) -> tuple[Link, Ticket]:
        return await self._writer.run(lambda connection: _change(connection, link_id, change))

    async def take_try(self, link_id: str, receiver: str, most: int, window_s: int, now: int) -> bool:
        place = (link_id, receiver)
        return await self._writer.run(lambda connection: _take_try(connection, place, most, window_s, now))

    async def forget_tries(self, link_id: str, receiver: str) -> None:
        sql = "DELETE FROM ticket_try WHERE id = ? AND receiver = ?"
        await self._writer.run(lambda connection: connection.execute(sql, (link_id, receiver)).rowcount)


# --- mutations, run by the writer -----------------------------------------------------------------------------------


def _change(connection: sqlite3.Connection, link_id: str, change: Change) -> tuple[Link, Ticket]:
    def find(sql: str, arguments: tuple[str]) -> tuple[object, ...] | None:
        found: tuple[object, ...] | None = connection.execute(sql, arguments).fetchone()
        return found

    row = connection.execute(_TICKET, (link_id,)).fetchone()
    link, ticket = change(find_link_row(find, link_id), read_ticket(link_id, row[0]) if row else None)
    put_link(connection, link)
    document = write_ticket(ticket)
    connection.execute("INSERT OR REPLACE INTO ticket (id, document) VALUES (?, ?)", (link_id, document))
    return link, ticket


def _take_try(connection: sqlite3.Connection, place: tuple[str, str], most: int, window_s: int, now: int) -> bool:
    """A window that began in what is now the future began by a clock that was wrong: it is over, too."""
    connection.execute("DELETE FROM ticket_try WHERE since <= ? OR since > ?", (now - window_s, now + window_s))
    row = connection.execute("SELECT tries FROM ticket_try WHERE id = ? AND receiver = ?", place).fetchone()
    if row is not None and row[0] >= most:
        return False
    connection.execute(
        "INSERT INTO ticket_try (id, receiver, since, tries) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (id, receiver) DO UPDATE SET tries = tries + 1",
        (*place, now),
    )
    return True
