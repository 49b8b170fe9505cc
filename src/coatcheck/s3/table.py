"""The S3 dialect on one page: every route, and every sub-resource of S3 that is answered NotImplemented (501).

Operations that both dialects do alike are those of `oss/`, on the translated request; the others have a handler here.
Source: S3 reference, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.core.errors import METHOD_NOT_ALLOWED
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.oss import bucket_versioning, object_tagging, row_families
from coatcheck.oss import multipart as oss_multipart
from coatcheck.oss.asking import TAGS_LATER
from coatcheck.oss.row import Level, Row
from coatcheck.wire.query import Query
from coatcheck.wire.target import Target

from . import (
    absent,
    acceleration,
    acl,
    bucket_logging,
    buckets,
    copies,
    cors,
    deletes,
    encryption,
    forms,
    lifecycle,
    listings,
    multipart,
    object_lock,
    objects,
    policy,
    public_access,
    replication,
    restore,
    tags,
)
from .documents import in_namespace

_SHARED: Final = ("logging", "requestPayment", "website")
_INSTEAD: Final = {("PUT", "logging"): bucket_logging.put_bucket_logging}
_DROPPED: Final = ("cors", "encryption", "lifecycle", "website")


def _document_rows() -> Iterator[Row]:
    """What OSS's handlers do for both: documents whose XML is the same, and dropping them and others."""
    for row in row_families.configuration_rows():
        if row.sub_resource in _DROPPED if row.method == "DELETE" else row.sub_resource in _SHARED:
            instead = _INSTEAD.get((row.method, row.sub_resource))
            yield replace(row, run=instead or in_namespace(row.run))


ROWS: Final = (
    Row("GET", Level.SERVICE, "", buckets.list_buckets, Action.LIST_BUCKETS),
    Row("PUT", Level.BUCKET, "", buckets.put_bucket, Action.PUT_BUCKET, makes_bucket=True, asks=acl.ACL),
    Row("HEAD", Level.BUCKET, "", buckets.head_bucket, Action.LIST_OBJECTS),
    Row("DELETE", Level.BUCKET, "", buckets.delete_bucket, Action.DELETE_BUCKET),
    Row("GET", Level.BUCKET, "location", buckets.get_bucket_location, Action.GET_BUCKET_LOCATION),
    Row("GET", Level.BUCKET, "", listings.list_objects, Action.LIST_OBJECTS),
    Row("GET", Level.BUCKET, "list-type", listings.list_objects_v2, Action.LIST_OBJECTS),
    Row("GET", Level.BUCKET, "versions", listings.list_object_versions, Action.LIST_OBJECT_VERSIONS),
    Row("GET", Level.BUCKET, "uploads", listings.list_multipart_uploads, Action.LIST_MULTIPART_UPLOADS),
    Row("POST", Level.BUCKET, "delete", deletes.delete_multiple_objects, Action.DELETE_OBJECTS),
    forms.ROW,
    Row("GET", Level.BUCKET, "acl", acl.get_bucket_acl, Action.GET_BUCKET_ACL),
    Row("PUT", Level.BUCKET, "acl", acl.put_bucket_acl, Action.PUT_BUCKET_ACL, asks=acl.ACL),
    Row("GET", Level.BUCKET, "tagging", tags.get_bucket_tags, Action.GET_BUCKET_TAGGING),
    Row("PUT", Level.BUCKET, "tagging", tags.put_bucket_tags, Action.PUT_BUCKET_TAGGING),
    Row("DELETE", Level.BUCKET, "tagging", tags.delete_bucket_tags, Action.DELETE_BUCKET_TAGGING),
    Row("GET", Level.BUCKET, "versioning", bucket_versioning.get_bucket_versioning, Action.GET_BUCKET_VERSIONING),
    Row("PUT", Level.BUCKET, "versioning", bucket_versioning.put_bucket_versioning, Action.PUT_BUCKET_VERSIONING),
    *_document_rows(),
    Row("PUT", Level.BUCKET, "lifecycle", lifecycle.put_bucket_lifecycle, Action.PUT_BUCKET_LIFECYCLE),
    Row("GET", Level.BUCKET, "lifecycle", lifecycle.get_bucket_lifecycle, Action.GET_BUCKET_LIFECYCLE),
    Row("PUT", Level.BUCKET, "encryption", encryption.put_bucket_encryption, Action.PUT_BUCKET_ENCRYPTION),
    Row("GET", Level.BUCKET, "encryption", encryption.get_bucket_encryption, Action.GET_BUCKET_ENCRYPTION),
    Row("PUT", Level.BUCKET, "policy", policy.put_bucket_policy, Action.PUT_BUCKET_POLICY),
    Row("GET", Level.BUCKET, "policy", policy.get_bucket_policy, Action.GET_BUCKET_POLICY),
    Row("DELETE", Level.BUCKET, "policy", policy.delete_bucket_policy, Action.DELETE_BUCKET_POLICY),
    *object_lock.rows(),
    *public_access.rows(),
    Row(
        "PUT",
        Level.BUCKET,
        "accelerate",
        acceleration.put_bucket_accelerate_configuration,
        Action.PUT_BUCKET_TRANSFER_ACCELERATION,
    ),
    Row(
        "GET",
        Level.BUCKET,
        "accelerate",
        acceleration.get_bucket_accelerate_configuration,
        Action.GET_BUCKET_TRANSFER_ACCELERATION,
    ),
    *absent.rows(),
    *cors.rows(),
    *replication.rows(),
    Row("GET", Level.OBJECT, "", objects.get_object, Action.GET_OBJECT, reads_object=True),
    Row("HEAD", Level.OBJECT, "", objects.head_object, Action.GET_OBJECT, reads_object=True),
    Row("PUT", Level.OBJECT, "", objects.put_object, Action.PUT_OBJECT, asks=acl.ACL_AND_TAGS),
    Row(
        "PUT",
        Level.OBJECT,
        "",
        copies.copy_object,
        Action.PUT_OBJECT,
        header="x-amz-copy-source",
        asks=acl.ACL_AND_TAGS_LATER,
    ),
    Row("DELETE", Level.OBJECT, "", deletes.delete_object, Action.DELETE_OBJECT),
    Row("GET", Level.OBJECT, "acl", acl.get_object_acl, Action.GET_OBJECT_ACL, reads_object=True),
    Row("PUT", Level.OBJECT, "acl", acl.put_object_acl, Action.PUT_OBJECT_ACL, reads_object=True, asks=acl.ACL),
    Row("GET", Level.OBJECT, "attributes", objects.get_object_attributes, Action.GET_OBJECT, reads_object=True),
    Row("GET", Level.OBJECT, "tagging", tags.get_object_tagging, Action.GET_OBJECT_TAGGING, reads_object=True),
    Row("PUT", Level.OBJECT, "tagging", tags.put_object_tagging, Action.PUT_OBJECT_TAGGING, reads_object=True),
    Row(
        "DELETE",
        Level.OBJECT,
        "tagging",
        object_tagging.delete_object_tagging,
        Action.DELETE_OBJECT_TAGGING,
        reads_object=True,
    ),
    Row("POST", Level.OBJECT, "restore", restore.restore_object, Action.RESTORE_OBJECT, reads_object=True),
    Row(
        "POST",
        Level.OBJECT,
        "uploads",
        multipart.initiate_multipart_upload,
        Action.PUT_OBJECT,
        asks=acl.ACL_AND_TAGS,
    ),
    Row("PUT", Level.OBJECT, "partNumber&uploadId", multipart.upload_part, Action.PUT_OBJECT),
    Row(
        "PUT",
        Level.OBJECT,
        "partNumber&uploadId",
        multipart.upload_part_copy,
        Action.PUT_OBJECT,
        header="x-amz-copy-source",
    ),
    Row("POST", Level.OBJECT, "uploadId", multipart.complete_multipart_upload, Action.PUT_OBJECT, asks=TAGS_LATER),
    Row("DELETE", Level.OBJECT, "uploadId", oss_multipart.abort_multipart_upload, Action.ABORT_MULTIPART_UPLOAD),
    Row("GET", Level.OBJECT, "uploadId", multipart.list_parts, Action.LIST_PARTS),
)

# Parameters that select an operation; those without a row are answered NotImplemented, never the plain resource.
SUB_RESOURCES: Final = frozenset(
    """
    accelerate acl analytics attributes cors delete encryption intelligent-tiering inventory legal-hold lifecycle
    list-type location logging metadataConfiguration metadataTable metrics notification object-lock ownershipControls
    partNumber policy policyStatus publicAccessBlock renameObject replication requestPayment restore retention select
    select-type session tagging torrent uploadId uploads versioning versions website
    """.split()  # noqa: SIM905  # a literal list would be a screen of quotes
)

_BY_PLACE: Final = {(row.method, row.level, row.sub_resource): row for row in ROWS if not row.header}
_BY_HEADER: Final = {(row.method, row.level, row.sub_resource): row for row in ROWS if row.header}
_BUILT: Final = frozenset((row.level, row.sub_resource) for row in ROWS)


def find_row(method: str, target: Target, query: Query, headers: Mapping[str, str]) -> Row:
    """The route of a request. Raises: OssError S3_NOT_BUILT, METHOD_NOT_ALLOWED."""
    level = _level(target)
    named = sorted(SUB_RESOURCES.intersection(query.first))
    if named == ["partNumber"] and method in ("GET", "HEAD"):
        named = []  # one part of an object is read as the whole is
    place = method, level, "&".join(named)
    row = _BY_HEADER.get(place)
    if row is None or row.header not in headers:
        row = _BY_PLACE.get(place)
    if row is not None:
        if method in _WRITING and not named:
            _refuse_unknown(query)
        return row
    if (level, place[2]) not in _BUILT or place[2] in absent.LISTED:
        raise S3_NOT_BUILT(Header=place[2][:128])
    raise METHOD_NOT_ALLOWED(Method=method, ResourceType=level.value)


_WRITING: Final = frozenset({"PUT", "POST", "DELETE"})


def _refuse_unknown(query: Query) -> None:
    """A parameter without a value may select an operation that S3 has got since. Raises: OssError S3_NOT_BUILT."""
    for name, value in query.first.items():
        if not value and name != "versionId" and not name.lower().startswith(("x-amz-", "response-")):
            raise S3_NOT_BUILT(Header=name[:128])


def _level(target: Target) -> Level:
    if target.key is not None:
        return Level.OBJECT
    return Level.SERVICE if target.bucket is None else Level.BUCKET
