"""What every register of links does. An engine joins by subclassing `LinksContract` with its fixture."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace

from coatcheck.ports.catalog import Gone
from coatcheck.ports.links import UNKNOWN, LimitedPart, Limits, Link, Links, Rule, Scope, Standing

ACCOUNT = "1234567890123456"
LINK = Link("lk_b", ACCOUNT, "LTAI5tAnna", "photos", "2026/猫.jpg", 1000, ends_at=5000)
LIMITED = replace(
    LINK,
    cancelled_at=1500,
    limits=Limits(3, ("192.0.2.0/24", "2001:db8::/32"), 1200, 8_000_000),
    note="for Ben, <b>once</b>",
)


async def put(links: Links, link: Link) -> None:
    await links.change_link(link.id, lambda _: link)


async def standing(links: Links, link_id: str = "lk_b", key: str = "2026/猫.jpg") -> Standing:
    return await links.find_standing(link_id, "LTAI5tAnna", "photos", key)


class LinksContract:
    TELLS_LINKS_APART = True  # what may be said of one link isn't what may be said of all

    async def test_an_empty_register_knows_nothing(self, links: Links) -> None:
        assert await standing(links) == UNKNOWN

    async def test_the_number_moves_with_rows_and_rules_and_not_with_uses(self, links: Links) -> None:
        numbers = [links.number()]
        assert not links.in_use()
        await put(links, LINK)
        numbers.append(links.number())
        assert links.in_use()
        await links.change_uses("lk_b", {"": lambda _: "one"})
        assert links.number() == numbers[-1]
        await links.put_rule(Rule(Scope("", "photos"), ACCOUNT, 1))
        numbers.append(links.number())
        await links.remove_rule(Scope("", "photos"))
        numbers.append(links.number())
        await links.forget_ended(before=9999, most=9)
        numbers.append(links.number())
        assert len(set(numbers)) == 5
        assert not links.in_use()

    async def test_of_a_link_with_a_row_or_a_rule_something_may_be_said(self, links: Links) -> None:
        asked = ("LTAI5tAnna", "photos", "2026/猫.jpg")
        assert not links.may_say("lk_b", *asked)
        await put(links, LINK)
        assert links.may_say("lk_b", *asked)
        await links.learn()
        assert (links.may_say("lk_b", *asked), links.may_say("lk_c", *asked)) == (True, not self.TELLS_LINKS_APART)
        await links.put_rule(Rule(Scope("", "photos", "2026/"), ACCOUNT, 1))
        assert links.may_say("lk_c", *asked)
        assert links.may_say("lk_c", "LTAI5tAnna", "photos", "2025/猫.jpg") is not self.TELLS_LINKS_APART

    async def test_a_link_is_found_as_it_was_put(self, links: Links) -> None:
        for link in (LINK, LIMITED):
            await put(links, link)
            assert await links.find_link("lk_b") == link
            assert await standing(links) == Standing(link)
        assert await standing(links, "lk_c") == UNKNOWN

    async def test_a_change_sees_what_is_there(self, links: Links) -> None:
        seen: list[Link | None] = []

        def cancel(link: Link | None) -> Link:
            seen.append(link)
            return replace(link or LINK, cancelled_at=2000)

        await links.change_link("lk_b", cancel)
        cancelled = await links.change_link("lk_b", cancel)
        assert cancelled == replace(LINK, cancelled_at=2000)
        assert seen == [None, cancelled]

    async def test_a_refused_change_changes_nothing(self, links: Links) -> None:
        await put(links, LINK)

        def refuse(_: Link | None) -> Link:
            raise Gone("not yours")

        with pytest.raises(Gone, match="not yours"):
            await links.change_link("lk_b", refuse)
        assert await links.find_link("lk_b") == LINK

    async def test_links_are_listed_in_pages_of_one_account(self, links: Links) -> None:
        for name, account, bucket in (("c", ACCOUNT, "photos"), ("a", ACCOUNT, "letters"), ("b", "9", "photos")):
            await put(links, replace(LINK, id=f"lk_{name}", account=account, bucket=bucket))
        assert [link.id for link in await links.list_links(ACCOUNT, most=9)] == ["lk_a", "lk_c"]
        assert [link.id for link in await links.list_links(ACCOUNT, most=1)] == ["lk_a"]
        assert [link.id for link in await links.list_links(ACCOUNT, after="lk_a", most=9)] == ["lk_c"]
        assert [link.id for link in await links.list_links(ACCOUNT, bucket="photos", most=9)] == ["lk_c"]

    async def test_a_rule_means_what_fits_all_its_parts(self, links: Links) -> None:
        for number, scope in enumerate(
            (
                Scope("LTAI5tAnna"),
                Scope("", "photos", "2026/"),
                Scope("LTAI5tAnna", "photos", "2026/猫.jpg", True),
                Scope("LTAI5tBen", "photos"),
                Scope("", "letters"),
                Scope("", "photos", "2025/"),
                Scope("", "photos", "2026/猫.jp", True),
            )
        ):
            rule = Rule(scope, ACCOUNT, cancelled_before=100 + number)
            assert await links.put_rule(rule) == rule
        assert await standing(links) == Standing(cancelled_before=102)
        assert await standing(links, key="2026/dog.jpg") == Standing(cancelled_before=101)
        assert await standing(links, key="letter") == Standing(cancelled_before=100)

    async def test_two_rules_of_one_scope_are_one(self, links: Links) -> None:
        scope = Scope("", "photos")
        await links.put_rule(Rule(scope, ACCOUNT, cancelled_before=500, made_at=1))
        joined = await links.put_rule(Rule(scope, "9", registered_only=True, made_at=2))
        assert joined == Rule(scope, "9", 500, True, 2)
        assert await standing(links) == Standing(None, 500, True)
        await links.remove_rule(scope)
        assert await standing(links) == UNKNOWN
        with pytest.raises(Gone):
            await links.remove_rule(scope)

    async def test_rules_are_listed_in_pages_of_one_account(self, links: Links) -> None:
        scopes = [Scope("", "photos"), Scope("", "photos", "a"), Scope("", "photos", "a", True), Scope("LTAI5tAnna")]
        for scope in reversed(scopes):
            await links.put_rule(Rule(scope, ACCOUNT, 1))
        await links.put_rule(Rule(Scope("", "letters"), "9", 1))
        assert [rule.scope for rule in await links.list_rules(ACCOUNT, most=9)] == scopes
        assert [rule.scope for rule in await links.list_rules(ACCOUNT, after=scopes[0], most=2)] == scopes[1:3]

    async def test_many_rules_mean_what_few_mean(self, links: Links) -> None:
        """As many as no process remembers; each answer is compared with the definition."""
        chance = random.Random(1)
        letters = "ab"
        scopes = {Scope("", "other", f"{number:04}") for number in range(1001)}
        for _ in range(150):
            key = "".join(chance.choices(letters, k=chance.randint(0, 6)))
            scopes.add(Scope(chance.choice(("", "LTAI5tAnna")), "photos", key, bool(key) and chance.random() < 0.4))
        rules = {scope: Rule(scope, ACCOUNT, cancelled_before=number) for number, scope in enumerate(sorted(scopes), 1)}
        waiting = list(rules.values())
        while waiting:
            await asyncio.gather(*(links.put_rule(rule) for rule in waiting[:100]))
            del waiting[:100]
        for _ in range(150):
            key = "".join(chance.choices(letters + "c", k=chance.randint(1, 8)))
            fitting = [
                rule.cancelled_before for rule in rules.values() if rule.scope.means("LTAI5tAnna", "photos", key)
            ]
            assert (await standing(links, key=key)).cancelled_before == max(fitting, default=0), key

    async def test_uses_are_kept_beside_the_link(self, links: Links) -> None:
        await put(links, LINK)
        assert await links.find_uses("lk_b") == ""
        await links.change_uses("lk_b", {"": lambda uses: uses + "one"})
        await links.change_uses("lk_b", {"": lambda uses: uses + " two"})
        assert await links.find_uses("lk_b") == "one two"
        assert await links.find_link("lk_b") == LINK

    async def test_uses_need_a_link(self, links: Links) -> None:
        with pytest.raises(Gone):
            await links.change_uses("lk_b", {"": lambda uses: uses})

    async def test_uses_change_one_after_the_other(self, links: Links) -> None:
        await put(links, LINK)
        counting = {"": lambda uses: str(int(uses or "0") + 1)}
        await asyncio.gather(*(links.change_uses("lk_b", counting) for _ in range(50)))
        assert await links.find_uses("lk_b") == "50"

    async def test_parts_have_accounts_of_their_own(self, links: Links) -> None:
        await put(links, LINK)
        await links.change_uses("lk_b", {"a": lambda uses: uses + "one", "b": lambda _: "two", "": lambda _: "whole"})
        await links.change_uses("lk_b", {"a": lambda uses: uses + " more"})
        assert [await links.find_uses("lk_b", part) for part in ("", "a", "b", "c")] == ["whole", "one more", "two", ""]
        assert list(await links.list_uses("lk_b", most=9)) == [("a", "one more"), ("b", "two")]
        assert list(await links.list_uses("lk_b", after="a", most=9)) == [("b", "two")]

    async def test_the_uses_of_several_parts_change_all_or_none(self, links: Links) -> None:
        await put(links, LINK)

        def refuse(_: str) -> str:
            raise ValueError("used up")

        with pytest.raises(ValueError, match="used up"):
            await links.change_uses("lk_b", {"a": lambda _: "one", "b": refuse})
        assert await links.find_uses("lk_b", "a") == ""

    async def test_uses_of_several_links_change_at_once_without_those_that_are_gone(self, links: Links) -> None:
        for name in ("lk_a", "lk_b"):
            await put(links, replace(LINK, id=name))
        one = {"lk_a": "", "lk_gone": "", "lk_b": "part"}
        await links.tell_uses({LimitedPart(*place): lambda uses: uses + "one" for place in one.items()})
        assert [await links.find_uses(*place) for place in one.items()] == ["one", "", "one"]

        def refuse(_: str) -> str:
            raise ValueError("unreadable")

        with pytest.raises(ValueError, match="unreadable"):
            await links.tell_uses({LimitedPart("lk_a"): lambda _: "two", LimitedPart("lk_b"): refuse})
        assert await links.find_uses("lk_a") == "one"

    async def test_links_that_ended_are_forgotten_with_their_uses(self, links: Links) -> None:
        for name, ends_at in (("a", 10), ("b", 20), ("c", None), ("d", 30)):
            await put(links, replace(LINK, id=f"lk_{name}", ends_at=ends_at))
        await links.change_uses("lk_a", {"": lambda _: "one"})
        assert await links.forget_ended(before=21, most=1) == 1
        assert await links.find_uses("lk_a") == ""
        assert await links.forget_ended(before=21, most=9) == 1
        assert await links.forget_ended(before=21, most=9) == 0
        assert [link.id for link in await links.list_links(ACCOUNT, most=9)] == ["lk_c", "lk_d"]
