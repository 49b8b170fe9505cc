"""The register of links in PostgreSQL. What a request asks of it is as new as the numbers that the request has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ...core.limits import LINK_RULES_REMEMBERED_MAX, LINKS_REMEMBERED_MAX
from ...ports.links import UNKNOWN, Link, Rule, Scope, Standing
from ..sql.contract import SqlWriter
from ..sql.links import RULE, SqlLinks, next_place, read_rule
from .connection import Reader
from .seen import Seen

ANY_LINK: Final = "SELECT 1 FROM link LIMIT 1"
SOME_RULES: Final = f"{RULE} LIMIT {LINK_RULES_REMEMBERED_MAX + 1}"


class PostgresLinks(SqlLinks):
    """See `ports.links`. Another gateway's changes are seen with this process's next question of whatever kind."""

    def __init__(self, reader: Reader, writer: SqlWriter, seen: Seen) -> None:
        super().__init__(reader, writer)
        self._seen = seen
        self._number = -1
        self._has_links = True
        self._rules: tuple[Rule, ...] | None = None
        self._known: dict[str, Link | None] = {}  # rows, and that there is none, as of `_number`

    def begin(self, has_links: bool, rules: Sequence[Any]) -> None:
        """What a process that opens the database has read."""
        self._keep(self._seen.links, has_links, rules)

    def number(self) -> int:
        return self._seen.links

    def in_use(self) -> bool:
        """True also while that isn't known yet."""
        return self._number != self._seen.links or self._has_links or self._rules != ()

    def may_say(self, link_id: str, access_key_id: str, bucket: str, key: str) -> bool:
        """Nothing finer than whether anything is in the register."""
        return self.in_use()

    async def learn(self) -> None:
        """There is no more to be known."""

    async def look_again(self) -> None:
        """Load what is remembered of the register, if that has moved."""
        number = self._seen.links
        if number == self._number:
            return
        has_links = bool(await self._rows.find_all(ANY_LINK))
        self._keep(number, has_links, await self._rows.find_all(SOME_RULES))

    def _keep(self, number: int, has_links: bool, rules: Sequence[Any]) -> None:
        self._has_links = has_links
        self._rules = None if len(rules) > LINK_RULES_REMEMBERED_MAX else tuple(map(read_rule, rules))
        self._number = number
        self._known.clear()

    async def find_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        await self.look_again()
        if not self.in_use():
            return UNKNOWN
        link = await self._remember_link(link_id) if self._has_links else None
        cancelled_before, registered_only = 0, False
        for rule in await self._rules_that_mean(access_key_id, bucket, key):
            cancelled_before = max(cancelled_before, rule.cancelled_before)
            registered_only = registered_only or rule.registered_only
        return Standing(link, cancelled_before, registered_only)

    async def _remember_link(self, link_id: str) -> Link | None:
        number = self._number
        if link_id not in self._known:
            link = await self.find_link(link_id)
            if number != self._number:
                return link
            if len(self._known) >= LINKS_REMEMBERED_MAX:
                self._known.clear()
            self._known[link_id] = link
        return self._known[link_id]

    async def _rules_that_mean(self, access_key_id: str, bucket: str, key: str) -> list[Rule]:
        if self._rules is not None:
            return [rule for rule in self._rules if rule.scope.means(access_key_id, bucket, key)]
        found: list[Rule] = []
        for access_key in {access_key_id, ""}:
            for one in {bucket, ""}:
                found += await self._of_scope(access_key, one, key)
        return [rule for rule in found if rule.scope.means(access_key_id, bucket, key)]

    async def _of_scope(self, access_key_id: str, bucket: str, key: str) -> list[Rule]:
        """Those of that access key and bucket that mean a key: each a step down its prefixes, the longest first."""
        sql = (
            f"{RULE} WHERE access_key_id = ? AND bucket = ? AND (key, exact) <= (?, ?)"
            " ORDER BY key DESC, exact DESC LIMIT 1"
        )
        found: list[Rule] = []
        place: tuple[str, int] | None = (key, 1)
        while place is not None:
            row = await self._rows.find(sql, (access_key_id, bucket, *place))
            if row is None:
                break
            rule = read_rule(row)
            found.append(rule)
            place = next_place(rule.scope, key)
        return found

    async def remove_rule(self, scope: Scope) -> None:
        await super().remove_rule(scope)
        await self.look_again()

    async def forget_ended(self, before: int, most: int) -> int:
        ended = await super().forget_ended(before, most)
        await self.look_again()
        return ended
