"""What one process changes of identities, the keyring of another sees at its next look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.ports.catalog import AlreadyThere, Gone, NotEmpty
from coatcheck.ports.identities import Account, StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal, Role

from ..ports.catalog_contract import a_bucket

ACCOUNT, USER, ROLE = "1234567890123456", "2" * 18, "3" * 18
READING, WRITING = '{"reading": 1}', '{"writing": 1}'


@pytest.fixture
def there(data: Path, engines: LocalEngines) -> Iterator[LocalEngines]:
    """Another process's engines: they share nothing but the directory."""
    with open_local(data) as opened:
        yield opened


@pytest.fixture
async def alice(engines: LocalEngines) -> None:
    """A user with a key, and a policy to attach."""
    await engines.identities.add_account(Account(ACCOUNT, "acme", root=False, enabled=True, created_at=1))
    await engines.identities.add_user(User(USER, ACCOUNT, "alice", 1))
    await engines.identities.put_policy(StoredPolicy(ACCOUNT, "reading", READING, 1), replace=False)
    await engines.keyring.add_key(AccessKey("coat", "hanger", ACCOUNT, principal=Principal(USER, "alice")))


async def policies_of(engines: LocalEngines) -> tuple[str, ...] | None:
    key = await engines.keyring.find_key("coat")
    return None if key is None or key.principal is None else key.principal.policies


@pytest.mark.usefixtures("alice")
async def test_policies_come_and_go(engines: LocalEngines, there: LocalEngines) -> None:
    assert await policies_of(there) == ()
    await engines.identities.attach(ACCOUNT, "reading", user="alice")
    assert await policies_of(there) == (READING,)
    await engines.identities.put_policy(StoredPolicy(ACCOUNT, "reading", WRITING, 2), replace=True)
    assert await policies_of(there) == (WRITING,)
    await engines.identities.detach(ACCOUNT, "reading", user="alice")
    assert await policies_of(there) == ()


@pytest.mark.usefixtures("alice")
async def test_keys_go_with_their_user_and_users_with_their_account(engines: LocalEngines, there: LocalEngines) -> None:
    await engines.identities.attach(ACCOUNT, "reading", user="alice")
    assert await policies_of(there) == (READING,)
    await engines.identities.remove_user(ACCOUNT, "alice")
    assert await policies_of(there) is None
    await engines.identities.remove_policy(ACCOUNT, "reading")  # nobody has it any more
    await engines.identities.remove_account(ACCOUNT)
    with pytest.raises(Gone):
        await engines.identities.remove_account(ACCOUNT)


@pytest.mark.usefixtures("alice")
async def test_a_disabled_account_is_seen_by_its_keys_roles_and_buckets(
    engines: LocalEngines, there: LocalEngines
) -> None:
    await engines.identities.put_role(Role(ROLE, ACCOUNT, "reader", "{}"), replace=False)
    await engines.catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)

    async def suspended() -> list[bool]:
        key, role = await there.keyring.find_key("coat"), await there.keyring.find_role_by_uid(ROLE)
        bucket = await there.catalog.find_bucket("photos")
        assert key is not None
        assert role is not None
        assert bucket is not None
        return [key.suspended, role.suspended, bucket.owner_suspended]

    assert await suspended() == [False, False, False]
    await engines.identities.set_account_enabled(ACCOUNT, False)
    assert await suspended() == [True, True, True]
    await engines.identities.set_account_enabled(ACCOUNT, True)
    assert await suspended() == [False, False, False]
    with pytest.raises(NotEmpty):
        await engines.identities.remove_account(ACCOUNT)


@pytest.mark.usefixtures("alice")
async def test_the_accounts_public_access_block_is_seen_by_its_buckets(
    engines: LocalEngines, there: LocalEngines
) -> None:
    await engines.catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
    for blocked in (True, False):
        await engines.catalog.set_account_public_access_block(ACCOUNT, blocked)
        bucket = await there.catalog.find_bucket("photos")
        assert bucket is not None
        assert bucket.blocks_public_access is blocked
        assert await there.catalog.blocks_public_access(ACCOUNT) is blocked
    assert await there.catalog.blocks_public_access("9999999999999999") is False


@pytest.mark.usefixtures("alice")
async def test_roles_have_policies_and_end(engines: LocalEngines, there: LocalEngines) -> None:
    role = Role(ROLE, ACCOUNT, "reader", '{"trust": 1}', (), 900)
    await engines.identities.put_role(role, replace=False)
    assert await there.keyring.find_role_by_uid(ROLE) == role
    assert await there.keyring.find_role(ACCOUNT, "READER") == role
    await engines.identities.attach(ACCOUNT, "Reading", role="reader")
    found = await there.keyring.find_role_by_uid(ROLE)
    assert found is not None
    assert found.policies == (READING,)
    with pytest.raises(AlreadyThere):
        await engines.identities.put_role(role, replace=False)
    await engines.identities.remove_role(ACCOUNT, "reader")
    assert await there.keyring.find_role_by_uid(ROLE) is None


@pytest.mark.usefixtures("alice")
async def test_a_token_sealed_here_opens_there_and_not_elsewhere(
    engines: LocalEngines, there: LocalEngines, tmp_path: Path
) -> None:
    token = engines.keyring.seal_token("who I am")
    assert there.keyring.open_token(token) == "who I am"
    assert "who" not in token
    assert all(character.isalnum() or character in "-_" for character in token)


@pytest.mark.usefixtures("alice")
async def test_a_use_is_noted_once_an_hour(engines: LocalEngines, there: LocalEngines) -> None:
    generation = there._reader.generation()
    for now, noted in ((10_000, 10_000), (10_001, 10_000), (13_600, 13_600)):
        engines.keyring.note_use("coat", now)
        for task in list(engines.keyring._notes):
            await task
        listed = {key.access_key_id: key for key in await there.keyring.list_keys()}
        assert listed["coat"].last_used_at == noted
    assert there._reader.generation() == generation  # nobody has to forget what they know
