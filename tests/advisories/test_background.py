"""Background work: nobody gets more by it than they have, and what it writes tells nothing that is secret."""

from __future__ import annotations

import re

import pytest

from coatcheck.background.acting import act_as, assume
from coatcheck.background.notices import Stopped
from coatcheck.core.author import Author
from coatcheck.identity.caller import Caller
from coatcheck.ports.keyring import Principal

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
