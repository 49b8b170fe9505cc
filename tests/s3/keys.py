"""Keys that clients keep (SSE-C), as SDKs send them."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5
from typing import Final

ONE: Final = b"1" * 32
TWO: Final = b"2" * 32


def customer_key(value: bytes = ONE, prefix: str = "x-amz-") -> dict[str, str]:
    """The three headers."""
    name = f"{prefix}server-side-encryption-customer-"
    digest = b64encode(md5(value, usedforsecurity=False).digest()).decode()
    return {f"{name}algorithm": "AES256", f"{name}key": b64encode(value).decode(), f"{name}key-md5": digest}


def source_key(value: bytes = ONE) -> dict[str, str]:
    """Those of the source of a copy."""
    return customer_key(value, "x-amz-copy-source-")
