"""Whether a bucket answers at the accelerate endpoints. They are as fast as the others here. Pure.

Source: OSS API reference, PutBucketTransferAcceleration, GetBucketTransferAcceleration; OSS's SDK for Java
also deletes it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.xml import Node

from .elements import need_switch, texts, write_switch
from .stored import read_stored, write_stored

NAME: Final = "transferAcceleration"
ROOT: Final = "TransferAccelerationConfiguration"
SHAPE: Final = texts("Enabled")


class TransferAcceleration(Struct, frozen=True):
    enabled: bool = False


def read(document: Element) -> TransferAcceleration:
    """A TransferAccelerationConfiguration. Raises: OssError MALFORMED_XML."""
    return TransferAcceleration(need_switch(document, "Enabled"))


def write(acceleration: TransferAcceleration) -> list[Node]:
    return [("Enabled", write_switch(acceleration.enabled))]


def to_json(acceleration: TransferAcceleration) -> str:
    return write_stored(acceleration)


@lru_cache(maxsize=256)
def from_json(text: str) -> TransferAcceleration:
    return read_stored(TransferAcceleration, text)


def is_accelerated(document: str | None) -> bool:
    """Whether the stored document, if there is one, turns it on."""
    return document is not None and from_json(document).enabled
