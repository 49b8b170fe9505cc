"""Content that came from another server, stored by the operation that stores uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.decide import Grant
from coatcheck.core.errors import ENTITY_TOO_LARGE
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES, STORED_HEADER_MAX_CHARS, USER_METADATA_MAX_BYTES
from coatcheck.core.reply_headers import STANDARD, is_token
from coatcheck.ports.fetcher import Fetched
from coatcheck.ports.object import DEFAULT_ACL

from .bandwidth import UP, shared_pace
from .capacity import admit_object, has_quota
from .commit import Stored, discard
from .context import Context
from .encryption import bucket_encryption
from .intake import Expected, Incoming, receive
from .overwrite import check_writable
from .pacing import paced
from .put import NewObject, put_object

_META: Final = "x-oss-meta-"
_PLAIN_TYPE: Final = "application/octet-stream"


class Wanted(NamedTuple):
    """How it is stored.

    Attributes:
        storage_class: "" for the bucket's.
        md5: 16 bytes that the content must have; None if nobody knows.
        metadata: its x-oss-meta-* headers are stored too.
        modified_at: Unix seconds of its Last-Modified; None for now.
    """

    storage_class: str = ""
    forbid_overwrite: bool = False
    md5: bytes | None = None
    metadata: bool = False
    modified_at: int | None = None


async def store_fetched(
    context: Context,
    grant: Grant,
    fetched: Fetched,
    wanted: Wanted,
    before_commit: Callable[[Incoming], Awaitable[None]] | None = None,
) -> Stored:
    """Make it the object of the grant's key; durable and visible when this returns.

    Args:
        before_commit: is told what is about to be committed.
    Raises: OssError, as for an upload; NotWritten, Unknown; what the content raises, what `before_commit` does.
    """
    bucket, ports = grant.this_bucket, context.ports
    if fetched.size is not None and fetched.size > PUT_OBJECT_MAX_BYTES:
        raise ENTITY_TOO_LARGE()
    await check_writable(context, grant, asked=wanted.forbid_overwrite)
    pace = shared_pace(ports.meters, bucket, UP, intranet=False)
    if has_quota(bucket):
        await admit_object(ports.catalog, bucket, grant.this_key, fetched.size or 0)
    encryption = bucket_encryption(bucket)
    chunks: AsyncIterator[bytes] = paced(fetched.chunks, pace) if pace else fetched.chunks
    incoming = await receive(
        chunks,
        ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        announced=fetched.size,
        expected=Expected(wanted.md5),
        encryption=encryption,
    )
    if before_commit is not None:
        try:
            await before_commit(incoming)
        except BaseException:
            await discard(incoming.blob)
            raise
    new = NewObject(
        DEFAULT_ACL,
        wanted.storage_class or bucket.storage_class,
        kept_headers(fetched.headers, metadata=wanted.metadata),
        encryption=encryption,
        forbid_overwrite=wanted.forbid_overwrite,
    )
    if wanted.modified_at is not None:
        context = replace(context, now=wanted.modified_at)
    return await put_object(context, grant, new, incoming)


def kept_headers(headers: Mapping[str, str], *, metadata: bool) -> tuple[tuple[bytes, bytes], ...]:
    """What is stored of an answer's headers: those that an upload may set, as far as they are harmless.

    Args:
        headers: by names in lower case.
        metadata: x-oss-meta-* too, all or, where they are too many, none.
    """
    content_type = headers.get("content-type", "")
    kept = [("content-type", content_type if _is_plain(content_type) else _PLAIN_TYPE)]
    for name in STANDARD:
        value = headers.get(name, "")
        if name != "content-type" and _is_plain(value):
            kept.append((name, value))
    if metadata:
        own = [
            (name, value)
            for name, value in headers.items()
            if name.startswith(_META) and is_token(name) and _is_plain(value)
        ]
        if sum(len(name) + len(value) for name, value in own) <= USER_METADATA_MAX_BYTES:
            kept += own
    return tuple((name.encode(), value.encode()) for name, value in kept)


def _is_plain(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and len(value) <= STORED_HEADER_MAX_CHARS
