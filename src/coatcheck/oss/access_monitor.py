"""PutBucketAccessMonitor; and x-oss-last-access-time. Source: OSS API reference, PutBucketAccessMonitor; HeadObject."""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.configurations import access_monitor, lifecycle
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.times import write_http_date
from coatcheck.operations.access_times import find_last_access
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document
from .call import Call
from .documents_kept import change_document


async def put_bucket_access_monitor(call: Call) -> Reply:
    """PutBucketAccessMonitor: from now on, if it wasn't on. It stays on while a lifecycle rule asks for the times."""
    monitor = access_monitor.read(await read_document(call.request, access_monitor.ROOT))

    def change(bucket: Bucket) -> str:
        if not monitor.enabled:
            _check_unneeded(bucket)
            return access_monitor.to_json(monitor)
        since = access_monitor.monitored_since(bucket.configuration(access_monitor.NAME))
        return access_monitor.to_json(replace(monitor, since=int(call.now) if since is None else since))

    await change_document(call, access_monitor.NAME, change)
    return Reply(200)


def _check_unneeded(bucket: Bucket) -> None:
    document = bucket.configuration(lifecycle.NAME)
    rules = () if document is None else lifecycle.from_json(document).rules
    if any(step.by_access for rule in rules for step in rule.transitions):
        raise INVALID_ARGUMENT(
            "A lifecycle rule with IsAccessTime needs the access monitor. Remove the rule first.",
            ArgumentName="Status",
            ArgumentValue="Disabled",
        )


async def last_access_headers(call: Call) -> tuple[RawHeader, ...]:
    """x-oss-last-access-time, where the bucket is monitored."""
    if not call.this_bucket.configurations:
        return ()
    moment = await find_last_access(call.ports.catalog, call.this_bucket, call.this_object)
    return () if moment is None else ((b"x-oss-last-access-time", write_http_date(moment).encode()),)
