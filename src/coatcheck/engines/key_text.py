"""Symmetric keys as the text that they are kept as."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from ..ports.secrets import Secrets, WrongKey

_KEY_BYTES: Final = 32


def find_key_text(secrets: Secrets, name: str) -> bytes:
    """A secret that must be there. Raises: WrongKey."""
    text = secrets.find(name)
    if text is None:
        raise WrongKey(f"{secrets.place(name).where} is missing. Restore it from a backup.")
    return text


def read_key(text: bytes) -> bytes | None:
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
