"""ETag, Content-MD5 and CRC-64 as values. Source: OSS API reference, Content-MD5 and x-oss-hash-crc64ecma."""

from __future__ import annotations

import base64
import binascii

from fastcrc import crc64

EMPTY_CRC64 = 0


def update_crc64(data: bytes | bytearray | memoryview, crc: int = EMPTY_CRC64) -> int:
    """CRC-64/XZ of what came before (`crc`) followed by `data`; "123456789" gives 0x995dc9bbdf1939fa."""
    return int(crc64.xz(bytes(data) if isinstance(data, memoryview) else data, crc))


def read_content_md5(text: str) -> bytes | None:
    """The 16 bytes that a Content-MD5 header names, or None if it isn't base64 of 16 bytes."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == 16 else None


def write_content_md5(etag: str) -> bytes:
    """The Content-MD5 of a simple object, from its ETag (32 hex digits)."""
    return binascii.b2a_base64(binascii.a2b_hex(etag), newline=False)
