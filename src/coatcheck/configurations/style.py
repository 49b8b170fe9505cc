"""A style: a plan of processing under a name. A bucket has many, each stored for itself. Pure.

Source: OSS API reference, PutStyle, GetStyle.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import BAD_STYLE, INVALID_ARGUMENT
from coatcheck.core.limits import PLAN_MAX_BYTES, STYLE_NAME_MAX_CHARS
from coatcheck.core.times import write_http_date
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import Bucket

from .elements import Shape, find_text, malformed, texts
from .stored import read_stored, write_stored

PREFIX: Final = "style/"  # of the stored name; the style's own follows
ROOT: Final = "Style"
SHAPE: Final[Shape] = texts("Content")
CATEGORIES: Final = ("image", "document", "video")

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_REFUSED: Final = frozenset(";()'*? \t\r\n|")  # the last is how a result is saved, which a style can't say


class Style(Struct, frozen=True):
    """`created` and `modified` are Unix seconds."""

    content: str
    category: str
    created: int
    modified: int


def read_content(document: Element) -> str:
    """The plan of a Style. Raises: OssError MALFORMED_XML, BAD_STYLE."""
    content = find_text(document, "Content")
    if content is None:
        raise malformed("Content is missing.")
    if not content or len(content.encode()) > PLAN_MAX_BYTES or not _REFUSED.isdisjoint(content):
        raise BAD_STYLE()
    return content


def write(name: str, style: Style) -> list[Node]:
    return [
        ("Name", name),
        ("Content", style.content),
        ("Category", style.category),
        ("CreateTime", write_http_date(style.created)),
        ("LastModifyTime", write_http_date(style.modified)),
    ]


def to_json(style: Style) -> str:
    return write_stored(style)


@lru_cache(maxsize=256)
def from_json(text: str) -> Style:
    return read_stored(Style, text)


def find_style(bucket: Bucket, name: str) -> Style | None:
    text = bucket.configuration(PREFIX + name)
    return None if text is None else from_json(text)


def style_names(bucket: Bucket) -> list[str]:
    return sorted(name.removeprefix(PREFIX) for name, _ in bucket.configurations if name.startswith(PREFIX))


def check_name(name: str) -> str:
    """The same name. Raises: OssError INVALID_ARGUMENT."""
    if not 0 < len(name) <= STYLE_NAME_MAX_CHARS or not _NAME.fullmatch(name):
        length = not 0 < len(name) <= STYLE_NAME_MAX_CHARS
        shown = name.encode("utf-8", "replace").decode()[: STYLE_NAME_MAX_CHARS + 1]
        raise INVALID_ARGUMENT(
            f"The value: {shown} of parameter: stylename is invalid.",
            ec="0017-00000250" if length else "0017-00000251",
            ArgumentName="stylename",
            ArgumentValue=shown,
        )
    return name
