"""One page of a listing, at a cost that follows the page: every common prefix, and every key with older versions, is
left by a seek instead of being read through.

Keys are compared as UTF-8 bytes, which is the order of code points, so Python's own comparison of text agrees. The
smallest text behind `text` is `text + "\\0"`; the smallest behind everything that starts with it is `past(text)`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import islice
from typing import Any, Final, TypeVar

from ...ports.object import DELETE_MARKER, ListedObject, ListedVersion, ListPage, VersionPage
from ...ports.upload import Upload, UploadPage
from ..sql.objects import find_place
from ..sql.pages import past, split
from ..sql.rows import read_checksum, read_crc64, read_restore, read_tags
from ..sql.uploads import UPLOADS, read_upload

T = TypeVar("T")

_FROM: Final = (
    "SELECT key, kind, size, etag, last_modified, storage_class, restore_ready_at, restore_until,"
    " encryption, checksum FROM object"
    " WHERE bucket_id = ? AND key >= ? AND key < ? ORDER BY key, seq"
)
_VERSIONS: Final = (
    "SELECT key, version_id, kind, size, etag, last_modified, storage_class, tags, restore_ready_at, restore_until,"
    " acl, encryption, crc64, checksum FROM object"
    " WHERE bucket_id = ? AND (key, seq) > (?, ?) AND key < ? ORDER BY key, seq"
)
_UPLOADS: Final = f"{UPLOADS} AND (key, upload_id) > (?, ?) AND key < ? ORDER BY key, upload_id"
_NO_BOUND: Final = b""  # SQLite orders every BLOB behind every TEXT
_BEFORE_ALL_VERSIONS: Final = -(1 << 63)

Place = tuple[str, int] | tuple[str, str]  # key, and seq or upload id


def list_page(
    connection: sqlite3.Connection, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int
) -> ListPage:
    """See `Catalog.list_objects`. The page is of one moment."""
    start = _start(prefix, delimiter, marker)
    if start is None:
        return ListPage((), (), None)
    page = _first(connection, _items(connection, bucket_id, start, prefix, delimiter), limit + 1)
    return _page(page[:limit], more=len(page) > limit)


def list_versions(
    connection: sqlite3.Connection,
    bucket_id: int,
    *,
    prefix: str,
    delimiter: str,
    marker: tuple[str, str],
    limit: int,
) -> VersionPage:
    """See `Catalog.list_versions`. The page is of one moment."""
    key, version_id = marker
    place: Place | None
    superseded_at: int | None = None
    if version_id and key.startswith(prefix) and not _under_delimiter(key, prefix, delimiter):
        found = find_place(connection, bucket_id, key, version_id)
        place = (key, _BEFORE_ALL_VERSIONS if found is None else found.seq)
        superseded_at = None if found is None else found.last_modified
    else:
        start = _start(prefix, delimiter, key)
        place = None if start is None else (start, _BEFORE_ALL_VERSIONS)
    previous = key

    def read(row: Any) -> ListedVersion:
        nonlocal previous, superseded_at
        if row[0] != previous:
            previous, superseded_at = row[0], None
        key, version_id, kind, size, etag, last_modified, storage_class, tags, ready_at, until, *rest = row
        acl, encryption, crc64, checksum = rest
        restore = read_restore(ready_at, until)
        listed = ListedVersion(
            key,
            version_id,
            kind,
            size,
            etag,
            last_modified,
            storage_class,
            read_tags(tags),
            restore,
            superseded_at,
            acl,
            encryption,
            read_crc64(crc64),
            read_checksum(checksum),
        )
        superseded_at = last_modified
        return listed

    items = _pairs(connection, _VERSIONS, bucket_id, place, prefix, delimiter, _BEFORE_ALL_VERSIONS, read)
    page = _first(connection, items, limit + 1)
    versions, common_prefixes, last = split(page[:limit], lambda item: (item.key, item.version_id))
    return VersionPage(versions, common_prefixes, last if len(page) > limit else None)


def list_uploads(
    connection: sqlite3.Connection,
    bucket_id: int,
    *,
    prefix: str,
    delimiter: str,
    marker: tuple[str, str],
    limit: int,
) -> UploadPage:
    """See `Catalog.list_uploads`. The page is of one moment."""
    key, upload_id = marker
    place: Place | None
    if upload_id and key.startswith(prefix) and not _under_delimiter(key, prefix, delimiter):
        place = (key, upload_id)
    else:
        start = _start(prefix, delimiter, key)
        place = None if start is None else (start, "")
    items = _pairs(connection, _UPLOADS, bucket_id, place, prefix, delimiter, "", read_upload)
    page: list[Upload | str] = _first(connection, items, limit + 1)
    uploads, common_prefixes, last = split(page[:limit], lambda item: (item.key, item.upload_id))
    return UploadPage(uploads, common_prefixes, last if len(page) > limit else None)


def _first(connection: sqlite3.Connection, items: Generator[T, None, None], count: int) -> list[T]:
    """The first items, in one read transaction."""
    connection.execute("BEGIN")
    try:
        with closing(items):
            return list(islice(items, count))
    finally:
        connection.execute("COMMIT")


def _under_delimiter(key: str, prefix: str, delimiter: str) -> bool:
    return bool(delimiter) and key.find(delimiter, len(prefix)) >= 0


def _start(prefix: str, delimiter: str, marker: str) -> str | None:
    """The smallest key that the page could hold; None if there is none."""
    if delimiter and marker.startswith(prefix):
        end = marker.find(delimiter, len(prefix))
        if end >= 0:
            return past(marker[: end + len(delimiter)])
    return max(prefix, marker + "\0") if marker else prefix


def _items(
    connection: sqlite3.Connection, bucket_id: int, start: str, prefix: str, delimiter: str
) -> Generator[ListedObject | str, None, None]:
    """Objects, and common prefixes as bare text, in order."""
    stop = past(prefix) or _NO_BOUND
    seek: str | None = start
    while seek is not None:
        with closing(connection.execute(_FROM, (bucket_id, seek, stop))) as rows:
            seek, previous = None, None
            for row in rows:
                key: str = row[0]
                if key == previous:
                    seek = key + "\0"
                    break
                previous = key
                if row[1] == DELETE_MARKER:
                    continue
                end = key.find(delimiter, len(prefix)) if delimiter else -1
                if end >= 0:
                    common_prefix = key[: end + len(delimiter)]
                    yield common_prefix
                    seek = past(common_prefix)
                    break
                _, kind, size, etag, last_modified, storage_class, ready_at, until, encryption, checksum = row
                yield ListedObject(
                    *(key, kind, size, etag, last_modified, storage_class),
                    *(None if ready_at is None else read_restore(ready_at, until), encryption),
                    None if checksum is None else read_checksum(checksum),
                )


def _pairs(
    connection: sqlite3.Connection,
    sql: str,
    bucket_id: int,
    place: Place | None,
    prefix: str,
    delimiter: str,
    before_all: int | str,
    read: Callable[[Any], T],
) -> Generator[T | str, None, None]:
    """What `read` makes of the rows behind `place`, and common prefixes as bare text, in order."""
    stop = past(prefix) or _NO_BOUND
    while place is not None:
        with closing(connection.execute(sql, (bucket_id, *place, stop))) as rows:
            place = None
            for row in rows:
                end = row[0].find(delimiter, len(prefix)) if delimiter else -1
                if end < 0:
                    yield read(row)
                    continue
                common_prefix = row[0][: end + len(delimiter)]
                yield common_prefix
                behind = past(common_prefix)
                place = None if behind is None else (behind, before_all)  # type: ignore[assignment]  # as `sql` has it
                break


def _page(items: list[ListedObject | str], *, more: bool) -> ListPage:
    last = items[-1] if items else None
    return ListPage(
        tuple(item for item in items if isinstance(item, ListedObject)),
        tuple(item for item in items if isinstance(item, str)),
        (last.key if isinstance(last, ListedObject) else last) if more else None,
    )
