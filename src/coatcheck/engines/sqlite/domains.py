"""Own domains in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ...core.limits import DOMAIN_TOKEN_LIFE_S
from ...ports.catalog import AlreadyThere, Gone, TooMany
from ...ports.domains import DomainToken, OwnDomain
from .connection import Reader
from .writer import Writer


class SqliteDomains:
    """See `ports.domains`. All names are remembered, once one was asked for, until any process changes one."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._buckets: dict[str, str] = {}
        self._generation = -1

    async def find_domain(self, name: str) -> str | None:
        return self.look_for_domain(name)

    def look_for_domain(self, name: str) -> str | None:
        generation = self._reader.generation()
        if generation != self._generation:
            rows = self._reader.rows("SELECT domain.name, bucket.name FROM domain JOIN bucket ON bucket.id = bucket_id")
            self._buckets, self._generation = dict(rows), generation
        return self._buckets.get(name)

    async def list_domains(self, bucket_id: int | None = None) -> Sequence[OwnDomain]:
        rows = self._reader.rows(
            "SELECT domain.name, bucket.name, bound_at FROM domain JOIN bucket ON bucket.id = bucket_id"
            " WHERE ?1 IS NULL OR bucket_id = ?1 ORDER BY domain.name",
            (bucket_id,),
        )
        return [OwnDomain(*row) for row in rows]

    async def bind_domain(self, name: str, bucket_id: int, *, now: int, most: int) -> None:
        await self._writer.run(lambda connection: _bind(connection, name, bucket_id, now, most))

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        await self._writer.run(lambda connection: _unbind(connection, name, bucket_id))

    async def keep_token(self, bucket_id: int, token: DomainToken, *, now: int, most: int) -> DomainToken:
        return await self._writer.run(lambda connection: _keep_token(connection, bucket_id, token, now, most))

    async def find_token(self, bucket_id: int, domain: str, *, now: int) -> DomainToken | None:
        row = self._reader.row(
            "SELECT domain, token, expires_at FROM domain_token WHERE bucket_id = ? AND domain = ?", (bucket_id, domain)
        )
        token = None if row is None else DomainToken(*row)
        return token if token is not None and token.is_good(now) else None


def _bind(connection: sqlite3.Connection, name: str, bucket_id: int, now: int, most: int) -> None:
    _check_bucket(connection, bucket_id)
    bound = connection.execute("SELECT bucket_id FROM domain WHERE name = ?", (name,)).fetchone()
    if bound is not None:
        if bound[0] != bucket_id:
            raise AlreadyThere(name)
        return
    if connection.execute("SELECT count(*) FROM domain WHERE bucket_id = ?", (bucket_id,)).fetchone()[0] >= most:
        raise TooMany(f"bucket {bucket_id}")
    connection.execute("INSERT INTO domain (name, bucket_id, bound_at) VALUES (?, ?, ?)", (name, bucket_id, now))


def _unbind(connection: sqlite3.Connection, name: str, bucket_id: int) -> None:
    if connection.execute("DELETE FROM domain WHERE name = ? AND bucket_id = ?", (name, bucket_id)).rowcount == 0:
        raise Gone(name)


def _keep_token(connection: sqlite3.Connection, bucket_id: int, token: DomainToken, now: int, most: int) -> DomainToken:
    _check_bucket(connection, bucket_id)
    rows = connection.execute("SELECT domain, token, expires_at FROM domain_token WHERE bucket_id = ?", (bucket_id,))
    good = [kept for kept in (DomainToken(*row) for row in rows) if kept.is_good(now)]
    for kept in good:
        if kept.domain == token.domain:
            return kept
    if len(good) >= most:
        raise TooMany(f"bucket {bucket_id}")
    connection.execute("DELETE FROM domain_token WHERE NOT (expires_at BETWEEN ? AND ?)", _good_ends(now))
    connection.execute(
        "INSERT INTO domain_token (bucket_id, domain, token, expires_at) VALUES (?, ?, ?, ?)",
        (bucket_id, token.domain, token.token, token.expires_at),
    )
    return token


def _good_ends(now: int) -> tuple[int, int]:
    """Between which a token that is good ends."""
    return now + 1, now + DOMAIN_TOKEN_LIFE_S


def _check_bucket(connection: sqlite3.Connection, bucket_id: int) -> None:
    if connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone() is None:
        raise Gone(f"bucket {bucket_id}")
