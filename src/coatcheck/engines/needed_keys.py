"""Which keys a data directory needs, by their fingerprints in its catalog; no key that is needed is ever made anew.

    secret       opens the stored access keys and the tokens of sessions
    encryption   opens encrypted objects; several while one is replaced
    root         the owner's access key: links are signed with it. Any is taken that is given, none is made in its
                 place; but gateways that share a store need the same one
    callback     what applications know callbacks by
    tls          with its certificate: what clients trust

All but the root are secrets of `ports.secrets`.

A fingerprint is noted when its key is made or first used, and never tells anything of the key. A catalog that has none
yet (of version 1, or new) proves its keys: one secret is opened, one wrapped data key looked at; where there is nothing
to prove by, the key that is there is taken.

A rotation of the encryption key notes the new key before anything is wrapped with it, and forgets the old one when
nothing is any more. So all that are noted must be there, whatever step it was interrupted after.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from ..ports.byte_store import is_encrypted
from ..ports.secrets import CALLBACK, ENCRYPTION, SECRET, TLS, Secrets, WrongKey
from .blob_paths import BlobPaths
from .encrypted import HEADER_BYTES, find_wrapped
from .key_text import find_key_text
from .master_keys import WRAP_BYTES, MasterKeys, WrongEncryptionKey, make_master_key, read_master_keys
from .sql.contract import SqlConnection
from .sql.row_sums import row_sum
from .sql.seal import Seal, WrongSecretKey, make_secret_key, read_secret_key
from .sqlite.connection import open_connection

ROOT: Final = "root"
ROOT_SECRET: Final = "root secret"  # noqa: S105  what is noted, and no secret
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


def known_fingerprints(connection: SqlConnection, name: str) -> set[bytes]:
    """None in a catalog that has no place for them yet."""
    if not _has_table(connection, "key_fingerprint"):
        return set()
    return {row[0] for row in connection.execute("SELECT fingerprint FROM key_fingerprint WHERE name = ?", (name,))}


def note_fingerprint(connection: SqlConnection, name: str, key: bytes) -> None:
    """The key is needed from now on."""
    row = (name, fingerprint(name, key))
    connection.execute(
        "INSERT OR IGNORE INTO key_fingerprint (name, fingerprint, row_crc32) VALUES (?, ?, ?)", (*row, row_sum(*row))
    )


def set_fingerprints(connection: SqlConnection, name: str, keys: Collection[bytes]) -> None:
    """These keys of that name are needed from now on, and no others. Nothing is written where that was so before."""
    if known_fingerprints(connection, name) == {fingerprint(name, key) for key in keys}:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM key_fingerprint WHERE name = ?", (name,))
    for key in keys:
        note_fingerprint(connection, name, key)
    connection.execute("COMMIT")


def _has_table(connection: SqlConnection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


# --- at a start ------------------------------------------------------------------------------------------------------


def check_keys(connection: SqlConnection, secrets: Secrets, paths: BlobPaths) -> None:
    """Hold the keys against what the catalog knows and holds, of whatever version; make those that nobody needs yet.

    Raises: WrongKey; then nothing was changed.
    """
    _check_presence(connection, secrets)
    if not known_fingerprints(connection, SECRET):  # one that is noted was durable before, and is there
        make_secret_key(secrets)
    if not known_fingerprints(connection, ENCRYPTION):
        make_master_key(secrets)
    verify_keys(connection, secrets, paths)


def verify_keys(connection: SqlConnection, secrets: Secrets, paths: BlobPaths) -> None:
    """Hold the keys against what the catalog knows and holds, of whatever version; make none. Raises: WrongKey."""
    _check_presence(connection, secrets)
    if secrets.find(SECRET) is None or secrets.find(ENCRYPTION) is None:
        return  # of a directory that was never used
    check_opening_keys(connection, secrets)
    if not known_fingerprints(connection, SECRET):
        _prove_secret_key(connection, secrets)
    if not known_fingerprints(connection, ENCRYPTION):
        _prove_master_keys(connection, secrets, paths)


def _check_presence(connection: SqlConnection, secrets: Secrets) -> None:
    if secrets.find(SECRET) is None and _needs_secret_key(connection):
        raise _missing(secrets, SECRET, "the catalog's access keys are encrypted with it")
    if secrets.find(ENCRYPTION) is None and _needs_master_key(connection):
        raise _missing(secrets, ENCRYPTION, "objects are encrypted with it")
    _check_callback_key(connection, secrets)


def check_opening_keys(connection: SqlConnection, secrets: Secrets) -> tuple[bytes, MasterKeys]:
    """The secret key and the master keys, held against their fingerprints. Raises: WrongKey."""
    secret = read_secret_key(secrets)
    known = known_fingerprints(connection, SECRET)
    if known and fingerprint(SECRET, secret) not in known:
        raise _foreign_secret_key(secrets)
    masters = read_master_keys(secrets)
    if not known_fingerprints(connection, ENCRYPTION) <= {fingerprint(ENCRYPTION, key) for key in masters.keys}:
        raise _foreign_master_keys(secrets)
    return secret, masters


def note_keys(connection: SqlConnection, secrets: Secrets) -> None:
    """Note what was checked. Of several master keys the first, which is about to be used; all, where none was noted."""
    note_fingerprint(connection, SECRET, read_secret_key(secrets))
    keys = read_master_keys(secrets).keys
    for key in keys[:1] if known_fingerprints(connection, ENCRYPTION) else keys:
        note_fingerprint(connection, ENCRYPTION, key)
    pem = secrets.find(CALLBACK)
    if pem is not None:
        note_fingerprint(connection, CALLBACK, pem)


def _needs_secret_key(connection: SqlConnection) -> bool:
    if known_fingerprints(connection, SECRET):
        return True
    keys = "SELECT 1 FROM access_key LIMIT 1"
    return _has_table(connection, "access_key") and connection.execute(keys).fetchone() is not None


def _needs_master_key(connection: SqlConnection) -> bool:
    if known_fingerprints(connection, ENCRYPTION):
        return True
    if not _has_table(connection, "blob"):
        return False
    found = connection.execute(_ENCRYPTED_BLOB).fetchone() or connection.execute(_ENCRYPTED_BODY, (1,)).fetchone()
    return found is not None


def _prove_secret_key(connection: SqlConnection, secrets: Secrets) -> None:
    """One stored secret that it opens is enough."""
    if not _has_table(connection, "access_key"):
        return
    seal, failure = Seal(read_secret_key(secrets)), None
    for access_key_id, sealed in connection.execute("SELECT access_key_id, sealed_secret FROM access_key"):
        try:
            seal.open(sealed, access_key_id)
            return
        except WrongSecretKey:
            failure = _foreign_secret_key(secrets)
    if failure is not None:
        raise failure


def _prove_master_keys(connection: SqlConnection, secrets: Secrets, paths: BlobPaths) -> None:
    """One encrypted blob and one encrypted body, if there are any, say whose they are."""
    if not _has_table(connection, "blob"):
        return
    keys = read_master_keys(secrets)
    blob = connection.execute(_ENCRYPTED_BLOB).fetchone()
    body = connection.execute(_ENCRYPTED_BODY, (WRAP_BYTES,)).fetchone()
    try:
        if blob is not None:
            assert is_encrypted(blob[0].hex())
            find_wrapped(_read_header(paths, blob[0].hex()), keys)
        if body is not None and not keys.opens(body[0]):
            raise WrongEncryptionKey
    except WrongEncryptionKey:
        raise _foreign_master_keys(secrets) from None
    except FileNotFoundError:
        return  # a blob that is lost proves nothing; the audit names it


def _read_header(paths: BlobPaths, blob_id: str) -> bytes:
    with open(paths.blob(blob_id), "rb") as file:
        return file.read(HEADER_BYTES)


def _check_callback_key(connection: SqlConnection, secrets: Secrets) -> None:
    pem, known = secrets.find(CALLBACK), known_fingerprints(connection, CALLBACK)
    if pem is None:
        if known:
            raise _missing(secrets, CALLBACK, "applications know callbacks by it")
        return
    if _PEM_END not in pem:
        place = secrets.place(CALLBACK)
        raise WrongKey(f"{place.where} is cut short or damaged. {place.remedy}")
    if known and fingerprint(CALLBACK, pem) not in known:
        raise WrongKey(_foreign(secrets, CALLBACK, "applications know callbacks by"))


# --- keys of those who have no catalog open --------------------------------------------------------------------------


def needs_root_key(data: Path) -> bool:
    """Whether a server has run with one: a new one would make its links dead."""
    with closing(_open(data)) as connection:
        return is_root_key_needed(connection)


def is_root_key_needed(connection: SqlConnection) -> bool:
    buckets = connection.execute("SELECT 1 FROM bucket LIMIT 1").fetchone()
    return bool(known_fingerprints(connection, ROOT)) or buckets is not None


def note_root_key(data: Path, access_key_id: str) -> None:
    """By its id alone: a secret that somebody chose could be guessed from what is noted of it."""
    with closing(_open(data)) as connection:
        set_fingerprints(connection, ROOT, [access_key_id.encode()])


def note_shared_root_key(connection: SqlConnection, secrets: Secrets, access_key_id: str, secret: str) -> None:
    """Of gateways, which must have the same. Its secret is noted under the secret key: who has the catalog alone can't
    guess it. Raises: WrongKey."""
    known = known_fingerprints(connection, ROOT_SECRET)
    whole = hmac.digest(read_secret_key(secrets), f"{access_key_id}\0{secret}".encode(), "sha256")
    if known and fingerprint(ROOT_SECRET, whole) not in known:
        raise WrongKey(
            f"The root key {access_key_id} is not the one that the other gateways have. Give this one the same "
            "(root-credentials.json, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET); to have another one everywhere, "
            "end all gateways and call coatcheck accept-key root beside the first."
        )
    set_fingerprints(connection, ROOT, [access_key_id.encode()])
    set_fingerprints(connection, ROOT_SECRET, [whole])


def check_authority(data: Path, secrets: Secrets, certificate: Path) -> bool:
    """Whether the certificate authority that clients trust is there; False if there was none yet.

    Args:
        certificate: the authority's, without which its key is of no use.
    Raises: WrongKey.
    """
    with closing(_open(data)) as connection:
        return is_authority_known(connection, secrets, certificate)


def is_authority_known(connection: SqlConnection, secrets: Secrets, certificate: Path) -> bool:
    """See `check_authority`."""
    known = known_fingerprints(connection, TLS)
    if not known:
        return False
    key, why = secrets.find(TLS), "clients trust this authority"
    if key is None:
        raise _missing(secrets, TLS, why)
    if not certificate.exists():
        raise _missing(secrets, TLS, why, what=str(certificate))
    if fingerprint(TLS, key) not in known:
        raise WrongKey(_foreign(secrets, TLS, "clients trust"))
    return True


def note_authority(data: Path, secrets: Secrets) -> None:
    with closing(_open(data)) as connection:
        note_fingerprint(connection, TLS, find_key_text(secrets, TLS))


def _open(data: Path) -> sqlite3.Connection:
    return open_connection(data / "catalog.sqlite", cache_kib=_CACHE_KIB, query_only=False)


# --- words -----------------------------------------------------------------------------------------------------------


def _missing(secrets: Secrets, name: str, why: str, what: str = "") -> WrongKey:
    """That the secret, or what else belongs to it, isn't there."""
    place = secrets.place(name)
    return WrongKey(f"{what or place.where} is missing, and {why}. {place.remedy}")


def _foreign_secret_key(secrets: Secrets) -> WrongSecretKey:
    return WrongSecretKey(_foreign(secrets, SECRET, "the catalog's access keys are encrypted with"))


def _foreign_master_keys(secrets: Secrets) -> WrongEncryptionKey:
    return WrongEncryptionKey(_foreign(secrets, ENCRYPTION, "objects are encrypted with"))


def _foreign(secrets: Secrets, name: str, what: str) -> str:
    place = secrets.place(name)
    return f"{place.where} is not the key that {what}. {place.remedy}"
