"""Names on the wire: which are legal, and why not. Source: OSS documentation, bucket and object naming."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .errors import INVALID_BUCKET_NAME, INVALID_OBJECT_NAME, OBJECT_NAME_EMPTY, OBJECT_NAME_TOO_LONG
from .limits import BUCKET_NAME_MAX_CHARS, BUCKET_NAME_MIN_CHARS, OBJECT_KEY_MAX_BYTES, S3_OBJECT_KEY_MAX_BYTES
from .percent import decode_form

_BUCKET_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_DOMAIN_MAX_CHARS: Final = 253
_ACCESS_KEY_ID_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=")
_HEX_DIGITS: Final = frozenset("0123456789abcdef")
_IDENTITY_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def is_bucket_name(text: str) -> bool:
    """3 to 63 of a-z, 0-9 and "-", neither first nor last a "-"."""
    return BUCKET_NAME_MIN_CHARS <= len(text) <= BUCKET_NAME_MAX_CHARS and _is_bucket_name(text)


@lru_cache(maxsize=4096)
def _is_bucket_name(text: str) -> bool:
    return _BUCKET_CHARACTERS.issuperset(text) and text[0] != "-" and text[-1] != "-"


def read_bucket_name(text: str) -> str:
    """Raises: OssError INVALID_BUCKET_NAME."""
    if not is_bucket_name(text):
        raise INVALID_BUCKET_NAME(BucketName=text)
    return text


def is_s3_bucket_name(text: str) -> bool:
    """As `is_bucket_name`, and what S3 allows besides: dots between labels, but no IPv4 address."""
    if "." not in text:
        return is_bucket_name(text)
    labels = text.split(".")
    address = len(labels) == 4 and all(map(str.isdigit, labels))
    fits = BUCKET_NAME_MIN_CHARS <= len(text) <= BUCKET_NAME_MAX_CHARS and not address
    return fits and all(map(_is_label, labels))


def read_s3_bucket_name(text: str) -> str:
    """Raises: OssError INVALID_BUCKET_NAME."""
    if not is_s3_bucket_name(text):
        raise INVALID_BUCKET_NAME(BucketName=text)
    return text


def is_domain_name(text: str) -> bool:
    """A host name of at least two labels of a-z, 0-9 and "-", as it goes over the wire; no address, no wildcard."""
    return "." in text and is_host_name(text)


def is_host_name(text: str) -> bool:
    """The same, of one label or more: "localhost" too."""
    labels = text.split(".")
    return len(text) <= _DOMAIN_MAX_CHARS and not labels[-1].isdigit() and all(map(_is_label, labels))


def _is_label(text: str) -> bool:
    return 1 <= len(text) <= 63 and _BUCKET_CHARACTERS.issuperset(text) and text[0] != "-" and text[-1] != "-"


def is_access_key_id(text: str) -> bool:
    """Letters, digits, ".", "_" and "="; no slash, so a credential splits at slashes."""
    return 0 < len(text) <= 128 and _ACCESS_KEY_ID_CHARACTERS.issuperset(text)


def is_identity_name(text: str) -> bool:
    """What accounts, users, roles and policies may be called: 1 to 64 letters, digits, ".", "_" and "-"."""
    return 0 < len(text) <= 64 and _IDENTITY_CHARACTERS.issuperset(text)


def read_object_key(raw: bytes) -> str:
    """Decode a raw key once and check it. A "+" is a space, "%2B" a plus; "." and ".." are ordinary characters.

    Raises: OssError OBJECT_NAME_EMPTY, OBJECT_NAME_TOO_LONG, INVALID_OBJECT_NAME (not UTF-8, holds NUL, or starts with
        "/" or a backslash).
    """
    decoded = decode_form(raw)
    key = _read_text(decoded)
    check_object_key(key, len(decoded))
    return key


def read_s3_object_key(raw: bytes) -> str:
    """The same by S3's rules. Raises: OssError, likewise."""
    as_sent = decode_form(raw)
    key = _read_text(as_sent)
    check_s3_object_key(key, len(as_sent))
    return key


def _read_text(decoded: bytes) -> str:
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise INVALID_OBJECT_NAME(
            "The specified object is not valid. Its name is not UTF-8.", ec=OBJECT_NAME_TOO_LONG.ec
        ) from None  # OSS has one finer code for too long and for not UTF-8


def check_object_key(key: str, size_bytes: int) -> None:
    """The rules for a decoded key of `size_bytes` UTF-8 bytes. Raises as `read_object_key`."""
    if not key:
        raise OBJECT_NAME_EMPTY()
    if size_bytes > OBJECT_KEY_MAX_BYTES:
        raise OBJECT_NAME_TOO_LONG()
    if key[0] in "/\\" or "\0" in key:
        raise INVALID_OBJECT_NAME(Key=key.replace("\0", "%00"))


def check_s3_object_key(key: str, size_bytes: int) -> None:
    """A key of S3 begins with any character, and has a byte more. Raises: OssError, as `read_object_key`."""
    if not key:
        raise OBJECT_NAME_EMPTY()
    if size_bytes > S3_OBJECT_KEY_MAX_BYTES:
        raise OBJECT_NAME_TOO_LONG()
    if "\0" in key:
        raise INVALID_OBJECT_NAME(Key=key.replace("\0", "%00"))


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 as signers write it: 64 hex digits in lower case."""
    return len(text) == 64 and _HEX_DIGITS.issuperset(text)
