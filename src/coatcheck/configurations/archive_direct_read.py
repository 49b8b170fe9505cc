"""Whether objects of the class Archive can be read without being restored. Pure.

Source: OSS API reference, PutBucketArchiveDirectRead, GetBucketArchiveDirectRead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.xml import Node

from .elements import need_switch, texts, write_switch
from .stored import read_stored, write_stored

NAME: Final = "archiveDirectRead"
ROOT: Final = "ArchiveDirectReadConfiguration"
SHAPE: Final = texts("Enabled")


class ArchiveDirectRead(Struct, frozen=True):
    enabled: bool = False


def read(document: Element) -> ArchiveDirectRead:
    """An ArchiveDirectReadConfiguration. Raises: OssError MALFORMED_XML."""
    return ArchiveDirectRead(need_switch(document, "Enabled"))


def write(reading: ArchiveDirectRead) -> list[Node]:
    return [("Enabled", write_switch(reading.enabled))]


def to_json(reading: ArchiveDirectRead) -> str:
    return write_stored(reading)


@lru_cache(maxsize=256)
def from_json(text: str) -> ArchiveDirectRead:
    return read_stored(ArchiveDirectRead, text)
