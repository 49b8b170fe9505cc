"""CORS rules in S3's grammar: as OSS's, but each may have an ID, and there may be a hundred.

Source: Amazon S3 API reference, PutBucketCors; S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.configurations import cors
from coatcheck.configurations.cors import CorsRule
from coatcheck.configurations.elements import Shape, find_text
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_CORS_CONFIGURATION
from coatcheck.core.limits import CORS_MAX_BYTES, S3_CORS_ID_MAX_CHARS, S3_CORS_MAX_RULES
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import keep_document
from coatcheck.oss.row import Level, Row
from coatcheck.wire.reply import Reply

from .documents import read_document, show

_RULE: Final = cors.SHAPE.children["CORSRule"]
_SHAPE: Final = Shape({"CORSRule": Shape({**_RULE.children, "ID": Shape()})})


async def put_bucket_cors(call: Call) -> Reply:
    """PutBucketCors: in place of what was there."""
    document = await read_document(call.request, cors.ROOT, _SHAPE, most=CORS_MAX_BYTES)
    value = cors.read(document, most=S3_CORS_MAX_RULES)
    pairs = zip(value.rules, document.findall("CORSRule"), strict=True)
    named = tuple([replace(rule, rule_id=_read_id(element)) for rule, element in pairs])
    await keep_document(call, cors.NAME, cors.to_json(replace(value, rules=named)))
    return Reply(200)


async def get_bucket_cors(call: Call) -> Reply:
    """GetBucketCors: the rules, whichever dialect put them."""
    stored = call.this_bucket.configuration(cors.NAME)
    if stored is None:
        raise NO_SUCH_CORS_CONFIGURATION(BucketName=call.this_bucket.name)
    return show(cors.ROOT, [("CORSRule", _write_rule(rule)) for rule in cors.from_json(stored).rules])


def _read_id(rule: Element) -> str | None:
    text = find_text(rule, "ID")
    if text is not None and len(text) > S3_CORS_ID_MAX_CHARS:
        raise INVALID_ARGUMENT(f"ID has at most {S3_CORS_ID_MAX_CHARS} characters.", ArgumentName="ID")
    return text or None


def _write_rule(rule: CorsRule) -> list[Node]:
    named: list[Node] = [] if rule.rule_id is None else [("ID", rule.rule_id)]
    return [*named, *cors.rule_nodes(rule)]


def rows() -> Iterator[Row]:
    yield Row("PUT", Level.BUCKET, "cors", put_bucket_cors, Action.PUT_BUCKET_CORS)
    yield Row("GET", Level.BUCKET, "cors", get_bucket_cors, Action.GET_BUCKET_CORS)
