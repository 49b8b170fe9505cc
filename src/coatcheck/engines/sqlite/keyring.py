"""The keyring in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...clock import Clock
from ...core.system_policies import SYSTEM_POLICIES
from ...ports.keyring import AccessKey, Holder, Principal, Role
from ..sql.keyring import HOLDER, KEY, PERSON, POLICIES, ROLE, ROOT_ACCOUNT, SqlKeyring
from ..sql.seal import Seal
from .connection import Reader
from .writer import Writer


class SqliteKeyring(SqlKeyring):
    """See `ports.keyring`. Keys and roles are remembered, decrypted, until any process changes one."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, clock: Clock) -> None:
        super().__init__(writer, seal, clock)
        self._reader = reader
        self._keys: dict[str, AccessKey] = {}
        self._roles: dict[str, Role] = {}
        self._generation = -1

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self.look_for_key(access_key_id)

    def look_for_key(self, access_key_id: str) -> AccessKey | None:
        if self._held is not None and access_key_id == self._held.access_key_id:
            return self._held
        self._forget_what_changed()
        return self._keys.get(access_key_id) or self._load_key(access_key_id)

    async def find_role(self, account: str, name: str) -> Role | None:
        row = self._reader.row(f"{ROLE} WHERE r.account = ? AND r.name = ?", (account, name))
        return None if row is None else self._read_role(row)

    async def find_role_by_uid(self, uid: str) -> Role | None:
        return self.look_for_role(uid)

    def look_for_role(self, uid: str) -> Role | None:
        self._forget_what_changed()
        role = self._roles.get(uid)
        if role is None:
            row = self._reader.row(f"{ROLE} WHERE r.uid = ?", (uid,))
            if row is not None:
                role = self._roles[uid] = self._read_role(row)
        return role

    async def knows(self, uid: str) -> bool:
        return self._reader.row(PERSON, (uid, uid)) is not None

    async def find_holder(self, account: str, user: str = "") -> Holder | None:
        row = self._reader.row(HOLDER, (user, account))
        if row is None or (user and row[1] is None):
            return None
        enabled, uid, name = row
        return Holder(Principal(uid, name, self._policies_of(uid)) if user else None, not enabled)

    def _forget_what_changed(self) -> None:
        generation = self._reader.generation()
        if generation != self._generation:
            self._keys.clear()
            self._roles.clear()
            self._generation = generation

    def _load_key(self, access_key_id: str) -> AccessKey | None:
        row = self._reader.row(f"{KEY} WHERE access_key_id = ?", (access_key_id,))
        if row is None:
            return None
        key = self._keys[access_key_id] = self._read_key(row)
        return key

    def _read_key(self, row: Any) -> AccessKey:
        access_key_id, sealed, account, enabled, last_used_at, account_enabled, user, name = row
        return AccessKey(
            access_key_id,
            self._seal.open(sealed, access_key_id),
            account,
            bool(enabled),
            None if user is None else Principal(user, name, self._policies_of(user)),
            not account_enabled,
            last_used_at,
        )

    def _read_role(self, row: Any) -> Role:
        uid, account, name, trust, session_max_s, enabled = row
        return Role(uid, account, name, trust, self._policies_of(uid), session_max_s, not enabled)

    def _policies_of(self, holder: str) -> tuple[str, ...]:
        return tuple(document or SYSTEM_POLICIES[name] for name, document in self._reader.rows(POLICIES, (holder,)))

    async def root_account(self) -> str:
        return str(self._reader.row(ROOT_ACCOUNT)[0])

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self._read_key(row) for row in self._reader.rows(f"{KEY} ORDER BY access_key_id")]
