"""Documents as the first release stored them, in today's form: for the step of the catalog's schema that needs it.

It stored the XML that it gave back, but for tags ("key=value&key=value"), encryption (the algorithm's name), public
access (true or false), the switch `https-only` (any text), and styles (JSON without a version).

What it took is taken here, whatever is refused today: a check that comes later must not stop a directory from being
brought up to date. So what reads here leaves out the checks that have come since.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element

from coatcheck.core.xml import read_xml
from coatcheck.ports.bucket import write_public_access_block, write_tags

from . import cors, encryption, https, lifecycle, public_access_block, referer, style, tags, website
from .table import Document

# How each is read; its root and stored form are the document's own.
_XML: Final[dict[str, tuple[Document, Callable[[Element], Any]]]] = {
    cors.NAME: (cors, cors.read),
    referer.NAME: (referer, referer.read_of_any_size),
    https.NAME: (https, https.read),
    lifecycle.NAME: (lifecycle, lifecycle.read),
    website.NAME: (website, website.read),
}


def upgrade_document(name: str, stored: str) -> str:
    """The document of that name in today's form; one that is already, and a policy, stay as they are.

    Raises: OssError, ValueError, for one that can't be read.
    """
    if stored.startswith('{"v":'):
        return stored
    if name in _XML:
        document, read = _XML[name]
        return document.to_json(read(read_xml(stored.encode(), document.ROOT)))
    if name.startswith(style.PREFIX):
        return style.to_json(style.Style(**json.loads(stored)))
    return _upgrade_text(name, stored)


def _upgrade_text(name: str, stored: str) -> str:
    match name:
        case tags.NAME:
            return write_tags(tuple(parse_qsl(stored, keep_blank_values=True)))
        case encryption.NAME:
            return encryption.to_json(encryption.EncryptionRule(stored))
        case public_access_block.NAME:
            return write_public_access_block(stored == "true")
        case https.ONLY_NAME:
            return https.ONLY
    return stored
