"""Whether there is room for more, looked at before a body comes; each commit looks again, and only that counts."""

from __future__ import annotations

from coatcheck.core.errors import QUOTA_EXCEEDED, OssError
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.ports.quota import DOCUMENTS, OverQuota, Usage


def has_quota(bucket: Bucket) -> bool:
    """Whether there may be one, of the bucket or of its owner. Costs next to nothing."""
    return bucket.owner_has_quota or any(name in DOCUMENTS for name, _ in bucket.configurations)


async def admit_object(catalog: Catalog, bucket: Bucket, key: str, size: int) -> None:
    """Let a new version of so many bytes begin; the one that it replaces is looked for only if there is no room beside
    that. Raises: OssError QUOTA_EXCEEDED."""
    try:
        await _admit(catalog, bucket, Usage(size, 1))
    except OssError:
        replaced = None if bucket.versioning == "Enabled" else await catalog.find_object(bucket.bucket_id, key, "null")
        if replaced is None:
            raise
        await _admit(catalog, bucket, Usage(size - replaced.size, int(replaced.kind == DELETE_MARKER)))


async def admit_bytes(catalog: Catalog, bucket: Bucket, size: int) -> None:
    """Let so many bytes come in addition. Raises: OssError QUOTA_EXCEEDED."""
    await _admit(catalog, bucket, Usage(size))


async def admit_part(catalog: Catalog, bucket: Bucket, key: str, upload_id: str, part: tuple[int, int]) -> None:
    """Let a part, its number and size, begin; the one that it replaces is looked for only if there is no room beside
    that. Raises: OssError QUOTA_EXCEEDED."""
    number, size = part
    try:
        await admit_bytes(catalog, bucket, size)
    except OssError:
        found, _ = await catalog.list_parts(bucket.bucket_id, key, upload_id, marker=number - 1, limit=1)
        if not found or found[0].number != number:
            raise
        await admit_bytes(catalog, bucket, size - found[0].size)


async def _admit(catalog: Catalog, bucket: Bucket, more: Usage) -> None:
    try:
        await catalog.check_room(bucket.bucket_id, more)
    except OverQuota as over:
        raise quota_exceeded(over) from None


def quota_exceeded(over: OverQuota) -> OssError:
    """The refusal that a client gets: whose quota it is, and how much that allows."""
    quota = over.quota
    most = [f"{quota.size} bytes"] if quota.size is not None else []
    most += [f"{quota.objects} objects"] if quota.objects is not None else []
    return QUOTA_EXCEEDED(QuotaOf="account" if over.account else "bucket", Quota=", ".join(most))
