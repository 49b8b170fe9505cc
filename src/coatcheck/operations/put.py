"""Putting an object: what arrived becomes the object of a key, or the newest version of it."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.core.checksums import Checksum
from coatcheck.ports.bucket import Tags
from coatcheck.ports.object import ObjectRecord, OnlyIf

from .commit import Stored
from .context import Context
from .encryption import kept_body
from .intake import Incoming
from .record import put_record
from .retention import FREE, Held
from .versions import version_id_for


class NewObject(NamedTuple):
    """What an object is to have besides its content; `ObjectRecord` says what each is.

    Attributes:
        encryption: its content arrived so: a blob is encrypted already.
        held: until when, and whether, it neither goes nor changes.
        forbid_overwrite: it is refused where the key has an object, whatever the bucket says of that.
        checksum: what was sent of its content, and held.
        only_if: it is refused unless that is the object that the key has.
    """

    acl: str
    storage_class: str
    headers: tuple[tuple[bytes, bytes], ...]
    tags: Tags = ()
    encryption: str = ""
    forbid_overwrite: bool = False
    held: Held = FREE
    only_if: OnlyIf | None = None
    checksum: Checksum | None = None


async def put_object(context: Context, grant: Grant, new: NewObject, incoming: Incoming) -> Stored:
    """Make what arrived the object of the grant's key. It is durable and visible when this returns.

    Raises: OssError NO_SUCH_BUCKET (it went meanwhile), FILE_ALREADY_EXISTS, PRECONDITION_FAILED and NO_SUCH_KEY
        (`only_if`), FILE_IMMUTABLE; NotWritten. Nothing is stored then.
    """
    grant.need(Action.PUT_OBJECT)
    bucket, store = grant.this_bucket, context.ports.byte_store
    record = ObjectRecord(
        key=grant.this_key,
        version_id=version_id_for(bucket),
        kind="Normal",
        size=incoming.size,
        etag=incoming.etag,
        crc64=incoming.crc64,
        last_modified=int(context.now),
        acl=new.acl,
        storage_class=new.storage_class,
        headers=new.headers,
        tags=new.tags,
        body=kept_body(store, new.encryption, incoming.body),
        segments=incoming.segments,
        encryption=new.encryption,
        retention=new.held.retention,
        legal_hold=new.held.legal_hold,
        checksum=new.checksum,
    )
    return await put_record(
        context, grant, record, incoming.blob, forbid_overwrite=new.forbid_overwrite, only_if=new.only_if
    )
