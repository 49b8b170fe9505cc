"""The keyring, by SQL. Secrets are needed in clear to check signatures, so they are stored encrypted."""

from __future__ import annotations

import asyncio
from typing import Final

from ...clock import Clock
from ...core.limits import KEY_USE_NOTED_S, NONCE_GRACE_S, NONCES_FORGOTTEN_AT_ONCE
from ...ports.catalog import AlreadyThere, Gone
from ...ports.keyring import SESSION, AccessKey
from .contract import NOTHING, SqlConnection, SqlWriter
from .seal import Seal

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
PERSON: Final = "SELECT 1 FROM account WHERE uid = ? UNION ALL SELECT 1 FROM user WHERE uid = ? LIMIT 1"
HOLDER: Final = (
    "SELECT a.enabled, u.uid, u.name FROM account a LEFT JOIN user u ON u.account = a.uid AND u.uid = ? WHERE a.uid = ?"
)
POLICIES: Final = (  # those of the catalog with their text, the others by name
    "SELECT a.policy, p.document FROM attachment a LEFT JOIN policy p ON p.account = a.account AND p.name = a.policy"
    " WHERE a.holder = ? ORDER BY a.account, a.policy"
)
ROOT_ACCOUNT: Final = "SELECT uid FROM account WHERE root = 1 LIMIT 1"


class SqlKeyring:
    """What of `ports.keyring` is the same for every engine that speaks SQL: all but what is read."""

    def __init__(self, writer: SqlWriter, seal: Seal, clock: Clock) -> None:
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

    # --- use ---

    def note_use(self, access_key_id: str, now: float) -> None:
        if self.held(access_key_id) is not None:
            return
        if abs(now - self._noted.get(access_key_id, 0)) < KEY_USE_NOTED_S:  # a clock may go back, too
            return
        self._noted[access_key_id] = now
        task = asyncio.get_running_loop().create_task(self._write_use(access_key_id, int(now)))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, access_key_id: str, now: int) -> None:
        """Not worth an error: a full disk, a database that is away, or a server that is ending only costs the note."""
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
