"""Key files of a data directory: read with a sentence for whatever is wrong, written whole and durably."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

_KEY_BYTES = 32


class WrongKey(Exception):
    """A key is missing, malformed, or another one than the data directory needs; the message says what to do."""


def read_key_text(path: Path, variable: str) -> str:
    """The text of the environment variable if it is set, else of the file. Raises: WrongKey."""
    return os.environ.get(variable) or read_key_file(path).decode("ascii", "replace")


def read_key_file(path: Path) -> bytes:
    """Raises: WrongKey."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WrongKey(f"{path} is missing. Restore it from a backup.") from None
    except OSError as error:
        raise WrongKey(f"{path} cannot be read: {error.strerror}. Make it a file that this user may read.") from None


def read_key(text: str) -> bytes | None:
    """32 bytes from their base64; None if it isn't that."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


def new_key() -> bytes:
    return os.urandom(_KEY_BYTES)


def write_key(key: bytes) -> bytes:
    """The line that `read_key` reads."""
    return base64.b64encode(key) + b"\n"


def put_key_file(path: Path, content: bytes) -> None:
    """Put the file in place whole and durable, mode 0600; the caller syncs the directory."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
