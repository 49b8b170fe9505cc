"""Taking another key on purpose, where the one that a data directory needs is lost. Nobody else may have it open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ..ports.secrets import ENCRYPTION, SECRET
from .local import FileLock, alone_in
from .master_keys import make_master_key, read_master_keys
from .needed_keys import set_fingerprints
from .secret_files import FileSecrets
from .sql.seal import Seal, WrongSecretKey, make_secret_key, read_secret_key
from .sqlite.connection import open_connection
from .sqlite.schema import migrate

_CACHE_KIB: Final = 2 * 1024


class WouldLose(Exception):
    """Access keys would be deleted, since nothing opens them any more. `args[0]` says how many."""


def accept_secret_key(data: Path, *, drop_access_keys: bool) -> int:
    """Take the secret key that is there, or make one; access keys that it doesn't open are deleted.

    Returns: how many were.
    Raises: WouldLose, if there are any and they aren't to be; WrongKey, InUse, NewerStore.
    """
    secrets = FileSecrets(data)
    with _alone_with(data) as connection:
        make_secret_key(secrets)
        key = read_secret_key(secrets)
        lost = list(_not_opened(connection, Seal(key)))
        if lost and not drop_access_keys:
            raise WouldLose(len(lost))
        connection.executemany("DELETE FROM access_key WHERE access_key_id = ?", lost)
        set_fingerprints(connection, SECRET, [key])
    return len(lost)


def accept_master_keys(data: Path) -> None:
    """Take the master keys that are there, or make one. What was encrypted with others can't be read without them.

    Raises: WrongKey, InUse, NewerStore.
    """
    secrets = FileSecrets(data)
    with _alone_with(data) as connection:
        make_master_key(secrets)
        set_fingerprints(connection, ENCRYPTION, read_master_keys(secrets).keys)


def accept_later_key(data: Path, name: str) -> bool:
    """Take one of the keys that are made when they are needed; False if there is none, and so one may be made.

    Raises: WrongKey, InUse, NewerStore.
    """
    with _alone_with(data) as connection:
        key = FileSecrets(data).find(name)
        set_fingerprints(connection, name, [] if key is None else [key])
    return key is not None


@contextmanager
def _alone_with(data: Path) -> Iterator[sqlite3.Connection]:
    with closing(FileLock(data / "server.lock")) as server:
        server.own(0)
        with (
            alone_in(data),
            closing(open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)) as connection,
        ):
            migrate(connection)
            yield connection


def _not_opened(connection: sqlite3.Connection, seal: Seal) -> Iterator[tuple[str]]:
    for access_key_id, sealed in connection.execute("SELECT access_key_id, sealed_secret FROM access_key").fetchall():
        try:
            seal.open(sealed, access_key_id)
        except WrongSecretKey:
            yield (access_key_id,)
