"""How much a bucket may hold; `ports.quota` holds it to that. Pure. Source: oss2's BucketUserQos (`?qos`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import STORAGE_CAPACITY_MAX_GB
from coatcheck.core.xml import Node

from .elements import malformed, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "storageCapacity"
ROOT: Final = "BucketUserQos"
SHAPE: Final = texts("StorageCapacity")
UNLIMITED: Final = -1
_NUMBER: Final = re.compile("-1|[0-9]{1,12}")


class StorageCapacity(Struct, frozen=True):
    """In GB, as OSS counts them: 1024 x 1024 x 1024 bytes."""

    gigabytes: int = UNLIMITED


def read(document: Element) -> StorageCapacity:
    """A BucketUserQos. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    text = need_text(document, "StorageCapacity")
    if not _NUMBER.fullmatch(text):
        raise malformed("StorageCapacity must be a whole number, or -1.")
    if int(text) > STORAGE_CAPACITY_MAX_GB:
        raise INVALID_ARGUMENT(
            f"StorageCapacity must be at most {STORAGE_CAPACITY_MAX_GB}.",
            ArgumentName="StorageCapacity",
            ArgumentValue=text,
        )
    return StorageCapacity(int(text))


def write(capacity: StorageCapacity) -> list[Node]:
    return [("StorageCapacity", capacity.gigabytes)]


def to_json(capacity: StorageCapacity) -> str:
    return write_stored(capacity)


@lru_cache(maxsize=256)
def from_json(text: str) -> StorageCapacity:
    return read_stored(StorageCapacity, text)
