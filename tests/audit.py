"""What a test asks of a data directory that nobody has open: whether catalog and files agree, to the last blob.

`coatcheck check` answers the same for people, beside a running server. This also tells blobs that are being written,
and those that are released and not yet removed, from the rest.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coatcheck.engines.blob_paths import BlobPaths
from coatcheck.engines.sql.objects import damage_of
from coatcheck.engines.sql.rows import read_segments
from coatcheck.engines.sqlite.connection import open_connection
from coatcheck.engines.sqlite.row_sums import wrong_rows


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What does not fit in a data directory.

    Attributes:
        orphans: blobs with a file that no row names and that aren't garbage.
        missing: (bucket_id, key, blob id) of rows whose blob has no file, or one too short.
        miscounted: blobs whose count of objects is wrong.
        in_flight: blobs being written; left over, if nobody has the directory open.
        garbage: blobs released and not yet removed.
        wrong_sizes: blobs whose file is longer or shorter than it was written.
        wrong_rows: (table, key) of rows that don't fit their CRC-32.
        wrong_bodies: (bucket_id, key, why) of objects whose body or list of segments isn't what was written.
    """

    orphans: tuple[str, ...]
    missing: tuple[tuple[int, str, str], ...]
    miscounted: tuple[str, ...]
    in_flight: tuple[str, ...]
    garbage: tuple[str, ...]
    wrong_sizes: tuple[str, ...]
    wrong_rows: tuple[tuple[str, str], ...]
    wrong_bodies: tuple[tuple[int, str, str], ...]

    @property
    def clean(self) -> bool:
        return self == _CLEAN


_CLEAN: Final = AuditReport((), (), (), (), (), (), (), ())


def audit(data: Path) -> AuditReport:
    """Compare catalog and files, changing nothing. Exact only while nobody writes. The bytes of blobs aren't read."""
    paths = BlobPaths(data)
    with closing(open_connection(data / "catalog.sqlite", cache_kib=2048, query_only=True)) as connection:
        counted: dict[str, int] = {}
        missing = []
        for bucket_id, key, blob_id, needed in _named_blobs(connection):
            counted[blob_id] = counted.get(blob_id, 0) + 1
            if _file_size(paths.blob(blob_id)) < needed:
                missing.append((bucket_id, key, blob_id))
        blobs = [(row[0].hex(), *row[1:]) for row in connection.execute("SELECT id, object_count, size FROM blob")]
        wrong = tuple(wrong_rows(connection))
        bodies = tuple(_wrong_bodies(connection))
        garbage = {row[0].hex() for row in connection.execute("SELECT blob_id FROM garbage")}
    stated = {blob_id: count for blob_id, count, _ in blobs}
    sizes = {blob_id: _file_size(paths.blob(blob_id)) for blob_id, _, size in blobs if size is not None}
    in_flight = set(paths.in_flight())
    return AuditReport(
        orphans=tuple(sorted(set(paths.stored()) - counted.keys() - garbage - in_flight)),
        missing=tuple(missing),
        miscounted=tuple(sorted(b for b in counted.keys() | stated.keys() if counted.get(b) != stated.get(b))),
        in_flight=tuple(sorted(in_flight)),
        garbage=tuple(sorted(garbage)),
        wrong_sizes=tuple(sorted(b for b, _, size in blobs if b in sizes and sizes[b] not in (size, _NO_FILE))),
        wrong_rows=wrong,
        wrong_bodies=bodies,
    )


def _wrong_bodies(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    for bucket_id, key, *facts, segments, encryption in connection.execute(
        "SELECT bucket_id, key, size, crc64, content, ifnull(object.segments, body.segments), encryption"
        " FROM object LEFT JOIN body ON body.id = body_id"
    ):
        size, crc64, body = facts
        if why := damage_of(size, crc64, body, read_segments(segments), encryption):
            yield bucket_id, key, why


def _named_blobs(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str, int]]:
    """For every version, part or arrival, and each blob it names: bucket_id, key, blob id, and the bytes that its file
    must have."""
    for bucket_id, key, column in connection.execute(
        "SELECT bucket_id, key, ifnull(object.segments, body.segments) AS named FROM object LEFT JOIN body"
        " ON body.id = body_id WHERE named IS NOT NULL UNION ALL SELECT bucket_id, key, segments FROM part"
        " JOIN upload ON upload.id = upload WHERE segments IS NOT NULL"
        " UNION ALL SELECT bucket_id, id, segments FROM arrival WHERE segments IS NOT NULL"
    ):
        needed: dict[str, int] = {}
        for segment in read_segments(column):
            needed[segment.blob_id] = max(segment.stop, needed.get(segment.blob_id, 0))
        for blob_id, stop in needed.items():
            yield bucket_id, key, blob_id, stop


_NO_FILE: Final = -1


def _file_size(path: str) -> int:
    """_NO_FILE if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return _NO_FILE
