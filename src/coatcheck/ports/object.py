"""What the catalog remembers of an object, and how its bytes are named."""

from __future__ import annotations

from dataclasses import dataclass

NULL_VERSION = "null"


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes [start, stop) of a blob. An object's content is its segments, one after the other.

    `blob_id` is 32 lower-case hex digits, random, never used twice.
    """

    blob_id: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One version of one object.

    Attributes:
        version_id: "null" for an object written while its bucket was not versioned.
        kind: "Normal", "Multipart", "Appendable" or "Symlink" (x-oss-object-type).
        size: bytes.
        etag: upper-case hex, without quotes.
        crc64: CRC-64/XZ of the whole content.
        last_modified: Unix seconds.
        acl: "default", "private", "public-read" or "public-read-write".
        headers: what goes out with the content as stored: content-type, the other standard headers and x-oss-meta-*,
            names in lower case; bytes, since that is what goes on the wire.
        tags: object tags.
        body: the content itself when it is small enough to live in the row, else None.
        segments: where the content is otherwise.
    """

    key: str
    version_id: str
    kind: str
    size: int
    etag: str
    crc64: int
    last_modified: int
    acl: str
    storage_class: str
    headers: tuple[tuple[bytes, bytes], ...]
    tags: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedObject:
    """What a listing says of one object."""

    key: str
    kind: str
    size: int
    etag: str
    last_modified: int
    storage_class: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a listing.

    `objects` and `common_prefixes` are each in the order of their UTF-8 bytes. `next_marker` is the last item of the
    page, key or common prefix, when there is more; None when the page is the last.
    """

    objects: tuple[ListedObject, ...]
    common_prefixes: tuple[str, ...]
    next_marker: str | None
