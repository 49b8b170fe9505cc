"""Whether a bucket keeps versions. A column of the bucket's row, so nothing of it is stored as a document. Pure.

Source: OSS API reference, PutBucketVersioning.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.xml import Node

from .elements import find_text, malformed, texts

ROOT: Final = "VersioningConfiguration"
SHAPE: Final = texts("Status")

ENABLED: Final = "Enabled"
SUSPENDED: Final = "Suspended"


def read(document: Element) -> str:
    """A VersioningConfiguration: ENABLED or SUSPENDED. Raises: OssError MALFORMED_XML."""
    status = find_text(document, "Status")
    if status not in (ENABLED, SUSPENDED):
        raise malformed(f"Status must be given once, as {ENABLED} or {SUSPENDED}.")
    return status


def write(versioning: str) -> list[Node]:
    """Without Status where it was never set."""
    return [("Status", versioning)] if versioning else []
