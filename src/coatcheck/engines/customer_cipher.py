"""What lies under a data key and a client's key: AES-256-CTR with the one, then sealed with the other.

Each chunk has a number that is used once with its key, and a chunk is shorter than 2**32 blocks, so no part of the key
stream is used twice. The tag is the outer cipher's: a changed byte is noticed by whoever has the data key.
"""

from __future__ import annotations

from .sm4 import Aead


class UnderCustomerKey:
    """An `Aead` around another one; `key` is made of the client's key and the data key."""

    def __init__(self, outer: Aead, key: bytes) -> None:
        self._outer = outer
        self._key = key

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        return self._outer.encrypt(nonce, self._mixed(nonce, data), associated_data)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Raises: InvalidTag."""
        return self._mixed(nonce, self._outer.decrypt(nonce, data, associated_data))

    def _mixed(self, nonce: bytes, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher  # loads OpenSSL: not before it is needed
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        return Cipher(AES(self._key), CTR(nonce + bytes(4))).encryptor().update(data)
