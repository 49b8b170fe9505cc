"""Who may not read any more gets nothing more of what is running; everybody else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import pytest

from coatcheck.exchange import Exchange
from coatcheck.ports.catalog import Away
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal, Role
from coatcheck.ports.object import Deletion
from coatcheck.ports.snapshot import Lookup, Snapshot
from coatcheck.rights_watch import end_denied, watch_rights
from coatcheck.wire.request import Request

from .oss.house import OWNER, REQUEST_ID, House
from .patience import until
from .test_sts import READER, a_policy, a_session
from .tickets.desk import make

HOME: Final = OWNER.account
ALICE: Final = AccessKey("Alice2Key", "alice-secret", HOME, principal=Principal("7" * 18, "anna"))
ADDRESS: Final = "/photos/a.txt"
EVERYTHING: Final = StoredPolicy(HOME, "everything", a_policy("*"))
DENY: Final = (
    '{"Version": "1", "Statement": [{"Effect": "Deny", "Action": "oss:GetObject", "Principal": ["*"],'
    ' "Resource": "acs:oss:*:*:photos/*"}]}'
)

Ask = Callable[[House], Coroutine[Any, Any, object]]
Change = Callable[[House], Awaitable[object]]


class Receiver:
    """A connection whose reply is being sent."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self.was_reset = False

    def reset(self) -> bool:
        self.was_reset = True
        return True


@pytest.fixture
async def house() -> House:
    house = House()
    await house.with_bucket()
    await house.put(ADDRESS, b"x" * 100_000)
    await house.identities.add_user(User("7" * 18, HOME, "anna", 1))
    await house.keyring.add_key(ALICE)
    await house.identities.put_policy(EVERYTHING, replace=False)
    await house.identities.attach(HOME, "everything", user="anna")
    await house.identities.put_role(Role(READER.uid, HOME, "reader", READER.trust), replace=False)
    await house.identities.attach(HOME, "everything", role="reader")
    return house


async def begin(house: House, ask: Ask) -> Receiver:
    """What is asked is answered, and its reply not yet sent."""
    receiver = Receiver()

    async def send(request: Request) -> None:
        receiver.exchange = exchange = Exchange(request, REQUEST_ID, house.now, house.services.answer)
        assert (await exchange.answer()).status == 200

    house.send, as_it_is = send, house.send  # type: ignore[method-assign,assignment]
    try:
        await ask(house)
    finally:
        house.send = as_it_is  # type: ignore[method-assign]
    return receiver


async def is_ended(house: House, ask: Ask, change: Change) -> bool:
    """Whether the reply ends with the change, and not before."""
    receiver = await begin(house, ask)
    assert receiver.exchange is not None
    reads = house.reads
    await end_denied(reads, [receiver])
    assert not receiver.was_reset
    await change(house)
    await end_denied(reads, [receiver])
    await receiver.exchange.end(0, whole=False)
    return receiver.was_reset


async def by_user(house: House) -> None:
    await house.ask("GET", ADDRESS, by=ALICE)


async def by_owner(house: House) -> None:
    await house.ask("GET", ADDRESS)


async def by_link(house: House) -> None:
    await house.follow(house.link("GET", "a.txt"))


async def by_nobody(house: House) -> None:
    await house.ask("GET", ADDRESS, by=None)


async def set_policy(house: House) -> None:
    assert (await house.ask("PUT", "/photos/?policy", DENY.encode())).status == 200


async def set_acl(house: House, acl: str = "private") -> None:
    assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": acl})).status == 200


TAKEN_AWAY: Final[dict[str, Change]] = {
    "key deleted": lambda house: house.keyring.remove_key("Alice2Key"),
    "key disabled": lambda house: house.keyring.set_key_enabled("Alice2Key", False),
    "user removed": lambda house: house.identities.remove_user(HOME, "anna"),
    "policy detached": lambda house: house.identities.detach(HOME, "everything", user="anna"),
    "policy changed": lambda house: house.identities.put_policy(
        StoredPolicy(HOME, "everything", a_policy("oss:PutObject")), replace=True
    ),
    "denied by the bucket": set_policy,
    "account disabled": lambda house: house.identities.set_account_enabled(HOME, False),
}


@pytest.mark.parametrize("change", TAKEN_AWAY.values(), ids=TAKEN_AWAY)
async def test_what_a_user_is_denied_ends(house: House, change: Change) -> None:
    assert await is_ended(house, by_user, change)


async def test_the_owners_links_end_by_the_buckets_policy_alone(house: House) -> None:
    assert not await is_ended(house, by_link, TAKEN_AWAY["policy detached"])
    assert await is_ended(house, by_link, set_policy)


async def test_strangers_are_ended_when_the_bucket_is_private_again(house: House) -> None:
    await set_acl(house, "public-read")
    assert not await is_ended(house, by_nobody, TAKEN_AWAY["key deleted"])
    assert await is_ended(house, by_nobody, set_acl)


ROLE_CHANGES: Final[dict[str, Change]] = {
    "policy detached": lambda house: house.identities.detach(HOME, "everything", role="reader"),
    "role removed": lambda house: house.identities.remove_role(HOME, "reader"),
}


@pytest.mark.parametrize("change", ROLE_CHANGES.values(), ids=ROLE_CHANGES)
async def test_a_session_ends_with_its_role_and_not_by_its_time(house: House, change: Change) -> None:
    await house.identities.put_policy(StoredPolicy(HOME, "assuming", a_policy("sts:*")), replace=False)
    await house.identities.attach(HOME, "assuming", user="anna")
    signer = await a_session(house, ALICE)
    url = signer.presign("GET", "photos", "a.txt", now=house.now).url

    async def follow(house: House) -> None:
        await house.follow(url)

    async def wait(house: House) -> None:
        house.now += 90_000

    assert not await is_ended(house, follow, wait)
    house.now -= 90_000
    assert await is_ended(house, follow, change)


@pytest.mark.parametrize("change", [TAKEN_AWAY["policy detached"], TAKEN_AWAY["key deleted"]])
async def test_an_object_that_is_deleted_may_be_read_to_its_end(house: House, change: Change) -> None:
    async def delete(house: House) -> None:
        bucket = await house.catalog.find_bucket("photos")
        assert bucket is not None
        await house.catalog.delete_object(bucket.bucket_id, Deletion("a.txt"))

    assert not await is_ended(house, by_user, delete)
    await house.put(ADDRESS)
    assert await is_ended(house, by_user, change)


async def test_a_listing_ends_and_what_was_changed_is_answered(house: House) -> None:
    async def put(house: House) -> None:
        await house.ask("PUT", "/photos/b.txt", b"1", by=ALICE)

    async def list_objects(house: House) -> None:
        await house.ask("GET", "/photos/", by=ALICE)

    assert await is_ended(house, list_objects, TAKEN_AWAY["policy detached"])
    await house.identities.attach(HOME, "everything", user="anna")
    assert not await is_ended(house, put, TAKEN_AWAY["policy detached"])


@pytest.mark.parametrize("named", [{"key": "d/a.txt"}, {"prefix": "d/"}], ids=["an object", "a folder"])
async def test_a_tickets_download_ends_with_its_makers_rights(house: House, named: dict[str, str]) -> None:
    await house.put("/photos/d/a.txt")
    url = (await make(house, by=ALICE, **named))["url"]

    async def follow(house: House) -> None:
        await house.follow(url)

    assert await is_ended(house, follow, TAKEN_AWAY["policy detached"])


class Sometimes:
    """A catalog that counts its changes, and is away at times."""

    def __init__(self, house: House) -> None:
        self.moves, self.asked, self.is_away = 0, 0, False
        self._reads = house.reads

    def number(self) -> int:
        return self.moves

    async def read(self, lookup: Lookup) -> Snapshot:
        self.asked += 1
        if self.is_away:
            raise Away("gone")
        return await self._reads.read(lookup)


async def test_it_looks_when_something_has_changed_and_again_when_nobody_could_answer(house: House) -> None:
    receivers = [await begin(house, by_user) for _ in range(3)]
    reads = Sometimes(house)
    watching = asyncio.create_task(watch_rights(reads, lambda: receivers))
    await TAKEN_AWAY["policy detached"](house)
    await asyncio.sleep(0.6)
    assert reads.asked == 0
    reads.is_away, reads.moves = True, 1
    await until(lambda: reads.asked)
    assert not any(receiver.was_reset for receiver in receivers)
    reads.is_away, reads.asked = False, 0
    await until(lambda: all(receiver.was_reset for receiver in receivers))
    assert reads.asked == 1  # for all three
    watching.cancel()
    for receiver in receivers:
        assert receiver.exchange is not None
        await receiver.exchange.end(0, whole=False)
