"""ListBuckets, CreateBucket, HeadBucket, GetBucketLocation. Source: S3 reference, sections 8 and 12."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from coatcheck.access.acl import PRIVATE
from coatcheck.configurations import object_worm
from coatcheck.configurations.elements import find_text
from coatcheck.core.errors import BUCKET_ALREADY_EXISTS
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES, LIST_MAX_KEYS
from coatcheck.core.names import read_s3_bucket_name
from coatcheck.core.s3_errors import S3_ACL_WITH_OWNERSHIP, S3_BAD_LOCATION, S3_OTHER_LOCATION, S3_OWNED_BY_YOU
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, read_xml
from coatcheck.oss import bucket as oss
from coatcheck.oss.arguments import read_body, read_list_text, read_switch, read_token, write_token
from coatcheck.oss.call import Call
from coatcheck.ports.bucket import NO_ACLS, OWNERSHIP
from coatcheck.ports.worm import ObjectWorm
from coatcheck.signing.s3_v4_scheme import REGION_ALIASES
from coatcheck.wire.reply import Reply

from .acl import find_bucket_acl
from .documents import owner, read_number, show
from .public_access import first_ownership

_EUROPE: Final = "EU"  # what S3 once called a region


async def list_buckets(call: Call) -> Reply:
    """ListBuckets: all of the caller's, or a page."""
    query = call.request.query
    prefix, token = read_list_text(query, "prefix"), query.get("continuation-token")
    paged = "max-buckets" in query
    most, marker = read_number(query, "max-buckets", LIST_MAX_KEYS), read_token(token) if token else ""
    items: list[Node] = []
    more = True
    while more:
        buckets, more = await call.ports.catalog.list_buckets(
            call.caller.account, prefix=prefix, marker=marker, limit=max(most, 1)
        )
        items += [
            (
                "Bucket",
                (
                    ("Name", bucket.name),
                    ("CreationDate", write_iso(bucket.created_at)),
                    ("BucketRegion", bucket.region),
                ),
            )
            for bucket in buckets
        ]
        marker = buckets[-1].name if buckets else ""
        if paged:
            break
    nodes: list[Node] = [owner(call.caller.account), ("Buckets", tuple(items))]
    if more and marker:
        nodes.append(("ContinuationToken", write_token(marker)))
    if prefix:
        nodes.append(("Prefix", prefix))
    return show("ListAllMyBucketsResult", nodes)


async def put_bucket(call: Call) -> Reply:
    """CreateBucket: the name must be new, also to its owner."""
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    if body.strip():
        document = read_xml(body, "CreateBucketConfiguration")
        call = _at_location(call, find_text(document, "LocationConstraint") or "")
    existing = await call.ports.catalog.find_bucket(call.target.bucket or "")
    if existing is not None:
        fault = S3_OWNED_BY_YOU if existing.owner == call.caller.account else BUCKET_ALREADY_EXISTS
        raise fault(BucketName=existing.name)
    headers = call.request.headers
    documents, versioning, acl = [], "", await find_bucket_acl(call)
    if read_switch(headers, "x-amz-bucket-object-lock-enabled"):
        documents.append((object_worm.NAME, object_worm.to_json(ObjectWorm())))
        versioning = "Enabled"
    ownership = headers.get("x-amz-object-ownership")
    if ownership is not None:
        documents.append((OWNERSHIP, first_ownership(ownership)))
        if ownership == NO_ACLS and acl not in (None, PRIVATE):
            raise S3_ACL_WITH_OWNERSHIP()
    name = read_s3_bucket_name(call.target.bucket or "")
    return await oss.make_bucket(call, name, None, None, acl, documents=tuple(documents), versioning=versioning)


def _at_location(call: Call, constraint: str) -> Call:
    """The request in the region that it names. Raises: OssError S3_BAD_LOCATION, S3_OTHER_LOCATION."""
    if constraint in REGION_ALIASES or constraint == _EUROPE:
        return call
    region, target = constraint.removeprefix("oss-"), call.target
    if region not in call.settings.regions:
        raise S3_BAD_LOCATION(LocationConstraint=constraint[:64])
    if target.region not in (None, region):
        raise S3_OTHER_LOCATION(LocationConstraint=constraint[:64])
    return replace(call, target=target._replace(region=region))


async def head_bucket(call: Call) -> Reply:
    """HeadBucket."""
    return Reply(200, ((b"x-amz-bucket-region", call.this_bucket.region.encode()),), content_length=0)


async def get_bucket_location(call: Call) -> Reply:
    """GetBucketLocation: the text stands in the root element itself."""
    reply = show("LocationConstraint", ())
    body = reply.body
    assert isinstance(body, bytes)
    return replace(reply, body=body.replace(b"></", f">{call.this_bucket.region}</".encode(), 1))
