"""Keys and roles in dicts, and all that they depend on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ..clock import Clock, wall_clock
from ..core.limits import KEY_USE_NOTED_S, NONCE_GRACE_S
from ..core.system_policies import SYSTEM_POLICIES
from ..ports.catalog import AlreadyThere, Gone
from ..ports.identities import Account, StoredPolicy, User
from ..ports.keyring import SESSION, AccessKey, Holder, Principal, Role

MEMORY_ROOT_ACCOUNT = "1000000000000001"

PolicyPlace = tuple[str, str]  # account, "" for the policies that every server has; name in lower case

SYSTEM: Final[dict[PolicyPlace, StoredPolicy]] = {
    ("", name.lower()): StoredPolicy("", name, document) for name, document in SYSTEM_POLICIES.items()
}


class MemoryKeyring:
    """Keys and roles in dicts; `MemoryKeyring(key, ...)` starts with some. A token is a number of a sealed text.

    MemoryIdentities changes the dicts, too. What a key or role was given at the start stays with it: its policies, and
    that it is suspended.
    """

    def __init__(
        self,
        *keys: AccessKey,
        roles: Sequence[Role] = (),
        root_account: str = MEMORY_ROOT_ACCOUNT,
        clock: Clock = wall_clock,
    ) -> None:
        self.keys = {key.access_key_id: key for key in keys}
        self.roles = {role.uid: role for role in roles}
        self.accounts: dict[str, Account] = {}
        self.users: dict[str, User] = {}
        self.policies: dict[PolicyPlace, StoredPolicy] = {}
        self.attached: dict[str, set[PolicyPlace]] = {}  # by the uid of the user or the role
        self._held: AccessKey | None = None
        self._used: dict[str, int] = {}
        self._root_account = root_account
        self._clock = clock
        self._sealed: dict[tuple[str, str], str] = {}
        self._nonces: dict[tuple[str, str], int] = {}
        self._make_account(root_account, "root", root=True)

    def clear(self) -> None:
        """All goes but the key that is held, and its account."""
        self.keys.clear()
        self.roles.clear()
        self.accounts.clear()
        self.users.clear()
        self.policies.clear()
        self.attached.clear()
        self._used.clear()
        self._sealed.clear()
        self._nonces.clear()
        self._make_account(self._root_account, "root", root=True)

    def hold(self, key: AccessKey) -> None:
        self._held = key

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self.look_for_key(access_key_id)

    def look_for_key(self, access_key_id: str) -> AccessKey | None:
        if self._held is not None and access_key_id == self._held.access_key_id:
            return self._held
        key = self.keys.get(access_key_id)
        return None if key is None else self._key_as_it_is(key)

    async def find_role(self, account: str, name: str) -> Role | None:
        wanted = account, name.lower()
        found = next((role for role in self.roles.values() if (role.account, role.name.lower()) == wanted), None)
        return None if found is None else self._role_as_it_is(found)

    async def find_role_by_uid(self, uid: str) -> Role | None:
        return self.look_for_role(uid)

    def look_for_role(self, uid: str) -> Role | None:
        role = self.roles.get(uid)
        return None if role is None else self._role_as_it_is(role)

    async def knows(self, uid: str) -> bool:
        holders = [(key.account, key.principal.uid if key.principal else "") for key in self.keys.values()]
        return uid in self.accounts or uid in self.users or any(uid in holder for holder in holders)

    async def find_holder(self, account: str, user: str = "") -> Holder | None:
        keys = [self._key_as_it_is(key) for key in self.keys.values() if key.account == account]
        if not user:
            suspended = self._is_disabled(account) or any(key.suspended for key in keys)
            return Holder(None, suspended) if account in self.accounts or keys else None
        found = self.users.get(user)
        if found is not None and found.account == account:
            return Holder(Principal(user, found.name, self._texts_of(user)), self._is_disabled(account))
        given = ((key.principal, key.suspended) for key in keys)
        return next((Holder(held, suspended) for held, suspended in given if held and held.uid == user), None)

    def _key_as_it_is(self, key: AccessKey) -> AccessKey:
        """With what its account and its user say now."""
        principal = key.principal
        if principal is not None:
            principal = replace(principal, policies=principal.policies + self._texts_of(principal.uid))
        suspended = key.suspended or self._is_disabled(key.account)
        last_used_at = self._used.get(key.access_key_id, key.last_used_at)
        return replace(key, principal=principal, suspended=suspended, last_used_at=last_used_at)

    def _role_as_it_is(self, role: Role) -> Role:
        """With the policies attached to it, and what its account says now."""
        suspended = role.suspended or self._is_disabled(role.account)
        return replace(role, policies=role.policies + self._texts_of(role.uid), suspended=suspended)

    def _is_disabled(self, account: str) -> bool:
        return account in self.accounts and not self.accounts[account].enabled

    def _texts_of(self, holder: str) -> tuple[str, ...]:
        return tuple(policy.document for policy in self.policies_of(holder))

    def policies_of(self, holder: str) -> Sequence[StoredPolicy]:
        """Those attached to a user or a role, by its uid: first those that every server has."""
        return [self.policies.get(place) or SYSTEM[place] for place in sorted(self.attached.get(holder, ()))]

    # --- use ---

    def note_use(self, access_key_id: str, now: float) -> None:
        if access_key_id in self.keys and abs(now - self._used.get(access_key_id, 0)) >= KEY_USE_NOTED_S:
            self._used[access_key_id] = int(now)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: int, now: int) -> bool:
        over = [used for used, end in self._nonces.items() if end + NONCE_GRACE_S < now]
        for used in over:
            del self._nonces[used]
        if (access_key_id, nonce) in self._nonces:
            return False
        self._nonces[access_key_id, nonce] = expires_at
        return True

    def seal_token(self, text: str, purpose: str = SESSION) -> str:
        token = secrets.token_hex(16)
        self._sealed[purpose, token] = text
        return token

    def open_token(self, token: str, purpose: str = SESSION) -> str | None:
        return self._sealed.get((purpose, token))

    # --- changes ---

    async def root_account(self) -> str:
        return self._root_account

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self._key_as_it_is(self.keys[access_key_id]) for access_key_id in sorted(self.keys)]

    async def add_key(self, key: AccessKey) -> None:
        if key.access_key_id in self.keys:
            raise AlreadyThere(key.access_key_id)
        principal = None if key.principal is None else self._find_user(key.account, key.principal.uid)
        self.keys[key.access_key_id] = replace(key, principal=principal, suspended=False, last_used_at=None)
        if key.account not in self.accounts:
            self._make_account(key.account, "", root=False)

    def _find_user(self, account: str, uid: str) -> Principal:
        user = self.users.get(uid)
        if user is None or user.account != account:
            raise Gone(uid)
        return Principal(user.uid, user.name)

    def _make_account(self, uid: str, name: str, *, root: bool) -> None:
        self.accounts[uid] = Account(uid, name, root=root, enabled=True, created_at=int(self._clock()))

    async def set_key_enabled(self, access_key_id: str, enabled: bool) -> None:
        if access_key_id not in self.keys:
            raise Gone(access_key_id)
        self.keys[access_key_id] = replace(self.keys[access_key_id], enabled=enabled)

    async def remove_key(self, access_key_id: str) -> None:
        self.keys.pop(access_key_id, None)
        self._used.pop(access_key_id, None)
