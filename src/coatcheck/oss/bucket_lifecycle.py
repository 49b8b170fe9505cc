"""PutBucketLifecycle, GetBucketLifecycle, DeleteBucketLifecycle, and x-oss-expiration.

Source: OSS API reference, the operations of those names. Rules are carried out by `lifecycle_run.py`.
"""

from __future__ import annotations

from coatcheck.core.errors import NO_SUCH_LIFECYCLE
from coatcheck.core.limits import LIFECYCLE_MAX_BYTES
from coatcheck.core.times import write_http_date
from coatcheck.ports.object import ListedVersion, ObjectRecord
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document, read_switch
from .call import Call
from .lifecycle_plan import find_expiry
from .lifecycle_rules import ROOT, SETTING, read_lifecycle, stored_lifecycle, write_lifecycle
from .settings_kept import drop_setting, keep_setting


async def put_bucket_lifecycle(call: Call) -> Reply:
    """PutBucketLifecycle: replaces all rules; those without an ID get one."""
    overlap = read_switch(call.request.headers, "x-oss-allow-same-action-overlap")
    document = await read_document(call.request, ROOT, most=LIFECYCLE_MAX_BYTES)
    rules = read_lifecycle(document, bucket_class=call.this_bucket.storage_class, overlap=overlap)
    await keep_setting(call, SETTING, write_lifecycle(rules).decode())
    return Reply(200)


async def get_bucket_lifecycle(call: Call) -> Reply:
    """GetBucketLifecycle."""
    document = call.this_bucket.setting(SETTING)
    if document is None:
        raise NO_SUCH_LIFECYCLE(BucketName=call.this_bucket.name)
    return Reply(200, ((b"Content-Type", b"application/xml"),), document.encode())


async def delete_bucket_lifecycle(call: Call) -> Reply:
    """DeleteBucketLifecycle: 204 whether or not there were rules."""
    await drop_setting(call, SETTING)
    return Reply(204)


def expiration_headers(document: str, record: ObjectRecord) -> tuple[RawHeader, ...]:
    """x-oss-expiration of an object's current version, if one of the stored rules will expire it."""
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
    expiry = find_expiry(stored_lifecycle(document), version)
    if expiry is None:
        return ()
    value = f'expiry-date="{write_http_date(expiry[0])}", rule-id="{expiry[1]}"'
    return ((b"x-oss-expiration", value.encode()),)
