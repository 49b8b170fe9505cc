"""The register of links, by SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import to_builtins

from ...ports.catalog import Gone
from ...ports.links import LimitedPart, Limits, Link, Rule, Scope, Uses
from .contract import SqlConnection, SqlReader, SqlWriter, held_links
from .row_sums import row_sum

LINK: Final = (
    "SELECT id, account, access_key_id, bucket, key, registered_at, ends_at, cancelled_at, limits, note FROM link"
)
RULE: Final = (
    "SELECT access_key_id, bucket, key, exact, account, cancelled_before, registered_only, made_at FROM link_rule"
)
USES: Final = "SELECT uses FROM link_uses WHERE id = ?"
PART_USES: Final = "SELECT uses FROM link_part_uses WHERE id = ? AND part = ?"

_USES_OF_LINK: Final = (
    "SELECT coalesce(uses, '') FROM link LEFT JOIN link_uses ON link_uses.id = link.id WHERE link.id = ?"
)
_PART_USES_OF_LINK: Final = (
    "SELECT coalesce(uses, '') FROM link LEFT JOIN link_part_uses ON link_part_uses.id = link.id AND part = ?"
    " WHERE link.id = ?"
)


class SqlLinks:
    """What of `ports.links` is the same for every engine that speaks SQL: all but the standing of a link."""

    def __init__(self, reader: SqlReader, writer: SqlWriter) -> None:
        self._rows = reader
        self._writer = writer

    async def find_link(self, link_id: str) -> Link | None:
        row = await self._rows.find(f"{LINK} WHERE id = ?", (link_id,))
        return read_link(row) if row else None

    async def change_link(self, link_id: str, change: Callable[[Link | None], Link]) -> Link:
        return await self._writer.run(lambda connection: change_link(connection, link_id, change))

    async def list_links(self, account: str, *, bucket: str = "", after: str = "", most: int) -> Sequence[Link]:
        named, arguments = (" AND bucket = ?", (bucket,)) if bucket else ("", ())
        sql = f"{LINK} WHERE account = ?{named} AND id > ? ORDER BY id LIMIT ?"
        return [read_link(row) for row in await self._rows.find_all(sql, (account, *arguments, after, most))]

    async def put_rule(self, rule: Rule) -> Rule:
        return await self._writer.run(lambda connection: put_rule(connection, rule))

    async def remove_rule(self, scope: Scope) -> None:
        await self._writer.run(lambda connection: remove_rule(connection, scope))

    async def list_rules(self, account: str, *, after: Scope | None = None, most: int) -> Sequence[Rule]:
        later = "" if after is None else " AND (access_key_id, bucket, key, exact) > (?, ?, ?, ?)"
        sql = f"{RULE} WHERE account = ?{later} ORDER BY access_key_id, bucket, key, exact LIMIT ?"
        arguments = () if after is None else place_of(after)
        return [read_rule(row) for row in await self._rows.find_all(sql, (account, *arguments, most))]

    async def find_uses(self, link_id: str, part: str = "") -> Uses:
        row = await self._rows.find(PART_USES, (link_id, part)) if part else await self._rows.find(USES, (link_id,))
        return row[0] if row else ""

    async def list_uses(self, link_id: str, *, after: str = "", most: int) -> Sequence[tuple[str, Uses]]:
        sql = "SELECT part, uses FROM link_part_uses WHERE id = ? AND part > ? ORDER BY part LIMIT ?"
        return [(part, uses) for part, uses in await self._rows.find_all(sql, (link_id, after, most))]

    async def change_uses(self, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
        await self._writer.run(lambda connection: change_uses(connection, link_id, changes), held_links(link_id))

    async def tell_uses(self, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
        held = held_links(*{link_id for link_id, _ in changes})
        await self._writer.run(lambda connection: tell_uses(connection, changes), held)

    async def forget_ended(self, before: int, most: int) -> int:
        return await self._writer.run(lambda connection: forget_ended(connection, before, most))


def next_place(scope: Scope, key: str) -> tuple[str, int] | None:
    """Where the next rule for a key can stand at the latest, below the one that was found."""
    if scope.exact and key.startswith(scope.key):
        return scope.key, 0
    shared = _shared(scope.key, key)
    if len(shared) == len(scope.key):  # a prefix of the key: the next one is shorter
        return (shared[:-1], 0) if shared else None
    return shared, 0


def _shared(one: str, other: str) -> str:
    """What both begin with."""
    for number, (letter, its) in enumerate(zip(one, other, strict=False)):
        if letter != its:
            return one[:number]
    return min(one, other, key=len)


def read_link(row: Any) -> Link:
    link_id, account, access_key_id, bucket, key, registered_at, ends_at, cancelled_at, limits, note = row
    read = json.loads(limits)
    return Link(
        link_id,
        account,
        access_key_id,
        bucket,
        key,
        registered_at,
        ends_at,
        cancelled_at,
        Limits(read["downloads"], tuple(read["networks"]), read["starts_at"], read["rate"]),
        note,
    )


def _write_limits(limits: Limits) -> str:
    parts = to_builtins(limits)
    return json.dumps({**parts, "rate": parts.pop("rate_bits_per_s")}, separators=(",", ":"))


def read_rule(row: Any) -> Rule:
    access_key_id, bucket, key, exact, account, cancelled_before, registered_only, made_at = row
    scope = Scope(access_key_id, bucket, key, bool(exact))
    return Rule(scope, account, cancelled_before, bool(registered_only), made_at)


def place_of(scope: Scope) -> tuple[str, str, str, int]:
    return scope.access_key_id, scope.bucket, scope.key, int(scope.exact)


# --- mutations, run by the writer: each checks before it writes ------------------------------------------------------


def change_link(connection: SqlConnection, link_id: str, change: Callable[[Link | None], Link]) -> Link:
    row = connection.execute(f"{LINK} WHERE id = ?", (link_id,)).fetchone()
    link = change(read_link(row) if row else None)
    put_link(connection, link)
    return link


def put_link(connection: SqlConnection, link: Link) -> None:
    """In the place of the row that it has, if it has one."""
    connection.execute(
        "INSERT OR REPLACE INTO link (id, account, access_key_id, bucket, key, registered_at, ends_at, cancelled_at,"
        " limits, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(link.id, link.account, link.access_key_id, link.bucket, link.key),
            *(link.registered_at, link.ends_at, link.cancelled_at, _write_limits(link.limits), link.note),
        ),
    )


def put_rule(connection: SqlConnection, rule: Rule) -> Rule:
    where = " WHERE access_key_id = ? AND bucket = ? AND key = ? AND exact = ?"
    row = connection.execute(RULE + where, place_of(rule.scope)).fetchone()
    joined = rule if row is None else read_rule(row).joined(rule)
    connection.execute(
        "INSERT OR REPLACE INTO link_rule (access_key_id, bucket, key, exact, account, cancelled_before,"
        " registered_only, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*place_of(joined.scope), joined.account, joined.cancelled_before, int(joined.registered_only), joined.made_at),
    )
    return joined


def remove_rule(connection: SqlConnection, scope: Scope) -> None:
    sql = "DELETE FROM link_rule WHERE access_key_id = ? AND bucket = ? AND key = ? AND exact = ?"
    if connection.execute(sql, place_of(scope)).rowcount == 0:
        raise Gone("rule")


def change_uses(connection: SqlConnection, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
    changed = {}
    for part, change in changes.items():
        uses = _find_uses(connection, link_id, part)
        if uses is None:
            raise Gone(link_id)
        changed[part] = change(uses)
    for part, uses in changed.items():
        _write_uses(connection, link_id, part, uses)


def tell_uses(connection: SqlConnection, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
    changed = {}
    for place, change in changes.items():
        uses = _find_uses(connection, *place)
        if uses is not None:
            changed[place] = change(uses)
    for (link_id, part), uses in changed.items():
        _write_uses(connection, link_id, part, uses)


def _find_uses(connection: SqlConnection, link_id: str, part: str) -> Uses | None:
    """None without the link."""
    sql, place = (_PART_USES_OF_LINK, (part, link_id)) if part else (_USES_OF_LINK, (link_id,))
    row: tuple[Uses] | None = connection.execute(sql, place).fetchone()
    return None if row is None else row[0]


def _write_uses(connection: SqlConnection, link_id: str, part: str, uses: Uses) -> None:
    if part:
        sql = "INSERT OR REPLACE INTO link_part_uses (id, part, uses, row_crc32) VALUES (?, ?, ?, ?)"
        connection.execute(sql, (link_id, part, uses, row_sum(link_id, part, uses)))
    else:
        sql = "INSERT OR REPLACE INTO link_uses (id, uses, row_crc32) VALUES (?, ?, ?)"
        connection.execute(sql, (link_id, uses, row_sum(link_id, uses)))


def forget_ended(connection: SqlConnection, before: int, most: int) -> int:
    sql = "SELECT id FROM link WHERE ends_at IS NOT NULL AND ends_at < ? ORDER BY ends_at LIMIT ?"
    ended = connection.execute(sql, (before, most)).fetchall()
    for table in ("link", "link_uses", "link_part_uses", "link_total", "ticket", "box_taken"):
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", ended)  # noqa: S608 (our own names)
    return len(ended)
