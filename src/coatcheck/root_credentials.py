"""The server owner's own access key: from the environment, or made at the first start. There is no default key."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from coatcheck.core.names import is_access_key_id

_MEND: Final = "Mend it or restore it from a backup."
FILE_NAME: Final = "root-credentials.json"
SHARE_KEY_FILE: Final = "share-credentials.json"  # what `coatcheck share` signs with on this machine
RUNNING_FILE: Final = "endpoint.json"  # how commands on this machine reach the server
_SECRET_MIN_CHARS: Final = 8  # shorter ones are guessed, not kept


class BadCredentials(Exception):
    """The configured root credentials can't be used; the message says why and what to do."""


class RootCredentials(Struct, frozen=True):
    """`made` is true only at the start that made them: the one time they are shown."""

    access_key_id: str
    access_key_secret: str
    made: bool = False

    def __repr__(self) -> str:
        return f"RootCredentials(access_key_id={self.access_key_id!r}, made={self.made})"


def find_root_credentials(data: Path, environment: Mapping[str, str], *, needed: bool = False) -> RootCredentials:
    """OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET if set, else the file in the data directory, made if missing.

    Args:
        needed: a key has been in use, so that none is made in its place.
    Raises: BadCredentials.
    """
    access_key_id = environment.get("OSS_ACCESS_KEY_ID", "")
    access_key_secret = environment.get("OSS_ACCESS_KEY_SECRET", "")
    if bool(access_key_id) != bool(access_key_secret):
        raise BadCredentials("Set both OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, or neither.")
    if access_key_id:
        return _checked(access_key_id, access_key_secret, "The environment")
    path = data / FILE_NAME
    if path.exists():
        return _read(path)
    if needed:
        raise BadCredentials(
            f"{path} is missing, and links were signed with its key. Restore it from a backup (or set "
            f"OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET); to do without it: coatcheck accept-key root --data {data}"
        )
    return _make(path)


def _checked(access_key_id: str, access_key_secret: str, where: str) -> RootCredentials:
    if not is_access_key_id(access_key_id):
        raise BadCredentials(f"{where}: an access key id has letters, digits, '.', '_' and '=' alone. Give another.")
    if len(access_key_secret) < _SECRET_MIN_CHARS:
        raise BadCredentials(
            f"{where}: the access key secret must have at least {_SECRET_MIN_CHARS} characters. Give another."
        )
    return RootCredentials(access_key_id, access_key_secret)


def _read(path: Path) -> RootCredentials:
    try:
        stored = json.loads(path.read_text("utf-8"))
        access_key_id, access_key_secret = stored["access_key_id"], stored["access_key_secret"]
        if not isinstance(access_key_id, str) or not isinstance(access_key_secret, str):
            raise TypeError
    except OSError as error:
        raise BadCredentials(f"{path} cannot be read ({error.strerror}). {_MEND}") from None
    except (ValueError, RecursionError):
        raise BadCredentials(f"{path} is not JSON. {_MEND}") from None
    except (KeyError, TypeError):
        raise BadCredentials(f"{path} has no access_key_id and access_key_secret, two texts. {_MEND}") from None
    return _checked(access_key_id, access_key_secret, str(path))


def _make(path: Path) -> RootCredentials:
    """A new key in a file that only its owner can read, durable before it is used."""
    made = RootCredentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_urlsafe(24), made=True)
    document = {"access_key_id": made.access_key_id, "access_key_secret": made.access_key_secret}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    return made
