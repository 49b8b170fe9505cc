"""The filter in front of the register of links: it never says of a link with a row that it has none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import coatcheck.engines.sqlite.links as sqlite_links
from coatcheck.core.link_ids import name_link
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.sqlite.link_filter import LinkFilter
from coatcheck.ports.links import UNKNOWN, Rule, Scope, Standing

from ..ports.links_contract import ACCOUNT, LINK, put

NAMES = [name_link(str(number)) for number in range(500)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    prepare_local(tmp_path / "data").close()
    return tmp_path / "data"


@pytest.fixture
def one(data: Path) -> Iterator[LocalEngines]:
    with open_local(data) as engines:
        yield engines


@pytest.fixture
def other(data: Path) -> Iterator[LocalEngines]:
    with open_local(data) as engines:
        yield engines


def may_say(engines: LocalEngines, link_id: str) -> bool:
    return engines.links.may_say(link_id, "K", "photos", "k")


def said(engines: LocalEngines) -> int:
    """Of how many of `NAMES` something may be said."""
    return sum(may_say(engines, name) for name in NAMES)


def test_it_says_nothing_before_it_was_filled(tmp_path: Path) -> None:
    rows = LinkFilter(tmp_path / "rows")
    assert not rows.surely_lacks("lk_a")
    rows.set_ready()
    assert rows.surely_lacks("lk_a")
    rows.close()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=50))
def test_what_was_added_is_never_lacked(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    rows = LinkFilter(tmp_path_factory.mktemp("filter") / "rows")
    rows.set_ready()
    for name in names:
        rows.add(name)
    assert not any(rows.surely_lacks(name) for name in names)
    rows.close()


async def test_rows_from_before_the_start_are_learnt_in_pages(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_links, "_PAGE", 30)
    with open_local(data) as engines:
        for name in NAMES[:100]:
            await put(engines.links, replace(LINK, id=name))
    prepare_local(data).close()  # another start
    with open_local(data) as engines:
        assert said(engines) == 500  # nothing is certain yet
        before = engines._writer.transactions
        await engines.links.learn()
        assert engines._writer.transactions - before == 4
        assert all(may_say(engines, name) for name in NAMES[:100])
        assert said(engines) < 105
        await engines.links.learn()
        assert engines._writer.transactions - before == 4


async def test_a_row_of_one_process_is_seen_by_the_next_question_of_another(
    one: LocalEngines, other: LocalEngines
) -> None:
    await put(one.links, LINK)
    await other.links.learn()
    for name in NAMES:
        assert await other.links.find_standing(name, "K", "photos", "k") == UNKNOWN
        await put(one.links, replace(LINK, id=name, cancelled_at=5))
        assert may_say(other, name)
        assert await other.links.find_standing(name, "K", "photos", "k") == Standing(
            replace(LINK, id=name, cancelled_at=5)
        )


async def test_no_row_is_missed_that_is_made_while_others_are_learnt(
    one: LocalEngines, other: LocalEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_links, "_PAGE", 3)
    for name in NAMES[::2]:
        await put(one.links, replace(LINK, id=name))

    async def go_on() -> None:
        for name in NAMES[1::2]:
            await put(one.links, replace(LINK, id=name))

    await asyncio.gather(go_on(), other.links.learn(), one.links.learn())
    assert said(one) == said(other) == 500


async def test_rules_have_a_say_of_links_without_a_row(one: LocalEngines, other: LocalEngines) -> None:
    await one.links.learn()
    await put(one.links, LINK)
    assert not may_say(other, NAMES[0])
    await one.links.put_rule(Rule(Scope("", "photos", "k"), ACCOUNT, 100))
    assert may_say(other, NAMES[0])
    assert not other.links.may_say(NAMES[0], "K", "photos", "other")


async def test_no_start_believes_what_was_left_behind(data: Path) -> None:
    with open_local(data) as engines:
        await put(engines.links, LINK)
        await engines.links.learn()
        assert not may_say(engines, NAMES[0])
    prepare_local(data).close()
    with open_local(data) as engines:
        assert may_say(engines, NAMES[0])
