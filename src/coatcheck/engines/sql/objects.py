"""Objects and their versions: what is read of a row, and the mutations, which the writer runs. Each checks before it
writes.

`seq` orders a key's versions, newest first; see schema.sql for why it is 0 in buckets that were never versioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ...core.digests import update_crc64
from ...core.times import Moments
from ...ports.catalog import Change, Deleted, Gone, Immutable, Written, weigh_overwrite
from ...ports.object import (
    DELETE_MARKER,
    NULL_VERSION,
    Deletion,
    KeptPart,
    ObjectRecord,
    OnlyIf,
    Retention,
    Segment,
    delete_marker,
)
from ...ports.quota import Usage
from ...ports.worm import BUCKET_WORM, OBJECT_WORM, Rules, make_rules
from .blobs import check_blobs, move_blobs, name_blobs, release_blobs, sums_of, sums_of_tail
from .contract import SqlConnection
from .journal import note_change
from .row_sums import row_sum
from .rows import (
    read_blob_ids,
    read_checksum,
    read_crc64,
    read_headers,
    read_legal_hold,
    read_parts,
    read_restore,
    read_retention,
    read_segments,
    read_tags,
    write_checksum,
    write_crc64,
    write_headers,
    write_parts,
    write_segments,
    write_tags,
    write_worm,
)
from .usage import check_quota, grow, usage_of

COLUMNS: Final = (
    "SELECT version_id, kind, size, etag, crc64, last_modified, acl, storage_class, headers, tags, content,"
    " coalesce(object.segments, body.segments), encryption, symlink_target, sealed_at, restore_ready_at, restore_until,"
    " worm, object.checksum FROM object LEFT JOIN body ON body.id = body_id WHERE bucket_id = ? AND key = ?"
)
CURRENT: Final = f"{COLUMNS} ORDER BY seq LIMIT 1"
NULL_OF_UNVERSIONED: Final = f"{COLUMNS} AND seq = 0"
VERSION: Final = f"{COLUMNS} AND seq < 0 AND version_id = ?"

WRITE: Final = (
    "INSERT OR REPLACE INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class,"
    " restore_ready_at, restore_until, version_id, crc64, acl, headers, tags, encryption, symlink_target, sealed_at,"
    " body_id, segments, worm, checksum, row_crc32)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
DELETE: Final = "DELETE FROM object WHERE bucket_id = ? AND key = ? AND seq = ?"
PARTS: Final = (
    "SELECT body.parts FROM object JOIN body ON body.id = body_id"
    " WHERE bucket_id = ? AND key = ? AND version_id = ? AND etag = ? AND kind = 'Multipart'"
)
_SEGMENTS_IN_ROW_MAX: Final = 2  # more would make the rows of a listing long


def read_record(key: str, row: Any) -> ObjectRecord:
    """A row of `CURRENT` or `VERSION`."""
    version_id, kind, size, etag, crc64, last_modified, acl, storage_class, headers, tags, body, segments = row[:12]
    encryption, symlink_target, sealed_at, ready_at, until, worm, checksum = row[12:]
    found = read_segments(segments) if segments else ()
    return ObjectRecord(
        key,
        version_id,
        kind,
        size,
        etag,
        read_crc64(crc64),
        last_modified,
        acl,
        storage_class,
        read_headers(headers),
        read_tags(tags) if tags else (),
        body,
        found,
        encryption,
        symlink_target or "",
        sealed_at,
        read_restore(ready_at, until),
        read_retention(worm) if worm else None,
        read_legal_hold(worm),
        read_checksum(checksum) if checksum else None,
        (),
        damage_of(size, crc64, body, found, encryption),
    )


def read_parts_of(record: ObjectRecord, row: Any) -> tuple[KeptPart, ...]:
    """A row of `PARTS`, if there is one. A server of an earlier version may have left those of another object there."""
    parts = read_parts(row[0]) if row else ()
    return parts if sum([part.size for part in parts]) == record.size else ()


def damage_of(size: int, crc64: int, body: bytes | None, segments: Sequence[Segment], encryption: str) -> str:
    """`ObjectRecord.damaged`, from the columns. What is encrypted is checked by its tag, when it is decrypted."""
    if body is None:
        held = sum([stop - start for _, start, stop in segments])
        return "" if held == size else f"its segments have {held} bytes, not {size}"
    if encryption and size:
        return ""
    if len(body) != size:
        return f"its body has {len(body)} bytes, not {size}"
    return "" if update_crc64(body) == read_crc64(crc64) else "the CRC-64 of its body is another one"


class Columns(NamedTuple):
    """A record as columns, made by the caller's thread to spare the writer's."""

    first: tuple[Any, ...]  # from `kind` to `restore_until`
    second: tuple[Any, ...]  # from `crc64` to `sealed_at`
    body: bytes | None
    segments: bytes | None
    worm: str | None
    checksum: str | None
    parts: str | None


def write_columns(record: ObjectRecord) -> Columns:
    restore = record.restore
    first = (
        record.kind,
        record.size,
        record.etag,
        record.last_modified,
        record.storage_class,
        restore and restore.ready_at,
        restore and restore.until,
    )
    second = (
        write_crc64(record.crc64),
        record.acl,
        write_headers(record.headers),
        write_tags(record.tags),
        record.encryption,
        record.symlink_target or None,
        record.sealed_at,
    )
    return Columns(
        first,
        second,
        record.body,
        write_segments(record.segments),
        write_worm(record.retention, record.legal_hold),
        write_checksum(record.checksum),
        write_parts(record.parts),
    )


class _Place(NamedTuple):
    """Where a version lies, and what it holds on to."""

    seq: int
    version_id: str
    kind: str
    last_modified: int
    body_id: int | None
    segments: bytes | None
    worm: str | None
    size: int
    etag: str

    @property
    def usage(self) -> Usage:
        return usage_of(self.kind, self.size)

    @property
    def retention(self) -> Retention | None:
        return read_retention(self.worm)

    @property
    def legal_hold(self) -> bool:
        return read_legal_hold(self.worm)


_PLACE: Final = (
    "SELECT seq, version_id, kind, last_modified, body_id, coalesce(object.segments, body.segments), worm, size, etag"
    " FROM object LEFT JOIN body ON body.id = body_id WHERE bucket_id = ? AND key = ?"
)


ONLY_PLACE: Final = f"{_PLACE} AND seq = 0"  # of the one version that a key can have where there were never versions


def find_place(connection: SqlConnection, bucket_id: int, key: str, version_id: str | None) -> _Place | None:
    """The current version, or that one."""
    place = (bucket_id, key)
    if version_id is None:
        found = connection.execute(f"{_PLACE} ORDER BY seq LIMIT 1", place).fetchone()
    else:
        found = None
        if version_id == NULL_VERSION:
            found = connection.execute(ONLY_PLACE, place).fetchone()
        if found is None:
            found = connection.execute(f"{_PLACE} AND seq < 0 AND version_id = ?", (*place, version_id)).fetchone()
    return found and _Place(*found)


RULES: Final = (
    "SELECT versioning, (SELECT document FROM bucket_setting WHERE bucket_id = bucket.id AND name = ?),"
    " (SELECT document FROM bucket_setting WHERE bucket_id = bucket.id AND name = ?) FROM bucket WHERE id = ?"
)


def _find_only(connection: SqlConnection, bucket_id: int, key: str) -> _Place | None:
    """The one version that a key can have in a bucket that was never versioned."""
    found = connection.execute(ONLY_PLACE, (bucket_id, key)).fetchone()
    return found and _Place(*found)


def rules_of(connection: SqlConnection, bucket_id: int, moments: Moments) -> Rules:
    """Raises: Gone."""
    found = connection.execute(RULES, (BUCKET_WORM, OBJECT_WORM, bucket_id)).fetchone()
    if found is None:
        raise Gone(f"bucket {bucket_id}")
    versioning, worm, object_worm = found
    return make_rules(versioning, worm, object_worm, moments)


def check_bucket(connection: SqlConnection, bucket_id: int) -> None:
    """Raises: Gone."""
    if connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone() is None:
        raise Gone(f"bucket {bucket_id}")


def put_object(
    connection: SqlConnection,
    bucket_id: int,
    record: ObjectRecord,
    columns: Columns,
    moments: Moments,
    *,
    forbid_overwrite: bool,
    only_if: OnlyIf | None,
    shared: bool,
) -> Written:
    rules = rules_of(connection, bucket_id, moments)
    check_overwrite(connection, bucket_id, record.key, forbid=forbid_overwrite, only_if=only_if)
    replaced = find_replaced(connection, bucket_id, rules, record.key)
    check_quota(connection, bucket_id, growth(record, replaced))
    blob_ids = read_blob_ids(columns.segments)
    if blob_ids:  # what nearly every small object has none of, and lists of nothing cost time under the lock
        check_blobs(connection, blob_ids, shared=shared)
        name_blobs(connection, blob_ids, {} if shared else sums_of(record.segments, record.crc64))
    return put_version(connection, bucket_id, rules, record, columns, replaced)


def growth(record: ObjectRecord, replaced: _Place | None) -> Usage:
    """What a bucket holds more when a record has taken the place of what `find_replaced` found."""
    new, old = usage_of(record.kind, record.size), Usage() if replaced is None else replaced.usage
    return Usage(new.size - old.size, new.objects - old.objects)


def find_replaced(
    connection: SqlConnection, bucket_id: int, rules: Rules, key: str, *, bypass_governance: bool = False
) -> _Place | None:
    """The version whose place a new one takes. Raises: Immutable, if it stays."""
    if rules.versioning == "Enabled":
        return None
    if rules.versioning:
        replaced = find_place(connection, bucket_id, key, NULL_VERSION)
    else:
        replaced = _find_only(connection, bucket_id, key)
    if replaced is not None and rules.holds(replaced, bypass_governance=bypass_governance):
        raise Immutable(key)
    return replaced


def check_overwrite(
    connection: SqlConnection, bucket_id: int, key: str, *, forbid: bool, only_if: OnlyIf | None = None
) -> None:
    """Raises: AlreadyThere, if overwriting is forbidden and the key has a current version; NothingThere, Unmet."""
    if forbid or only_if is not None:
        weigh_overwrite(key, find_place(connection, bucket_id, key, None), forbid=forbid, only_if=only_if)


def put_version(
    connection: SqlConnection,
    bucket_id: int,
    rules: Rules,
    record: ObjectRecord,
    columns: Columns,
    replaced: _Place | None,
) -> Written:
    """Put a record whose blobs are counted already on top of its key, in place of what `find_replaced` found."""
    kept = rules.keep(record)
    if kept is not record:
        columns = write_columns(kept)
    version_id = record.version_id if rules.versioning == "Enabled" else NULL_VERSION
    seq = 0
    if rules.versioning:
        if replaced is not None:
            _delete_row(connection, bucket_id, record.key, replaced.seq)
        newest = connection.execute(
            "SELECT seq FROM object WHERE bucket_id = ? AND key = ? ORDER BY seq LIMIT 1", (bucket_id, record.key)
        ).fetchone()
        seq = min(newest[0], 0) - 1 if newest else -1
    grow(connection, bucket_id, growth(record, replaced))
    body_id = _write_body(connection, replaced and replaced.body_id, columns)
    _write_row(connection, bucket_id, record.key, seq, version_id, columns, body_id)
    released = release_blobs(connection, read_blob_ids(replaced.segments)) if replaced and replaced.segments else ()
    return Written(version_id, released)


def _write_row(
    connection: SqlConnection,
    bucket_id: int,
    key: str,
    seq: int,
    version_id: str,
    columns: Columns,
    body_id: int | None,
) -> None:
    in_row = columns.segments if body_id is None else None
    place, last = (bucket_id, key, seq), (body_id, in_row, columns.worm, columns.checksum)
    row = (*place, *columns.first, version_id, *columns.second, *last)
    elsewhere = None if body_id is None else columns.segments
    connection.execute(WRITE, (*row, row_sum(elsewhere, *row, columns.parts)))
    note_change(connection, bucket_id, key)


def _parts_of(connection: SqlConnection, body_id: int | None) -> str | None:
    if body_id is None:
        return None
    found: tuple[str | None] | None = connection.execute("SELECT parts FROM body WHERE id = ?", (body_id,)).fetchone()
    return None if found is None else found[0]


def _delete_row(connection: SqlConnection, bucket_id: int, key: str, seq: int) -> None:
    connection.execute(DELETE, (bucket_id, key, seq))
    note_change(connection, bucket_id, key)


def _write_body(connection: SqlConnection, body_id: int | None, columns: Columns) -> int | None:
    """Store inline content, many segments, or parts, in place of those that were there if any; the row's id."""
    is_long = columns.segments and (columns.parts or len(columns.segments) > 32 * _SEGMENTS_IN_ROW_MAX)
    many = columns.segments if is_long else None
    if columns.body is None and many is None and columns.parts is None:
        if body_id is not None:
            connection.execute("DELETE FROM body WHERE id = ?", (body_id,))
        return None
    new = (columns.body, many, columns.parts)
    if body_id is None:
        return connection.execute("INSERT INTO body (content, segments, parts) VALUES (?, ?, ?)", new).lastrowid
    connection.execute("UPDATE body SET content = ?, segments = ?, parts = ? WHERE id = ?", (*new, body_id))
    return body_id


def change_object(
    connection: SqlConnection,
    bucket_id: int,
    key: str,
    version_id: str | None,
    change: Change,
    moments: Moments,
    *,
    bypass_governance: bool,
) -> Written:
    rules = rules_of(connection, bucket_id, moments)
    place = find_place(connection, bucket_id, key, version_id)
    if place is None or place.kind == DELETE_MARKER:
        raise Gone(key)
    row = connection.execute(f"{COLUMNS} AND seq = ?", (bucket_id, key, place.seq)).fetchone()
    was = read_record(key, row)
    becomes = change(was)
    if not rules.allows(was, becomes, bypass_governance=bypass_governance):
        raise Immutable(key)
    if becomes.last_modified != was.last_modified:
        becomes = rules.date(becomes)
    more = Usage(becomes.size - was.size)
    check_quota(connection, bucket_id, more)
    columns = write_columns(becomes)._replace(parts=_parts_of(connection, place.body_id))
    before, after = read_blob_ids(place.segments), read_blob_ids(columns.segments)
    if before != after:
        check_blobs(connection, set(after) - set(before))
    grow(connection, bucket_id, more)
    body_id = _write_body(connection, place.body_id, columns)
    _write_row(connection, bucket_id, key, place.seq, place.version_id, columns, body_id)
    if before == after:
        return Written(place.version_id)
    return Written(place.version_id, move_blobs(connection, after, before, sums_of_tail(connection, was, becomes)))


def delete_objects(
    connection: SqlConnection, bucket_id: int, deletions: Sequence[Deletion], moments: Moments
) -> list[Deleted]:
    rules = rules_of(connection, bucket_id, moments)
    return [_delete_object(connection, bucket_id, rules, deletion) for deletion in deletions]


def _delete_object(connection: SqlConnection, bucket_id: int, rules: Rules, deletion: Deletion) -> Deleted:
    key = deletion.key
    for_good = deletion.version_id if rules.versioning else deletion.version_id or NULL_VERSION
    place = find_place(connection, bucket_id, key, for_good)
    if deletion.unless_newer_than is not None and (place is None or place.last_modified > deletion.unless_newer_than):
        return Deleted(existed=False)
    if deletion.only_if is not None and deletion.only_if.misses(place):
        return Deleted(existed=False, unmet=True)
    if for_good is not None:
        if place is not None and rules.holds(place, bypass_governance=deletion.bypass_governance):
            return Deleted(existed=False, immutable=True)
        return _delete_version(connection, bucket_id, key, place, named=bool(rules.versioning))
    try:
        bypass = deletion.bypass_governance
        replaced = find_replaced(connection, bucket_id, rules, key, bypass_governance=bypass)
    except Immutable:
        return Deleted(existed=False, immutable=True)
    marker = delete_marker(key, deletion.marker_id, deletion.now)
    written = put_version(connection, bucket_id, rules, marker, write_columns(marker), replaced)
    existed = place is not None and place.kind != DELETE_MARKER
    return Deleted(existed, written.released, written.version_id, marker=True)


def _delete_version(
    connection: SqlConnection, bucket_id: int, key: str, place: _Place | None, *, named: bool
) -> Deleted:
    if place is None:
        return Deleted(existed=False)
    _delete_row(connection, bucket_id, key, place.seq)
    grow(connection, bucket_id, Usage(-place.usage.size, -place.usage.objects))
    if place.body_id is not None:
        connection.execute("DELETE FROM body WHERE id = ?", (place.body_id,))
    released = release_blobs(connection, read_blob_ids(place.segments))
    return Deleted(True, released, place.version_id if named else "", marker=place.kind == DELETE_MARKER)
