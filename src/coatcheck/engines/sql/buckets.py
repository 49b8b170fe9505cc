"""Mutations of buckets, run by the writer: each checks before it writes. And what a bucket holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ...core.limits import BILLED_LEAST_BYTES
from ...ports.bucket import Bucket, BucketStat, ClassStat, NewBucket
from ...ports.catalog import (
    AlreadyThere,
    BucketChange,
    BucketCheck,
    Gone,
    HasEntries,
    NotEmpty,
    TooMany,
)
from ...ports.object import DELETE_MARKER
from . import entries, objects
from .contract import SqlConnection
from .usage import forget_limits

BUCKET: Final = "SELECT id, name, owner, region, acl, storage_class, redundancy, created_at, versioning FROM bucket"
CONFIGURATIONS: Final = "SELECT name, document FROM bucket_setting WHERE bucket_id = ? ORDER BY name"
OWNER: Final = (
    "SELECT block_public_access, enabled = 0, quota_size IS NOT NULL OR quota_objects IS NOT NULL FROM account"
    " WHERE uid = ?"
)
WITH_CONFIGURATION: Final = (
    "SELECT bucket.name FROM bucket_setting JOIN bucket ON id = bucket_id WHERE bucket_setting.name = ?"
    " ORDER BY bucket.name"
)
STAT: Final = (
    "SELECT storage_class, count(*), CAST(sum(size) AS bigint),"
    " CAST(sum(CASE WHEN size < ?1 THEN ?1 ELSE size END) AS bigint) FROM object WHERE bucket_id = ?2 AND kind <> ?3"
    " GROUP BY storage_class ORDER BY storage_class"
)
STAT_MARKERS: Final = "SELECT count(*) FROM object WHERE bucket_id = ? AND kind = ?"
STAT_ARRIVALS: Final = "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM arrival WHERE bucket_id = ?"
STAT_UPLOADS: Final = (
    "SELECT count(*), CAST(coalesce(sum(parts), 0) AS bigint), CAST(coalesce(sum(bytes), 0) AS bigint) FROM"
    " (SELECT count(part.number) AS parts, sum(part.size) AS bytes FROM upload LEFT JOIN part ON upload = id"
    " WHERE bucket_id = ? GROUP BY id) AS open"
)


def read_bucket(row: Any, configurations: Sequence[tuple[str, str]], owner: Any) -> Bucket:
    """A bucket from its row, the rows of its configurations, and what its owner's account says, if there is one."""
    blocks_public_access, suspended, limited = owner or (0, 0, 0)
    return replace(
        Bucket(*row),
        configurations=tuple(configurations),
        owner_blocks_public_access=bool(blocks_public_access),
        owner_suspended=bool(suspended),
        owner_has_quota=bool(limited),
    )


def create_bucket(connection: SqlConnection, new: NewBucket, most: int, check: BucketCheck | None) -> Bucket:
    if connection.execute("SELECT 1 FROM bucket WHERE name = ?", (new.name,)).fetchone():
        raise AlreadyThere(new.name)
    owned = connection.execute("SELECT count(*) FROM bucket WHERE owner = ? AND region = ?", (new.owner, new.region))
    if owned.fetchone()[0] >= most:
        raise TooMany(new.owner)
    known = (new.name, new.owner, new.region, new.acl, new.storage_class, new.redundancy, new.created_at)
    columns = (*known, new.versioning)
    if check is not None:
        owner = connection.execute(OWNER, (new.owner,)).fetchone()
        check(read_bucket((0, *columns), sorted(new.configurations), owner))
    made = connection.execute(
        "INSERT INTO bucket (name, owner, region, acl, storage_class, redundancy, created_at, versioning)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        columns,
    )
    for name, document in new.configurations:
        connection.execute(
            "INSERT INTO bucket_setting (bucket_id, name, document) VALUES (?, ?, ?)", (made.lastrowid, name, document)
        )
    row = connection.execute(f"{BUCKET} WHERE id = ?", (made.lastrowid,)).fetchone()
    return replace(Bucket(*row), configurations=tuple(sorted(new.configurations)))


def change_bucket(connection: SqlConnection, bucket_id: int, change: BucketChange) -> None:
    row = connection.execute(f"{BUCKET} WHERE id = ?", (bucket_id,)).fetchone()
    if row is None:
        raise Gone(f"bucket {bucket_id}")
    configurations = connection.execute(CONFIGURATIONS, (bucket_id,)).fetchall()
    old = read_bucket(row, configurations, connection.execute(OWNER, (row[2],)).fetchone())
    new = change(old)
    columns = (new.acl, new.redundancy, new.versioning)
    if columns != (old.acl, old.redundancy, old.versioning):
        connection.execute(
            "UPDATE bucket SET acl = ?, redundancy = ?, versioning = ? WHERE id = ?", (*columns, bucket_id)
        )
    before, after = dict(old.configurations), dict(new.configurations)
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            set_configuration(connection, bucket_id, name, after.get(name))


def set_bucket_acl(connection: SqlConnection, bucket_id: int, acl: str) -> None:
    if connection.execute("UPDATE bucket SET acl = ? WHERE id = ?", (acl, bucket_id)).rowcount == 0:
        raise Gone(f"bucket {bucket_id}")


def set_configuration(connection: SqlConnection, bucket_id: int, name: str, document: str | None) -> None:
    objects.check_bucket(connection, bucket_id)
    forget_limits(connection)
    if document is None:
        connection.execute("DELETE FROM bucket_setting WHERE bucket_id = ? AND name = ?", (bucket_id, name))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO bucket_setting (bucket_id, name, document) VALUES (?, ?, ?)",
            (bucket_id, name, document),
        )


def set_bucket_versioning(connection: SqlConnection, bucket_id: int, versioning: str) -> None:
    if connection.execute("UPDATE bucket SET versioning = ? WHERE id = ?", (versioning, bucket_id)).rowcount == 0:
        raise Gone(f"bucket {bucket_id}")


def set_account_block(connection: SqlConnection, account: str, blocked: bool) -> None:
    connection.execute("UPDATE account SET block_public_access = ? WHERE uid = ?", (int(blocked), account))


def delete_bucket(connection: SqlConnection, bucket_id: int, kept_by: Sequence[str]) -> None:
    objects.check_bucket(connection, bucket_id)
    for table in ("object", "upload"):
        if connection.execute(f"SELECT 1 FROM {table} WHERE bucket_id = ? LIMIT 1", (bucket_id,)).fetchone():  # noqa: S608
            raise NotEmpty(f"bucket {bucket_id}")
    if any(connection.execute(entries.COUNT, (bucket_id, kind)).fetchone()[0] for kind in kept_by):
        raise HasEntries(f"bucket {bucket_id}")
    connection.execute("DELETE FROM bucket_setting WHERE bucket_id = ?", (bucket_id,))
    connection.execute("DELETE FROM bucket WHERE id = ?", (bucket_id,))


def stat_bucket(connection: SqlConnection, bucket_id: int) -> BucketStat:
    classes = connection.execute(STAT, (BILLED_LEAST_BYTES, bucket_id, DELETE_MARKER)).fetchall()
    markers = connection.execute(STAT_MARKERS, (bucket_id, DELETE_MARKER)).fetchone()[0]
    stat_of_uploads = connection.execute(STAT_UPLOADS, (bucket_id,)).fetchone()
    arrivals = connection.execute(STAT_ARRIVALS, (bucket_id,)).fetchone()
    by_class = tuple((name, ClassStat(*counts)) for name, *counts in classes)
    return BucketStat(by_class, markers, *stat_of_uploads, *arrivals)
