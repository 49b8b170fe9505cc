"""The register of links, and tickets, in dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ports.catalog import Gone
from ..ports.link_totals import Totals
from ..ports.links import UNKNOWN, LimitedPart, Link, Rule, Scope, Standing, Uses
from ..ports.tickets import Change, Ticket


class MemoryLinks:
    """See `ports.links` and `ports.tickets`."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._uses: dict[tuple[str, str], Uses] = {}
        self._tickets: dict[str, Ticket] = {}
        self._tries: dict[tuple[str, str], tuple[int, int]] = {}  # Unix seconds of the first, how many
        self._rules: dict[Scope, Rule] = {}
        self.totals: dict[str, Totals] = {}
        self._number = 0

    def number(self) -> int:
        return self._number

    def in_use(self) -> bool:
        return bool(self._links or self._rules)

    def may_say(self, link_id: str, access_key_id: str, bucket: str, key: str) -> bool:
        return link_id in self._links or any(scope.means(access_key_id, bucket, key) for scope in self._rules)

    async def learn(self) -> None:
        return

    async def find_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        return self.look_for_standing(link_id, access_key_id, bucket, key)

    def look_for_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        if not self._links and not self._rules:
            return UNKNOWN
        rules = [rule for scope, rule in self._rules.items() if scope.means(access_key_id, bucket, key)]
        return Standing(
            self._links.get(link_id),
            max((rule.cancelled_before for rule in rules), default=0),
            any(rule.registered_only for rule in rules),
        )

    async def find_link(self, link_id: str) -> Link | None:
        return self._links.get(link_id)

    async def change_link(self, link_id: str, change: Callable[[Link | None], Link]) -> Link:
        link = self._links[link_id] = change(self._links.get(link_id))
        self._number += 1
        return link

    async def list_links(self, account: str, *, bucket: str = "", after: str = "", most: int) -> Sequence[Link]:
        links = (link for _, link in sorted(self._links.items()))
        return [link for link in links if link.account == account and bucket in ("", link.bucket) and link.id > after][
            :most
        ]

    async def put_rule(self, rule: Rule) -> Rule:
        known = self._rules.get(rule.scope)
        joined = self._rules[rule.scope] = rule if known is None else known.joined(rule)
        self._number += 1
        return joined

    async def remove_rule(self, scope: Scope) -> None:
        if self._rules.pop(scope, None) is None:
            raise Gone("rule")
        self._number += 1

    async def list_rules(self, account: str, *, after: Scope | None = None, most: int) -> Sequence[Rule]:
        scopes = sorted(scope for scope, rule in self._rules.items() if rule.account == account)
        return [self._rules[scope] for scope in scopes if after is None or scope > after][:most]

    async def find_uses(self, link_id: str, part: str = "") -> Uses:
        return self._uses.get((link_id, part), "")

    async def list_uses(self, link_id: str, *, after: str = "", most: int) -> Sequence[tuple[str, Uses]]:
        kept = sorted((part, uses) for (of, part), uses in self._uses.items() if of == link_id and part > after)
        return kept[:most]

    async def change_uses(self, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
        if link_id not in self._links:
            raise Gone(link_id)
        changed = {(link_id, part): change(self._uses.get((link_id, part), "")) for part, change in changes.items()}
        self._uses.update(changed)

    async def tell_uses(self, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
        changed: dict[tuple[str, str], Uses] = {
            (link_id, part): change(self._uses.get((link_id, part), ""))
            for (link_id, part), change in changes.items()
            if link_id in self._links
        }
        self._uses.update(changed)

    async def find_ticket(self, link_id: str) -> tuple[Link, Ticket] | None:
        link, ticket = self._links.get(link_id), self._tickets.get(link_id)
        return None if link is None or ticket is None else (link, ticket)

    async def change_ticket(self, link_id: str, change: Change) -> tuple[Link, Ticket]:
        link, ticket = change(self._links.get(link_id), self._tickets.get(link_id))
        self._links[link_id], self._tickets[link_id] = link, ticket
        self._number += 1
        return link, ticket

    async def take_try(self, link_id: str, receiver: str, most: int, window_s: int, now: int) -> bool:
        since, tries = self._tries.get((link_id, receiver), (now, 0))
        if not now - window_s < since <= now + window_s:
            since, tries = now, 0
        if tries >= most:
            return False
        self._tries[link_id, receiver] = since, tries + 1
        return True

    async def forget_tries(self, link_id: str, receiver: str) -> None:
        self._tries.pop((link_id, receiver), None)

    async def forget_ended(self, before: int, most: int) -> int:
        ends = sorted((link.ends_at, link.id) for link in self._links.values() if link.ends_at is not None)
        ended = [link_id for ends_at, link_id in ends if ends_at < before][:most]
        self._number += bool(ended)
        for link_id in ended:
            del self._links[link_id]
            self._tickets.pop(link_id, None)
            for place in [place for place in self._uses if place[0] == link_id]:
                del self._uses[place]
            self.totals.pop(link_id, None)
        return len(ended)
