"""What x-oss-copy-source names: the object, or one version of it, that CopyObject and UploadPartCopy take from.

Source: OSS API reference, CopyObject.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.core.errors import COPY_SOURCE_INVALID, INVALID_OBJECT_NAME
from coatcheck.core.names import check_object_key, check_s3_object_key, is_bucket_name, is_s3_bucket_name
from coatcheck.core.percent import decode_form
from coatcheck.operations.source import Source, SourceName
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.conditions import CONDITIONAL_HEADERS, is_unmodified
from coatcheck.wire.reply import RawHeader

from .versions import read_version_id

_HEADER: Final = "x-oss-copy-source"
_CONDITIONS: Final = {name: f"{_HEADER}-{name}" for name in CONDITIONAL_HEADERS}
_VERSION: Final = "?versionId="


def read_copy_source(headers: Mapping[str, str], *, s3: bool = False) -> SourceName:
    """As `read_source`, of the header."""
    return read_source(headers.get(_HEADER) or "", s3=s3)


def read_source(text: str, *, s3: bool = False) -> SourceName:
    """ "/bucket/encoded-key?versionId=id" -> bucket, key, version id. Decoded once, as a form, behind the split at the
    version.

    Args:
        s3: names are read by S3's rules.
    Raises: OssError COPY_SOURCE_INVALID, INVALID_OBJECT_NAME, INVALID_ARGUMENT (the version id).
    """
    path, separator, version_id = text.partition(_VERSION)
    raw = decode_form(path.encode("utf-8", "surrogateescape")).removeprefix(b"/")
    bucket, slash, key = raw.partition(b"/")
    name = bucket.decode("ascii", "replace")
    if not slash or not key or not (is_s3_bucket_name(name) if s3 else is_bucket_name(name)):
        raise COPY_SOURCE_INVALID(ArgumentName=_HEADER, ArgumentValue=text[:1024])
    return SourceName(name, _read_key(key, s3=s3), read_version_id(version_id) if separator else None)


def _read_key(raw: bytes, *, s3: bool) -> str:
    try:
        key = raw.decode()
    except UnicodeDecodeError:
        raise INVALID_OBJECT_NAME("The name of the source object is not UTF-8.") from None
    if s3:
        check_s3_object_key(key, len(raw))
    else:
        check_object_key(key, len(raw))
    return key


def is_source_unmodified(headers: Mapping[str, str], record: ObjectRecord) -> bool:
    """Weigh the x-oss-copy-source-if-* headers; True where a GET would be answered 304.

    Raises: OssError PRECONDITION_FAILED; `Condition` is the header's name without its beginning, as SDKs expect it.
    """
    asked = {name: headers[header] for name, header in _CONDITIONS.items() if header in headers}
    if not asked:
        return False
    return is_unmodified(asked, record.etag, record.last_modified)


def source_headers(source: Source) -> tuple[RawHeader, ...]:
    """x-oss-copy-source-version-id, where the source's bucket is or was versioned."""
    if not source.bucket.versioning:
        return ()
    return ((b"x-oss-copy-source-version-id", source.record.version_id.encode()),)
