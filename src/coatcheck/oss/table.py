"""The protocol on one page: every route, and every sub-resource that OSS has and we lack.

A row is found by method, level and sub-resource. A request that names a sub-resource we don't have is answered
NotImplemented (status 400, as OSS documents it; SDKs would retry a 501), and never falls through to the plain object.
One that we have, with a method that means nothing to it, is answered MethodNotAllowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.errors import METHOD_NOT_ALLOWED, NOT_IMPLEMENTED
from coatcheck.wire.query import Query
from coatcheck.wire.request import NO_HEADERS
from coatcheck.wire.target import Target

from . import object_get, row_families
from .asking import (
    ACL_AND_TAGS,
    ACL_AND_TAGS_LATER,
    ACL_AND_TAGS_WHEN_NEW,
    BUCKET_ACL,
    OBJECT_ACL,
    TAGS,
    TAGS_LATER,
)
from .handlers import (
    bucket,
    bucket_cname,
    bucket_policy,
    bucket_qos,
    bucket_stat,
    bucket_versioning,
    multipart,
    multipart_list,
    object_acl,
    object_append,
    object_copy,
    object_delete,
    object_list,
    object_process,
    object_put,
    object_restore,
    object_tagging,
    part,
    post_object,
    style,
    symlink,
)
from .row import Level as Level
from .row import Row as Row
from .row_families import PROCESS as PROCESS

ROWS: Final = (
    Row("GET", Level.SERVICE, "", bucket.list_buckets, Action.LIST_BUCKETS),
    Row("PUT", Level.BUCKET, "", bucket.put_bucket, Action.PUT_BUCKET, makes_bucket=True, asks=BUCKET_ACL),
    Row("DELETE", Level.BUCKET, "", bucket.delete_bucket, Action.DELETE_BUCKET),
    Row("GET", Level.BUCKET, "bucketInfo", bucket.get_bucket_info, Action.GET_BUCKET_INFO),
    Row("GET", Level.BUCKET, "location", bucket.get_bucket_location, Action.GET_BUCKET_LOCATION),
    Row("GET", Level.BUCKET, "acl", bucket.get_bucket_acl, Action.GET_BUCKET_ACL),
    Row("PUT", Level.BUCKET, "acl", bucket.put_bucket_acl, Action.PUT_BUCKET_ACL, asks=BUCKET_ACL),
    Row("GET", Level.BUCKET, "policy", bucket_policy.get_bucket_policy, Action.GET_BUCKET_POLICY),
    Row("PUT", Level.BUCKET, "policy", bucket_policy.put_bucket_policy, Action.PUT_BUCKET_POLICY),
    Row("DELETE", Level.BUCKET, "policy", bucket_policy.delete_bucket_policy, Action.DELETE_BUCKET_POLICY),
    Row("GET", Level.BUCKET, "policyStatus", bucket_policy.get_bucket_policy_status, Action.GET_BUCKET_POLICY_STATUS),
    *row_families.public_access_block_rows(),
    Row("GET", Level.BUCKET, "", object_list.list_objects, Action.LIST_OBJECTS, is_page=True),
    Row("HEAD", Level.BUCKET, "", bucket.head_bucket, Action.LIST_OBJECTS, is_page=True),
    Row("GET", Level.BUCKET, "list-type", object_list.list_objects_v2, Action.LIST_OBJECTS),
    Row("POST", Level.BUCKET, "delete", object_delete.delete_multiple_objects, Action.DELETE_OBJECTS),
    Row("POST", Level.BUCKET, "", post_object.post_object, Action.PUT_OBJECT, asks=OBJECT_ACL),
    Row("GET", Level.OBJECT, "", object_get.get_object, Action.GET_OBJECT, reads_object=True, is_page=True),
    Row("HEAD", Level.OBJECT, "", object_get.head_object, Action.GET_OBJECT, reads_object=True, is_page=True),
    Row("HEAD", Level.OBJECT, "objectMeta", object_get.get_object_meta, Action.GET_OBJECT, reads_object=True),
    Row("GET", Level.OBJECT, "objectMeta", object_get.get_object_meta, Action.GET_OBJECT, reads_object=True),
    Row("PUT", Level.OBJECT, "", object_put.put_object, Action.PUT_OBJECT, asks=ACL_AND_TAGS),
    Row("DELETE", Level.OBJECT, "", object_delete.delete_object, Action.DELETE_OBJECT),
    Row("GET", Level.OBJECT, "acl", object_acl.get_object_acl, Action.GET_OBJECT_ACL, reads_object=True),
    Row(
        "PUT", Level.OBJECT, "acl", object_acl.put_object_acl, Action.PUT_OBJECT_ACL, reads_object=True, asks=OBJECT_ACL
    ),
    # multipart uploads, copies, tags
    Row("POST", Level.OBJECT, "uploads", multipart.initiate_multipart_upload, Action.PUT_OBJECT, asks=TAGS),
    Row("PUT", Level.OBJECT, "partNumber&uploadId", part.upload_part, Action.PUT_OBJECT, asks=TAGS_LATER),
    Row(
        "PUT",
        Level.OBJECT,
        "partNumber&uploadId",
        part.upload_part_copy,
        Action.PUT_OBJECT,
        header="x-oss-copy-source",
        asks=TAGS_LATER,
    ),
    Row(
        "POST",
        Level.OBJECT,
        "uploadId",
        multipart.complete_multipart_upload,
        Action.PUT_OBJECT,
        asks=ACL_AND_TAGS_LATER,
    ),
    Row("DELETE", Level.OBJECT, "uploadId", multipart.abort_multipart_upload, Action.ABORT_MULTIPART_UPLOAD),
    Row("GET", Level.OBJECT, "uploadId", multipart_list.list_parts, Action.LIST_PARTS),
    Row("GET", Level.BUCKET, "uploads", multipart_list.list_multipart_uploads, Action.LIST_MULTIPART_UPLOADS),
    Row(
        "PUT",
        Level.OBJECT,
        "",
        object_copy.copy_object,
        Action.PUT_OBJECT,
        header="x-oss-copy-source",
        asks=ACL_AND_TAGS_LATER,
    ),
    Row(
        "PUT",
        Level.OBJECT,
        "tagging",
        object_tagging.put_object_tagging,
        Action.PUT_OBJECT_TAGGING,
        reads_object=True,
        asks=TAGS_LATER,
    ),
    Row(
        "GET",
        Level.OBJECT,
        "tagging",
        object_tagging.get_object_tagging,
        Action.GET_OBJECT_TAGGING,
        reads_object=True,
    ),
    Row(
        "DELETE",
        Level.OBJECT,
        "tagging",
        object_tagging.delete_object_tagging,
        Action.DELETE_OBJECT_TAGGING,
        reads_object=True,
    ),
    # appending, links, restoring
    Row(
        "POST",
        Level.OBJECT,
        "append",
        object_append.append_object,
        Action.PUT_OBJECT,
        reads_object=True,
        asks=ACL_AND_TAGS_WHEN_NEW,
    ),
    Row("POST", Level.OBJECT, "seal", object_append.seal_append_object, Action.SEAL_APPEND_OBJECT, reads_object=True),
    Row("PUT", Level.OBJECT, "symlink", symlink.put_symlink, Action.PUT_OBJECT, asks=ACL_AND_TAGS),
    Row("GET", Level.OBJECT, "symlink", symlink.get_symlink, Action.GET_OBJECT, reads_object=True),
    Row(
        "DELETE", Level.OBJECT, "symlink", object_delete.delete_object, Action.DELETE_OBJECT
    ),  # some SDKs leave it there
    Row("POST", Level.OBJECT, "restore", object_restore.restore_object, Action.RESTORE_OBJECT, reads_object=True),
    Row(
        "POST",
        Level.OBJECT,
        "cleanRestoredObject",
        object_restore.clean_restored_object,
        Action.CLEAN_RESTORED_OBJECT,
        reads_object=True,
    ),
    Row("GET", Level.BUCKET, "stat", bucket_stat.get_bucket_stat, Action.GET_BUCKET_STAT),
    Row("GET", Level.SERVICE, "regions", bucket_stat.describe_regions, Action.DESCRIBE_REGIONS),
    # versions
    Row("PUT", Level.BUCKET, "versioning", bucket_versioning.put_bucket_versioning, Action.PUT_BUCKET_VERSIONING),
    Row("GET", Level.BUCKET, "versioning", bucket_versioning.get_bucket_versioning, Action.GET_BUCKET_VERSIONING),
    Row("GET", Level.BUCKET, "versions", bucket_versioning.list_object_versions, Action.LIST_OBJECT_VERSIONS),
    *row_families.configuration_rows(),
    *row_families.inventory_rows(),
    *row_families.redundancy_transition_rows(),
    *row_families.access_point_rows(),
    Row("GET", Level.SERVICE, "qosInfo", bucket_qos.get_user_qos_info, Action.GET_USER_QOS_INFO),
    *row_families.replication_rows(),
    Row("GET", Level.SERVICE, "tagging", bucket.list_buckets, Action.LIST_BUCKETS),
    Row("GET", Level.SERVICE, "regionList", bucket.list_buckets, Action.LIST_BUCKETS),
    # own domains
    Row("POST", Level.BUCKET, "cname&comp=token", bucket_cname.create_cname_token, Action.CREATE_CNAME_TOKEN),
    Row("GET", Level.BUCKET, "cname&comp=token", bucket_cname.get_cname_token, Action.GET_CNAME_TOKEN),
    Row("POST", Level.BUCKET, "cname&comp=add", bucket_cname.put_cname, Action.PUT_CNAME),
    Row("GET", Level.BUCKET, "cname", bucket_cname.list_cname, Action.LIST_CNAME),
    Row("POST", Level.BUCKET, "cname&comp=delete", bucket_cname.delete_cname, Action.DELETE_CNAME),
    # pictures
    Row("PUT", Level.BUCKET, "style&styleName", style.put_style, Action.PUT_STYLE),
    Row("GET", Level.BUCKET, "style&styleName", style.get_style, Action.GET_STYLE),
    Row("GET", Level.BUCKET, "style", style.list_style, Action.LIST_STYLE),
    Row("DELETE", Level.BUCKET, "style&styleName", style.delete_style, Action.DELETE_STYLE),
    # live channels
    *row_families.live_channel_rows(),
    *row_families.worm_rows(),
    *row_families.async_fetch_rows(),
    Row("POST", Level.OBJECT, PROCESS, object_process.process_object, Action.POST_PROCESS_TASK, reads_object=True),
    Row(
        *("POST", Level.OBJECT, "x-oss-async-process", object_process.async_process_object, Action.POST_PROCESS_TASK),
        reads_object=True,
    ),
    *row_families.select_rows(),
)

# Selects an operation beside that sub-resource, and means nothing alone.
BESIDE: Final[Mapping[str, str]] = {"status": "live"}

# Every parameter by which OSS selects an operation. Source: OSS API reference, both tiers.
SUB_RESOURCES: Final = frozenset(
    {
        "accessPoint",
        "accessPointConfigForObjectProcess",
        "accessPointForObjectProcess",
        "accessPointPolicy",
        "accessPointPolicyForObjectProcess",
        "accessmonitor",
        "acl",
        "append",
        "asyncFetch",
        "bucketArchiveDirectRead",
        "bucketInfo",
        "bucketResourcePool",
        "cleanRestoredObject",
        "cloudboxes",
        "cname",
        "comp",
        "cors",
        "dataAccelerator",
        "dataPipeline",
        "delete",
        "encryption",
        "group",
        "httpsConfig",
        "img",
        "inventory",
        "inventoryId",
        "legalHold",
        "lifecycle",
        "link",
        "list-type",
        "live",
        "location",
        "logging",
        "metaQuery",
        "metadataConfiguration",
        "metadataInventoryTable",
        "metadataJournalTable",
        "objectInfo",
        "objectMeta",
        "objectWorm",
        "overwriteConfig",
        "partNumber",
        "policy",
        "policyStatus",
        "processConfiguration",
        "publicAccessBlock",
        "qos",
        "qosInfo",
        "qosRequester",
        "quota",
        "redundancyTransition",
        "referer",
        "regionList",
        "regions",
        "replication",
        "replicationLocation",
        "replicationProgress",
        "requestPayment",
        "requesterQosInfo",
        "resourceGroup",
        "resourcePool",
        "resourcePoolBuckets",
        "resourcePoolInfo",
        "restore",
        "retention",
        "rtc",
        "seal",
        "stat",
        "style",
        "styleName",
        "symlink",
        "tagging",
        "transferAcceleration",
        "udf",
        "udfApplication",
        "udfApplicationLog",
        "udfImage",
        "udfImageDesc",
        "uploadId",
        "uploads",
        "userDefinedLogFieldsConfig",
        "versioning",
        "versions",
        "vip",
        "vod",
        "vpcip",
        "website",
        "worm",
        "wormExtend",
        "wormId",
        "writeGetObjectResponse",
        "x-oss-access-point-name",
        "x-oss-async-process",
        "x-oss-delete",
        "x-oss-dir",
        "x-oss-redundancy-transition-taskid",
        "x-oss-rename",
        "x-oss-write-get-object-response",
    }
)

# Why some of them have no sense on a server of one's own, by how their names begin.
_NOT_HERE: Final = (
    ("accessPointConfigForObjectProcess", "functions of the cloud process objects for such access points"),
    ("accessPointForObjectProcess", "functions of the cloud process objects for such access points"),
    ("accessPointPolicyForObjectProcess", "functions of the cloud process objects for such access points"),
    ("cloudboxes", "CloudBoxes are hardware of the cloud"),
    ("dataPipeline", "data pipelines lead to services of the cloud"),
    ("metaQuery", "MetaQuery is a search service of the cloud"),
    ("metadata", "tables of metadata are for analysis services of the cloud"),
    ("processConfiguration", "services of the cloud process objects so"),
    ("resourcePool", "a resource pool is bandwidth that is bought of the cloud; limit buckets with ?qosInfo"),
    ("requesterQosInfo", "limits are a bucket's here; set them with ?qosInfo"),
    ("udf", "functions of the cloud are run so"),
    ("vip", "there are no private networks of the cloud here"),
    ("vpcip", "there are no private networks of the cloud here"),
    ("x-oss-delete", "hierarchical namespaces aren't built"),
    ("x-oss-dir", "hierarchical namespaces aren't built"),
    ("x-oss-rename", "hierarchical namespaces aren't built"),
)

_BY_PLACE: Final = {(row.method, row.level, row.sub_resource): row for row in ROWS if not row.header}
_BY_HEADER: Final = {(row.method, row.level, row.sub_resource): row for row in ROWS if row.header}
_BUILT: Final = frozenset((row.level, row.sub_resource) for row in ROWS)
_LIST_V1: Final = _BY_PLACE["GET", Level.BUCKET, ""]
_PUT_BUCKET: Final = _BY_PLACE["PUT", Level.BUCKET, ""]
_PUT_BUCKET_ACL: Final = _BY_PLACE["PUT", Level.BUCKET, "acl"]
_METHODS: Final = frozenset(row.method for row in ROWS) | {"POST"}


def find_level(target: Target) -> Level:
    if target.key is not None:
        return Level.OBJECT
    return Level.SERVICE if target.bucket is None else Level.BUCKET


def find_row(method: str, target: Target, query: Query, headers: Mapping[str, str] = NO_HEADERS) -> Row:
    """The route of a request; nothing is answered yet.

    Raises:
        OssError: NOT_IMPLEMENTED, with the sub-resource in `Header`; METHOD_NOT_ALLOWED.
    """
    level = find_level(target)
    if not SUB_RESOURCES.isdisjoint(query.first):
        return _find_sub_resource_row(method, level, query, headers)
    row = _row_at(method, level, "", headers)
    if row is not None:
        if query.first and method not in _READING:
            _refuse_unknown(query)
        return row
    if method == "POST" and PROCESS in query:
        value = query.get(PROCESS)
        row = _row_at("POST", level, f"{PROCESS}={value}" if value else PROCESS, headers)
        if row is not None:
            return row
        raise NOT_IMPLEMENTED(
            "With POST, x-oss-process is csv/select, json/select, csv/meta or json/meta, or has no value: "
            "then what is asked for stands in the body, and is image/ or style/."
        )
    raise METHOD_NOT_ALLOWED(Method=method, ResourceType=level.value)


_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Parameters without a value that select no operation.
_BARE: Final = frozenset(
    {"callback", "callback-var", "continuation-token", "encoding-type", "security-token", "versionId"}
)
_BARE_PREFIXES: Final = ("x-oss-", "response-")


def _refuse_unknown(query: Query) -> None:
    """A parameter without a value may select an operation that OSS has got since: then `DELETE B ?thatOne` must not
    delete the bucket, nor a PUT overwrite what is there. Raises: OssError NOT_IMPLEMENTED."""
    for name, value in query.first.items():
        if not value and name not in _BARE and not name.startswith(_BARE_PREFIXES):
            raise NOT_IMPLEMENTED(
                "The request has a parameter without a value that isn't known here.", Header=name[:64]
            )


def page_row(method: str, target: Target) -> Row:
    """The route by which a website gives what the target names. Raises: OssError METHOD_NOT_ALLOWED."""
    level = find_level(target)
    row = _row_at(method, level, "", NO_HEADERS)
    if row is None:
        raise METHOD_NOT_ALLOWED(Method=method, ResourceType=level.value)
    return row


def is_form(target: Target, query: Query) -> bool:
    """Whether a POST to this address is a form: PostObject, whose claim and key are in its fields."""
    return target.key is None and target.bucket is not None and SUB_RESOURCES.isdisjoint(query.first)


def may_make_bucket(method: str, query: Query) -> bool:
    """Whether a request at a bucket's address need not find it there: PutBucket, PutBucketAcl."""
    return method == "PUT" and SUB_RESOURCES.intersection(query.first) <= {"acl"}


def row_without_bucket(row: Row) -> Row:
    """What an operation is where the bucket isn't there: PutBucketAcl makes one, as OSS documents it."""
    return _PUT_BUCKET if row is _PUT_BUCKET_ACL else row


def _row_at(method: str, level: Level, sub_resource: str, headers: Mapping[str, str]) -> Row | None:
    place = method, level, sub_resource
    if (
        (method != "GET" or sub_resource)
        and (special := _BY_HEADER.get(place)) is not None
        and special.header in headers
    ):
        return special
    return _BY_PLACE.get(place)


def _find_sub_resource_row(method: str, level: Level, query: Query, headers: Mapping[str, str]) -> Row:
    if method not in _METHODS:
        raise METHOD_NOT_ALLOWED(Method=method, ResourceType=level.value)
    names = sorted(SUB_RESOURCES.intersection(query.first))
    names += [name for name, other in BESIDE.items() if name in query and other in names]
    selected = "&".join([f"comp={query.get('comp')}" if name == "comp" else name for name in names])
    row = _row_at(method, level, selected, headers)
    if row is None and (level, selected) in _BUILT:
        raise METHOD_NOT_ALLOWED(Method=method, ResourceType=level.value)
    if row is None:
        why = next((why for name in names for start, why in _NOT_HERE if name.startswith(start)), "it isn't built")
        raise NOT_IMPLEMENTED(f"The sub-resource {', '.join(names)} isn't here: {why}.", Header=names[0])
    if selected == "list-type" and query.get("list-type") != "2":
        return _LIST_V1
    return row
