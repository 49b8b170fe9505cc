"""What differs between two trees: both are read in the order of keys, side by side, so memory stays flat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from .connection import Connection
from .objects import ObjectAddress, head_object
from .transfer import PIECE_BYTES, file_crc64

_MD5: Final = re.compile("[0-9A-Fa-f]{32}")
_MD5_MAX_BYTES: Final = 64 * 1024**2  # beyond, one request more costs less than the digest

T = TypeVar("T")


class Leaf(Struct, frozen=True):
    """A file or an object of a tree; `name` is what comes behind the tree's folder, `etag` "" for a file."""

    name: str
    place: Path | ObjectAddress
    size_bytes: int
    etag: str = ""


class Pair(Struct, frozen=True):
    """One name: what the source has, what the target has; None where it hasn't."""

    name: str
    source: Leaf | None
    target: Leaf | None


def pair(source: Iterator[Leaf], target: Iterator[Leaf]) -> Iterator[Pair]:
    """Every name of two trees, each in the order of its UTF-8 bytes."""
    ours, theirs = next(source, None), next(target, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours.name < theirs.name):
            assert ours is not None
            yield Pair(ours.name, ours, None)
            ours = next(source, None)
        elif ours is None or theirs.name < ours.name:
            yield Pair(theirs.name, None, theirs)
            theirs = next(target, None)
        else:
            yield Pair(ours.name, ours, theirs)
            ours, theirs = next(source, None), next(target, None)


def is_same(connection: Connection, source: Leaf, target: Leaf) -> bool:
    """Whether two have the same bytes: by size, then by CRC-64.

    The ETag of an object that was put in one piece is its MD5, and stands in the listing: where it is equal no
    request is needed. Where it isn't, that proves nothing (KMS, other ways of writing): the server
    is asked for the CRC-64.

    Raises: ClientError; OSError.
    """
    if source.size_bytes != target.size_bytes:
        return False
    if source.size_bytes == 0 or _has_equal_md5(source, target):
        return True
    ours, theirs = _crc64(connection, source), _crc64(connection, target)
    return ours is not None and ours == theirs


def _has_equal_md5(source: Leaf, target: Leaf) -> bool:
    digests = [_md5(leaf, other) for leaf, other in ((source, target), (target, source))]
    return None not in digests and digests[0] == digests[1]


def _md5(leaf: Leaf, other: Leaf) -> str | None:
    if isinstance(leaf.place, ObjectAddress):
        return leaf.etag.lower() if _MD5.fullmatch(leaf.etag) else None
    if leaf.size_bytes > _MD5_MAX_BYTES or not _MD5.fullmatch(other.etag):
        return None
    digest = hashlib.md5(usedforsecurity=False)
    with leaf.place.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _crc64(connection: Connection, leaf: Leaf) -> int | None:
    if isinstance(leaf.place, ObjectAddress):
        return head_object(connection, leaf.place).crc64
    return file_crc64(leaf.place)
