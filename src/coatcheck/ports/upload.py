"""What the catalog remembers of a multipart upload until it is completed or aborted."""

from __future__ import annotations

from msgspec import Struct

from ..core.checksums import Checksum
from .object import DEFAULT_ACL, Retention, Segment


class WantedChecksum(Struct, frozen=True):
    """Which checksum each part of an upload has, and whether that of the object is made of theirs (COMPOSITE)."""

    algorithm: str
    composite: bool


class Upload(Struct, frozen=True):
    """One upload; what its object will have besides content.

    Attributes:
        upload_id: never used twice.
        initiated_at: Unix seconds.
        storage_class, headers, tags, encryption, retention, legal_hold, acl: as in `ObjectRecord`.
        sequential: its parts come in order, and its object gets the MD5 of its content.
        checksum: what each of its parts has, where that was said when it began.
        revision: another one after every change to its parts; the catalog's own.
    """

    key: str
    upload_id: str
    initiated_at: int
    storage_class: str
    headers: tuple[tuple[bytes, bytes], ...]
    tags: tuple[tuple[str, str], ...] = ()
    encryption: str = ""
    sequential: bool = False
    revision: int = 0
    retention: Retention | None = None
    legal_hold: bool = False
    checksum: WantedChecksum | None = None
    acl: str = DEFAULT_ACL


class Part(Struct, frozen=True):
    """One part; fields as in `ObjectRecord`, `checksum` of the part alone. Its bytes are always in blobs; a part of no
    bytes has no segments."""

    number: int
    size: int
    etag: str
    crc64: int
    last_modified: int
    segments: tuple[Segment, ...] = ()
    checksum: Checksum | None = None


class UploadPage(Struct, frozen=True):
    """One page of a listing of uploads, by key and then by upload id.

    `next_marker` is the last item of the page, (key, upload id) or (common prefix, ""), when there is more.
    """

    uploads: tuple[Upload, ...]
    common_prefixes: tuple[str, ...]
    next_marker: tuple[str, str] | None
