"""The register of links in SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from ...core.limits import LINK_RULES_REMEMBERED_MAX, LINKS_REMEMBERED_MAX
from ...ports.catalog import Gone
from ...ports.links import UNKNOWN, LimitedPart, Limits, Link, Rule, Scope, Standing, Uses
from ..sql import SqlConnection, SqlReader, SqlWriter, held_links
from .changes import Changes
from .connection import Reader
from .link_filter import LinkFilter
from .row_sums import row_sum
from .writer import Writer

LINK: Final = (
    "SELECT id, account, access_key_id, bucket, key, registered_at, ends_at, cancelled_at, limits, note FROM link"
)
RULE: Final = (
    "SELECT access_key_id, bucket, key, exact, account, cancelled_before, registered_only, made_at FROM link_rule"
)
USES: Final = "SELECT uses FROM link_uses WHERE id = ?"
PART_USES: Final = "SELECT uses FROM link_part_uses WHERE id = ? AND part = ?"

_PAGE: Final = 4000  # rows that are gone through in one transaction
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


class SqliteLinks(SqlLinks):
    """See `ports.links`. While the register is empty, looking costs one number in shared memory; else whether a link
    has a row is asked of `link_filter` first."""

    def __init__(self, reader: Reader, writer: Writer, changes: Changes, link_filter: LinkFilter) -> None:
        super().__init__(reader, writer)
        self._reader = reader
        self._changes = changes
        self._filter = link_filter
        self._number = -1
        self._has_links = True
        self._rules: tuple[Rule, ...] | None = None
        self._known: dict[str, Link | None] = {}  # rows, and that there is none, as of `_number`

    def number(self) -> int:
        return self._changes.of_links()

    def in_use(self) -> bool:
        number = self._changes.of_links()
        if number != self._number or number & 1:
            self._look_again(number)
        return self._has_links or self._rules != ()

    def may_say(self, link_id: str, access_key_id: str, bucket: str, key: str) -> bool:
        if not self.in_use():
            return False
        if self._has_links and self._may_have_row(link_id):
            return True
        return self._rules != () and any(True for _ in self._rules_that_mean(access_key_id, bucket, key))

    async def learn(self) -> None:
        """A page of rows a transaction, so that no commit waits for long; other processes may do the same."""
        after: str | None = ""
        while after is not None and not self._filter.is_ready:
            after = await self._writer.run(partial(_filter_page, rows=self._filter, after=after))

    async def find_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        return self.look_for_standing(link_id, access_key_id, bucket, key)

    def look_for_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        if not self.in_use():
            return UNKNOWN
        link = self._remember_link(link_id) if self._has_links else None
        cancelled_before, registered_only = 0, False
        for rule in self._rules_that_mean(access_key_id, bucket, key):
            cancelled_before = max(cancelled_before, rule.cancelled_before)
            registered_only = registered_only or rule.registered_only
        return Standing(link, cancelled_before, registered_only)

    def _may_have_row(self, link_id: str) -> bool:
        try:
            return self._known[link_id] is not None
        except KeyError:
            if self._filter.surely_lacks(link_id):
                self._remember(link_id, None)
                return False
            return True

    def _look_again(self, number: int) -> None:
        self._has_links = self._reader.row("SELECT 1 FROM link LIMIT 1") is not None
        rows = self._reader.rows(f"{RULE} LIMIT ?", (LINK_RULES_REMEMBERED_MAX + 1,))
        self._rules = None if len(rows) > LINK_RULES_REMEMBERED_MAX else tuple(map(read_rule, rows))
        self._number = number
        self._known.clear()

    def _remember_link(self, link_id: str) -> Link | None:
        """Looked up once, until the register changes: of links that are used often most have no row."""
        try:
            return self._known[link_id]
        except KeyError:
            return self._remember(link_id, self._look_for_link(link_id))

    def _remember(self, link_id: str, link: Link | None) -> Link | None:
        if len(self._known) >= LINKS_REMEMBERED_MAX:
            self._known.clear()
        self._known[link_id] = link
        return link

    def _look_for_link(self, link_id: str) -> Link | None:
        row = self._reader.row(f"{LINK} WHERE id = ?", (link_id,))
        return read_link(row) if row else None

    def _rules_that_mean(self, access_key_id: str, bucket: str, key: str) -> Iterator[Rule]:
        if self._rules is not None:
            yield from (rule for rule in self._rules if rule.scope.means(access_key_id, bucket, key))
            return
        for whose in ("", access_key_id):
            for which in ("", bucket):
                yield from self._rules_along(whose, which, key)

    def _rules_along(self, access_key_id: str, bucket: str, key: str) -> Iterator[Rule]:
        """Those of that access key and bucket that mean a key: each a step down its prefixes, the longest first."""
        sql = (
            f"{RULE} WHERE access_key_id = ? AND bucket = ? AND (key, exact) <= (?, ?)"
            " ORDER BY key DESC, exact DESC LIMIT 1"
        )
        place: tuple[str, int] | None = (key, 1)
        while place is not None:
            row = self._reader.row(sql, (access_key_id, bucket, *place))
            if row is None:
                return
            rule = read_rule(row)
            if rule.scope.means(access_key_id, bucket, key):
                yield rule
            place = next_place(rule.scope, key)


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
    parts = asdict(limits)
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


def _filter_page(connection: SqlConnection, *, rows: LinkFilter, after: str) -> str | None:
    """Give some rows their bits. Returns: the last id of them; None where it was the last page."""
    found = connection.execute("SELECT id FROM link WHERE id > ? ORDER BY id LIMIT ?", (after, _PAGE)).fetchall()
    for (link_id,) in found:
        rows.add(link_id)
    if len(found) == _PAGE:
        return str(found[-1][0])
    rows.set_ready()
    return None


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
    row = connection.execute(sql, place).fetchone()
    return row if row is None else row[0]


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
