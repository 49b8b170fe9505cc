"""Background work: nobody gets more by it than they have, and what it writes tells nothing that is secret."""

from __future__ import annotations

import re

import pytest

from coatcheck.background.acting import act_as, assume
from coatcheck.background.notices import Stopped
from coatcheck.cli.link_audit import _cell
from coatcheck.core.author import Author
from coatcheck.identity.caller import Caller
from coatcheck.links.audit_text import read_row, write_row, write_rows
from coatcheck.ports.keyring import Principal
from coatcheck.ports.link_audit import AuditRow, Question

from ..background.test_acting import ACCOUNT, ALICE, ARN, World, a_policy
from ..background.test_log_line import a_house, line_of
from ..oss.house import ANYBODY


async def test_a_header_fakes_no_line_of_a_log() -> None:
    house = await a_house()
    agent = 'x" "-" "R" "true"\n192.0.2.1 - - [05/Mar/2026:07:08:09 +0000] "GET / HTTP/1.1'
    line = line_of(await house.ask("GET", "/photos/a", headers={"user-agent": agent}, by=ANYBODY))
    assert line.count("\n") == 1
    assert "x\\x22 \\x22-\\x22 " in line


async def test_a_log_holds_no_link_that_works() -> None:
    house = await a_house()
    link = house.link("GET", "a")
    secret = re.search("x-oss-signature=([0-9a-f]{64})", link)
    assert secret is not None
    for answer in (await house.follow(link), await house.ask("GET", "/photos/a", headers={"referer": link})):
        assert secret[1] not in line_of(answer)


async def test_a_configuration_lends_nobody_a_role() -> None:
    world = await World().with_all()
    alice = Caller(ACCOUNT, principal=Principal(ALICE, "alice", (a_policy("oss:*"),)))
    with pytest.raises(Stopped, match="may not pass the role writer on"):
        await assume(ARN, alice, world.keyring, session="inventory", now=0)


async def test_nothing_goes_on_for_a_user_who_is_gone() -> None:
    world = await World().with_all()
    await world.identities.remove_user(ACCOUNT, "alice")
    with pytest.raises(Stopped, match="no longer there"):
        await act_as(Author(ACCOUNT, user=ALICE), world.keyring)


def a_row(account: str = ACCOUNT, agent: str = "curl") -> AuditRow:
    return AuditRow(1, account, "lk_a", "photos", "k", "", "get_object", 200, "", "192.0.2.7", agent, 5, True, 1, "R")


def test_an_agent_fakes_no_row_of_the_audit() -> None:
    agent = 'x",5,true,1,"R"]\n[2,"1000","lk_b","photos","k","","get_object",200,"","192.0.2.8","y'
    row = a_row(agent=agent)
    for line in (write_row(row), write_rows([row])):
        assert line.count(b"\n") == 1
        assert read_row(line).agent == agent


def test_rows_of_the_audit_are_of_one_account() -> None:
    assert Question(ACCOUNT).means(a_row())
    assert not Question(ACCOUNT, link="lk_a").means(a_row(account="2000000000000002"))


def test_no_text_of_the_audit_is_run_by_a_sheet() -> None:
    for text in ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\x1b[2J\n=1"):
        assert _cell(text).lstrip(" ").startswith(("'", "\\x1b")), text
        assert _cell(text).isprintable()
