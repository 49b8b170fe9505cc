"""Replacing the master key: every data key is wrapped anew, no content is touched.

A blob has room for two wrapped keys, so the new one is durable before the old one goes. A body's lies in its row and
changes in a transaction. Both keys are kept until all is done, so a rotation that was interrupted leaves everything
readable, and is finished by the next one. The catalog notes a key before anything is wrapped with it, and forgets the
old one before it is dropped, so a start fits after each step. Nobody else may have the directory open.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..ports.byte_store import is_encrypted
from ..ports.secrets import ENCRYPTION, Secrets
from .blob_paths import BlobPaths
from .encrypted import BODY, HEADER_BYTES, SLOTS, find_wrapped
from .local import FileLock, alone_in, no_backup
from .master_keys import WRAP_MAX_BYTES, MasterKeys, fresh_keys, label_of, write_master_keys
from .needed_keys import check_keys, check_opening_keys, note_keys, set_fingerprints
from .secret_files import FileSecrets
from .sql.blob_intents import need_files
from .sqlite.connection import open_connection
from .sqlite.schema import migrate

_BATCH: Final = 500  # bodies in one transaction
_CACHE_KIB: Final = 2 * 1024


class Rotation(Struct, frozen=True):
    """How many data keys were wrapped anew, of blobs and of small bodies."""

    blobs: int
    bodies: int


def rotate(data: Path, note: Callable[[int], None] = lambda _: None) -> Rotation:
    """Replace the master key; where the operator gives the keys, take the first of them for all.

    Args:
        note: told now and then how many are done.
    Raises: InUse (a server is running, or a backup), WrongKey, NewerStore.
    """
    secrets = FileSecrets(data)
    with closing(FileLock(data / "server.lock")) as server:
        server.own(0)
        with alone_in(data), no_backup(data):
            keys = _begin(data, secrets)
            blobs = _rotate_blobs(data, keys, note)
            bodies = _rotate_bodies(data, keys, lambda done: note(blobs + done))
            _finish(data, secrets, keys)
    return Rotation(blobs, bodies)


def _begin(data: Path, secrets: Secrets) -> MasterKeys:
    """The keys, the new one first and noted."""
    with closing(open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)) as connection:
        need_files(connection)
        check_keys(connection, secrets, BlobPaths(data))
        migrate(connection)
        note_keys(connection, secrets)
        _, keys = check_opening_keys(connection, secrets)
        if not secrets.place(ENCRYPTION).is_given and len(keys.keys) == 1:
            keys = fresh_keys(keys)
            write_master_keys(secrets, keys)
            note_keys(connection, secrets)
    return keys


def _finish(data: Path, secrets: Secrets, keys: MasterKeys) -> None:
    """Nothing is wrapped with the old ones any more."""
    with closing(open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)) as connection:
        set_fingerprints(connection, ENCRYPTION, keys.keys[:1])
    if not secrets.place(ENCRYPTION).is_given:
        write_master_keys(secrets, MasterKeys(keys.keys[:1]))


def _rotate_blobs(data: Path, keys: MasterKeys, note: Callable[[int], None]) -> int:
    paths, done = BlobPaths(data), 0
    for blob_id in paths.stored():
        if is_encrypted(blob_id) and _rotate_blob(paths.blob(blob_id), bytes.fromhex(blob_id), keys):
            done += 1
            note(done)
    return done


def _rotate_blob(path: str, bound_to: bytes, keys: MasterKeys) -> bool:
    """Whether there was anything to do."""
    fd = os.open(path, os.O_RDWR)
    try:
        header = os.pread(fd, HEADER_BYTES, 0)
        wrapped = find_wrapped(header, keys)
        current = [at for at in SLOTS if keys.is_current(header[at:])]
        others = [at for at in SLOTS if at not in current[:1]]
        if not current:
            free = next(at for at in SLOTS if not header[at:].startswith(wrapped))
            os.pwrite(fd, keys.wrap(keys.unwrap(wrapped, bound_to), bound_to, label_of(wrapped)), free)
            os.fsync(fd)
            others = [at for at in SLOTS if at != free]
        stale = [at for at in others if any(header[at : at + WRAP_MAX_BYTES])]
        for at in stale:
            os.pwrite(fd, bytes(WRAP_MAX_BYTES), at)
        if stale:
            os.fsync(fd)
        return bool(stale)
    finally:
        os.close(fd)


def _rotate_bodies(data: Path, keys: MasterKeys, note: Callable[[int], None]) -> int:
    done = last = 0
    with closing(open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)) as connection:
        while True:
            connection.execute("BEGIN IMMEDIATE")
            ids = [row[0] for row in connection.execute(_BODIES, (last, _BATCH))]
            done += sum(_rotate_body(connection, body_id, keys) for body_id in ids)
            connection.execute("COMMIT")
            if not ids:
                return done
            last = ids[-1]
            note(done)


_BODIES: Final = (
    "SELECT DISTINCT body.id FROM object JOIN body ON body.id = body_id"
    " WHERE encryption <> '' AND length(body.content) > 0 AND body.id > ? ORDER BY body.id LIMIT ?"
)


def _rotate_body(connection: sqlite3.Connection, body_id: int, keys: MasterKeys) -> bool:
    with connection.blobopen("body", "content", body_id) as content:
        wrapped = content.read(WRAP_MAX_BYTES)
        if keys.is_current(wrapped):
            return False
        anew = keys.wrap(keys.unwrap(wrapped, BODY), BODY, label_of(wrapped))
        content.seek(0)
        content.write(anew)
    return True
