"""The keyring in SQLite. Secrets are needed in clear to check signatures, so they are stored encrypted."""

from __future__ import annotations

import base64
import binascii
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ...ports.catalog import AlreadyThere
from ...ports.keyring import AccessKey
from .connection import Reader
from .writer import Writer

SECRET_KEY_VARIABLE: Final = "COATCHECK_SECRET_KEY"  # noqa: S105 (a name, not a secret)
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY: Final = "SELECT access_key_id, sealed_secret, account, enabled, root FROM access_key"


class WrongSecretKey(Exception):
    """The secret key is malformed, or isn't the one the secrets of this data directory were encrypted with."""


class SqliteKeyring:
    """See `ports.keyring`. Keys are remembered, decrypted, until any process changes one."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal) -> None:
        self._reader = reader
        self._writer = writer
        self._seal = seal
        self._keys: dict[str, AccessKey] = {}
        self._keys_generation = -1

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        generation = self._reader.generation()
        if generation != self._keys_generation:
            self._keys.clear()
            self._keys_generation = generation
        return self._keys.get(access_key_id) or self._load_key(access_key_id)

    def _load_key(self, access_key_id: str) -> AccessKey | None:
        row = self._reader.row(f"{_KEY} WHERE access_key_id = ?", (access_key_id,))
        if row is None:
            return None
        key = self._keys[access_key_id] = self._read_key(row)
        return key

    def _read_key(self, row: Any) -> AccessKey:
        access_key_id, sealed, account, enabled, root = row
        return AccessKey(access_key_id, self._seal.open(sealed, access_key_id), account, bool(enabled), bool(root))

    async def root_account(self) -> str:
        return str(self._reader.row("SELECT uid FROM account WHERE root = 1 LIMIT 1")[0])

    async def list_keys(self) -> Sequence[AccessKey]:
        return [self._read_key(row) for row in self._reader.rows(f"{_KEY} ORDER BY access_key_id")]

    async def add_key(self, key: AccessKey) -> None:
        sealed = self._seal.close(key.access_key_secret, key.access_key_id)
        now = int(time.time())
        await self._writer.run(lambda connection: _add_key(connection, key, sealed, now))

    async def remove_key(self, access_key_id: str) -> None:
        await self._writer.run(lambda connection: _remove_key(connection, access_key_id))


def _add_key(connection: sqlite3.Connection, key: AccessKey, sealed: bytes, now: int) -> None:
    if connection.execute("SELECT 1 FROM access_key WHERE access_key_id = ?", (key.access_key_id,)).fetchone():
        raise AlreadyThere(key.access_key_id)
    connection.execute("INSERT INTO account (uid, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (key.account, now))
    connection.execute(
        "INSERT INTO access_key (access_key_id, sealed_secret, account, root, enabled, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key.access_key_id, sealed, key.account, int(key.root), int(key.enabled), now),
    )


def _remove_key(connection: sqlite3.Connection, access_key_id: str) -> None:
    connection.execute("DELETE FROM access_key WHERE access_key_id = ?", (access_key_id,))


class Seal:
    """AES-256-GCM under the secret key; the access key id is bound in, so that rows can't be exchanged."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    def close(self, text: str, bound_to: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # loads OpenSSL: not before it is needed

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._secret_key).encrypt(nonce, text.encode(), bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> str:
        """Raises: WrongSecretKey."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self._secret_key).decrypt(nonce, ciphertext, bound_to.encode()).decode()
        except InvalidTag:
            raise WrongSecretKey(
                "The secret key is not the one this data directory's access keys were encrypted with."
            ) from None


def read_secret_key(path: Path) -> bytes:
    """The key from the environment if it is set there, else from the file. Raises: WrongSecretKey (malformed)."""
    text = os.environ.get(SECRET_KEY_VARIABLE) or path.read_text()
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise WrongSecretKey(f"The secret key must be the base64 of {_KEY_BYTES} bytes.")
    return key


def make_secret_key(path: Path) -> None:
    """Write a fresh key to the file, mode 0600, unless it exists or the environment has one."""
    if os.environ.get(SECRET_KEY_VARIABLE) or path.exists():
        return
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
