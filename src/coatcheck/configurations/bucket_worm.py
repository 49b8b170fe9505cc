"""A bucket's retention policy, in OSS's forms. Pure.

What it means is in `ports/worm.py`. Source: OSS API reference, InitiateBucketWorm, ExtendBucketWorm, GetBucketWorm.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import INVALID_WORM
from coatcheck.core.limits import WORM_IN_PROGRESS_S, WORM_MAX_DAYS
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node
from coatcheck.ports.worm import BucketWorm

from .elements import Shape, malformed, need_text, texts

ROOT: Final = "WormConfiguration"
INITIATE: Final = "InitiateWormConfiguration"
EXTEND: Final = "ExtendWormConfiguration"
SHAPE: Final[Shape] = texts("RetentionPeriodInDays")  # of INITIATE and EXTEND


def read_days(document: Element) -> int:
    """RetentionPeriodInDays. Raises: OssError MALFORMED_XML (no number), INVALID_WORM (out of bounds)."""
    text = need_text(document, "RetentionPeriodInDays")
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise malformed("RetentionPeriodInDays must be a whole number.")
    if not 1 <= int(text) <= WORM_MAX_DAYS:
        raise INVALID_WORM(f"{INVALID_WORM.message} RetentionPeriodInDays must be between 1 and {WORM_MAX_DAYS}.")
    return int(text)


def write(worm: BucketWorm) -> list[Node]:
    """Of one that isn't locked, with the moment at which it vanishes.

    OSS documents these times without a zone; its SDK for Java reads none but those that end in Z.
    """
    nodes: list[Node] = [
        ("WormId", worm.worm_id),
        ("State", "Locked" if worm.locked else "InProgress"),
        ("RetentionPeriodInDays", worm.days),
        ("CreationDate", write_iso(worm.created_at)),
    ]
    return nodes if worm.locked else [*nodes, ("ExpirationDate", write_iso(worm.created_at + WORM_IN_PROGRESS_S))]
