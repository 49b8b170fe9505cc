"""PutBucket, DeleteBucket, GetBucketInfo, GetBucketLocation, Get/PutBucketAcl, ListBuckets.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from coatcheck.access.acl import PRIVATE, read_bucket_acl, refuse_public_acl
from coatcheck.access.actions import Action
from coatcheck.access.grants import nearest_word
from coatcheck.configurations import access_monitor, bucket_logging, resource_group, transfer_acceleration
from coatcheck.configurations.elements import find_text
from coatcheck.configurations.encryption import rule_nodes
from coatcheck.core.access_point_names import ALIAS_ENDING
from coatcheck.core.errors import (
    BUCKET_ALREADY_EXISTS,
    BUCKET_HAS_ACCESS_POINTS,
    BUCKET_NOT_EMPTY,
    INVALID_ARGUMENT,
    INVALID_BUCKET_NAME,
    NO_SUCH_BUCKET,
    NOT_IMPLEMENTED,
    TOO_MANY_BUCKETS,
)
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES, LIST_MAX_KEYS
from coatcheck.core.names import read_bucket_name
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.ports import access_point
from coatcheck.ports.bucket import (
    PUBLIC_ACCESS_BLOCK,
    REPLICATION,
    TAGGING,
    Bucket,
    NewBucket,
    Tags,
    write_public_access_block,
)
from coatcheck.ports.catalog import AlreadyThere, Gone, HasEntries, NotEmpty, TooMany
from coatcheck.wire.reply import Reply

from .arguments import check_xml, read_body, read_list_text, read_max_keys
from .bucket_tags import has_tags, read_tag_filter, read_tags_header
from .call import Call
from .documents_kept import change_bucket
from .encryption import bucket_rule
from .object_put import STORAGE_CLASSES
from .owner import acl_node, acl_reply, owner_node
from .tagging import write_tagging

_GROUP: Final = "x-oss-resource-group-id"
_REDUNDANCIES: Final = ("LRS", "ZRS")


async def list_buckets(call: Call) -> Reply:
    """ListBuckets (GetService): the caller's own buckets by name: all, or those with certain tags or of a group."""
    query = call.request.query
    prefix, marker, most = read_list_text(query, "prefix"), read_list_text(query, "marker"), read_max_keys(query)
    tags, group = read_tag_filter(query), call.request.headers.get(_GROUP) or None
    buckets: Sequence[Bucket]
    if tags is None and group is None:
        buckets, more = await call.ports.catalog.list_buckets(
            call.caller.account, prefix=prefix, marker=marker, limit=most
        )
    else:
        labelled = await _labelled_buckets(call, tags or (), group, prefix, marker)
        buckets, more = labelled[:most], len(labelled) > most
    nodes: list[Node] = [
        ("Prefix", prefix),
        ("Marker", marker),
        ("MaxKeys", most),
        ("IsTruncated", "true" if more else "false"),
        *([("NextMarker", buckets[-1].name)] if more else []),
        owner_node(call.caller.account),
        ("Buckets", tuple(("Bucket", _summary(call, bucket, tagged=tags is not None)) for bucket in buckets)),
    ]
    return _xml("ListAllMyBucketsResult", nodes)


async def _labelled_buckets(call: Call, tags: Tags, group: str | None, prefix: str, marker: str) -> list[Bucket]:
    """All of the caller's buckets with those tags and of that group, behind `marker`. An account has few enough to look
    at each."""
    found: list[Bucket] = []
    more = True
    while more:
        page, more = await call.ports.catalog.list_buckets(
            call.caller.account, prefix=prefix, marker=marker, limit=LIST_MAX_KEYS
        )
        for listed in page:
            bucket = await call.ports.catalog.find_bucket(listed.name)
            if bucket is not None and has_tags(bucket, tags) and group in (None, _group_of(bucket)):
                found.append(bucket)
            marker = listed.name
    return found


async def put_bucket(call: Call) -> Reply:
    """PutBucket: made, or already the caller's own with no configuration that contradicts."""
    request = call.request
    name = read_bucket_name(call.target.bucket or "")
    if request.headers.get("x-oss-hns-status", "disabled") != "disabled":
        raise NOT_IMPLEMENTED("Hierarchical namespaces are not built.", Header="x-oss-hns-status")
    storage_class, redundancy = await _read_configuration(call)
    acl = request.headers.get("x-oss-acl")
    return await make_bucket(call, name, storage_class, redundancy, None if acl is None else read_bucket_acl(acl))


async def make_bucket(
    call: Call,
    name: str,
    storage_class: str | None,
    redundancy: str | None,
    acl: str | None,
    *,
    documents: tuple[tuple[str, str], ...] = (),
    versioning: str = "",
) -> Reply:
    """Make the bucket, with the labels that headers name; or leave it, if it is there and nothing
    contradicts.

    Args:
        acl: None for private, and for what is there.
        documents, versioning: what it has from its first moment.
    Raises: OssError.
    """
    if name.endswith(ALIAS_ENDING):
        raise INVALID_BUCKET_NAME(f"Names that end with {ALIAS_ENDING} are those of access points.", BucketName=name)
    headers = call.request.headers
    labels = _read_labels(headers)
    new = NewBucket(
        name=name,
        owner=call.caller.account,
        region=call.target.region or call.settings.regions[0],
        acl=acl or PRIVATE,
        storage_class=storage_class or STORAGE_CLASSES[0],
        redundancy=redundancy or _REDUNDANCIES[0],
        created_at=int(call.now),
        configurations=(*_first_configurations(call, labels), *documents),
        versioning=versioning,
    )

    def check(made: Bucket) -> None:
        refuse_public_acl(made.acl, blocked=made.refuses_public_acls)

    try:
        await call.ports.catalog.create_bucket(new, most=call.settings.buckets_per_account, check=check)
    except TooMany:
        raise TOO_MANY_BUCKETS(BucketName=name) from None
    except AlreadyThere:
        await _keep_bucket(call, new, storage_class, redundancy, acl)
    return _located(name)


def _located(name: str) -> Reply:
    return Reply(200, ((b"Location", b"/" + name.encode()),))


def _read_labels(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Tags and resource group of a bucket to be made, as its documents. Raises: OssError."""
    tagging, group = headers.get("x-oss-bucket-tagging"), headers.get(_GROUP)
    documents = []
    if group:
        documents.append((resource_group.NAME, resource_group.to_json(resource_group.read_id(group))))
    if tagging:
        documents.append((TAGGING, read_tags_header(tagging)))
    return tuple(documents)


def _first_configurations(call: Call, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What a new bucket has from the start."""
    if not call.settings.block_new_buckets:
        return labels
    return ((PUBLIC_ACCESS_BLOCK, write_public_access_block(True)), *labels)


async def delete_bucket(call: Call) -> Reply:
    """DeleteBucket: only an empty one."""
    bucket = call.this_bucket
    try:
        await call.ports.catalog.delete_bucket(bucket.bucket_id, kept_by=(access_point.KIND,))
    except Gone:
        raise NO_SUCH_BUCKET(BucketName=bucket.name) from None
    except HasEntries:
        raise BUCKET_HAS_ACCESS_POINTS(BucketName=bucket.name) from None
    except NotEmpty:
        raise BUCKET_NOT_EMPTY(BucketName=bucket.name) from None
    return Reply(204)


async def head_bucket(call: Call) -> Reply:
    """Whether the bucket is there, and where: no page of the API reference, but OSS's SDK for Java asks so.

    Its right is ListObjects': a HEAD is a GET without the body.
    """
    return Reply(200, ((b"x-oss-bucket-region", f"oss-{call.this_bucket.region}".encode()),))


async def get_bucket_info(call: Call) -> Reply:
    """GetBucketInfo."""
    bucket = call.this_bucket
    nodes: list[Node] = [
        ("AccessMonitor", access_monitor.status_of(bucket.configuration(access_monitor.NAME))),
        ("CreationDate", write_iso(bucket.created_at)),
        *_endpoints(call, bucket),
        ("Location", f"oss-{bucket.region}"),
        ("StorageClass", bucket.storage_class),
        ("DataRedundancyType", bucket.redundancy),
        ("TransferAcceleration", "Enabled" if _is_accelerated(bucket) else "Disabled"),
        ("CrossRegionReplication", "Disabled" if bucket.configuration(REPLICATION) is None else "Enabled"),
        ("Name", bucket.name),
        ("ResourceGroupId", _group_of(bucket)),
        owner_node(bucket.owner),
        acl_node(nearest_word(bucket.acl)),
        ("Comment", ""),
        ("ServerSideEncryptionRule", _encryption_nodes(bucket)),
        _logging_node(bucket),
        *([("Versioning", bucket.versioning)] if bucket.versioning else []),
        ("BlockPublicAccess", "true" if bucket.blocks_public_access else "false"),
    ]
    return _xml("BucketInfo", [("Bucket", nodes)])


def _encryption_nodes(bucket: Bucket) -> list[Node]:
    rule = bucket_rule(bucket)
    return [("SSEAlgorithm", "None")] if rule is None else rule_nodes(rule)


def _logging_node(bucket: Bucket) -> Node:
    """OSS calls it so; it has nothing to do with bucket policies."""
    logging = bucket_logging.logging_of(bucket.configuration(bucket_logging.NAME))
    return ("BucketPolicy", (("LogBucket", logging.bucket), ("LogPrefix", logging.prefix)))


def _group_of(bucket: Bucket) -> str:
    return resource_group.group_of(bucket.configuration(resource_group.NAME))


def _is_accelerated(bucket: Bucket) -> bool:
    return transfer_acceleration.is_accelerated(bucket.configuration(transfer_acceleration.NAME))


async def get_bucket_location(call: Call) -> Reply:
    """GetBucketLocation: the text stands in the root element itself."""
    document = write_xml("LocationConstraint", ()).replace(b"><", f">oss-{call.this_bucket.region}<".encode())
    return Reply(200, ((b"Content-Type", b"application/xml"),), document)


async def get_bucket_acl(call: Call) -> Reply:
    """GetBucketAcl."""
    return acl_reply(call.this_bucket.owner, nearest_word(call.this_bucket.acl))


async def put_bucket_acl(call: Call) -> Reply:
    """PutBucketAcl: without the header nothing changes, as documented. Where there is no bucket it is PutBucket."""
    text = call.request.headers.get("x-oss-acl")
    if text is not None:
        await set_acl(call, call.this_bucket, read_bucket_acl(text))
    return _located(call.this_bucket.name)


async def _read_configuration(call: Call) -> tuple[str | None, str | None]:
    """Storage class and redundancy that the optional body asks for. Raises: OssError."""
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    if not body.strip():
        return None, None
    document = check_xml(body, "CreateBucketConfiguration")
    storage_class, redundancy = find_text(document, "StorageClass"), find_text(document, "DataRedundancyType")
    if storage_class and storage_class not in STORAGE_CLASSES:
        raise INVALID_ARGUMENT(
            "No such bucket storage class exists.", ArgumentName="StorageClass", ArgumentValue=storage_class
        )
    if redundancy and redundancy not in _REDUNDANCIES:
        raise INVALID_ARGUMENT(
            "The data redundancy type you specified is invalid.",
            ArgumentName="DataRedundancyType",
            ArgumentValue=redundancy,
        )
    return storage_class or None, redundancy or None


async def _keep_bucket(
    call: Call, new: NewBucket, storage_class: str | None, redundancy: str | None, acl: str | None
) -> None:
    """The name is taken: fine if by the caller and nothing contradicts, and then a sent ACL takes effect."""
    bucket = await call.ports.catalog.find_bucket(new.name)
    if bucket is None or bucket.owner != call.caller.account:
        raise BUCKET_ALREADY_EXISTS(BucketName=new.name)
    if bucket.region != new.region and call.target.region is not None:
        raise BUCKET_ALREADY_EXISTS("Bucket already exists can't modify location.", BucketName=new.name)
    if storage_class not in (None, bucket.storage_class):
        raise BUCKET_ALREADY_EXISTS("Bucket already exists can't modify storage type.", BucketName=new.name)
    if redundancy not in (None, bucket.redundancy):
        raise BUCKET_ALREADY_EXISTS("Bucket already exists can't modify data redundancy type.", BucketName=new.name)
    if new.versioning not in ("", bucket.versioning):
        raise BUCKET_ALREADY_EXISTS("Bucket already exists can't modify its versioning.", BucketName=new.name)
    if acl is not None:
        call.context.decide(
            Action.PUT_BUCKET_ACL, bucket, acl=acl
        )  # to make buckets is not the right to open those that are there
        await set_acl(call, bucket, acl)


async def set_acl(call: Call, bucket: Bucket, acl: str) -> None:
    def put(bucket: Bucket) -> Bucket:
        refuse_public_acl(acl, blocked=bucket.refuses_public_acls)
        return replace(bucket, acl=acl)

    await change_bucket(call, bucket, put)


def _summary(call: Call, bucket: Bucket, *, tagged: bool) -> list[Node]:
    return [
        ("CreationDate", write_iso(bucket.created_at)),
        *_endpoints(call, bucket),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("Region", bucket.region),
        ("StorageClass", bucket.storage_class),
        *([("Tagging", write_tagging(bucket.tags))] if tagged else []),
    ]


def _endpoints(call: Call, bucket: Bucket) -> tuple[Node, Node]:
    domain = call.settings.domains[0]
    return (
        ("ExtranetEndpoint", f"oss-{bucket.region}.{domain}"),
        ("IntranetEndpoint", f"oss-{bucket.region}-internal.{domain}"),
    )


def _xml(root: str, nodes: list[Node]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml(root, nodes))
