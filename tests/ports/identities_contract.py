"""What every engine does with accounts, users, roles and policies, and what its keyring and its catalog see of them.

An engine joins by subclassing `IdentitiesContract` with its fixtures `identities`, `keyring` and `catalog`.
"""

from __future__ import annotations

from collections.abc import Awaitable

import pytest
from msgspec.structs import replace

from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone, NotEmpty
from coatcheck.ports.identities import Account, Identities, StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Holder, Keyring, Principal, Role

from .catalog_contract import a_bucket

ACCOUNT, OTHER, NOBODY = "1234567890123456", "1234567890123457", "9999999999999999"
USER, ROLE = "2" * 18, "3" * 18
READING, WRITING = '{"reading": 1}', '{"writing": 1}'

ACME = Account(ACCOUNT, "acme", root=False, enabled=True, created_at=1)
ALICE = User(USER, ACCOUNT, "alice", 1)
READER = Role(ROLE, ACCOUNT, "reader", '{"trust": 1}', (), 900)
KEY = AccessKey("coat", "hanger", ACCOUNT, principal=Principal(USER, "alice"))


async def with_alice(identities: Identities, keyring: Keyring) -> None:
    """An account with a user who has a key, and a policy to attach."""
    await identities.add_account(ACME)
    await identities.add_user(ALICE)
    await identities.put_policy(StoredPolicy(ACCOUNT, "reading", READING, 1), replace=False)
    await keyring.add_key(KEY)


async def policies_of(keyring: Keyring) -> tuple[str, ...] | None:
    """The texts that alice's key has; None if it isn't there."""
    key = await keyring.find_key("coat")
    return None if key is None or key.principal is None else key.principal.policies


async def policies_of_role(keyring: Keyring) -> tuple[str, ...]:
    role = await keyring.find_role_by_uid(ROLE)
    assert role is not None
    return role.policies


async def suspended(keyring: Keyring, catalog: Catalog) -> list[bool]:
    """What alice's key, the role, by its uid and by its name, and the bucket say of their account."""
    key, bucket = await keyring.find_key("coat"), await catalog.find_bucket("photos")
    role, named = await keyring.find_role_by_uid(ROLE), await keyring.find_role(ACCOUNT, "reader")
    assert key is not None
    assert role is not None
    assert named is not None
    assert bucket is not None
    return [key.suspended, role.suspended, named.suspended, bucket.owner_suspended]


async def gone(change: Awaitable[None]) -> str:
    """What isn't there, in the error's words."""
    with pytest.raises(Gone) as refused:
        await change
    return str(refused.value)


async def already_there(change: Awaitable[None]) -> str:
    """What is there, in the error's words."""
    with pytest.raises(AlreadyThere) as refused:
        await change
    return str(refused.value)


class IdentitiesContract:
    @pytest.fixture
    async def alice(self, identities: Identities, keyring: Keyring) -> None:
        await with_alice(identities, keyring)

    # --- accounts ---

    async def test_the_first_account_owns_the_server(self, identities: Identities, keyring: Keyring) -> None:
        (root,) = await identities.list_accounts()
        assert (root.uid, root.name, root.root, root.enabled) == (await keyring.root_account(), "root", True, True)

    async def test_accounts_are_listed_by_name_behind_the_first(self, identities: Identities) -> None:
        zebra = Account(OTHER, "zebra", root=False, enabled=False, created_at=7)
        for account in (zebra, ACME):
            await identities.add_account(account)
        assert list(await identities.list_accounts())[1:] == [ACME, zebra]

    async def test_no_second_account_owns_the_server(self, identities: Identities) -> None:
        await identities.add_account(replace(ACME, root=True))
        assert [account.root for account in await identities.list_accounts()] == [True, False]

    async def test_accounts_have_each_their_uid_and_name(self, identities: Identities) -> None:
        await identities.add_account(ACME)
        assert await already_there(identities.add_account(replace(ACME, name="other"))) == f"account {ACCOUNT}"
        assert await already_there(identities.add_account(replace(ACME, uid=OTHER))) == "account acme"
        assert list(await identities.list_accounts())[1:] == [ACME]

    async def test_a_key_makes_its_account(self, identities: Identities, keyring: Keyring) -> None:
        await keyring.add_key(AccessKey("root-key", "s", ACCOUNT))
        made = {account.uid: account for account in await identities.list_accounts()}[ACCOUNT]
        assert (made.name, made.root, made.enabled) == ("", False, True)

    @pytest.mark.usefixtures("alice")
    async def test_a_disabled_account_is_seen_by_its_keys_roles_and_buckets(
        self, identities: Identities, keyring: Keyring, catalog: Catalog
    ) -> None:
        await identities.put_role(READER, replace=False)
        await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        assert await suspended(keyring, catalog) == [False, False, False, False]
        await identities.set_account_enabled(ACCOUNT, False)
        assert await suspended(keyring, catalog) == [True, True, True, True]
        assert [key.suspended for key in await keyring.list_keys()] == [True]
        await identities.set_account_enabled(ACCOUNT, True)
        assert await suspended(keyring, catalog) == [False, False, False, False]

    async def test_of_an_account_made_disabled_all_is_suspended(
        self, identities: Identities, keyring: Keyring, catalog: Catalog
    ) -> None:
        await identities.add_account(replace(ACME, enabled=False))
        await identities.add_user(ALICE)
        await identities.put_role(READER, replace=False)
        await keyring.add_key(KEY)
        await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        assert await suspended(keyring, catalog) == [True, True, True, True]

    async def test_a_disabled_account_is_seen_by_those_who_work_on_configurations(
        self, identities: Identities, catalog: Catalog
    ) -> None:
        await identities.add_account(ACME)
        bucket = await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        await catalog.set_configuration(bucket.bucket_id, "lifecycle", "{}")
        for disabled in (True, False):
            await identities.set_account_enabled(ACCOUNT, not disabled)
            found = await catalog.buckets_with_configuration("lifecycle")
            assert [bucket.owner_suspended for bucket in found] == [disabled]

    @pytest.mark.usefixtures("alice")
    async def test_the_accounts_public_access_block_is_seen_by_its_buckets(self, catalog: Catalog) -> None:
        await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        for blocked in (True, False):
            await catalog.set_account_public_access_block(ACCOUNT, blocked)
            bucket = await catalog.find_bucket("photos")
            assert bucket is not None
            assert bucket.blocks_public_access is blocked
            assert await catalog.blocks_public_access(ACCOUNT) is blocked
        assert await catalog.blocks_public_access(NOBODY) is False

    @pytest.mark.usefixtures("alice")
    async def test_users_roles_policies_and_keys_go_with_their_account(
        self, identities: Identities, keyring: Keyring
    ) -> None:
        await identities.put_role(READER, replace=False)
        await identities.attach(ACCOUNT, "reading", user="alice")
        await identities.attach(ACCOUNT, "reading", role="reader")
        await keyring.add_key(AccessKey("root-key", "s", ACCOUNT))
        await identities.remove_account(ACCOUNT)
        assert [account.name for account in await identities.list_accounts()] == ["root"]
        assert await keyring.list_keys() == []
        assert await keyring.find_key("coat") is None
        assert await keyring.find_role_by_uid(ROLE) is None
        for listed in (identities.list_users, identities.list_roles, identities.list_policies):
            assert await listed(ACCOUNT) == []
        assert await gone(identities.remove_account(ACCOUNT)) == f"account {ACCOUNT}"

    @pytest.mark.usefixtures("alice")
    async def test_an_account_made_again_has_nothing_of_the_old_one(
        self, identities: Identities, keyring: Keyring, catalog: Catalog
    ) -> None:
        await identities.attach(ACCOUNT, "reading", user="alice")
        await catalog.set_account_public_access_block(ACCOUNT, True)
        await identities.set_account_enabled(ACCOUNT, False)
        await identities.remove_account(ACCOUNT)
        await with_alice(identities, keyring)
        await identities.put_role(READER, replace=False)
        await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        assert await policies_of(keyring) == ()
        assert await suspended(keyring, catalog) == [False, False, False, False]
        assert await catalog.blocks_public_access(ACCOUNT) is False

    @pytest.mark.usefixtures("alice")
    async def test_one_account_goes_and_the_others_stay(self, identities: Identities, keyring: Keyring) -> None:
        await identities.add_account(Account(OTHER, "zebra", root=False, enabled=True, created_at=1))
        await identities.attach(ACCOUNT, "reading", user="alice")
        await identities.remove_account(OTHER)
        assert await policies_of(keyring) == (READING,)
        assert [user.name for user in await identities.list_users(ACCOUNT)] == ["alice"]

    async def test_an_account_with_buckets_stays(self, identities: Identities, catalog: Catalog) -> None:
        await identities.add_account(ACME)
        bucket = await catalog.create_bucket(a_bucket(owner=ACCOUNT), most=100)
        with pytest.raises(NotEmpty, match=f"^account {ACCOUNT}$"):
            await identities.remove_account(ACCOUNT)
        await catalog.delete_bucket(bucket.bucket_id)
        await identities.remove_account(ACCOUNT)

    async def test_what_is_of_no_account_is_refused(self, identities: Identities) -> None:
        for change in (
            identities.set_account_enabled(NOBODY, True),
            identities.remove_account(NOBODY),
            identities.add_user(replace(ALICE, account=NOBODY)),
            identities.put_role(replace(READER, account=NOBODY), replace=False),
            identities.put_policy(StoredPolicy(NOBODY, "reading", READING), replace=False),
        ):
            assert await gone(change) == f"account {NOBODY}"

    # --- users ---

    async def test_users_are_listed_by_name_with_their_policies(self, identities: Identities) -> None:
        await identities.add_account(ACME)
        bob = User("4" * 18, ACCOUNT, "Bob", 2)
        for user in (User("5" * 18, ACCOUNT, "carol", 3), bob, ALICE):
            await identities.add_user(user)
        for name in ("reading", "Browsing"):
            await identities.put_policy(StoredPolicy(ACCOUNT, name, READING), replace=False)
        for policy in ("reading", "browsing", "aliyunOSSfullaccess"):
            await identities.attach(ACCOUNT, policy, user="bob")
        assert list(await identities.list_users(ACCOUNT)) == [
            ALICE,
            replace(bob, policies=("AliyunOSSFullAccess", "Browsing", "reading")),
            User("5" * 18, ACCOUNT, "carol", 3),
        ]

    @pytest.mark.usefixtures("alice")
    async def test_names_are_the_accounts_own(self, identities: Identities) -> None:
        await identities.add_account(Account(OTHER, "zebra", root=False, enabled=True, created_at=1))
        await identities.add_user(User("4" * 18, OTHER, "alice", 1))
        await identities.put_policy(StoredPolicy(OTHER, "reading", WRITING), replace=False)
        assert [user.uid for user in await identities.list_users(ACCOUNT)] == [USER]
        assert [user.uid for user in await identities.list_users(OTHER)] == ["4" * 18]
        assert [policy.document for policy in await identities.list_policies(ACCOUNT)] == [READING]

    @pytest.mark.usefixtures("alice")
    async def test_a_name_has_one_user_in_whatever_case(self, identities: Identities) -> None:
        other = User("4" * 18, ACCOUNT, "ALICE", 1)
        assert await already_there(identities.add_user(other)) == "user ALICE"
        await identities.remove_user(ACCOUNT, "Alice")
        assert await identities.list_users(ACCOUNT) == []

    @pytest.mark.usefixtures("alice")
    async def test_keys_and_policies_go_with_their_user(self, identities: Identities, keyring: Keyring) -> None:
        await identities.attach(ACCOUNT, "reading", user="alice")
        await keyring.add_key(AccessKey("root-key", "s", ACCOUNT))
        await identities.remove_user(ACCOUNT, "alice")
        assert await policies_of(keyring) is None
        assert [key.access_key_id for key in await keyring.list_keys()] == ["root-key"]
        await identities.remove_policy(ACCOUNT, "reading")  # nobody has it any more
        assert await gone(identities.remove_user(ACCOUNT, "alice")) == "user alice"

    @pytest.mark.usefixtures("alice")
    async def test_a_key_is_found_as_its_users(self, identities: Identities, keyring: Keyring) -> None:
        await identities.attach(ACCOUNT, "reading", user="alice")
        made_up = Principal(USER, "mallory", (WRITING,))
        await keyring.add_key(AccessKey("brolly", "stand", ACCOUNT, principal=made_up))
        found = AccessKey("brolly", "stand", ACCOUNT, principal=Principal(USER, "alice", (READING,)))
        assert await keyring.find_key("brolly") == found
        assert next(iter(await keyring.list_keys())) == found

    @pytest.mark.usefixtures("alice")
    async def test_who_set_something_up_is_found_without_a_key(self, identities: Identities, keyring: Keyring) -> None:
        await identities.attach(ACCOUNT, "reading", user="alice")
        assert await keyring.find_holder(ACCOUNT) == Holder(None, suspended=False)
        assert await keyring.find_holder(ACCOUNT, USER) == Holder(Principal(USER, "alice", (READING,)), suspended=False)
        assert await keyring.find_holder(OTHER) is None
        assert await keyring.find_holder(OTHER, USER) is None
        await identities.set_account_enabled(ACCOUNT, False)
        assert await keyring.find_holder(ACCOUNT) == Holder(None, suspended=True)
        assert await keyring.find_holder(ACCOUNT, USER) == Holder(Principal(USER, "alice", (READING,)), suspended=True)
        await identities.remove_user(ACCOUNT, "alice")
        assert await keyring.find_holder(ACCOUNT, USER) is None

    @pytest.mark.usefixtures("alice")
    async def test_people_are_known_by_their_uid(self, identities: Identities, keyring: Keyring) -> None:
        assert await keyring.knows(ACCOUNT)
        assert await keyring.knows(USER)
        for uid in (OTHER, "", "alice", f"{ACCOUNT} "):
            assert not await keyring.knows(uid)
        await identities.set_account_enabled(ACCOUNT, False)
        assert await keyring.knows(USER)
        await identities.remove_user(ACCOUNT, "alice")
        assert not await keyring.knows(USER)

    @pytest.mark.usefixtures("alice")
    async def test_a_key_of_nobody_is_refused(self, identities: Identities, keyring: Keyring) -> None:
        await identities.add_account(Account(OTHER, "zebra", root=False, enabled=True, created_at=1))
        for account, uid in ((ACCOUNT, "4" * 18), (OTHER, USER), (NOBODY, USER)):
            key = AccessKey("brolly", "stand", account, principal=Principal(uid, "alice"))
            assert await gone(keyring.add_key(key)) == uid
        assert await keyring.find_key("brolly") is None
        assert [account.name for account in await identities.list_accounts()] == ["root", "acme", "zebra"]

    # --- policies ---

    @pytest.mark.usefixtures("alice")
    async def test_policies_come_and_go(self, identities: Identities, keyring: Keyring) -> None:
        assert await policies_of(keyring) == ()
        await identities.attach(ACCOUNT, "reading", user="alice")
        assert await policies_of(keyring) == (READING,)
        await identities.put_policy(StoredPolicy(ACCOUNT, "reading", WRITING, 2), replace=True)
        assert await policies_of(keyring) == (WRITING,)
        await identities.detach(ACCOUNT, "reading", user="alice")
        assert await policies_of(keyring) == ()

    @pytest.mark.usefixtures("alice")
    async def test_a_policy_is_attached_once(self, identities: Identities, keyring: Keyring) -> None:
        for name in ("reading", "READING"):
            await identities.attach(ACCOUNT, name, user="Alice")
        assert await policies_of(keyring) == (READING,)
        await identities.detach(ACCOUNT, "Reading", user="ALICE")
        assert await policies_of(keyring) == ()
        assert await gone(identities.detach(ACCOUNT, "reading", user="alice")) == "policy reading of alice"

    @pytest.mark.usefixtures("alice")
    async def test_what_every_server_has_comes_before_the_accounts_own(
        self, identities: Identities, keyring: Keyring
    ) -> None:
        await identities.put_policy(StoredPolicy(ACCOUNT, "a-first", WRITING), replace=False)
        for policy in ("reading", "a-first", "aliyunossreadonlyaccess"):
            await identities.attach(ACCOUNT, policy, user="alice")
        texts = await policies_of(keyring)
        assert texts is not None
        assert '"Action": ["oss:Get*", "oss:List*"]' in texts[0]
        assert texts[1:] == (WRITING, READING)

    async def test_policies_are_listed_by_name(self, identities: Identities) -> None:
        await identities.add_account(ACME)
        for name in ("reading", "Browsing"):
            await identities.put_policy(StoredPolicy(ACCOUNT, name, READING, 1), replace=False)
        await identities.put_policy(StoredPolicy(ACCOUNT, "READING", WRITING, 2), replace=True)
        assert list(await identities.list_policies(ACCOUNT)) == [
            StoredPolicy(ACCOUNT, "Browsing", READING, 1),
            StoredPolicy(ACCOUNT, "reading", WRITING, 2),
        ]

    @pytest.mark.usefixtures("alice")
    async def test_a_policy_is_made_or_replaced(self, identities: Identities) -> None:
        known, new = StoredPolicy(ACCOUNT, "Reading", WRITING), StoredPolicy(ACCOUNT, "writing", WRITING)
        assert await already_there(identities.put_policy(known, replace=False)) == "policy Reading"
        assert await gone(identities.put_policy(new, replace=True)) == "policy writing"
        assert [policy.document for policy in await identities.list_policies(ACCOUNT)] == [READING]

    @pytest.mark.parametrize("replaced", [False, True])
    async def test_the_policies_of_every_server_stay(self, identities: Identities, replaced: bool) -> None:
        await identities.add_account(ACME)
        policy = StoredPolicy(ACCOUNT, "aliyunOSSFullAccess", "{}")
        assert await already_there(identities.put_policy(policy, replace=replaced)) == "policy aliyunOSSFullAccess"
        removal = identities.remove_policy(ACCOUNT, "AliyunOSSFullAccess")
        assert await gone(removal) == "policy AliyunOSSFullAccess"
        assert await identities.list_policies(ACCOUNT) == []

    @pytest.mark.usefixtures("alice")
    async def test_an_attached_policy_stays(self, identities: Identities) -> None:
        await identities.attach(ACCOUNT, "reading", user="alice")
        with pytest.raises(NotEmpty, match=r"^policy Reading$"):
            await identities.remove_policy(ACCOUNT, "Reading")
        await identities.detach(ACCOUNT, "reading", user="alice")
        await identities.remove_policy(ACCOUNT, "Reading")
        assert await gone(identities.remove_policy(ACCOUNT, "reading")) == "policy reading"

    @pytest.mark.usefixtures("alice")
    async def test_only_what_is_there_is_attached_or_detached(self, identities: Identities) -> None:
        await identities.add_account(Account(OTHER, "zebra", root=False, enabled=True, created_at=1))
        await identities.put_policy(StoredPolicy(OTHER, "foreign", WRITING), replace=False)
        for verb in (identities.attach, identities.detach):
            assert await gone(verb(ACCOUNT, "reading", user="bob")) == "user bob"
            assert await gone(verb(ACCOUNT, "reading", role="reader")) == "role reader"
            assert await gone(verb(ACCOUNT, "foreign", user="alice")) == "policy foreign"
            assert await gone(verb(OTHER, "foreign", user="alice")) == "user alice"

    # --- roles ---

    @pytest.mark.usefixtures("alice")
    async def test_roles_have_policies_and_end(self, identities: Identities, keyring: Keyring) -> None:
        await identities.put_role(READER, replace=False)
        assert await keyring.find_role_by_uid(ROLE) == READER
        assert await keyring.find_role(ACCOUNT, "READER") == READER
        assert await keyring.find_role(OTHER, "reader") is None
        await identities.attach(ACCOUNT, "Reading", role="reader")
        assert await policies_of_role(keyring) == (READING,)
        assert await keyring.find_role(ACCOUNT, "reader") == replace(READER, policies=(READING,))
        assert await policies_of(keyring) == ()  # the user has none of it
        await identities.remove_role(ACCOUNT, "Reader")
        assert await keyring.find_role_by_uid(ROLE) is None
        assert await keyring.find_role(ACCOUNT, "reader") is None
        assert await gone(identities.remove_role(ACCOUNT, "reader")) == "role reader"

    @pytest.mark.usefixtures("alice")
    async def test_a_role_made_again_has_nothing_of_the_old_one(self, identities: Identities, keyring: Keyring) -> None:
        again = replace(READER, uid="4" * 18)
        await identities.put_role(READER, replace=False)
        await identities.attach(ACCOUNT, "reading", role="reader")
        await identities.remove_role(ACCOUNT, "reader")
        await identities.put_role(again, replace=False)
        assert await keyring.find_role_by_uid(ROLE) is None
        assert await keyring.find_role(ACCOUNT, "reader") == again

    @pytest.mark.usefixtures("alice")
    async def test_of_a_replaced_role_trust_and_time_change(self, identities: Identities, keyring: Keyring) -> None:
        await identities.put_role(READER, replace=False)
        await identities.attach(ACCOUNT, "reading", role="reader")
        assert await keyring.find_role_by_uid(ROLE) == Role(ROLE, ACCOUNT, "reader", '{"trust": 1}', (READING,), 900)
        new = Role("4" * 18, ACCOUNT, "READER", '{"trust": 2}', (WRITING,), 1800, suspended=True)
        await identities.put_role(new, replace=True)
        assert await keyring.find_role_by_uid(ROLE) == Role(ROLE, ACCOUNT, "reader", '{"trust": 2}', (READING,), 1800)
        assert await keyring.find_role_by_uid("4" * 18) is None

    async def test_a_new_role_has_no_policies(self, identities: Identities, keyring: Keyring) -> None:
        await identities.add_account(ACME)
        await identities.put_role(replace(READER, policies=(WRITING,), suspended=True), replace=False)
        assert await keyring.find_role_by_uid(ROLE) == READER

    async def test_a_role_is_made_or_replaced(self, identities: Identities) -> None:
        await identities.add_account(ACME)
        assert await gone(identities.put_role(READER, replace=True)) == "role reader"
        await identities.put_role(READER, replace=False)
        again = replace(READER, name="Reader", trust="{}")
        assert await already_there(identities.put_role(again, replace=False)) == "role Reader"
        assert list(await identities.list_roles(ACCOUNT)) == [(READER, ())]

    @pytest.mark.usefixtures("alice")
    async def test_roles_are_listed_by_name_with_their_policies(self, identities: Identities) -> None:
        writer = Role("4" * 18, ACCOUNT, "Author", "{}")
        for role in (READER, writer):
            await identities.put_role(role, replace=False)
        for policy in ("reading", "AliyunOSSFullAccess"):
            await identities.attach(ACCOUNT, policy, role="reader")
        listed = [(writer, ()), (READER, ("AliyunOSSFullAccess", "reading"))]
        assert list(await identities.list_roles(ACCOUNT)) == listed
        assert await identities.list_roles(OTHER) == []
