"""The master keys: what the data key of each encrypted blob is wrapped with.

The secret "encryption" (`ports.secrets`) holds base64 texts of 32 bytes each, one a line or separated by commas. The
first wraps; all of them unwrap, so that a key can be replaced. A key's id is the beginning of its digest, so there is
nothing to number.

A wrapped data key is `WRAP_BYTES` long: magic, the master key's id, a nonce, and the data key under AES-256-GCM with
the name of what it belongs to bound in. One with a label (`core.encryption_label`) has another magic, and behind it
the label, its length first; what wraps it is then a local key: derived from the master key and the label, so that it is
there wherever the master key is, and nothing has to be kept of it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from msgspec import Struct

from ..core.encryption_label import LABEL_MAX_CHARS
from ..ports.secrets import ENCRYPTION, Secrets, WrongKey
from .key_text import find_key_text, new_key, read_key, write_key

WRAP_BYTES: Final = 76
_MAGIC: Final = b"CCWRAP1\n"
_LABELLED: Final = b"CCWRAP2\n"
WRAP_MAX_BYTES: Final = WRAP_BYTES + 1 + LABEL_MAX_CHARS
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12


class WrongEncryptionKey(WrongKey):
    """A master key is malformed, missing, or not the one that something was encrypted with."""


class MasterKeys(Struct, frozen=True):
    """The keys, the one that wraps first."""

    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"MasterKeys(of {len(self.keys)})"

    def wrap(self, data_key: bytes, bound_to: bytes, label: str = "") -> bytes:
        """A data key of 32 bytes; with a label, under the local key of it."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # loads OpenSSL: not before it is needed

        nonce = os.urandom(_NONCE_BYTES)
        current = self.keys[0]
        sealed = AESGCM(_wrapping_key(current, label)).encrypt(nonce, data_key, bound_to)
        if not label:
            return _MAGIC + key_id(current) + nonce + sealed
        text = label.encode()
        return _LABELLED + key_id(current) + nonce + sealed + bytes([len(text)]) + text

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """
        Args:
            wrapped: begins with what `wrap` gave.
        Raises: WrongEncryptionKey.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._find(wrapped)
        if key is None:
            raise WrongEncryptionKey("This data was encrypted with a master key that isn't here.")
        at = len(_MAGIC) + _ID_BYTES
        try:
            return AESGCM(_wrapping_key(key, label_of(wrapped))).decrypt(
                wrapped[at : at + _NONCE_BYTES], wrapped[at + _NONCE_BYTES : WRAP_BYTES], bound_to
            )
        except InvalidTag:
            raise WrongEncryptionKey("A wrapped data key is damaged.") from None

    def opens(self, wrapped: bytes) -> bool:
        """Whether one of the keys wrapped it, going by the id."""
        return self._find(wrapped) is not None

    def is_current(self, wrapped: bytes) -> bool:
        return wrapped.startswith((_MAGIC + key_id(self.keys[0]), _LABELLED + key_id(self.keys[0])))

    def _find(self, wrapped: bytes) -> bytes | None:
        if not wrapped.startswith((_MAGIC, _LABELLED)):
            return None
        wanted = wrapped[len(_MAGIC) : len(_MAGIC) + _ID_BYTES]
        return next((key for key in self.keys if key_id(key) == wanted), None)


def label_of(wrapped: bytes) -> str:
    """The label that stands with a wrapped data key; "" for one without. What rotted is nobody's label."""
    if not wrapped.startswith(_LABELLED):
        return ""
    return wrapped[WRAP_BYTES + 1 : wrap_size(wrapped)].decode("ascii", "replace")


def wrap_size(wrapped: bytes) -> int:
    """How long the wrapped data key is that something begins with."""
    if not wrapped.startswith(_LABELLED):
        return WRAP_BYTES
    return WRAP_BYTES + 1 + int.from_bytes(wrapped[WRAP_BYTES : WRAP_BYTES + 1], "big")


def _wrapping_key(master: bytes, label: str) -> bytes:
    return hmac.digest(master, b"coatcheck local key " + label.encode(), "sha256") if label else master


def key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"coatcheck master key" + key).digest()[:_ID_BYTES]


def read_master_keys(secrets: Secrets) -> MasterKeys:
    """Raises: WrongKey (missing, malformed)."""
    texts = find_key_text(secrets, ENCRYPTION).replace(b",", b"\n").split()
    keys = tuple(key for key in map(read_key, texts) if key is not None)
    if not keys or len(keys) < len(texts):
        raise WrongEncryptionKey(
            f"{secrets.place(ENCRYPTION).where} is cut short or damaged: an encryption key must be the base64 of "
            "32 bytes, one or more. Restore it from where it is kept."
        )
    return MasterKeys(keys)


def make_master_key(secrets: Secrets) -> None:
    """Keep a fresh one, unless there is one."""
    secrets.keep(ENCRYPTION, write_key(new_key()))


def write_master_keys(secrets: Secrets, keys: MasterKeys) -> None:
    """Keep these in the place of those that are there, durably."""
    secrets.replace(ENCRYPTION, b"".join(map(write_key, keys.keys)))


def fresh_keys(keys: MasterKeys) -> MasterKeys:
    """The same with a new one in front."""
    return MasterKeys((new_key(), *keys.keys))
