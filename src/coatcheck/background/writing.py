"""Storing what background work has made, by the same operations as any upload, with a decision of its own each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.operations.commit import Stored
from coatcheck.operations.context import Context
from coatcheck.operations.encryption import bucket_encryption
from coatcheck.operations.intake import receive
from coatcheck.operations.put import NewObject, put_object
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DEFAULT_ACL, ObjectRecord

from .notices import Stopped


class Place(NamedTuple):
    """Where an object is to be stored, what is there, and that it may be."""

    grant: Grant
    found: ObjectRecord | None


async def find_target(context: Context, name: str, *, owner: str) -> Bucket:
    """The bucket that a configuration names, if it is still that account's.

    A bucket that was deleted may be made again by anybody, and opened to everybody, to get what is written there.
    Raises: Stopped.
    """
    bucket = await context.ports.catalog.find_bucket(name)
    if bucket is None:
        raise Stopped(f"the target bucket {name[:64]!a} is not there")
    if bucket.owner != owner:
        raise Stopped(f"the target bucket {bucket.name} is not one of the account {owner[:64]!a}")
    return bucket


async def find_place(context: Context, target: Bucket, key: str) -> Place:
    """Raises: OssError, the refusal."""
    found = await context.ports.catalog.find_object(target.bucket_id, key)
    return Place(context.decide(Action.PUT_OBJECT, target, key, found), found)


async def write_object(
    context: Context, place: Place, chunks: AsyncIterator[bytes], *, content_type: bytes, encryption: str = ""
) -> Stored:
    """Make the bytes the object of that place; durable and visible when this returns.

    Args:
        encryption: as `ObjectRecord` has it; where it is "" the bucket's rule decides.
    Raises: OssError; NotWritten, Unknown; what the chunks raise.
    """
    bucket = place.grant.this_bucket
    encryption = encryption or bucket_encryption(bucket)
    incoming = await receive(chunks, context.ports.byte_store, most=PUT_OBJECT_MAX_BYTES, encryption=encryption)
    new = NewObject(DEFAULT_ACL, bucket.storage_class, ((b"content-type", content_type),), encryption=encryption)
    return await put_object(context, place.grant, new, incoming)
