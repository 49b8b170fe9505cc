"""Which keys a data directory needs, by their fingerprints in its catalog; no key that is needed is ever made anew.

    secret       secret.key, or COATCHECK_SECRET_KEY: opens the stored access keys and the tokens of sessions
    encryption   encryption.key, or COATCHECK_ENCRYPTION_KEY: opens encrypted objects; several while one is replaced
    root         the owner's access key: links are signed with it. Any is taken that is given, none is made in its place
    callback     callback.key: what applications know callbacks by
    tls          tls/ca.key and ca.pem: what clients trust

A fingerprint is noted when its key is made or first used, and never tells anything of the key. A catalog that has none
yet (of version 1, or new) proves its keys: one secret is opened, one wrapped data key looked at; where there is nothing
to prove by, the key that is there is taken.

A rotation of the encryption key notes the new key before anything is wrapped with it, and forgets the old one when
nothing is any more. So all that are noted must be there, whatever step it was interrupted after.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from ..ports.byte_store import is_encrypted
from .blob_paths import BlobPaths, sync_directory
from .encrypted import HEADER_BYTES, find_wrapped
from .key_file import WrongKey, read_key_file
from .master_keys import KEY_VARIABLE, WRAP_BYTES, MasterKeys, WrongEncryptionKey, make_master_key, read_master_keys
from .sqlite.connection import open_connection
from .sqlite.seal import SECRET_KEY_VARIABLE, Seal, WrongSecretKey, make_secret_key, read_secret_key

NAMES: Final = ("secret", "encryption", "root", "callback", "tls")
_CACHE_KIB: Final = 2 * 1024
_PEM_END: Final = b"-----END PRIVATE KEY-----"

_ENCRYPTED_BLOB: Final = "SELECT id FROM blob WHERE substr(hex(id), 32) = 'F' LIMIT 1"
_ENCRYPTED_BODY: Final = (
    "SELECT substr(body.content, 1, ?) FROM object JOIN body ON body.id = body_id"
    " WHERE encryption <> '' AND length(body.content) > 0 LIMIT 1"
)


# --- fingerprints ----------------------------------------------------------------------------------------------------


def fingerprint(name: str, key: bytes) -> bytes:
    """32 bytes that say which key it is, and nothing of it."""
    return hmac.digest(key, f"coatcheck key {name}".encode(), "sha256")


def known_fingerprints(connection: sqlite3.Connection, name: str) -> set[bytes]:
    """None in a catalog that has no place for them yet."""
    if not _has_table(connection, "key_fingerprint"):
        return set()
    return {row[0] for row in connection.execute("SELECT fingerprint FROM key_fingerprint WHERE name = ?", (name,))}


def note_fingerprint(connection: sqlite3.Connection, name: str, key: bytes) -> None:
    """The key is needed from now on."""
    connection.execute("INSERT OR IGNORE INTO key_fingerprint VALUES (?, ?)", (name, fingerprint(name, key)))


def set_fingerprints(connection: sqlite3.Connection, name: str, keys: Iterable[bytes]) -> None:
    """These keys of that name are needed from now on, and no others."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM key_fingerprint WHERE name = ?", (name,))
    for key in keys:
        note_fingerprint(connection, name, key)
    connection.execute("COMMIT")


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


# --- at a start ------------------------------------------------------------------------------------------------------


def check_keys(connection: sqlite3.Connection, data: Path) -> None:
    """Hold the keys against what the catalog knows and holds, of whatever version; make those that nobody needs yet.

    Raises: WrongKey; then nothing was changed.
    """
    if not _is_there(data / "secret.key", SECRET_KEY_VARIABLE) and _needs_secret_key(connection):
        raise _missing(data, "secret", "the catalog's access keys are encrypted with it", SECRET_KEY_VARIABLE)
    if not _is_there(data / "encryption.key", KEY_VARIABLE) and _needs_master_key(connection):
        raise _missing(data, "encryption", "objects are encrypted with it", KEY_VARIABLE)
    _check_callback_key(connection, data)
    make_secret_key(data / "secret.key")
    make_master_key(data / "encryption.key")
    sync_directory(data)
    check_opening_keys(connection, data)
    if not known_fingerprints(connection, "secret"):
        _prove_secret_key(connection, data)
    if not known_fingerprints(connection, "encryption"):
        _prove_master_keys(connection, data)


def check_opening_keys(connection: sqlite3.Connection, data: Path) -> tuple[bytes, MasterKeys]:
    """The secret key and the master keys, held against their fingerprints. Raises: WrongKey."""
    secret = read_secret_key(data / "secret.key")
    known = known_fingerprints(connection, "secret")
    if known and fingerprint("secret", secret) not in known:
        raise WrongSecretKey(
            _foreign(data, "secret", "the catalog's access keys are encrypted with", SECRET_KEY_VARIABLE)
        )
    masters = read_master_keys(data / "encryption.key")
    if not known_fingerprints(connection, "encryption") <= {fingerprint("encryption", key) for key in masters.keys}:
        raise WrongEncryptionKey(_foreign(data, "encryption", "objects are encrypted with", KEY_VARIABLE))
    return secret, masters


def note_keys(connection: sqlite3.Connection, data: Path) -> None:
    """Note what was checked. Of several master keys the first, which is about to be used; all, where none was noted."""
    note_fingerprint(connection, "secret", read_secret_key(data / "secret.key"))
    keys = read_master_keys(data / "encryption.key").keys
    for key in keys[:1] if known_fingerprints(connection, "encryption") else keys:
        note_fingerprint(connection, "encryption", key)
    if (data / "callback.key").exists():
        note_fingerprint(connection, "callback", read_key_file(data / "callback.key"))


def _is_there(path: Path, variable: str) -> bool:
    return bool(os.environ.get(variable)) or path.exists()


def _needs_secret_key(connection: sqlite3.Connection) -> bool:
    if known_fingerprints(connection, "secret"):
        return True
    keys = "SELECT 1 FROM access_key LIMIT 1"
    return _has_table(connection, "access_key") and connection.execute(keys).fetchone() is not None


def _needs_master_key(connection: sqlite3.Connection) -> bool:
    if known_fingerprints(connection, "encryption"):
        return True
    if not _has_table(connection, "blob"):
        return False
    found = connection.execute(_ENCRYPTED_BLOB).fetchone() or connection.execute(_ENCRYPTED_BODY, (1,)).fetchone()
    return found is not None


def _prove_secret_key(connection: sqlite3.Connection, data: Path) -> None:
    """One stored secret that it opens is enough."""
    if not _has_table(connection, "access_key"):
        return
    seal, failure = Seal(read_secret_key(data / "secret.key")), None
    for access_key_id, sealed in connection.execute("SELECT access_key_id, sealed_secret FROM access_key"):
        try:
            seal.open(sealed, access_key_id)
            return
        except WrongSecretKey:
            failure = _foreign(data, "secret", "the catalog's access keys are encrypted with", SECRET_KEY_VARIABLE)
    if failure is not None:
        raise WrongSecretKey(failure)


def _prove_master_keys(connection: sqlite3.Connection, data: Path) -> None:
    """One encrypted blob and one encrypted body, if there are any, say whose they are."""
    if not _has_table(connection, "blob"):
        return
    keys = read_master_keys(data / "encryption.key")
    blob = connection.execute(_ENCRYPTED_BLOB).fetchone()
    body = connection.execute(_ENCRYPTED_BODY, (WRAP_BYTES,)).fetchone()
    try:
        if blob is not None:
            assert is_encrypted(blob[0].hex())
            find_wrapped(_read_header(data, blob[0].hex()), keys)
        if body is not None and not keys.opens(body[0]):
            raise WrongEncryptionKey
    except WrongEncryptionKey:
        raise WrongEncryptionKey(_foreign(data, "encryption", "objects are encrypted with", KEY_VARIABLE)) from None
    except FileNotFoundError:
        return  # a blob that is lost proves nothing; the audit names it


def _read_header(data: Path, blob_id: str) -> bytes:
    with open(BlobPaths(data).blob(blob_id), "rb") as file:
        return file.read(HEADER_BYTES)


def _check_callback_key(connection: sqlite3.Connection, data: Path) -> None:
    path, known = data / "callback.key", known_fingerprints(connection, "callback")
    if not path.exists():
        if known:
            raise _missing(data, "callback", "applications know callbacks by it")
        return
    pem = read_key_file(path)
    if _PEM_END not in pem:
        raise WrongKey(f"{path} is cut short or damaged. {_next_step(data, 'callback')}")
    if known and fingerprint("callback", pem) not in known:
        raise WrongKey(_foreign(data, "callback", "applications know callbacks by"))


# --- keys of those who have no catalog open --------------------------------------------------------------------------


def needs_root_key(data: Path) -> bool:
    """Whether a server has run with one: a new one would make its links dead."""
    with closing(_open(data)) as connection:
        buckets = connection.execute("SELECT 1 FROM bucket LIMIT 1").fetchone()
        return bool(known_fingerprints(connection, "root")) or buckets is not None


def note_root_key(data: Path, access_key_id: str) -> None:
    """By its id alone: a secret that somebody chose could be guessed from what is noted of it."""
    with closing(_open(data)) as connection:
        set_fingerprints(connection, "root", [access_key_id.encode()])


def check_authority(data: Path) -> bool:
    """Whether the certificate authority that clients trust is there; False if there was none yet. Raises: WrongKey."""
    key, certificate = data / "tls" / "ca.key", data / "tls" / "ca.pem"
    with closing(_open(data)) as connection:
        known = known_fingerprints(connection, "tls")
    if not known:
        return False
    for path in (key, certificate):
        if not path.exists():
            raise _missing(data, "tls", "clients trust this authority", file=path)
    if fingerprint("tls", read_key_file(key)) not in known:
        raise WrongKey(_foreign(data, "tls", "clients trust", file=key))
    return True


def note_authority(data: Path) -> None:
    with closing(_open(data)) as connection:
        note_fingerprint(connection, "tls", read_key_file(data / "tls" / "ca.key"))


def _open(data: Path) -> sqlite3.Connection:
    return open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)


# --- words -----------------------------------------------------------------------------------------------------------


def _missing(data: Path, name: str, why: str, variable: str = "", file: Path | None = None) -> WrongKey:
    or_variable = f" (or set {variable})" if variable else ""
    return WrongKey(f"{file or data / f'{name}.key'} is missing, and {why}. {_next_step(data, name, or_variable)}")


def _foreign(data: Path, name: str, what: str, variable: str = "", file: Path | None = None) -> str:
    where = variable if variable and os.environ.get(variable) else str(file or data / f"{name}.key")
    return f"{where} is not the key that {what}. {_next_step(data, name)}"


def _next_step(data: Path, name: str, or_variable: str = "") -> str:
    return f"Restore it from a backup{or_variable}; to do without it: coatcheck accept-key {name} --data {data}"
