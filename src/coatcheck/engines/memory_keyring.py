"""Keys and roles in dicts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from ..core.limits import NONCE_GRACE_S
from ..ports.catalog import AlreadyThere, Gone
from ..ports.keyring import AccessKey, Role

MEMORY_ROOT_ACCOUNT = "1000000000000001"


class MemoryKeyring:
    """Keys and roles in dicts; `MemoryKeyring(key, ...)` starts with some. A token is a number of a sealed text."""

    def __init__(self, *keys: AccessKey, roles: Sequence[Role] = (), root_account: str = MEMORY_ROOT_ACCOUNT) -> None:
        self.keys = {key.access_key_id: key for key in keys}
        self.roles = {role.uid: role for role in roles}
        self.used: dict[str, float] = {}
        self._held: AccessKey | None = None
        self._root_account = root_account
        self._sealed: dict[str, str] = {}
        self._nonces: dict[tuple[str, str], int] = {}

    def hold(self, key: AccessKey) -> None:
        self._held = key

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self.look_for_key(access_key_id)

    def look_for_key(self, access_key_id: str) -> AccessKey | None:
        if self._held is not None and access_key_id == self._held.access_key_id:
            return self._held
        return self.keys.get(access_key_id)

    async def find_role(self, account: str, name: str) -> Role | None:
        wanted = account, name.lower()
        return next((role for role in self.roles.values() if (role.account, role.name.lower()) == wanted), None)

    async def find_role_by_uid(self, uid: str) -> Role | None:
        return self.look_for_role(uid)

    def look_for_role(self, uid: str) -> Role | None:
        return self.roles.get(uid)

    def note_use(self, access_key_id: str, now: float) -> None:
        self.used.setdefault(access_key_id, now)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: int, now: int) -> bool:
        over = [used for used, end in self._nonces.items() if end + NONCE_GRACE_S < now]
        for used in over:
            del self._nonces[used]
        if (access_key_id, nonce) in self._nonces:
            return False
        self._nonces[access_key_id, nonce] = expires_at
        return True

    def seal_token(self, text: str) -> str:
        token = secrets.token_hex(16)
        self._sealed[token] = text
        return token

    def open_token(self, token: str) -> str | None:
        return self._sealed.get(token)

    async def root_account(self) -> str:
        return self._root_account

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self.keys[access_key_id] for access_key_id in sorted(self.keys)]

    async def add_key(self, key: AccessKey) -> None:
        if key.access_key_id in self.keys:
            raise AlreadyThere(key.access_key_id)
        self.keys[key.access_key_id] = key

    async def set_key_enabled(self, access_key_id: str, enabled: bool) -> None:
        if access_key_id not in self.keys:
            raise Gone(access_key_id)
        self.keys[access_key_id] = replace(self.keys[access_key_id], enabled=enabled)

    async def remove_key(self, access_key_id: str) -> None:
        self.keys.pop(access_key_id, None)
