"""Secrets as files of a data directory, mode 0600. Nobody else knows their names, nor how they are written:

secret       secret.key; COATCHECK_SECRET_KEY, if it is set, counts in its place
encryption   encryption.key; COATCHECK_ENCRYPTION_KEY, if it is set, counts in its place
callback     callback.key
tls          tls/ca.key
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..ports.secrets import CALLBACK, ENCRYPTION, SECRET, TLS, Place, WrongKey
from .blob_paths import sync_directory

SECRET_FILES: Final = {SECRET: "secret.key", ENCRYPTION: "encryption.key", CALLBACK: "callback.key", TLS: "tls/ca.key"}
SECRET_VARIABLES: Final = {SECRET: "COATCHECK_SECRET_KEY", ENCRYPTION: "COATCHECK_ENCRYPTION_KEY"}


class FileSecrets:
    """See `ports.secrets.Secrets`. The directory is there."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def find(self, name: str) -> bytes | None:
        return _given(name) or _read(self._path(name))

    def keep(self, name: str, secret: bytes) -> bytes:
        if given := _given(name):
            return given
        path = self._path(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if _read(path) is None:
            _write_first(path, secret)
        self._sync(path)  # another process may have made it, and not synced it yet
        return _read_there(path)

    def replace(self, name: str, secret: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        _write(unfinished, secret)
        unfinished.rename(path)
        self._sync(path)

    def place(self, name: str) -> Place:
        accept = f"coatcheck accept-key {name} --data {self._data}"
        variable, path = SECRET_VARIABLES.get(name, ""), self._path(name)
        if _given(name):
            return Place(variable, f"Restore it from a backup; to do without it: {accept}", is_given=True)
        or_set = f" (or set {variable})" if variable and not path.exists() else ""
        return Place(str(path), f"Restore it from a backup{or_set}; to do without it: {accept}")

    def _path(self, name: str) -> Path:
        return self._data / SECRET_FILES[name]

    def _sync(self, path: Path) -> None:
        for directory in {path.parent, self._data}:
            sync_directory(directory)


def _given(name: str) -> bytes:
    """What the environment has; b"" for nothing."""
    return os.fsencode(os.environ.get(SECRET_VARIABLES.get(name, ""), ""))


def _read(path: Path) -> bytes | None:
    """Raises: WrongKey, if there is something that can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WrongKey(f"{path} cannot be read: {error.strerror}. Make it a file that this user may read.") from error


def _read_there(path: Path) -> bytes:
    """Raises: WrongKey."""
    found = _read(path)
    if found is None:
        raise WrongKey(f"{path} is missing. Restore it from a backup.")
    return found


def _write_first(path: Path, secret: bytes) -> None:
    """Of several, the first to link its file wins."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        _write(unfinished, secret)
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write(path: Path, secret: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
