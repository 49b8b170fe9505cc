"""What the catalog remembers of an object, and how its bytes are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from ..core.checksums import Checksum

NULL_VERSION: Final = "null"
DEFAULT_ACL: Final = "default"  # the `acl` that leaves it to the bucket
DELETE_MARKER: Final = "DeleteMarker"  # the `kind` of a version that says "deleted"
SYMLINK: Final = "Symlink"  # the `kind` of one that stands for another key
GOVERNANCE: Final = "GOVERNANCE"
COMPLIANCE: Final = "COMPLIANCE"


class Segment(NamedTuple):
    """Bytes [start, stop) of a blob. An object's content is its segments, one after the other. (A named tuple, since
    an object may have ten thousand.)

    `blob_id` is 32 lower-case hex digits, random, never used twice.
    """

    blob_id: str
    start: int
    stop: int


def slice_segments(segments: Sequence[Segment], start: int, stop: int) -> tuple[Segment, ...]:
    """The segments of bytes [start, stop) of the content that these make."""
    found = []
    at = 0
    for segment in segments:
        if at >= stop:
            break
        size = segment.stop - segment.start
        if at + size > start and size:
            begin = segment.start + max(start - at, 0)
            found.append(Segment(segment.blob_id, begin, segment.start + min(stop - at, size)))
        at += size
    return tuple(found)


class KeptPart(NamedTuple):
    """A part that an object was completed from, in their order. `size`: bytes; `checksum`: as it was sent, and held."""

    size: int
    checksum: Checksum | None = None


class Retention(Struct, frozen=True):
    """A version stays until then. `mode`: GOVERNANCE, which those with a right of its own may end, or COMPLIANCE.

    `until`: Unix seconds.
    """

    mode: str
    until: int


class Restore(Struct, frozen=True):
    """An archived version, asked back: readable from `ready_at` until `until`, Unix seconds."""

    ready_at: int
    until: int


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One version of one object; also a delete marker, which has no content.

    Attributes:
        version_id: "null" for an object written while its bucket was not versioned, or suspended. On the way into the
            catalog it is a proposal, taken when versioning is enabled; `propose_version_id` of the operations makes it.
        kind: "Normal", "Multipart", "Appendable" or "Symlink" (x-oss-object-type), or DELETE_MARKER.
        size: bytes.
        etag: upper-case hex, without quotes.
        crc64: CRC-64/XZ of the whole content.
        last_modified: Unix seconds.
        acl: "default", "private", "public-read", "public-read-write", or grants as `access.grants` writes them.
        headers: what goes out with the content as stored: content-type, the other standard headers and x-oss-meta-*,
            names in lower case; bytes, since that is what goes on the wire.
        tags: object tags.
        body: the content itself when it is small enough to live in the row, else None.
        segments: where the content is otherwise.
        encryption: how the server keeps the bytes on disk; "" for as they are.
        symlink_target: the key that a Symlink stands for, in the same bucket.
        sealed_at: when an Appendable was closed for good, Unix seconds.
        restore: of a version in an archive class, when somebody asked for it back.
        retention: until when it neither goes nor changes; see `worm`.
        legal_hold: it neither goes nor changes while this holds.
        checksum: what a client of S3 said of the content, and held; or what follows of its parts'.
        parts: what it was completed from, for `complete_upload` to keep. Else ask `Catalog.find_parts`.
        damaged: why the content is not what was written, as far as the catalog can see when it reads the row: body
            against `crc64` and `size`, segments against `size`; "" for fine. Nothing that is stored.
        made: what one reader made of this value and of nothing else, kept for as long as it is (`oss.bare_get`). Of
            another value, made by `replace`, nothing is.
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
    encryption: str = ""
    symlink_target: str = ""
    sealed_at: int | None = None
    restore: Restore | None = None
    retention: Retention | None = None
    legal_hold: bool = False
    checksum: Checksum | None = None
    parts: tuple[KeptPart, ...] = field(default=(), compare=False)
    damaged: str = field(default="", compare=False)
    made: Any = field(default=None, init=False, compare=False, repr=False)


def delete_marker(key: str, version_id: str, last_modified: int) -> ObjectRecord:
    return ObjectRecord(key, version_id, DELETE_MARKER, 0, "", 0, last_modified, DEFAULT_ACL, "", ())


class Marks(Protocol):
    """As much of a version as tells it from another one."""

    @property
    def kind(self) -> str: ...
    @property
    def etag(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def last_modified(self) -> int: ...


class OnlyIf(Struct, frozen=True):
    """Which version a mutation means: nothing is done to another one.

    Attributes:
        etag: upper-case hex without quotes; "*" for any; None where it doesn't matter.
        size: bytes, or None.
        last_modified: Unix seconds, or None.
    """

    etag: str | None = None
    size: int | None = None
    last_modified: int | None = None

    def means(self, found: Marks) -> bool:
        return (
            self.etag in (None, "*", found.etag)
            and self.size in (None, found.size)
            and self.last_modified in (None, found.last_modified)
        )

    def misses(self, found: Marks | None) -> bool:
        """Whether there is an object, and another one; a delete marker is none."""
        return found is not None and found.kind != DELETE_MARKER and not self.means(found)


class Deletion(Struct, frozen=True):
    """What is to be deleted, of one key.

    Attributes:
        version_id: that version, for good. None: the object as a whole, which in a versioned bucket leaves its versions
            and puts a delete marker on top.
        marker_id: proposal for the version id of that marker, as `ObjectRecord.version_id` is one.
        now: Unix seconds, the marker's last_modified.
        unless_newer_than: leave it (and say it wasn't there) if the version, or the current one, was modified later;
            Unix seconds. For who decided on what was read before.
        bypass_governance: also what is retained under GOVERNANCE.
        only_if: leave it if the version, or the current one, is another; fine if there is none.
    """

    key: str
    version_id: str | None = None
    marker_id: str = NULL_VERSION
    now: int = 0
    unless_newer_than: int | None = None
    bypass_governance: bool = False
    only_if: OnlyIf | None = None


class ListedObject(Struct, frozen=True):
    """What a listing says of one object, as its record has it."""

    key: str
    kind: str
    size: int
    etag: str
    last_modified: int
    storage_class: str
    restore: Restore | None = None
    encryption: str = ""
    checksum: Checksum | None = None


class ListPage(Struct, frozen=True):
    """One page of a listing.

    `objects` and `common_prefixes` are each in the order of their UTF-8 bytes. `next_marker` is the last item of the
    page, key or common prefix, when there is more; None when the page is the last.
    """

    objects: tuple[ListedObject, ...]
    common_prefixes: tuple[str, ...]
    next_marker: str | None


class ListedVersion(Struct, frozen=True):
    """What a listing of versions says of one, as its record has it; `kind` DELETE_MARKER for a delete marker.

    `superseded_at` is when a newer version or marker took its place, Unix seconds; None for the current one.
    """

    key: str
    version_id: str
    kind: str
    size: int
    etag: str
    last_modified: int
    storage_class: str
    tags: tuple[tuple[str, str], ...] = ()
    restore: Restore | None = None
    superseded_at: int | None = None
    acl: str = DEFAULT_ACL
    encryption: str = ""
    crc64: int = 0
    checksum: Checksum | None = None

    @property
    def is_latest(self) -> bool:
        return self.superseded_at is None


class VersionPage(Struct, frozen=True):
    """One page of a listing of versions, in order: by key, a key's newest first.

    `next_marker` is the last item of the page, (key, version id) or (common prefix, ""), when there is more.
    """

    versions: tuple[ListedVersion, ...]
    common_prefixes: tuple[str, ...]
    next_marker: tuple[str, str] | None
