"""The register of links in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from ...core.limits import LINK_RULES_REMEMBERED_MAX, LINKS_REMEMBERED_MAX
from ...ports.links import UNKNOWN, Link, Rule, Standing
from ..sql.contract import SqlConnection
from ..sql.links import LINK, RULE, SqlLinks, next_place, read_link, read_rule
from .changes import Changes
from .connection import Reader
from .link_filter import LinkFilter
from .writer import Writer

_PAGE: Final = 4000  # rows that are gone through in one transaction


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
            for rule in self._rules:
                if rule.scope.means(access_key_id, bucket, key):
                    yield rule
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


def _filter_page(connection: SqlConnection, *, rows: LinkFilter, after: str) -> str | None:
    """Give some rows their bits. Returns: the last id of them; None where it was the last page."""
    found = connection.execute("SELECT id FROM link WHERE id > ? ORDER BY id LIMIT ?", (after, _PAGE)).fetchall()
    for (link_id,) in found:
        rows.add(link_id)
    if len(found) == _PAGE:
        return str(found[-1][0])
    rows.set_ready()
    return None
