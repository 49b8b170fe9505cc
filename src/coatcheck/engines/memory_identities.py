"""Accounts, users, roles and policies in the dicts of the memory keyring, so that it sees every change at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec import structs

from ..ports.catalog import AlreadyThere, Gone, NotEmpty
from ..ports.identities import Account, StoredPolicy, User
from ..ports.keyring import Role
from .memory import MemoryCatalog
from .memory_keyring import SYSTEM, MemoryKeyring, PolicyPlace
from .replacing import check_known


class _Owned(Protocol):
    """What an account has."""

    @property
    def account(self) -> str: ...

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Owned)


class MemoryIdentities:
    """See `ports.identities`. The catalog is told which accounts are disabled."""

    def __init__(self, keyring: MemoryKeyring, catalog: MemoryCatalog) -> None:
        self._keyring = keyring
        self._catalog = catalog
        self._accounts, self._users, self._roles = keyring.accounts, keyring.users, keyring.roles
        self._policies, self._attached = keyring.policies, keyring.attached

    # --- accounts ---

    async def list_accounts(self) -> Sequence[Account]:
        return sorted(self._accounts.values(), key=lambda account: (not account.root, account.name, account.uid))

    async def add_account(self, account: Account) -> None:
        if account.uid in self._accounts:
            raise AlreadyThere(f"account {account.uid}")
        if any(known.name == account.name for known in self._accounts.values()):
            raise AlreadyThere(f"account {account.name}")
        self._put_account(structs.replace(account, root=False))

    async def set_account_enabled(self, uid: str, enabled: bool) -> None:
        self._check_account(uid)
        self._put_account(structs.replace(self._accounts[uid], enabled=enabled))

    def _put_account(self, account: Account) -> None:
        self._accounts[account.uid] = account
        self._catalog.suspend_account(account.uid, not account.enabled)

    async def remove_account(self, uid: str) -> None:
        self._check_account(uid)
        owned, _ = await self._catalog.list_buckets(uid, prefix="", marker="", limit=1)
        if owned:
            raise NotEmpty(f"account {uid}")
        await self._remove_keys([key.access_key_id for key in self._keyring.keys.values() if key.account == uid])
        for user in _of(self._users.values(), uid):
            self._forget_user(user)
        for role in _of(self._roles.values(), uid):
            self._forget_role(role)
        for policy in _of(self._policies.values(), uid):
            del self._policies[_place(policy.account, policy.name)]
        del self._accounts[uid]
        self._catalog.forget_account(uid)

    def _check_account(self, uid: str) -> None:
        if uid not in self._accounts:
            raise Gone(f"account {uid}")

    async def _remove_keys(self, access_key_ids: Iterable[str]) -> None:
        for access_key_id in access_key_ids:
            await self._keyring.remove_key(access_key_id)

    # --- users ---

    async def list_users(self, account: str) -> Sequence[User]:
        users = _of(self._users.values(), account)
        return [structs.replace(user, policies=self._names_of(user.uid)) for user in users]

    async def add_user(self, user: User) -> None:
        self._check_account(user.account)
        if _find(self._users.values(), user.account, user.name) is not None:
            raise AlreadyThere(f"user {user.name}")
        self._users[user.uid] = structs.replace(user, policies=())

    async def remove_user(self, account: str, name: str) -> None:
        user = self._find_user(account, name)
        keys = self._keyring.keys.values()
        await self._remove_keys([key.access_key_id for key in keys if key.principal and key.principal.uid == user.uid])
        self._forget_user(user)

    def _find_user(self, account: str, name: str) -> User:
        user = _find(self._users.values(), account, name)
        if user is None:
            raise Gone(f"user {name}")
        return user

    def _forget_user(self, user: User) -> None:
        del self._users[user.uid]
        self._attached.pop(user.uid, None)

    # --- roles ---

    async def list_roles(self, account: str) -> Sequence[tuple[Role, tuple[str, ...]]]:
        return [(role, self._names_of(role.uid)) for role in _of(self._roles.values(), account)]

    async def put_role(self, role: Role, *, replace: bool) -> None:
        self._check_account(role.account)
        known = _find(self._roles.values(), role.account, role.name)
        check_known(known, replace, f"role {role.name}")
        kept = known or Role(role.uid, role.account, role.name, role.trust)
        self._roles[kept.uid] = structs.replace(kept, trust=role.trust, session_max_s=role.session_max_s)

    async def remove_role(self, account: str, name: str) -> None:
        self._forget_role(self._find_role(account, name))

    def _find_role(self, account: str, name: str) -> Role:
        role = _find(self._roles.values(), account, name)
        if role is None:
            raise Gone(f"role {name}")
        return role

    def _forget_role(self, role: Role) -> None:
        del self._roles[role.uid]
        self._attached.pop(role.uid, None)

    # --- policies ---

    async def list_policies(self, account: str) -> Sequence[StoredPolicy]:
        return _of(self._policies.values(), account)

    async def put_policy(self, policy: StoredPolicy, *, replace: bool) -> None:
        self._check_account(policy.account)
        if _place("", policy.name) in SYSTEM:
            raise AlreadyThere(f"policy {policy.name}")
        place = _place(policy.account, policy.name)
        known = self._policies.get(place)
        check_known(known, replace, f"policy {policy.name}")
        name = policy.name if known is None else known.name
        self._policies[place] = structs.replace(policy, name=name)

    async def remove_policy(self, account: str, name: str) -> None:
        place = _place(account, name)
        if place not in self._policies:
            raise Gone(f"policy {name}")
        if any(place in places for places in self._attached.values()):
            raise NotEmpty(f"policy {name}")
        del self._policies[place]

    async def attach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        holder, place = self._find_holder(account, user, role), self._find_place(account, policy)
        self._attached.setdefault(holder, set()).add(place)

    async def detach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        holder, place = self._find_holder(account, user, role), self._find_place(account, policy)
        if place not in self._attached.get(holder, ()):
            raise Gone(f"policy {policy} of {user or role}")
        self._attached[holder].remove(place)

    def _find_holder(self, account: str, user: str, role: str) -> str:
        """The uid of a user or a role. Raises: Gone."""
        return self._find_user(account, user).uid if user else self._find_role(account, role).uid

    def _find_place(self, account: str, policy: str) -> PolicyPlace:
        """Of a policy that can be attached. Raises: Gone."""
        for place in (_place(account, policy), _place("", policy)):
            if place in self._policies or place in SYSTEM:
                return place
        raise Gone(f"policy {policy}")

    def _names_of(self, holder: str) -> tuple[str, ...]:
        return tuple(sorted((policy.name for policy in self._keyring.policies_of(holder)), key=str.lower))


def _place(account: str, policy: str) -> PolicyPlace:
    return account, policy.lower()


def _of(rows: Iterable[T], account: str) -> list[T]:
    """The account's, by name."""
    return sorted((row for row in rows if row.account == account), key=lambda row: row.name.lower())


def _find(rows: Iterable[T], account: str, name: str) -> T | None:
    """The account's of that name; upper and lower case are one."""
    return next((row for row in _of(rows, account) if row.name.lower() == name.lower()), None)
