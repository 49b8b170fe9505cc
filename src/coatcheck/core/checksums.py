"""The checksums that S3's clients send: how each is taken, written, and combined from those of parts.

A checksum of a whole content has no "-". One that is made of the parts' (COMPOSITE) is the digest of their digests,
with "-" and their number behind it. Source: Amazon S3 user guide, checking object integrity; S3 reference, section 5.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from .digests import CRC32, CRC32C, CRC64_NVME, Crc, combine, update_crc32, update_crc32c
from .errors import NOT_IMPLEMENTED


class Checksum(Struct, frozen=True):
    """
    Attributes:
        algorithm: a name of `ALGORITHMS`.
        value: base64; see the module for that of a composite one.
    """

    algorithm: str
    value: str

    @property
    def is_composite(self) -> bool:
        return "-" in self.value


class Sum(Protocol):
    """A checksum that is being taken."""

    def update(self, data: bytes | bytearray, /) -> None: ...
    def digest(self) -> bytes: ...


class Algorithm(Struct, frozen=True):
    """
    Attributes:
        size: of a digest, in bytes.
        new: begins one. Raises: OssError NOT_IMPLEMENTED, where the library isn't installed.
        crc: how those of parts make that of the whole; None for what can't.
        has_composite: S3 lets it be made of the parts' digests.
    """

    size: int
    new: Callable[[], Sum]
    crc: Crc | None = None
    has_composite: bool = True


class _CrcSum:
    def __init__(self, take: Callable[[bytes | bytearray, int], int], size: int) -> None:
        self._take = take
        self._size = size
        self._value = 0

    def update(self, data: bytes | bytearray, /) -> None:
        self._value = self._take(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _crc64nvme() -> Sum:
    try:
        from awscrt.checksums import crc64nvme
    except ImportError:
        raise NOT_IMPLEMENTED(
            "This server cannot compute CRC64NVME: install coatcheck[s3] there, or have the client use CRC32."
        ) from None
    return _CrcSum(crc64nvme, 8)


ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "crc32": Algorithm(4, lambda: _CrcSum(update_crc32, 4), CRC32),
    "crc32c": Algorithm(4, lambda: _CrcSum(update_crc32c, 4), CRC32C),
    "crc64nvme": Algorithm(8, _crc64nvme, CRC64_NVME, has_composite=False),
    "sha1": Algorithm(20, lambda: hashlib.sha1(usedforsecurity=False)),
    "sha256": Algorithm(32, hashlib.sha256),
}


def write_sum(algorithm: str, taken: Sum) -> Checksum:
    return Checksum(algorithm, b64encode(taken.digest()).decode())


def sum_of(content: bytes, algorithm: str) -> Checksum:
    taken = ALGORITHMS[algorithm].new()
    taken.update(content)
    return write_sum(algorithm, taken)


def is_well_formed(algorithm: str, value: str) -> bool:
    """Whether the text can be a checksum of that algorithm, of a whole content."""
    try:
        raw = b64decode(value, validate=True)
    except (BadBase64, ValueError):
        return False
    return len(raw) == ALGORITHMS[algorithm].size


def compose(parts: Sequence[tuple[Checksum, int]], *, composite: bool) -> Checksum | None:
    """That of an object made of parts: each part's, and its size in bytes; of one algorithm, and at least one part.

    Args:
        composite: the digest of the digests; else what the digest of all bytes is.
    Returns: None where that can't be: SHA-256 of all bytes doesn't follow from those of parts.
    """
    algorithm = parts[0][0].algorithm
    about = ALGORITHMS[algorithm]
    digests = [b64decode(checksum.value) for checksum, _ in parts]
    if composite:
        return Checksum(algorithm, f"{sum_of(b''.join(digests), algorithm).value}-{len(parts)}")
    if about.crc is None:
        return None
    crc = 0
    for digest, (_, size) in zip(digests, parts, strict=True):
        crc = combine(about.crc, crc, int.from_bytes(digest, "big"), size)
    return Checksum(algorithm, b64encode(crc.to_bytes(about.size, "big")).decode())
