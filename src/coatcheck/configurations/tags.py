"""A bucket's tags: read, checked, stored, written. Pure. Source: OSS API reference, PutBucketTags; bucket tagging."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_TAG, REPEATED_TAGS, TOO_MANY_TAGS
from coatcheck.core.tag_rules import BUCKET_TAGS, TagRule
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import TAGGING, Tags, read_tags, write_tags

from .elements import find_text, malformed, need_one, texts

NAME: Final = TAGGING
ROOT: Final = "Tagging"
SHAPE: Final = texts(TagSet=texts(Tag=texts("Key", "Value")))


class BucketTags(Struct, frozen=True):
    tags: Tags = ()


def read(document: Element, rule: TagRule = BUCKET_TAGS) -> BucketTags:
    """A Tagging. Raises: OssError MALFORMED_XML, INVALID_TAG, TOO_MANY_TAGS, REPEATED_TAGS."""
    elements = need_one(document, "TagSet").findall("Tag")
    if not elements:
        raise malformed("TagSet needs a Tag.")
    tags = tuple((find_text(tag, "Key") or "", find_text(tag, "Value") or "") for tag in elements)
    return BucketTags(check(tags, rule))


def check(tags: Tags, rule: TagRule = BUCKET_TAGS) -> Tags:
    """The same tags. Raises: OssError INVALID_TAG, TOO_MANY_TAGS, REPEATED_TAGS."""
    if len(tags) > rule.most:
        raise TOO_MANY_TAGS()
    for key, value in tags:
        if not rule.allows_key(key):
            raise INVALID_TAG("The TagKey you have provided is invalid.")
        if not rule.allows_value(value):
            raise INVALID_TAG("The TagValue you have provided is invalid.")
    if len({key for key, _ in tags}) != len(tags):
        raise REPEATED_TAGS()
    return tags


def write(value: BucketTags) -> list[Node]:
    return [("TagSet", tuple(("Tag", (("Key", key), ("Value", content))) for key, content in value.tags))]


def to_json(value: BucketTags) -> str:
    return write_tags(value.tags)


def from_json(text: str) -> BucketTags:
    return BucketTags(read_tags(text))
