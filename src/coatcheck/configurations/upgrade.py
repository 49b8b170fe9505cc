"""Documents as the first release stored them, in today's form: for the step of the catalog's schema that needs it.

It stored the XML that it gave back, but for tags ("key=value&key=value"), encryption (the algorithm's name), public
access (true or false), the switch `https-only` (any text), and styles (JSON without a version).
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import parse_qsl

from coatcheck.core.xml import read_xml
from coatcheck.ports.bucket import write_public_access_block, write_tags

from . import cors, encryption, https, lifecycle, public_access_block, referer, style, tags, website
from .table import Document

_XML: Final[dict[str, Document]] = {
    cors.NAME: cors,
    referer.NAME: referer,
    https.NAME: https,
    lifecycle.NAME: lifecycle,
    website.NAME: website,
}


def upgrade_document(name: str, stored: str) -> str:
    """The document of that name in today's form; one that is already, and a policy, stay as they are.

    Raises: OssError, ValueError, for one that can't be read.
    """
    if stored.startswith('{"v":'):
        return stored
    if name in _XML:
        document = _XML[name]
        return document.to_json(document.read(read_xml(stored.encode(), document.ROOT)))
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
