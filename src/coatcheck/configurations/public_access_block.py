"""Whether ACLs and policies that open a bucket to everybody count as absent: of a bucket, or of an account. Pure.

What it means for a decision is in `access/decide.py`. Source: OSS API reference, PutBucketPublicAccessBlock.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.xml import Node
from coatcheck.ports.bucket import PUBLIC_ACCESS_BLOCK, read_public_access_block, write_public_access_block

from .elements import need_switch, texts, write_switch

NAME: Final = PUBLIC_ACCESS_BLOCK
ROOT: Final = "PublicAccessBlockConfiguration"
SHAPE: Final = texts("BlockPublicAccess")


class PublicAccessBlock(Struct, frozen=True):
    blocked: bool = False


def read(document: Element) -> PublicAccessBlock:
    """A PublicAccessBlockConfiguration. Raises: OssError MALFORMED_XML."""
    return PublicAccessBlock(need_switch(document, "BlockPublicAccess"))


def write(block: PublicAccessBlock) -> list[Node]:
    return [("BlockPublicAccess", write_switch(block.blocked))]


def to_json(block: PublicAccessBlock) -> str:
    return write_public_access_block(block.blocked)


def from_json(text: str) -> PublicAccessBlock:
    return PublicAccessBlock(read_public_access_block(text))
