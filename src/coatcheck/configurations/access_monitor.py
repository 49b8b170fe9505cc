"""Whether a bucket keeps when its objects were last read. Pure.

Source: OSS API reference, PutBucketAccessMonitor, GetBucketAccessMonitor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.xml import Node

from .elements import malformed, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "accessMonitor"
ROOT: Final = "AccessMonitorConfiguration"
SHAPE: Final = texts("Status")

_STATUSES: Final = {"Enabled": True, "Disabled": False}


class AccessMonitor(Struct, frozen=True):
    """`since`: when it was enabled, Unix seconds; None if it isn't, or was before that was noted."""

    enabled: bool = False
    since: int | None = None

    @property
    def status(self) -> str:
        return "Enabled" if self.enabled else "Disabled"


def read(document: Element) -> AccessMonitor:
    """An AccessMonitorConfiguration. Raises: OssError MALFORMED_XML."""
    status = need_text(document, "Status")
    if status not in _STATUSES:
        raise malformed("Status must be Enabled or Disabled.")
    return AccessMonitor(_STATUSES[status])


def write(monitor: AccessMonitor) -> list[Node]:
    return [("Status", monitor.status)]


def to_json(monitor: AccessMonitor) -> str:
    return write_stored(monitor)


@lru_cache(maxsize=256)
def from_json(text: str) -> AccessMonitor:
    return read_stored(AccessMonitor, text)


def status_of(document: str | None) -> str:
    """ "Enabled" or "Disabled", by the stored document if there is one."""
    return (AccessMonitor() if document is None else from_json(document)).status


@lru_cache(maxsize=256)
def monitored_since(document: str | None) -> int | None:
    """Since when times are kept, Unix seconds, by the stored document if there is one; None if they aren't."""
    monitor = AccessMonitor() if document is None else from_json(document)
    return (monitor.since or 0) if monitor.enabled else None
