"""Multipart uploads: what is read of them, and the mutations, run by the writer; each checks before it writes."""

from __future__ import annotations

from typing import Any, Final

from ...core.times import Moments
from ...ports.catalog import Gone, Stale, Written
from ...ports.object import DEFAULT_ACL, ObjectRecord, OnlyIf
from ...ports.quota import Usage
from ...ports.upload import Part, Upload
from .blobs import check_blobs, move_blobs, name_blobs, release_blobs, sums_of
from .contract import SqlConnection
from .objects import Columns, check_bucket, check_overwrite, find_replaced, growth, put_version, rules_of
from .row_sums import row_sum
from .rows import (
    read_blob_ids,
    read_checksum,
    read_crc64,
    read_headers,
    read_legal_hold,
    read_retention,
    read_segments,
    read_tags,
    read_wanted,
    write_checksum,
    write_crc64,
    write_headers,
    write_segments,
    write_tags,
    write_wanted,
    write_worm,
)
from .usage import check_quota, grow

UPLOAD_COLUMNS: Final = (
    "key, upload_id, initiated_at, storage_class, headers, tags, encryption, sequential, revision, worm, checksum, acl"
)
UPLOADS: Final = f"SELECT {UPLOAD_COLUMNS} FROM upload WHERE bucket_id = ?"  # noqa: S608 (our own words)
UPLOAD: Final = f"{UPLOADS} AND key = ? AND upload_id = ?"
PARTS: Final = (
    "SELECT number, size, etag, crc64, last_modified, segments, checksum FROM part"
    " WHERE upload = (SELECT id FROM upload WHERE bucket_id = ? AND key = ? AND upload_id = ?) AND number > ?"
    " ORDER BY number LIMIT ?"
)
_BYTES: Final = "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM part WHERE upload = ?"


def read_upload(row: Any) -> Upload:
    key, upload_id, initiated_at, storage_class, headers, tags, encryption, sequential, revision, worm = row[:10]
    checksum, acl = row[10:]
    return Upload(
        key,
        upload_id,
        initiated_at,
        storage_class,
        read_headers(headers),
        read_tags(tags),
        encryption,
        bool(sequential),
        revision,
        read_retention(worm),
        read_legal_hold(worm),
        read_wanted(checksum),
        acl or DEFAULT_ACL,
    )


def read_part(row: Any) -> Part:
    number, size, etag, crc64, last_modified, segments, checksum = row
    found = read_segments(segments)
    return Part(number, size, etag, read_crc64(crc64), last_modified, found, read_checksum(checksum))


def create_upload(connection: SqlConnection, bucket_id: int, upload: Upload) -> None:
    check_bucket(connection, bucket_id)
    connection.execute(
        "INSERT INTO upload (bucket_id, key, upload_id, initiated_at, storage_class, headers, tags, encryption,"
        " sequential, worm, checksum, acl) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            bucket_id,
            upload.key,
            upload.upload_id,
            upload.initiated_at,
            upload.storage_class,
            write_headers(upload.headers),
            write_tags(upload.tags),
            upload.encryption,
            upload.sequential,
            write_worm(upload.retention, upload.legal_hold),
            write_wanted(upload.checksum),
            None if upload.acl == DEFAULT_ACL else upload.acl,
        ),
    )


def put_part(
    connection: SqlConnection, bucket_id: int, key: str, upload_id: str, part: Part, *, shared: bool
) -> tuple[str, ...]:
    number, _ = _find(connection, bucket_id, key, upload_id)
    old = connection.execute(
        "SELECT segments, size FROM part WHERE upload = ? AND number = ?", (number, part.number)
    ).fetchone()
    more = Usage(part.size - (old[1] if old else 0))
    check_quota(connection, bucket_id, more)
    segments = write_segments(part.segments)
    blob_ids = read_blob_ids(segments)
    check_blobs(connection, blob_ids, shared=shared)
    name_blobs(connection, blob_ids, {} if shared else sums_of(part.segments, part.crc64))
    grow(connection, bucket_id, more)
    facts = (part.number, part.size, part.etag, write_crc64(part.crc64), part.last_modified)
    columns = (number, *facts, segments, write_checksum(part.checksum))
    connection.execute(
        "INSERT OR REPLACE INTO part (upload, number, size, etag, crc64, last_modified, segments, checksum, row_crc32)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*columns, row_sum(*columns)),
    )
    connection.execute("UPDATE upload SET revision = revision + 1 WHERE id = ?", (number,))
    return release_blobs(connection, read_blob_ids(old[0])) if old else ()


def complete_upload(
    connection: SqlConnection,
    bucket_id: int,
    upload: Upload,
    record: ObjectRecord,
    columns: Columns,
    moments: Moments,
    *,
    forbid_overwrite: bool,
    only_if: OnlyIf | None,
) -> Written:
    number, revision = _find(connection, bucket_id, upload.key, upload.upload_id)
    if revision != upload.revision:
        raise Stale(upload.upload_id)
    check_overwrite(connection, bucket_id, record.key, forbid=forbid_overwrite, only_if=only_if)
    rules = rules_of(connection, bucket_id, moments)
    replaced = find_replaced(connection, bucket_id, rules, record.key)
    going = connection.execute(
        "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM part WHERE upload = ?", (number,)
    ).fetchone()[0]
    more = growth(record, replaced)
    check_quota(connection, bucket_id, Usage(more.size - going, more.objects))
    moved = move_blobs(connection, read_blob_ids(columns.segments), _delete(connection, bucket_id, number))
    written = put_version(connection, bucket_id, rules, record, columns, replaced)
    return Written(written.version_id, written.released + moved)


def abort_upload(connection: SqlConnection, bucket_id: int, key: str, upload_id: str) -> tuple[str, ...]:
    number, _ = _find(connection, bucket_id, key, upload_id)
    return release_blobs(connection, _delete(connection, bucket_id, number))


def _find(connection: SqlConnection, bucket_id: int, key: str, upload_id: str) -> tuple[int, int]:
    """The upload's own number, and its revision. Raises: Gone."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT id, revision FROM upload WHERE bucket_id = ? AND key = ? AND upload_id = ?", (bucket_id, key, upload_id)
    ).fetchone()
    if found is None:
        raise Gone(upload_id)
    return found


def _delete(connection: SqlConnection, bucket_id: int, number: int) -> list[bytes]:
    """Remove an upload and its parts; the blobs that those named, once for each part."""
    rows = connection.execute("SELECT segments, size FROM part WHERE upload = ?", (number,)).fetchall()
    grow(connection, bucket_id, Usage(-sum(row[1] for row in rows)))
    connection.execute("DELETE FROM part WHERE upload = ?", (number,))
    connection.execute("DELETE FROM upload WHERE id = ?", (number,))
    return [blob_id for row in rows for blob_id in read_blob_ids(row[0])]
