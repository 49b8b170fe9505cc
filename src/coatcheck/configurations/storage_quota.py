"""How many bytes a bucket may hold; `ports.quota` holds it to that. Pure. Source: OSS's SDKs for Go V2 and Python V2,
PutBucketStorageQuota (`?quota`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.limits import STORAGE_QUOTA_MAX_BYTES
from coatcheck.core.xml import Node

from .elements import find_choice, find_number, malformed, texts
from .stored import read_stored, write_stored

NAME: Final = "storageQuota"
ROOT: Final = "QuotaConfiguration"
SHAPE: Final = texts("StorageQuota", "Mode", "CurrentUsage")  # the last one is only told; taken, as it is given back
STRICT: Final = "Strict"
MODES: Final = (STRICT, "Warning")


class StorageQuota(Struct, frozen=True):
    """In bytes. `mode` Strict refuses what would be more; with Warning nothing is refused."""

    size: int
    mode: str = STRICT


def read(document: Element) -> StorageQuota:
    """A QuotaConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    size = find_number(document, "StorageQuota", least=1, most=STORAGE_QUOTA_MAX_BYTES)
    if size is None:
        raise malformed(f"{ROOT} needs StorageQuota.")
    return StorageQuota(size, find_choice(document, "Mode", MODES) or STRICT)


def write(quota: StorageQuota) -> list[Node]:
    return [("StorageQuota", quota.size), ("Mode", quota.mode)]


def to_json(quota: StorageQuota) -> str:
    return write_stored(quota)


@lru_cache(maxsize=256)
def from_json(text: str) -> StorageQuota:
    return read_stored(StorageQuota, text)
