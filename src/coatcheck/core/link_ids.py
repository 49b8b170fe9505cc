"""Ids of links, and the codes of tickets. Whoever holds a link can name it; nobody can make a link from its id."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

_GROUPS: Final = ((0, 5), (5, 10), (10, 15))  # of a digest: 24 letters of base32, without padding
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]  # of ten bits
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # base58: no 0, O, I, l
_CODE_BITS: Final = 128
_CODE_CHARS: Final = 22


def name_link(secret: str) -> str:
    """The id of a link.

    Args:
        secret: the access key id, NUL, and the signature as it was verified; or a ticket's code.
    """
    digest, letters = hashlib.sha256(secret.encode()).digest(), ["lk_"]
    for start, stop in _GROUPS:
        bits = int.from_bytes(digest[start:stop], "big")
        letters += (_PAIRS[bits >> 30], _PAIRS[bits >> 20 & 1023], _PAIRS[bits >> 10 & 1023], _PAIRS[bits & 1023])
    return "".join(letters)


def is_link_id(text: str) -> bool:
    return text.startswith("lk_") and len(text) == 27 and text[3:].isalnum() and text.isascii() and text.islower()


def new_code() -> str:
    """A code that nobody can guess."""
    number, letters = secrets.randbits(_CODE_BITS), []
    for _ in range(_CODE_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def is_code(text: str) -> bool:
    return len(text) == _CODE_CHARS and all(letter in _ALPHABET for letter in text)
