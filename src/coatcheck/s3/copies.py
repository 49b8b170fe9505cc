"""CopyObject. Source: S3 reference, section 9."""

from __future__ import annotations

from coatcheck.core.errors import PRECONDITION_FAILED
from coatcheck.core.reply_headers import WEBSITE_REDIRECT
from coatcheck.core.s3_errors import S3_COPY_ONTO_ITSELF
from coatcheck.core.tag_rules import S3_OBJECT_TAGS
from coatcheck.core.times import write_iso
from coatcheck.operations import copy
from coatcheck.operations.source import Source, SourceName
from coatcheck.oss.call import Call
from coatcheck.oss.copy_source import is_source_unmodified, read_copy_source, source_headers
from coatcheck.oss.object_copy import read_wishes
from coatcheck.oss.object_put import stored_headers
from coatcheck.wire.reply import Reply

from .acl import find_acl
from .checksums import checksum_nodes, read_algorithm
from .conditions import read_write_condition
from .customer_keys import bring_keys
from .documents import quoted, show
from .owners import check_source_owner
from .redirects import read_redirect
from .restore import reading_at_once


def _but_redirect(name: bytes) -> bool:
    """What S3 copies: where a website leads is said of each object by itself."""
    return name != WEBSITE_REDIRECT


async def copy_object(call: Call) -> Reply:
    """CopyObject: a copy onto itself must change something."""
    call, brought = bring_keys(reading_at_once(call))
    name, wishes = read_copy_source(call.request.headers, s3=True), read_wishes(call, S3_OBJECT_TAGS)
    if brought.key is not None:
        wishes = wishes._replace(encryption=brought.key.new_label())
    condition = read_write_condition(call.request.headers)
    forbids = wishes.forbid_overwrite or condition.only_new
    wishes = wishes._replace(
        acl=await find_acl(call),
        forbid_overwrite=forbids,
        only_if=condition.only_if,
        algorithm=read_algorithm(call.request.headers),
    )
    redirect = read_redirect(call.request.headers)
    replaced = (wishes.replaces_headers, wishes.replaces_tags, wishes.storage_class, wishes.encryption)
    changes = any((*replaced, wishes.algorithm, redirect, brought.source))
    if wishes.replaces_headers:
        wishes = wishes._replace(headers=(*wishes.headers, *redirect))
    else:  # also onto itself, where OSS takes what is given for all there is
        wishes = wishes._replace(headers=redirect, replaces_headers=True, survives=_but_redirect)
    if not changes and name == SourceName(call.this_bucket.name, call.key):
        raise S3_COPY_ONTO_ITSELF()

    def judge(source: Source) -> None:
        check_source_owner(call.request.headers, source.bucket)
        if is_source_unmodified(call.request.headers, source.record):
            raise PRECONDITION_FAILED(Condition="x-amz-copy-source-If-None-Match")
        brought.judge_source(source)

    copied = await copy.copy_object(call.context, call.grant, name, wishes, judge)
    record = copied.stored.record
    nodes = [
        ("LastModified", write_iso(record.last_modified)),
        ("ETag", quoted(record.etag)),
        *checksum_nodes(record.checksum),
    ]
    headers = tuple(header for header in stored_headers(call, copied.stored) if header[0] != b"ETag")
    return show("CopyObjectResult", nodes, (*headers, *brought.headers, *source_headers(copied.source)))
