"""SM4-GCM with the same face as the library's AES-256-GCM. Source: GB/T 32907-2016; RFC 8998."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Protocol

_KEY_BYTES: Final = 16
_TAG_BYTES: Final = 16


class Aead(Protocol):
    """What encrypts and authenticates one chunk; what it gives ends with a tag of 16 bytes."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Raises: InvalidTag."""
        ...


class Sm4Gcm:
    """Of a data key's first 16 bytes: SM4 takes no more."""

    def __init__(self, data_key: bytes) -> None:
        self._key = data_key[:_KEY_BYTES]

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        encryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if len(data) < _TAG_BYTES:
            raise InvalidTag
        sealed, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
        decryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(sealed) + decryptor.finalize()


@lru_cache(maxsize=1)
def has_sm4() -> bool:
    """Whether this build of OpenSSL can do it; some leave it out."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        Sm4Gcm(bytes(_KEY_BYTES)).encrypt(bytes(12), b"", None)
    except UnsupportedAlgorithm:
        return False
    return True
