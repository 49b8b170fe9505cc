"""The keyring in PostgreSQL. Secrets are stored as SQLite has them: encrypted, under the secret key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from ...clock import Clock
from ...core.limits import KEY_USE_NOTED_S, NONCE_GRACE_S
from ...ports.keyring import SESSION, AccessKey, Holder, Principal, Role
from ..sql import NOTHING, SqlWriter
from ..sqlite.keyring import HOLDER, KEY, ROLE, add_key, note_use, remove_key, set_key_enabled, use_nonce
from ..sqlite.seal import Seal
from .known import Known

_TOKENS_REMEMBERED: Final = 1024


class PostgresKeyring:
    """See `ports.keyring`."""

    def __init__(self, known: Known, writer: SqlWriter, seal: Seal, clock: Clock) -> None:
        self._known = known
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._held: AccessKey | None = None
        self._tokens: dict[str, str] = {}
        self._noted: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def hold(self, key: AccessKey) -> None:
        self._held = key

    def held(self, access_key_id: str) -> AccessKey | None:
        """The key that was handed in, if it is that."""
        return self._held if self._held is not None and access_key_id == self._held.access_key_id else None

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self.held(access_key_id) or await self._known.find(lambda: self._known.key(access_key_id))

    async def find_role(self, account: str, name: str) -> Role | None:
        row = await self._known.reader.find(f"{ROLE} WHERE r.account = ? AND r.name = ?", (account, name))
        return None if row is None else await self._known.read_role(row)

    async def find_role_by_uid(self, uid: str) -> Role | None:
        return await self._known.find(lambda: self._known.role(uid))

    async def find_holder(self, account: str, user: str = "") -> Holder | None:
        row = await self._known.reader.find(HOLDER, (user, account))
        if row is None or (user and row[1] is None):
            return None
        enabled, uid, name = row
        return Holder(Principal(uid, name, await self._known.policies_of(uid)) if user else None, not enabled)

    # --- use ---

    def note_use(self, access_key_id: str, now: float) -> None:
        if self.held(access_key_id) is not None or abs(now - self._noted.get(access_key_id, 0)) < KEY_USE_NOTED_S:
            return
        self._noted[access_key_id] = now
        task = asyncio.get_running_loop().create_task(self._write_use(access_key_id, int(now)))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, access_key_id: str, now: int) -> None:
        """Not worth an error: a database that is away only costs the note."""
        try:
            await self._writer.run(lambda connection: note_use(connection, access_key_id, now), NOTHING)
        except Exception:
            self._noted.pop(access_key_id, None)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: int, now: int) -> bool:
        return await self._writer.run(
            lambda connection: use_nonce(connection, access_key_id, nonce, expires_at, now - NONCE_GRACE_S), NOTHING
        )

    def seal_token(self, text: str, purpose: str = SESSION) -> str:
        return self._seal.close_token(text, purpose)

    def open_token(self, token: str, purpose: str = SESSION) -> str | None:
        if purpose != SESSION:
            return self._seal.open_token(token, purpose)
        text = self._tokens.get(token)
        if text is None:
            text = self._seal.open_token(token, purpose)
            if text is not None:
                if len(self._tokens) >= _TOKENS_REMEMBERED:
                    self._tokens.clear()
                self._tokens[token] = text
        return text

    # --- changes ---

    async def root_account(self) -> str:
        return str((await self._known.reader.find("SELECT uid FROM account WHERE root = 1 LIMIT 1"))[0])

    async def list_keys(self) -> Sequence[AccessKey]:
        rows = await self._known.reader.find_all(f"{KEY} ORDER BY access_key_id")
        return [await self._known.read_key(row) for row in rows]

    async def add_key(self, key: AccessKey) -> None:
        sealed = self._seal.close(key.access_key_secret, key.access_key_id)
        now = int(self._clock())
        await self._writer.run(lambda connection: add_key(connection, key, sealed, now))

    async def set_key_enabled(self, access_key_id: str, enabled: bool) -> None:
        await self._writer.run(lambda connection: set_key_enabled(connection, access_key_id, enabled))

    async def remove_key(self, access_key_id: str) -> None:
        await self._writer.run(lambda connection: remove_key(connection, access_key_id))
