"""The keyring in SQLite. Secrets are needed in clear to check signatures, so they are stored encrypted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from ...clock import Clock
from ...core.limits import KEY_USE_NOTED_S, NONCE_GRACE_S, NONCES_FORGOTTEN_AT_ONCE
from ...core.system_policies import SYSTEM_POLICIES
from ...ports.catalog import AlreadyThere, Gone
from ...ports.keyring import SESSION, AccessKey, Holder, Principal, Role
from ..sql import SqlConnection
from .connection import Reader
from .seal import Seal
from .writer import Writer

KEY: Final = (
    "SELECT access_key_id, sealed_secret, k.account, k.enabled, k.last_used_at, a.enabled, u.uid, u.name"
    " FROM access_key k JOIN account a ON a.uid = k.account LEFT JOIN user u ON u.uid = k.user"
)
_FORGET_NONCES: Final = (
    "DELETE FROM nonce WHERE (access_key_id, nonce) IN"
    " (SELECT access_key_id, nonce FROM nonce WHERE expires_at < ? ORDER BY expires_at LIMIT ?)"
)
_USE_NONCE: Final = (  # one that is over, and wasn't removed yet, may come again
    "INSERT INTO nonce (access_key_id, nonce, expires_at) VALUES (?, ?, ?)"
    " ON CONFLICT (access_key_id, nonce) DO UPDATE SET expires_at = excluded.expires_at WHERE nonce.expires_at < ?"
)
_TOKENS_REMEMBERED: Final = 1024  # opening one takes some microseconds
ROLE: Final = (
    "SELECT r.uid, r.account, r.name, r.trust, r.session_max_s, a.enabled"
    " FROM role r JOIN account a ON a.uid = r.account"
)
HOLDER: Final = (
    "SELECT a.enabled, u.uid, u.name FROM account a LEFT JOIN user u ON u.account = a.uid AND u.uid = ? WHERE a.uid = ?"
)
POLICIES: Final = (  # those of the catalog with their text, the others by name
    "SELECT a.policy, p.document FROM attachment a LEFT JOIN policy p ON p.account = a.account AND p.name = a.policy"
    " WHERE a.holder = ? ORDER BY a.account, a.policy"
)


class SqliteKeyring:
    """See `ports.keyring`. Keys and roles are remembered, decrypted, until any process changes one."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._held: AccessKey | None = None
        self._keys: dict[str, AccessKey] = {}
        self._roles: dict[str, Role] = {}
        self._tokens: dict[str, str] = {}
        self._generation = -1
        self._noted: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def hold(self, key: AccessKey) -> None:
        self._held = key

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

    # --- use ---

    def note_use(self, access_key_id: str, now: float) -> None:
        if self._held is not None and access_key_id == self._held.access_key_id:
            return
        if abs(now - self._noted.get(access_key_id, 0)) < KEY_USE_NOTED_S:  # a clock may go back, too
            return
        self._noted[access_key_id] = now
        task = asyncio.get_running_loop().create_task(self._write_use(access_key_id, int(now)))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, access_key_id: str, now: int) -> None:
        """Not worth an error: a full disk, or a server that is ending, only costs the note."""
        try:
            await self._writer.run(lambda connection: note_use(connection, access_key_id, now))
        except Exception:
            self._noted.pop(access_key_id, None)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: int, now: int) -> bool:
        return await self._writer.run(
            lambda connection: use_nonce(connection, access_key_id, nonce, expires_at, now - NONCE_GRACE_S)
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
        return str(self._reader.row("SELECT uid FROM account WHERE root = 1 LIMIT 1")[0])

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self._read_key(row) for row in self._reader.rows(f"{KEY} ORDER BY access_key_id")]

    async def add_key(self, key: AccessKey) -> None:
        sealed = self._seal.close(key.access_key_secret, key.access_key_id)
        now = int(self._clock())
        await self._writer.run(lambda connection: add_key(connection, key, sealed, now))

    async def set_key_enabled(self, access_key_id: str, enabled: bool) -> None:
        await self._writer.run(lambda connection: set_key_enabled(connection, access_key_id, enabled))

    async def remove_key(self, access_key_id: str) -> None:
        await self._writer.run(lambda connection: remove_key(connection, access_key_id))


def add_key(connection: SqlConnection, key: AccessKey, sealed: bytes, now: int) -> None:
    if connection.execute("SELECT 1 FROM access_key WHERE access_key_id = ?", (key.access_key_id,)).fetchone():
        raise AlreadyThere(key.access_key_id)
    user = None if key.principal is None else key.principal.uid
    if (
        user
        and not connection.execute("SELECT 1 FROM user WHERE uid = ? AND account = ?", (user, key.account)).fetchone()
    ):
        raise Gone(user)
    connection.execute("INSERT INTO account (uid, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (key.account, now))
    connection.execute(
        "INSERT INTO access_key (access_key_id, sealed_secret, account, user, enabled, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key.access_key_id, sealed, key.account, user, int(key.enabled), now),
    )


def set_key_enabled(connection: SqlConnection, access_key_id: str, enabled: bool) -> None:
    changed = connection.execute(
        "UPDATE access_key SET enabled = ? WHERE access_key_id = ?", (int(enabled), access_key_id)
    )
    if changed.rowcount == 0:
        raise Gone(access_key_id)


def remove_key(connection: SqlConnection, access_key_id: str) -> None:
    connection.execute("DELETE FROM access_key WHERE access_key_id = ?", (access_key_id,))


def note_use(connection: SqlConnection, access_key_id: str, now: int) -> None:
    connection.execute("UPDATE access_key SET last_used_at = ? WHERE access_key_id = ?", (now, access_key_id))


def use_nonce(connection: SqlConnection, access_key_id: str, nonce: str, expires_at: int, over_at: int) -> bool:
    """Each new one removes more old ones than itself, so that their number follows the use."""
    connection.execute(_FORGET_NONCES, (over_at, NONCES_FORGOTTEN_AT_ONCE))
    return connection.execute(_USE_NONCE, (access_key_id, nonce, expires_at, over_at)).rowcount == 1
