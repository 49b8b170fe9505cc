"""Tags as text: the header x-oss-tagging, and the Tagging document. Source: OSS API reference, object tagging."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    MALFORMED_XML,
    REPEATED_TAGS,
    TOO_MANY_OBJECT_TAGS,
)
from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.core.xml import Node
from coatcheck.operations.tagging import check_tags
from coatcheck.ports.bucket import Tags

_BAD_HEADER: Final = (
    "The header '{}' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
)


def read_tagging_header(text: str | None, rule: TagRule = OBJECT_TAGS) -> Tags:
    """The tags of `x-oss-tagging`.

    Raises: OssError INVALID_ARGUMENT (not UTF-8, or a key twice), INVALID_TAG, INVALID_TAG_VALUE,
        TOO_MANY_OBJECT_TAGS.
    """
    if not text:
        return ()
    if text.count("&") >= rule.most:
        raise TOO_MANY_OBJECT_TAGS()
    tags = read_tag_pairs(text, "x-oss-tagging")
    if len(dict(tags)) != len(tags):
        raise _bad_header(text, "x-oss-tagging")
    return check_tags(tags, rule)


def read_tag_pairs(text: str, header: str) -> Tags:
    """ "k1=v1&k2=v2", each encoded as in a form; "k" alone has no value. Raises: OssError INVALID_ARGUMENT."""
    try:
        text.encode()
        pairs = [piece.partition("=")[::2] for piece in text.split("&")]
        return tuple((unquote_plus(key, errors="strict"), unquote_plus(value, errors="strict")) for key, value in pairs)
    except UnicodeError:
        raise _bad_header(text, header) from None


def read_tagging_document(document: Element, rule: TagRule = OBJECT_TAGS) -> Tags:
    """Raises: OssError MALFORMED_XML, REPEATED_TAGS and those of `read_tagging_header`."""
    sets = document.findall("TagSet")
    if len(sets) != 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Tagging has one TagSet.")
    tags = tuple(_read_tag(tag) for tag in sets[0].findall("Tag"))
    if len(dict(tags)) != len(tags):
        raise REPEATED_TAGS()
    return check_tags(tags, rule)


def write_tagging(tags: Tags) -> list[Node]:
    return [("TagSet", tuple(("Tag", (("Key", key), ("Value", value))) for key, value in tags))]


def _read_tag(tag: Element) -> tuple[str, str]:
    keys, values = tag.findall("Key"), tag.findall("Value")
    if len(keys) != 1 or len(values) > 1:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} A Tag has one Key and one Value.")
    return keys[0].text or "", values[0].text or "" if values else ""


def _bad_header(text: str, header: str) -> Exception:
    return INVALID_ARGUMENT(_BAD_HEADER.format(header), ArgumentName=header, ArgumentValue=text[:1024])
