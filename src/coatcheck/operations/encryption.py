"""How stored bytes are kept: as they are, or encrypted by the byte store, whole object or nothing.

An object's record has a label (`core.encryption_label`) where all its bytes are encrypted on disk, and as it says.
"""

from __future__ import annotations

from dataclasses import replace

from coatcheck.configurations import encryption
from coatcheck.core.encryption_label import is_customers
from coatcheck.core.s3_errors import S3_KEY_NEEDED
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import BlobWriter, ByteStore
from coatcheck.ports.damage import Damaged, Origin
from coatcheck.ports.object import ObjectRecord, Segment

from .commit import new_blob


def bucket_encryption(bucket: Bucket) -> str:
    """How the bucket has new objects kept of which nothing else is said: the label of its rule, or ""."""
    document = bucket.configuration(encryption.NAME) if bucket.configurations else None
    return "" if document is None else encryption.from_json(document).label


def need_key(store: ByteStore, label: str) -> None:
    """Raises: OssError S3_KEY_NEEDED, where a client keeps the key of what is encrypted so, and it isn't here."""
    if is_customers(label) and not store.supports(label):
        raise S3_KEY_NEEDED()


def may_share(kept: str, wanted: str) -> bool:
    """Whether a copy that is to be kept as a label says can name the same bytes.

    Without a label it is kept as its source is, but not under a client's key, which is of that one object.
    """
    return wanted == kept or (not wanted and not is_customers(kept))


def inline_body(store: ByteStore, origin: Origin) -> bytes | None:
    """The content of an object that lives in its row, as it was uploaded; None where it lives in blobs.

    It was compared with the object's CRC when the row was read. What a process keeps of rows is not looked at again: it
    forgets them with the next commit, and its memory isn't what rots.

    Raises: OssError S3_KEY_NEEDED; Damaged.
    """
    record = origin.record
    if record.encryption:
        need_key(store, record.encryption)
    if record.damaged:
        raise Damaged(record.damaged).reported(origin)
    try:
        return store.decrypt(record.body) if record.encryption and record.body else record.body
    except Damaged as damage:
        raise damage.reported(origin) from None


def kept_body(store: ByteStore, encryption: str, body: bytes | None) -> bytes | None:
    """An inline body as its row is to hold it."""
    return store.encrypt(body, encryption) if encryption and body else body


async def encrypt_copy(
    store: ByteStore, record: ObjectRecord, origin: Origin, encryption: str
) -> tuple[ObjectRecord, BlobWriter | None]:
    """The record, a copy of the origin's, with its bytes encrypted as a label says ("": not at all); and the blob they
    are in, to be kept or discarded by whoever commits.

    Raises: BlobGone, Damaged, NoSpace.
    """
    body = inline_body(store, origin)
    if body is not None:
        return replace(record, body=kept_body(store, encryption, body), encryption=encryption), None
    blob = await copy_blob(store, record.segments, record.size, origin, encryption=encryption)
    return replace(record, segments=(Segment(blob.blob_id, 0, record.size),), encryption=encryption), blob


async def copy_blob(
    store: ByteStore, segments: tuple[Segment, ...], size: int, origin: Origin, *, encryption: str
) -> BlobWriter:
    """A new blob with the content of the segments, finished and not yet kept. Raises: BlobGone, Damaged, NoSpace."""
    reader = await store.open(segments, origin)
    try:
        async with new_blob(store, encryption=encryption) as blob:
            async for piece in reader.chunks(0, size):
                await blob.write(piece)
            await reader.verify()
    finally:
        await reader.close()
    return blob
