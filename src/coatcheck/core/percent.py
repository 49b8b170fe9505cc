"""Percent-encoding, the one rule of every OSS library: unreserved characters stay, all else is %XX in upper case.

Bytes that aren't UTF-8 travel through text as surrogates, so decode and encode are exact inverses.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

UNRESERVED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PATH_UNRESERVED: Final = UNRESERVED + b"/"


def encode(text: str) -> str:
    """For query names and values: "/" becomes %2F."""
    raw = text.encode("utf-8", "surrogateescape")
    return quote_from_bytes(raw, safe="") if raw.translate(None, UNRESERVED) else text


def encode_path(text: str) -> str:
    """For a path: "/" stays."""
    raw = text.encode("utf-8", "surrogateescape")
    return quote_from_bytes(raw, safe="/") if raw.translate(None, _PATH_UNRESERVED) else text


def decode(text: str) -> str:
    """Once; a "+" stays a plus, a malformed %-sequence stays as it is."""
    return unquote(text, errors="surrogateescape") if "%" in text else text


def decode_form(raw: bytes) -> bytes:
    """Once, the way OSS reads paths and names within headers: a "+" is a space, "%2B" a plus."""
    spaced = raw.replace(b"+", b" ") if b"+" in raw else raw
    return unquote_to_bytes(spaced) if b"%" in spaced else spaced


def decode_query(text: str) -> str:
    """Once, the way OSS reads queries: a "+" is a space."""
    return decode(text.replace("+", " ") if "+" in text else text)
