"""What doesn't fit in a data directory, as values; and the objects that a blob belongs to."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ...ports.object import Segment
from ..sql.rows import read_segments


class Place(NamedTuple):
    """A version of an object, or an upload whose part it is; "" for an upload's version."""

    bucket: str
    key: str
    version: str = ""
    upload_id: str = ""

    def __str__(self) -> str:
        what = f"upload={self.upload_id}" if self.upload_id else f"version={self.version}"
        return f"bucket={self.bucket} key={self.key!a} {what}"


class Problem(Struct, frozen=True):
    """One thing that doesn't fit.

    Attributes:
        kind: for programs: missing, size, damaged, quarantined, orphan, count, row, body, usage, catalog, key.
        what: a blob, a row, a file.
        why: in words.
        places: the objects that it is of.
    """

    kind: str
    what: str
    why: str
    places: tuple[Place, ...] = ()

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        places = [{name: text for name, text in place._asdict().items() if text} for place in self.places]
        return {"problem": self.kind, "what": self.what, "why": self.why, "objects": places}

    def lines(self) -> list[str]:
        """For people and logs: one for each object."""
        start = f"{self.kind} {self.what}: {self.why}"
        return [f"{start} ({place})" for place in self.places] or [start]


class NamedBlobs(NamedTuple):
    """A row, and the segments of the blobs that it names."""

    place: Place
    segments: tuple[Segment, ...]


_OBJECTS: Final = (
    "SELECT bucket.name, key, version_id, ifnull(object.segments, body.segments) AS named FROM object"
    " LEFT JOIN bucket ON bucket.id = bucket_id LEFT JOIN body ON body.id = body_id WHERE named IS NOT NULL"
)
_PARTS: Final = (
    "SELECT bucket.name, key, upload_id, segments FROM part JOIN upload ON upload.id = upload"
    " LEFT JOIN bucket ON bucket.id = bucket_id WHERE segments IS NOT NULL"
)


_ARRIVALS: Final = (
    "SELECT bucket.name, arrival.id, segments FROM arrival"
    " LEFT JOIN bucket ON bucket.id = bucket_id WHERE segments IS NOT NULL"
)


def named_blobs(connection: sqlite3.Connection) -> Iterator[NamedBlobs]:
    """Of every version, part and arrival that names any. A scan of the whole catalog, in one read transaction."""
    for bucket, key, version, segments in connection.execute(_OBJECTS):
        yield NamedBlobs(Place(bucket or "-", key, version), _read(segments))
    for bucket, key, upload_id, segments in connection.execute(_PARTS):
        yield NamedBlobs(Place(bucket or "-", key, upload_id=upload_id), _read(segments))
    for bucket, arrival_id, segments in connection.execute(_ARRIVALS):
        yield NamedBlobs(Place(bucket or "-", f"(arrival {arrival_id})"), _read(segments))


def _read(segments: bytes) -> tuple[Segment, ...]:
    """None of what isn't segments: the row has another sum then, and is named for that."""
    return read_segments(segments) if type(segments) is bytes and len(segments) % 32 == 0 else ()


def find_places(connection: sqlite3.Connection, blob_ids: Collection[str]) -> dict[str, tuple[Place, ...]]:
    """The objects that each blob is of, in one scan; a blob that none names isn't among them."""
    found: dict[str, dict[Place, None]] = {}
    wanted = frozenset(blob_ids)
    if wanted:
        for place, segments in named_blobs(connection):
            for blob_id in wanted.intersection(segment.blob_id for segment in segments):
                found.setdefault(blob_id, {})[place] = None
    return {blob_id: tuple(places) for blob_id, places in found.items()}
