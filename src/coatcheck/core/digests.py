"""ETag, Content-MD5 and CRC-64 as values. Source: OSS API reference, Content-MD5 and x-oss-hash-crc64ecma."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from fastcrc import crc32, crc64

EMPTY_CRC64 = 0


class Crc(NamedTuple):
    """A CRC whose polynomial is reflected, and that begins and ends with all bits turned.

    Attributes:
        one: the top bit, which is x^0.
        polynomial: reflected.
    """

    one: int
    polynomial: int


CRC32: Final = Crc(1 << 31, 0xEDB88320)
CRC32C: Final = Crc(1 << 31, 0x82F63B78)
CRC64_NVME: Final = Crc(1 << 63, 0x9A6C9329AC4BC9B5)
_CRC64_XZ: Final = Crc(1 << 63, 0xC96C5795D7870F42)


def update_crc64(data: bytes | bytearray | memoryview, crc: int = EMPTY_CRC64) -> int:
    """CRC-64/XZ of what came before (`crc`) followed by `data`; "123456789" gives 0x995dc9bbdf1939fa."""
    return int(crc64.xz(bytes(data) if isinstance(data, memoryview) else data, crc))


def update_crc32(data: bytes | bytearray, crc: int = 0) -> int:
    """CRC-32 of ZIP and gzip, of what came before (`crc`) followed by `data`; "123456789" gives 0xcbf43926."""
    return int(crc32.iso_hdlc(data, crc))


def update_crc32c(data: bytes | bytearray, crc: int = 0) -> int:
    """Castagnoli's, which S3 has too; as `update_crc32`."""
    return int(crc32.iscsi(data, crc))


def combine_crc64(first: int, second: int, second_size: int) -> int:
    """As `combine`, of CRC-64/XZ."""
    return combine(_CRC64_XZ, first, second, second_size)


def combine(crc: Crc, first: int, second: int, second_size: int) -> int:
    """The CRC of two contents, one after the other, from the CRC of each and the size of the second.

    A content's CRC, moved on over n bytes of zeros, is multiplied by x^(8n) modulo the polynomial; the CRC of what
    stands in place of the zeros is added.
    """
    return _multiply(crc, _power_of_bytes(crc, second_size), first) ^ second


@lru_cache(maxsize=1024)
def _power_of_bytes(crc: Crc, count: int) -> int:
    """x^(8 * count) modulo the polynomial, by squaring. Parts of one upload are mostly of one size."""
    power, square = crc.one, crc.one >> 8
    while count:
        if count & 1:
            power = _multiply(crc, power, square)
        square = _multiply(crc, square, square)
        count >>= 1
    return power


def _multiply(crc: Crc, a: int, b: int) -> int:
    """Two polynomials over GF(2), modulo the polynomial."""
    one, polynomial = crc
    all_bits = 2 * one - 1
    product = 0
    while a:
        if a & one:
            product ^= b
        a = (a << 1) & all_bits
        b = (b >> 1) ^ polynomial if b & 1 else b >> 1
    return product


def multipart_etag(etags: Sequence[str]) -> str:
    """The ETag of an object made of parts: MD5 over the text of theirs, upper-case hex, and how many there are."""
    return _etag_over("".join(etags).encode("ascii"), len(etags))


def s3_multipart_etag(etags: Sequence[str]) -> str:
    """As S3 makes it: MD5 over the bytes of their digests."""
    return _etag_over(bytes.fromhex("".join(etags)), len(etags))


def _etag_over(content: bytes, count: int) -> str:
    return f"{hashlib.md5(content, usedforsecurity=False).hexdigest().upper()}-{count}"


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
