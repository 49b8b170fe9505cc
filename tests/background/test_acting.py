"""Who background work is done as: whoever set it up, as they stand when it is done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from coatcheck.background.acting import act_as, assume
from coatcheck.background.notices import Stopped
from coatcheck.core.author import Author
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_identities import MemoryIdentities
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.identity.author import author_of
from coatcheck.identity.caller import Caller
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import Principal, Role

ACCOUNT = "1000000000000001"
ALICE, WRITER = "201234567890123456", "301234567890123456"
ARN = f"acs:ram::{ACCOUNT}:role/writer"


def a_policy(action: str, resource: str = "*") -> str:
    return json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})


def a_trust(**principal: Any) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "1", "Statement": [statement]})


WRITES = a_policy("oss:PutObject")
TRUSTS_OSS = a_trust(Service=["oss.aliyuncs.com"])
ROLE = Role(WRITER, ACCOUNT, "writer", TRUSTS_OSS)


class World:
    """An account with a user and a role, and what changes them."""

    def __init__(self) -> None:
        self.keyring = MemoryKeyring(root_account=ACCOUNT)
        self.identities = MemoryIdentities(self.keyring, MemoryCatalog())

    async def with_all(self, role: Role = ROLE) -> World:
        await self.identities.add_user(User(ALICE, ACCOUNT, "alice", 1))
        await self.identities.put_policy(StoredPolicy(ACCOUNT, "writes", WRITES), replace=False)
        await self.identities.put_role(role, replace=False)
        await self.identities.attach(ACCOUNT, "writes", role="writer")
        return self


async def why(doing: Any) -> str:
    with pytest.raises(Stopped) as stopped:
        await doing
    return str(stopped.value)


def test_an_author_is_the_identity_and_not_its_key() -> None:
    assert author_of(Caller(ACCOUNT, "Key"), 5.9) == Author(ACCOUNT, at=5)
    user = Caller(ACCOUNT, "Key", principal=Principal(ALICE, "alice", ("{}",)))
    assert author_of(user, 5) == Author(ACCOUNT, user=ALICE, at=5)
    session = Caller(ACCOUNT, "STS.Key", principal=Principal(WRITER, "writer", ("{}",), "tuesday", WRITES))
    assert author_of(session, 5) == Author(ACCOUNT, role=WRITER, session="tuesday", session_policy=WRITES, at=5)


async def test_an_account_acts_as_its_owner() -> None:
    world = await World().with_all()
    caller = await act_as(Author(ACCOUNT), world.keyring)
    assert caller == Caller(ACCOUNT)
    assert not caller.anonymous


async def test_a_user_acts_with_the_policies_of_today() -> None:
    world = await World().with_all()
    author = Author(ACCOUNT, user=ALICE)
    assert (await act_as(author, world.keyring)).principal == Principal(ALICE, "alice", ())
    await world.identities.attach(ACCOUNT, "writes", user="alice")
    assert (await act_as(author, world.keyring)).principal == Principal(ALICE, "alice", (WRITES,))
    await world.identities.remove_user(ACCOUNT, "alice")
    assert await why(act_as(author, world.keyring)) == "the user who set it up is no longer there"


async def test_a_session_acts_as_its_role_within_what_narrowed_it() -> None:
    world = await World().with_all()
    narrow = a_policy("oss:PutObject", "acs:oss:*:*:logs/*")
    author = Author(ACCOUNT, role=WRITER, session="tuesday", session_policy=narrow)
    caller = await act_as(author, world.keyring)
    assert caller.principal == Principal(WRITER, "writer", (WRITES,), "tuesday", narrow)
    await world.identities.remove_role(ACCOUNT, "writer")
    await world.identities.put_role(replace(ROLE, uid="3" * 18), replace=False)  # another one of that name
    assert await why(act_as(author, world.keyring)) == "the role whose session set it up is no longer there"


@pytest.mark.parametrize(
    "author", [Author(ACCOUNT), Author(ACCOUNT, user=ALICE), Author(ACCOUNT, role=WRITER, session="tuesday")]
)
async def test_nobody_of_a_disabled_account_acts(author: Author) -> None:
    world = await World().with_all()
    await world.identities.set_account_enabled(ACCOUNT, False)
    assert "disabled" in await why(act_as(author, world.keyring))


async def test_what_nobody_is_known_to_have_set_up_is_not_done() -> None:
    world = await World().with_all()
    assert await why(act_as(None, world.keyring)) == "nobody knows who set it up; set it up again"
    assert await why(act_as(Author("9" * 16), world.keyring)) == "the account who set it up is no longer there"


async def test_a_role_that_trusts_the_service_is_assumed() -> None:
    world = await World().with_all()
    caller = await assume(ARN, Caller(ACCOUNT), world.keyring, session="inventory", now=0)
    assert caller == Caller(ACCOUNT, principal=Principal(WRITER, "writer", (WRITES,), "inventory"))


@pytest.mark.parametrize(
    "trust", [a_trust(RAM=[f"acs:ram::{ACCOUNT}:root"]), a_trust(Service=["ecs.aliyuncs.com"])], ids=["RAM", "ecs"]
)
async def test_a_role_that_does_not_trust_the_service_is_not_assumed(trust: str) -> None:
    world = await World().with_all(replace(ROLE, trust=trust))
    reason = await why(assume(ARN, Caller(ACCOUNT), world.keyring, session="inventory", now=0))
    assert reason == "the trust policy of the role writer does not name the service oss.aliyuncs.com"


@pytest.mark.parametrize("arn", ["r", "writer", f"acs:ram::{ACCOUNT}:user/writer", "acs:ram::"])
async def test_what_is_no_role_is_not_assumed(arn: str) -> None:
    world = await World().with_all()
    assert "isn't written" in await why(assume(arn, Caller(ACCOUNT), world.keyring, session="inventory", now=0))


async def test_a_role_of_another_account_is_not_assumed() -> None:
    world = await World().with_all()
    reason = await why(assume(ARN, Caller("2" * 16), world.keyring, session="inventory", now=0))
    assert "is not there" in reason


async def test_a_role_gives_nobody_more_than_they_may_pass_on() -> None:
    world = await World().with_all()

    async def as_alice(*policies: str, ceiling: str | None = None) -> Caller:
        session = "" if ceiling is None else "tuesday"
        alice = Caller(ACCOUNT, principal=Principal(ALICE, "alice", policies, session, ceiling))
        return await assume(ARN, alice, world.keyring, session="inventory", now=0)

    refusal = "who set it up may not pass the role writer on (ram:PassRole)"
    assert await why(as_alice(a_policy("oss:*"))) == refusal
    passes = a_policy("ram:PassRole", f"acs:ram:*:{ACCOUNT}:role/writer")
    assert (await as_alice(passes)).principal == Principal(WRITER, "writer", (WRITES,), "inventory")
    assert await why(as_alice(a_policy("ram:PassRole", f"acs:ram:*:{ACCOUNT}:role/reader"))) == refusal
    assert await why(as_alice(passes, ceiling=a_policy("oss:*"))) == refusal
