"""What x-oss-copy-source names: the object, or one version of it, that CopyObject and UploadPartCopy take from.

Source: OSS API reference, CopyObject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from coatcheck.access.actions import Action
from coatcheck.core.errors import (
    COPY_ACROSS_REGIONS,
    COPY_SOURCE_INVALID,
    INVALID_OBJECT_NAME,
    INVALID_OBJECT_STATE,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
    OssError,
)
from coatcheck.core.names import check_object_key, is_bucket_name
from coatcheck.operations.archive import is_readable
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord
from coatcheck.wire.conditions import CONDITIONAL_HEADERS, is_unmodified
from coatcheck.wire.reply import RawHeader

from .call import Call
from .versions import read_version_id

_HEADER: Final = "x-oss-copy-source"
_CONDITIONS: Final = {name: f"{_HEADER}-{name}" for name in CONDITIONAL_HEADERS}
_VERSION: Final = "?versionId="


@dataclass(frozen=True, slots=True)
class Source:
    bucket: Bucket
    record: ObjectRecord


async def find_source(call: Call) -> Source:
    """The source, which the caller may read and which can be read.

    Raises: OssError COPY_SOURCE_INVALID, NO_SUCH_BUCKET, COPY_ACROSS_REGIONS, NO_SUCH_KEY, NO_SUCH_VERSION,
        INVALID_OBJECT_STATE, or the refusal of `decide`.
    """
    name, key, version_id = read_source(call.request.headers.get(_HEADER) or "")
    bucket = await call.ports.catalog.find_bucket(name)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    record = await call.ports.catalog.find_object(bucket.bucket_id, key, version_id)
    call.context.decide(Action.GET_OBJECT, bucket, key, record, versioned=version_id is not None)
    if bucket.region != call.this_bucket.region:
        raise COPY_ACROSS_REGIONS()
    if record is None and version_id is not None:
        raise NO_SUCH_VERSION(Key=key, VersionId=version_id)
    if record is None or record.kind == DELETE_MARKER:
        raise NO_SUCH_KEY(Key=key)
    if not is_readable(record, call.now):
        raise INVALID_OBJECT_STATE(Key=key)
    return Source(bucket, record)


def read_source(text: str) -> tuple[str, str, str | None]:
    """ "/bucket/encoded-key?versionId=id" -> bucket, key, version id. Decoded once, behind the split at the version.

    Raises: OssError COPY_SOURCE_INVALID, INVALID_OBJECT_NAME, INVALID_ARGUMENT (the version id).
    """
    path, separator, version_id = text.partition(_VERSION)
    raw = unquote_to_bytes(path.encode("utf-8", "surrogateescape")).removeprefix(b"/")
    bucket, slash, key = raw.partition(b"/")
    name = bucket.decode("ascii", "replace")
    if not slash or not key or not is_bucket_name(name):
        raise COPY_SOURCE_INVALID(ArgumentName=_HEADER, ArgumentValue=text[:1024])
    return name, _read_key(key), read_version_id(version_id) if separator else None


def _read_key(raw: bytes) -> str:
    try:
        key = raw.decode()
    except UnicodeDecodeError:
        raise INVALID_OBJECT_NAME("The name of the source object is not UTF-8.") from None
    check_object_key(key, len(raw))
    return key


def check_source(call: Call, record: ObjectRecord) -> bool:
    """Weigh the x-oss-copy-source-if-* headers; True where a GET would be answered 304.

    Raises: OssError PRECONDITION_FAILED.
    """
    headers: Mapping[str, str] = call.request.headers
    asked = {name: headers[header] for name, header in _CONDITIONS.items() if header in headers}
    if not asked:
        return False
    try:
        return is_unmodified(asked, record.etag, record.last_modified)
    except OssError as error:
        error.facts["Condition"] = f"{_HEADER}-{error.facts['Condition'].lower()}"
        raise


def source_headers(source: Source) -> tuple[RawHeader, ...]:
    """x-oss-copy-source-version-id, where the source's bucket is or was versioned."""
    if not source.bucket.versioning:
        return ()
    return ((b"x-oss-copy-source-version-id", source.record.version_id.encode()),)
