"""A bucket's CORS rules in S3's grammar: OSS's, but that each may have a name, and that there may be more of them.

Stored once, and decide for both. Source: S3 reference, sections 1.2 and 11.4.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import cors
from coatcheck.configurations.elements import malformed, texts
from coatcheck.core.errors import NO_SUCH_CORS_CONFIGURATION
from coatcheck.core.limits import S3_CORS_ID_MAX_CHARS, S3_CORS_MAX_RULES
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import keep_document
from coatcheck.wire.reply import Reply

from .documents import read_document, show

_SHAPE: Final = texts(
    CORSRule=texts("ID", "AllowedHeader", "AllowedMethod", "AllowedOrigin", "ExposeHeader", "MaxAgeSeconds")
)


async def put_bucket_cors(call: Call) -> Reply:
    """PutBucketCors: replaces all rules."""
    rules = cors.read(await read_document(call.request, cors.ROOT, _SHAPE), most=S3_CORS_MAX_RULES)
    if any(len(rule.rule_id or "") > S3_CORS_ID_MAX_CHARS for rule in rules.rules):
        raise malformed(f"The ID of a CORSRule has {S3_CORS_ID_MAX_CHARS} characters at most.")
    await keep_document(call, cors.NAME, cors.to_json(rules))
    return Reply(200)


async def get_bucket_cors(call: Call) -> Reply:
    """GetBucketCors."""
    stored = call.this_bucket.configuration(cors.NAME)
    if stored is None:
        raise NO_SUCH_CORS_CONFIGURATION(BucketName=call.this_bucket.name)
    nodes: list[Node] = []
    for rule in cors.from_json(stored).rules:
        named: list[Node] = [] if rule.rule_id is None else [("ID", rule.rule_id)]
        nodes.append(("CORSRule", (*named, *cors.rule_nodes(rule))))
    return show(cors.ROOT, nodes)
