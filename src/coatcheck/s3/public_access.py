"""What keeps a bucket from being opened to everybody: the four switches of its block, and whether ACLs count in it.

OSS has one switch for all four, which says true where all are on. Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.configurations.elements import find_switch, need_choice, need_one, texts, write_switch
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.s3_errors import S3_NO_OWNERSHIP, S3_NO_PUBLIC_BLOCK
from coatcheck.oss.bucket_policy import get_bucket_policy_status
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import drop_document, keep_document
from coatcheck.oss.row import Level, Row
from coatcheck.ports.bucket import (
    NO_ACLS,
    OWNER_PREFERRED,
    OWNERSHIP,
    PUBLIC_ACCESS_BLOCK,
    PublicBlocks,
    read_ownership,
    read_public_blocks,
    write_ownership,
    write_public_blocks,
)
from coatcheck.wire.reply import Reply

from .documents import in_namespace, read_document, show

_BLOCK: Final = "PublicAccessBlockConfiguration"
_SWITCHES: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_BLOCK_SHAPE: Final = texts(*_SWITCHES)
_OWNERSHIP: Final = "OwnershipControls"
_OWNERSHIPS: Final = (NO_ACLS, OWNER_PREFERRED, "ObjectWriter")
_OWNERSHIP_SHAPE: Final = texts(Rule=texts("ObjectOwnership"))


async def put_public_access_block(call: Call) -> Reply:
    """PutPublicAccessBlock: a switch that isn't named is off."""
    document = await read_document(call.request, _BLOCK, _BLOCK_SHAPE)
    blocks = PublicBlocks(*(find_switch(document, name) for name in _SWITCHES))
    await keep_document(call, PUBLIC_ACCESS_BLOCK, write_public_blocks(blocks))
    return Reply(200)


async def get_public_access_block(call: Call) -> Reply:
    """GetPublicAccessBlock: what was put for the bucket; what holds for all of the account stands beside it."""
    stored = call.this_bucket.configuration(PUBLIC_ACCESS_BLOCK)
    if stored is None:
        raise S3_NO_PUBLIC_BLOCK(BucketName=call.this_bucket.name)
    blocks = read_public_blocks(stored)
    return show(_BLOCK, [(name, write_switch(on)) for name, on in zip(_SWITCHES, blocks, strict=True)])


async def delete_public_access_block(call: Call) -> Reply:
    """DeletePublicAccessBlock."""
    await drop_document(call, PUBLIC_ACCESS_BLOCK)
    return Reply(204)


async def put_bucket_ownership_controls(call: Call) -> Reply:
    """PutBucketOwnershipControls: under BucketOwnerEnforced no ACL counts. All objects are the bucket owner's."""
    rule = need_one(await read_document(call.request, _OWNERSHIP, _OWNERSHIP_SHAPE), "Rule")
    await keep_document(call, OWNERSHIP, write_ownership(need_choice(rule, "ObjectOwnership", _OWNERSHIPS)))
    return Reply(200)


def first_ownership(text: str) -> str:
    """The document of a bucket that a header names it for. Raises: OssError INVALID_ARGUMENT."""
    if text not in _OWNERSHIPS:
        raise INVALID_ARGUMENT(ArgumentName="x-amz-object-ownership", ArgumentValue=text[:64])
    return write_ownership(text)


async def get_bucket_ownership_controls(call: Call) -> Reply:
    """GetBucketOwnershipControls."""
    ownership = read_ownership(call.this_bucket)
    if ownership is None:
        raise S3_NO_OWNERSHIP(BucketName=call.this_bucket.name)
    return show(_OWNERSHIP, [("Rule", (("ObjectOwnership", ownership),))])


async def delete_bucket_ownership_controls(call: Call) -> Reply:
    """DeleteBucketOwnershipControls."""
    await drop_document(call, OWNERSHIP)
    return Reply(204)


def rows() -> Iterator[Row]:
    block, ownership = "publicAccessBlock", "ownershipControls"
    put_block, get_block = Action.PUT_BUCKET_PUBLIC_ACCESS_BLOCK, Action.GET_BUCKET_PUBLIC_ACCESS_BLOCK
    yield Row("PUT", Level.BUCKET, block, put_public_access_block, put_block)
    yield Row("GET", Level.BUCKET, block, get_public_access_block, get_block)
    yield Row("DELETE", Level.BUCKET, block, delete_public_access_block, Action.DELETE_BUCKET_PUBLIC_ACCESS_BLOCK)
    # Not by the rights to its ACL, which grants can give.
    yield Row("PUT", Level.BUCKET, ownership, put_bucket_ownership_controls, put_block)
    yield Row("GET", Level.BUCKET, ownership, get_bucket_ownership_controls, get_block)
    yield Row("DELETE", Level.BUCKET, ownership, delete_bucket_ownership_controls, put_block)
    status = in_namespace(get_bucket_policy_status)
    yield Row("GET", Level.BUCKET, "policyStatus", status, Action.GET_BUCKET_POLICY_STATUS)
