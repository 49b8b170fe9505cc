"""The operations on access points of a bucket, and what a request through one may ask for.

Whether it may is decided in `access/decide.py`. Source: OSS API reference, the operations of those names; OSS, access
points, the operations that go through one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from coatcheck.access.verdict import is_public
from coatcheck.configurations import access_point
from coatcheck.core.access_point_names import make_alias
from coatcheck.core.errors import (
    ACCESS_POINT_ALREADY_EXISTS,
    INVALID_ARGUMENT,
    MISSING_ARGUMENT,
    NO_SUCH_ACCESS_POINT,
    NO_SUCH_ACCESS_POINT_POLICY,
    PUBLIC_ACCESS_BLOCKED,
    TOO_MANY_ACCESS_POINTS,
)
from coatcheck.core.limits import ACCESS_POINTS_PER_ACCOUNT, ACCESS_POINTS_PER_BUCKET
from coatcheck.core.xml import Node
from coatcheck.ports.access_point import KIND, AccessPoint, read_access_point, write_access_point
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere
from coatcheck.wire.reply import Reply

from .arguments import read_document, read_max_keys, read_token, write_token
from .bucket_policy import read_policy_document
from .call import Call
from .configuration import show
from .entries_kept import change_entry, find_entry, list_entries
from .public_access_block import read_block, show_block
from .through_point import NAME

_MARKER_SEPARATOR: Final = "/"

PointChange = Callable[[AccessPoint], AccessPoint | None]


async def create_access_point(call: Call) -> Reply:
    """CreateAccessPoint: ready at once."""
    asked, bucket = access_point.read(await read_document(call.request, access_point.ROOT)), call.this_bucket
    point = AccessPoint(
        asked.name,
        make_alias(asked.name, bucket.bucket_id),
        asked.network_origin,
        int(call.now),
        asked.vpc_id,
        blocks_public_access=call.settings.block_new_buckets,
    )

    def put(before: str | None) -> str:
        if before is not None:
            raise ACCESS_POINT_ALREADY_EXISTS(AccessPointName=asked.name)
        return write_access_point(point)

    try:
        await change_entry(
            call,
            KIND,
            asked.name,
            put,
            most=ACCESS_POINTS_PER_BUCKET,
            crowded=TOO_MANY_ACCESS_POINTS,
            account_most=ACCESS_POINTS_PER_ACCOUNT,
        )
    except AlreadyThere:
        raise ACCESS_POINT_ALREADY_EXISTS(AccessPointName=asked.name) from None
    arn = point.arn(bucket.region, bucket.owner)
    return show("CreateAccessPointResult", [("AccessPointArn", arn), ("Alias", point.alias)])


async def get_access_point(call: Call) -> Reply:
    """GetAccessPoint."""
    point, bucket = await _find(call), call.this_bucket
    domain = call.settings.domains[0]
    endpoints: list[Node] = [
        ("PublicEndpoint", f"{point.alias}.oss-{bucket.region}.{domain}"),
        ("InternalEndpoint", f"{point.alias}.oss-{bucket.region}-internal.{domain}"),
    ]
    nodes: list[Node] = [
        ("AccessPointName", point.name),
        ("Bucket", bucket.name),
        ("AccountId", bucket.owner),
        *_network_nodes(point),
        ("AccessPointArn", point.arn(bucket.region, bucket.owner)),
        ("CreationDate", point.created_at),
        ("Alias", point.alias),
        ("Status", "enable"),
        ("Endpoints", endpoints),
        ("PublicAccessBlockConfiguration", [("BlockPublicAccess", str(point.blocks_public_access).lower())]),
    ]
    return show("GetAccessPointResult", nodes)


async def list_access_points(call: Call) -> Reply:
    """ListAccessPoints: a page by name, of the bucket's or, at the service, of all of the caller's account."""
    query = call.request.query
    most, token = read_max_keys(query), read_token(query.get("continuation-token") or "")
    if call.bucket is None:
        return await _list_account(call, most, token)
    return await _list_bucket(call, call.bucket, most, token)


async def _list_bucket(call: Call, bucket: Bucket, most: int, marker: str) -> Reply:
    if most > ACCESS_POINTS_PER_BUCKET:
        raise INVALID_ARGUMENT(
            f"Argument max-keys must be an integer between 1 and {ACCESS_POINTS_PER_BUCKET}.",
            ArgumentName="max-keys",
            ArgumentValue=str(most),
        )
    entries, more = await list_entries(call, KIND, marker=marker, limit=most)
    points = [(bucket.name, read_access_point(document)) for _, document in entries]
    return _page(bucket.owner, most, points, points[-1][1].name if more else None)


async def _list_account(call: Call, most: int, token: str) -> Reply:
    account = call.caller.account
    name, _, bucket = token.partition(_MARKER_SEPARATOR)
    entries, more = await call.ports.catalog.list_account_entries(account, KIND, marker=(name, bucket), limit=most)
    points = [(entry.bucket, read_access_point(entry.document)) for entry in entries]
    last = _MARKER_SEPARATOR.join((entries[-1].name, entries[-1].bucket)) if more else None
    return _page(account, most, points, last)


async def delete_access_point(call: Call) -> Reply:
    """DeleteAccessPoint: its alias leads nowhere from now on."""
    await _change(call, lambda _: None)
    return Reply(204)


async def put_access_point_policy(call: Call) -> Reply:
    """PutAccessPointPolicy: in place of the one that was there."""
    text = await read_policy_document(call)
    public, blocked = is_public(text), call.this_bucket.refuses_public_policy

    def put(point: AccessPoint) -> AccessPoint:
        if public and (blocked or point.blocks_public_access):
            raise PUBLIC_ACCESS_BLOCKED()
        return replace(point, policy=text)

    await _change(call, put)
    return Reply(200)


async def get_access_point_policy(call: Call) -> Reply:
    """GetAccessPointPolicy: the document as it was put."""
    point = await _find(call)
    if point.policy is None:
        raise NO_SUCH_ACCESS_POINT_POLICY(AccessPointName=point.name)
    return Reply(200, ((b"Content-Type", b"application/json"),), point.policy.encode())


async def delete_access_point_policy(call: Call) -> Reply:
    """DeleteAccessPointPolicy: also when there is none. Nothing goes through the point then."""
    await _change(call, lambda point: replace(point, policy=None))
    return Reply(204)


async def put_access_point_public_access_block(call: Call) -> Reply:
    """PutAccessPointPublicAccessBlock."""
    blocked = await read_block(call)
    await _change(call, lambda point: replace(point, blocks_public_access=blocked))
    return Reply(200)


async def get_access_point_public_access_block(call: Call) -> Reply:
    """GetAccessPointPublicAccessBlock: of the point itself, whatever the bucket's and the account's say."""
    return show_block((await _find(call)).blocks_public_access)


async def delete_access_point_public_access_block(call: Call) -> Reply:
    """DeleteAccessPointPublicAccessBlock."""
    await _change(call, lambda point: replace(point, blocks_public_access=False))
    return Reply(204)


def _read_name(call: Call) -> str:
    """Which point is meant. Through a point that is itself: of the bucket's others it says nothing.

    Raises: OssError MISSING_ARGUMENT, INVALID_ARGUMENT, NO_SUCH_ACCESS_POINT.
    """
    text = call.request.query.get(NAME) or call.request.headers.get(NAME) or ""
    if not text:
        raise MISSING_ARGUMENT(f"This operation needs {NAME}.", ArgumentName=NAME)
    name, through = access_point.check_name(text), call.context.point
    if through is not None and through.name != name:
        raise NO_SUCH_ACCESS_POINT(AccessPointName=name)
    return name


async def _find(call: Call) -> AccessPoint:
    """Raises: as `_read_name`."""
    name = _read_name(call)
    document = await find_entry(call, KIND, name)
    if document is None:
        raise NO_SUCH_ACCESS_POINT(AccessPointName=name)
    return read_access_point(document)


async def _change(call: Call, change: PointChange) -> None:
    """Raises: as `_read_name`; what `change` raises."""
    name = _read_name(call)

    def change_document(before: str | None) -> str | None:
        if before is None:
            raise NO_SUCH_ACCESS_POINT(AccessPointName=name)
        point = change(read_access_point(before))
        return None if point is None else write_access_point(point)

    most = ACCESS_POINTS_PER_BUCKET
    await change_entry(call, KIND, name, change_document, most=most, crowded=TOO_MANY_ACCESS_POINTS)


def _page(account: str, most: int, points: list[tuple[str, AccessPoint]], last: str | None) -> Reply:
    """`last`: what the next page begins behind; None for the last one."""
    nodes: list[Node] = [
        ("IsTruncated", "false" if last is None else "true"),
        *([] if last is None else [("NextContinuationToken", write_token(last))]),
        ("AccountId", account),
        ("MaxKeys", most),
        ("AccessPoints", [("AccessPoint", _summary(bucket, point)) for bucket, point in points]),
    ]
    return show("ListAccessPointsResult", nodes)


def _summary(bucket: str, point: AccessPoint) -> list[Node]:
    return [
        ("Bucket", bucket),
        ("AccessPointName", point.name),
        ("Alias", point.alias),
        *_network_nodes(point),
        ("Status", "enable"),
    ]


def _network_nodes(point: AccessPoint) -> list[Node]:
    """An empty VpcId for the internet: OSS's SDK for Java reads none without VpcConfiguration."""
    return [("NetworkOrigin", point.network_origin), ("VpcConfiguration", [("VpcId", point.vpc_id)])]
