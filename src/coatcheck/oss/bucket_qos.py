"""GetUserQosInfo, GetBucketStorageQuota; and which requests bring bytes that quotas count.

What a bucket's own documents say of both is put and shown like others (`configuration.py`). Source: oss2, its requests.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import qos, storage_quota
from coatcheck.core.errors import NO_SUCH_QUOTA
from coatcheck.core.xml import Node
from coatcheck.operations.capacity import admit_bytes, admit_object, admit_part
from coatcheck.wire.reply import Reply

from .call import Call
from .configuration import show

BRINGING_BYTES: Final = frozenset(
    {"append_object", "copy_object", "post_object", "put_object", "upload_part", "upload_part_copy"}
)


async def admit_body(call: Call, name: str) -> None:
    """Before a body is read: refuse what a quota has no room for. What nobody announces is weighed by the commit alone.

    Of a form only its own length is known, which is a little more than its file's. Raises: OssError QUOTA_EXCEEDED.
    """
    catalog, bucket, size = call.ports.catalog, call.this_bucket, _announced(call)
    match name:
        case "put_object" | "copy_object":
            await admit_object(catalog, bucket, call.key, size)
        case "post_object":
            await admit_bytes(catalog, bucket, min(size, 1))
        case "upload_part":
            number = call.request.query.get("partNumber") or ""
            upload_id = call.request.query.get("uploadId") or ""
            if number.isascii() and number.isdigit() and len(number) < 6:  # others are refused for it
                await admit_part(catalog, bucket, call.key, upload_id, (int(number), size))
        case _:
            await admit_bytes(catalog, bucket, size)


def _announced(call: Call) -> int:
    """How long the body says it is; 0 where nothing says."""
    text = call.request.headers.get("content-length") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0


async def get_user_qos_info(call: Call) -> Reply:
    """GetUserQosInfo: an account has no limits here."""
    nodes: list[Node] = [("Region", f"oss-{call.settings.regions[0]}"), *qos.write(qos.Qos())]
    return show(qos.ROOT, nodes)


async def get_bucket_storage_quota(call: Call) -> Reply:
    """GetBucketStorageQuota: with what the bucket holds, of which each write keeps count."""
    bucket = call.this_bucket
    stored = bucket.configuration(storage_quota.NAME)
    if stored is None:
        raise NO_SUCH_QUOTA(BucketName=bucket.name)
    held = await call.ports.catalog.find_usage(bucket.bucket_id)
    quota = storage_quota.write(storage_quota.from_json(stored))
    return show(storage_quota.ROOT, [*quota, ("CurrentUsage", held.size)])
