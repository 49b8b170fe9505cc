"""A key that a client brings along with each request (SSE-C), and what is kept of it: a proof, to know it again.

The proof is a salted HMAC, and stands in the label of what is encrypted so (`encryption_label`). The key itself is
never stored, logged, or told.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode
from typing import Final

from msgspec import Struct

from .encryption_label import read_proof, write_customer_label

CUSTOMER_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16


class CustomerKey(Struct, frozen=True):
    """`key`: 32 bytes."""

    key: bytes

    def __repr__(self) -> str:
        return "CustomerKey()"

    @property
    def md5(self) -> str:
        """By which client and server agree that they mean the same key: base64."""
        return b64encode(hashlib.md5(self.key, usedforsecurity=False).digest()).decode()

    def new_label(self) -> str:
        """Of what is to be encrypted with it; another one each time."""
        salt = secrets.token_hex(_SALT_BYTES)
        return write_customer_label(salt, self._proof(salt))

    def proves(self, label: str) -> bool:
        """Whether a label is of something that was encrypted with it; False for labels of another kind."""
        found = read_proof(label)
        return found is not None and hmac.compare_digest(self._proof(found.salt), found.proof)

    def key_of_data(self, data_key: bytes) -> bytes:
        """What one blob, or one small body, is encrypted with: 32 bytes that are those of no other data key."""
        return hmac.digest(self.key, b"coatcheck customer data" + data_key, "sha256")

    def _proof(self, salt: str) -> str:
        return hmac.new(self.key, b"coatcheck customer proof" + salt.encode(), "sha256").hexdigest()
