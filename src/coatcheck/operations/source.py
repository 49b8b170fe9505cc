"""What copies are made from: an object, or one version of it, of this bucket or another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.core.access_point_names import ALIAS_ENDING
from coatcheck.core.errors import (
    COPY_ACROSS_REGIONS,
    INVALID_OBJECT_STATE,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
)
from coatcheck.ports.access_point import AccessPoint
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord

from .archive import is_readable
from .context import Context


class SourceName(NamedTuple):
    """A source as its caller names it, by its bucket or an access point's alias; without a version it is the current
    one."""

    bucket: str
    key: str
    version_id: str | None = None


class Source(Struct, frozen=True):
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
    bucket, point = await _find_bucket(catalog, name.bucket)
    record = await catalog.find_object(bucket.bucket_id, key, version_id)
    # What was named is what is decided on: the bucket, or the access point, whichever the copy itself goes to.
    by_name = replace(context, point=point)
    by_name.decide(Action.GET_OBJECT, bucket, key, record, versioned=version_id is not None)
    if bucket.region != region:
        raise COPY_ACROSS_REGIONS()
    if record is None and version_id is not None:
        raise NO_SUCH_VERSION(Key=key, VersionId=version_id)
    if record is None or record.kind == DELETE_MARKER:
        raise NO_SUCH_KEY(Key=key)
    if not is_readable(bucket, record, context.now, at_once=context.archive_at_once):
        raise INVALID_OBJECT_STATE(Key=key)
    return Source(bucket, record)


async def _find_bucket(catalog: Catalog, name: str) -> tuple[Bucket, AccessPoint | None]:
    """The bucket of that name, or the one that an access point of that alias leads into. Raises: OssError."""
    bucket = await catalog.find_bucket(name)
    if bucket is not None:
        return bucket, None
    through = await catalog.find_access_point(name) if name.endswith(ALIAS_ENDING) else None
    if through is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    return through
