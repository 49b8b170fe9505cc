"""AES-256-GCM under the secret key: for secrets in the catalog, and for tokens that go out."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from ...ports.secrets import SECRET, Secrets, WrongKey
from ..key_text import find_key_text, new_key, read_key, write_key

_NONCE_BYTES: Final = 12


class WrongSecretKey(WrongKey):
    """The secret key is malformed, or isn't the one the secrets of this data directory were encrypted with."""


class Seal:
    """Encrypts and authenticates texts, each bound to what it is for, so that they can't be exchanged."""

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
        except (InvalidTag, ValueError):
            raise WrongSecretKey(
                "The secret key is not the one this data directory's access keys were encrypted with."
            ) from None

    def close_token(self, text: str, purpose: str) -> str:
        """A token that gives its text back to this secret key alone."""
        return _write_token(self.close(text, purpose))

    def open_token(self, token: str, purpose: str) -> str | None:
        """What was put in for that purpose; None for anything that this secret key didn't close, and for another
        writing of it: one token has one text, whatever base64 lets pass."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if _write_token(sealed) != token:
                return None
            return self.open(sealed, purpose)
        except (WrongSecretKey, binascii.Error, ValueError):
            return None


def _write_token(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read_secret_key(secrets: Secrets) -> bytes:
    """Raises: WrongKey (missing, malformed)."""
    key = read_key(find_key_text(secrets, SECRET))
    if key is None:
        raise WrongSecretKey(
            f"{secrets.place(SECRET).where} is cut short or damaged: the secret key must be the base64 of 32 bytes. "
            "Restore it from where it is kept."
        )
    return key


def make_secret_key(secrets: Secrets) -> None:
    """Keep a fresh one, unless there is one."""
    secrets.keep(SECRET, write_key(new_key()))
