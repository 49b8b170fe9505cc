"""Whether versions of a bucket may have a retention of their own, and which one they get by default. Pure.

What it means is in `ports/worm.py`. Source: OSS API reference, PutBucketObjectWormConfiguration.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.limits import RETENTION_MAX_DAYS, RETENTION_MAX_YEARS
from coatcheck.core.xml import Node
from coatcheck.ports.object import COMPLIANCE, GOVERNANCE
from coatcheck.ports.worm import OBJECT_WORM, DefaultRetention, ObjectWorm, read_object_worm, write_object_worm

from .elements import find_one, find_text, malformed, need_one, need_text, texts

NAME: Final = OBJECT_WORM
ROOT: Final = "ObjectWormConfiguration"
SHAPE: Final = texts("ObjectWormEnabled", Rule=texts(DefaultRetention=texts("Mode", "Days", "Years")))
MODES: Final = (GOVERNANCE, COMPLIANCE)

_ENABLED: Final = "Enabled"


def read(document: Element) -> ObjectWorm:
    """An ObjectWormConfiguration. Raises: OssError MALFORMED_XML."""
    if need_text(document, "ObjectWormEnabled") != _ENABLED:
        raise malformed(f"ObjectWormEnabled must be {_ENABLED}.")
    rule = find_one(document, "Rule")
    return ObjectWorm(None if rule is None else _read_default(need_one(rule, "DefaultRetention")))


def write(worm: ObjectWorm) -> list[Node]:
    nodes: list[Node] = [("ObjectWormEnabled", _ENABLED)]
    default = worm.default
    if default is None:
        return nodes
    span: Node = ("Days", default.days) if default.days is not None else ("Years", default.years or 0)
    return [*nodes, ("Rule", [("DefaultRetention", [("Mode", default.mode), span])])]


def to_json(worm: ObjectWorm) -> str:
    return write_object_worm(worm)


def from_json(text: str) -> ObjectWorm:
    return read_object_worm(text)


def _read_default(element: Element) -> DefaultRetention:
    mode = need_text(element, "Mode")
    if mode not in MODES:
        raise malformed(f"Mode must be one of {', '.join(MODES)}.")
    days, years = _find_count(element, "Days", RETENTION_MAX_DAYS), _find_count(element, "Years", RETENTION_MAX_YEARS)
    if (days is None) == (years is None):
        raise malformed("DefaultRetention needs Days or Years, and not both.")
    return DefaultRetention(mode, days, years)


def _find_count(element: Element, name: str, most: int) -> int | None:
    text = find_text(element, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise malformed(f"{name} must be a whole number between 1 and {most}.")
    return int(text)
