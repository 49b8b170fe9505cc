"""How the bytes of an object are kept, as one short text: it stands in the object's row, and with its data key.

""                as they are
AES256            with a data key that a master key wraps
SM4               the same, by another cipher
KMS:AES256:ID     with a data key that the local key of that id wraps
KMS:SM4:ID        the same, by another cipher
SSE-C:SALT:PROOF  as AES256, and below that with a key that only its client has (`customer_key`)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from msgspec import Struct

AES256: Final = "AES256"
SM4: Final = "SM4"
KMS: Final = "KMS"
CUSTOMER: Final = "SSE-C"
DEFAULT_KEY_ID: Final = "default"
LABEL_MAX_CHARS: Final = 127
_KEY_ID: Final = re.compile("[A-Za-z0-9][A-Za-z0-9/_-]{0,63}")


class Label(NamedTuple):
    """A label's parts; `key_id` is "" where there is no local key of a name. `cipher` is AES256 or SM4."""

    algorithm: str
    cipher: str
    key_id: str = ""


def write_label(algorithm: str, key_id: str = "", cipher: str = "") -> str:
    """Of an algorithm; for KMS, with the id of a key and the cipher, each "" for the usual one."""
    if algorithm != KMS:
        return algorithm
    return f"{KMS}:{cipher or AES256}:{key_id or DEFAULT_KEY_ID}"


def read_label(text: str) -> Label:
    """The parts of a label, but of ""."""
    if text.startswith(f"{KMS}:"):
        algorithm, cipher, key_id = text.split(":", 2)
        return Label(algorithm, cipher, key_id)
    if is_customers(text):
        return Label(CUSTOMER, AES256)
    return Label(text, text)


class Proof(Struct, frozen=True):
    """By what a client's key is known again: hex digits of a salt, and of a digest of both."""

    salt: str
    proof: str


def write_customer_label(salt: str, proof: str) -> str:
    return f"{CUSTOMER}:{salt}:{proof}"


def is_customers(label: str) -> bool:
    """Whether a client keeps the key of what is encrypted so."""
    return label.startswith(f"{CUSTOMER}:")


def read_proof(label: str) -> Proof | None:
    """None for a label of another kind."""
    if not is_customers(label):
        return None
    salt, _, proof = label.removeprefix(f"{CUSTOMER}:").partition(":")
    return Proof(salt, proof)


def is_key_id(text: str) -> bool:
    """1 to 64 letters, digits, "-", "_" and "/", beginning with one of the first two."""
    return _KEY_ID.fullmatch(text) is not None
