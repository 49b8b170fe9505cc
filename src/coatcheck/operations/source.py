"""What copies are made from: an object, or one version of it, of this bucket or another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.core.errors import (
    COPY_ACROSS_REGIONS,
    INVALID_OBJECT_STATE,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
)
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord

from .archive import is_readable
from .context import Context


class SourceName(NamedTuple):
    """A source as its caller names it; without a version it is the current one."""

    bucket: str
    key: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it was found. It may be another one by the time that its bytes are named."""

    bucket: Bucket
    record: ObjectRecord

    @property
    def origin(self) -> Origin:
        return Origin(self.bucket.name, self.record)


# Weighs what the caller expects of a source, and raises where that doesn't hold.
Judge = Callable[[Source], None]


async def find_source(context: Context, name: SourceName, region: str) -> Source:
    """The source, which the caller may read and which can be read.

    Args:
        region: where the copy will be.
    Raises: OssError NO_SUCH_BUCKET, COPY_ACROSS_REGIONS, NO_SUCH_KEY, NO_SUCH_VERSION, INVALID_OBJECT_STATE, or the
        refusal of `decide`.
    """
    catalog, key, version_id = context.ports.catalog, name.key, name.version_id
    bucket = await catalog.find_bucket(name.bucket)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name.bucket)
    record = await catalog.find_object(bucket.bucket_id, key, version_id)
    context.decide(Action.GET_OBJECT, bucket, key, record, versioned=version_id is not None)
    if bucket.region != region:
        raise COPY_ACROSS_REGIONS()
    if record is None and version_id is not None:
        raise NO_SUCH_VERSION(Key=key, VersionId=version_id)
    if record is None or record.kind == DELETE_MARKER:
        raise NO_SUCH_KEY(Key=key)
    if not is_readable(bucket, record, context.now):
        raise INVALID_OBJECT_STATE(Key=key)
    return Source(bucket, record)
