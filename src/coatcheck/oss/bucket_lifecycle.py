"""PutBucketLifecycle, and x-oss-expiration.

Source: OSS API reference, the operation of that name. Rules are carried out by `operations/lifecycle_run.py`.
"""

from __future__ import annotations

from functools import lru_cache

from coatcheck.configurations import lifecycle
from coatcheck.core.limits import LIFECYCLE_MAX_BYTES
from coatcheck.core.times import write_http_date
from coatcheck.operations.lifecycle_plan import find_expiry
from coatcheck.ports.object import ListedVersion, ObjectRecord
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document, read_switch
from .call import Call
from .documents_kept import keep_document


async def put_bucket_lifecycle(call: Call) -> Reply:
    """PutBucketLifecycle: replaces all rules; those without an ID get one."""
    overlap = read_switch(call.request.headers, "x-oss-allow-same-action-overlap")
    document = lifecycle.read(await read_document(call.request, lifecycle.ROOT, most=LIFECYCLE_MAX_BYTES))
    lifecycle.check(document.rules, bucket_class=call.this_bucket.storage_class, overlap=overlap)
    await keep_document(call, lifecycle.NAME, lifecycle.to_json(document))
    return Reply(200)


@lru_cache(maxsize=256)
def _expiring(document: str) -> tuple[str, ...]:
    """The prefixes of the stored rules that expire objects: keys with none of them aren't weighed any further."""
    return tuple(rule.prefix for rule in lifecycle.from_json(document).rules if rule.expiration is not None)


def expiration_headers(document: str, record: ObjectRecord) -> tuple[RawHeader, ...]:
    """x-oss-expiration of an object's current version, if one of the stored rules will expire it."""
    if not record.key.startswith(_expiring(document)):
        return ()
    version = ListedVersion(
        record.key,
        record.version_id,
        record.kind,
        record.size,
        record.etag,
        record.last_modified,
        record.storage_class,
        record.tags,
    )
    expiry = find_expiry(lifecycle.from_json(document).rules, version)
    if expiry is None:
        return ()
    value = f'expiry-date="{write_http_date(expiry[0])}", rule-id="{expiry[1]}"'
    return ((b"x-oss-expiration", value.encode()),)
