"""What is changed of identities counts from the next request on."""

from __future__ import annotations

from typing import Final

import pytest

from coatcheck.ports.identities import Account, StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal

from .house import OWNER, House

HOME, AWAY = OWNER.account, "3000000000000003"
ALICE: Final = AccessKey("AliceKey", "alice-secret", HOME, principal=Principal("2" * 18, "alice"))
ACME: Final = AccessKey("AcmeKey", "acme-secret", AWAY)
READING: Final = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}]}'
ADDRESS: Final = "/photos/a.txt"


@pytest.fixture
async def house(house: House) -> House:
    """With an object, a user who may do nothing yet, and a second account."""
    await house.put(ADDRESS)
    await house.identities.add_user(User("2" * 18, HOME, "alice", 1))
    await house.keyring.add_key(ALICE)
    await house.identities.add_account(Account(AWAY, "acme", root=False, enabled=True, created_at=1))
    await house.keyring.add_key(ACME)
    return house


async def statuses(house: House, by: AccessKey = ALICE) -> list[int]:
    """What a GET and a PUT of the object answer."""
    return [(await house.ask(method, ADDRESS, by=by)).status for method in ("GET", "PUT")]


async def test_a_user_may_do_what_the_policies_say(house: House) -> None:
    assert await statuses(house) == [403, 403]
    await house.identities.put_policy(StoredPolicy(HOME, "reading", READING), replace=False)
    await house.identities.attach(HOME, "reading", user="alice")
    assert await statuses(house) == [200, 403]
    await house.identities.attach(HOME, "AliyunOSSFullAccess", user="alice")
    assert await statuses(house) == [200, 200]
    await house.identities.detach(HOME, "AliyunOSSFullAccess", user="alice")
    await house.identities.put_policy(StoredPolicy(HOME, "reading", READING.replace("Get", "Put")), replace=True)
    assert await statuses(house) == [403, 200]


async def test_keys_end_with_their_user(house: House) -> None:
    await house.identities.remove_user(HOME, "alice")
    assert (await house.ask("GET", ADDRESS, by=ALICE)).refusal == (403, "InvalidAccessKeyId")


async def test_a_disabled_account_opens_nothing_and_shows_nothing(house: House) -> None:
    assert (await house.ask("PUT", "/theirs/", by=ACME, headers={"x-oss-acl": "public-read-write"})).status == 200
    assert (await house.ask("PUT", "/theirs/a.txt", b"hello", by=ACME)).status == 200
    await house.identities.set_account_enabled(AWAY, False)
    for by in (ACME, OWNER, None):
        assert (await house.ask("GET", "/theirs/a.txt", by=by)).refusal == (403, "UserDisable")
    await house.identities.set_account_enabled(AWAY, True)
    for by in (ACME, OWNER, None):
        assert (await house.ask("GET", "/theirs/a.txt", by=by)).status == 200
