"""One page of a listing, at a cost that follows the page.

Without a delimiter a page is a range of the index. With one, or where keys have older versions, a recursive statement
goes from item to item: each is one seek, whatever lies between. So a page is one statement, or two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple, TypeVar

from ...ports.object import DELETE_MARKER, ListedObject, ListedVersion, ListPage, VersionPage
from ...ports.upload import Upload, UploadPage
from ..sql.pages import past, split
from ..sql.rows import read_checksum, read_crc64, read_restore, read_tags
from ..sql.uploads import UPLOAD_COLUMNS, read_upload
from .connection import Reader

T = TypeVar("T")

_OF_UPLOAD: Final = len(UPLOAD_COLUMNS.split(","))
_LAST_CHARACTER: Final = 0x10FFFF
_SEQ_BEFORE, _SEQ_AFTER = -(1 << 63), (1 << 63) - 1
_ID_BEFORE, _ID_AFTER = "", "~"  # upload ids are hex digits


class Walk(NamedTuple):
    """What is listed: a table in the order of key and `tie`.

    Attributes:
        before, after: values of `tie` before and behind all others.
        one_a_key: the first row of each key alone.
    """

    table: str
    columns: str
    tie: str
    before: int | str
    after: int | str
    one_a_key: bool = False

    def statement(self, *, bounded: bool, seeks: bool) -> str:
        """$1 bucket id, $2 and $3 the place behind which it begins, $4 how many rows; then the text before which it
        ends, if it is `bounded`, and the delimiter and the length of the prefix, if it `seeks` and there is one.

        Rows are the columns, key first, and `tie`.
        """
        end = " AND key < $5" if bounded else ""
        order = f"ORDER BY key, {self.tie} LIMIT"
        if not seeks:
            return (
                f"SELECT {self.columns}, {self.tie} FROM {self.table}"  # noqa: S608 (our own words)
                f" WHERE bucket_id = $1 AND (key, {self.tie}) > ($2, $3){end} {order} $4"
            )
        first = 6 if bounded else 5
        cut = f"strpos(substr(key, ${first + 1}::bigint::int + 1), ${first}::text)"
        prefix = f"left(key, ${first + 1}::bigint::int + {cut} + length(${first}::text) - 1)"
        skipped = "FALSE" if not self.one_a_key else f"kind = '{DELETE_MARKER}'"
        tie = f"'{self.after}'" if isinstance(self.after, str) else f"{self.after}::bigint"
        stays = f"${first}::text = '' OR {cut} = 0 OR {skipped}"
        own_tie = tie if self.one_a_key else self.tie
        row = (
            f"SELECT {self.columns}, {self.tie} AS tie,"  # noqa: S608 (our own words)
            f" CASE WHEN {stays} THEN key ELSE greatest({prefix} || chr({_LAST_CHARACTER}), key) END AS next_key,"
            f" CASE WHEN {stays} THEN {own_tie} ELSE {tie} END AS next_tie FROM {self.table} WHERE bucket_id = $1"
        )
        return (
            f"WITH RECURSIVE item AS ((({row} AND (key, {self.tie}) > ($2, $3){end} {order} 1))"  # noqa: S608
            f" UNION ALL SELECT later.* FROM item CROSS JOIN LATERAL ({row}"
            f" AND (key, {self.tie}) > (item.next_key, item.next_tie){end} {order} 1) AS later)"
            " SELECT * FROM item LIMIT $4"
        )


OBJECTS: Final = Walk(
    "object",
    "key, kind, size, etag, last_modified, storage_class, restore_ready_at, restore_until, encryption, checksum",
    "seq",
    _SEQ_BEFORE,
    _SEQ_AFTER,
    one_a_key=True,
)
VERSIONS: Final = Walk(
    "object",
    "key, version_id, kind, size, etag, last_modified, storage_class, tags, restore_ready_at, restore_until, acl,"
    " encryption, crc64, checksum",
    "seq",
    _SEQ_BEFORE,
    _SEQ_AFTER,
)
UPLOADS: Final = Walk("upload", UPLOAD_COLUMNS, "upload_id", _ID_BEFORE, _ID_AFTER)


class Page(NamedTuple):
    """What is asked for."""

    bucket_id: int
    prefix: str
    delimiter: str
    limit: int


Place = tuple[str, Any]  # key, and `tie`


async def list_page(reader: Reader, page: Page, marker: str) -> ListPage:
    """See `Catalog.list_objects`."""

    def read(row: Any) -> ListedObject | None:
        key, kind, size, etag, last_modified, storage_class, ready_at, until, encryption, checksum = row[:10]
        if kind == DELETE_MARKER:
            return None
        return ListedObject(
            *(key, kind, size, etag, last_modified, storage_class, read_restore(ready_at, until)),
            *(encryption, read_checksum(checksum)),
        )

    items = await _take(_items(reader, OBJECTS, page, _start(OBJECTS, page, marker), read), page.limit + 1)
    objects, common_prefixes, last = split(items[: page.limit], lambda item: (item.key, ""))
    return ListPage(objects, common_prefixes, last[0] if len(items) > page.limit else None)


async def list_versions(reader: Reader, page: Page, marker: tuple[str, str], at: tuple[int, int] | None) -> VersionPage:
    """See `Catalog.list_versions`.

    Args:
        at: the marker's own version, if it is there: its seq, and when it was last modified.
    """
    key, version_id = marker
    superseded_at: int | None = None
    if version_id and key.startswith(page.prefix) and not _under(key, page):
        place: Place | None = (key, VERSIONS.before if at is None else at[0])
        superseded_at = None if at is None else at[1]
    else:
        place = _start(VERSIONS, page, key)
    previous = key

    def read(row: Any) -> ListedVersion:
        nonlocal previous, superseded_at
        if row[0] != previous:
            previous, superseded_at = row[0], None
        key, version_id, kind, size, etag, last_modified, storage_class, tags, ready_at, until, *rest = row[:14]
        acl, encryption, crc64, checksum = rest
        listed = ListedVersion(
            *(key, version_id, kind, size, etag, last_modified, storage_class, read_tags(tags)),
            *(read_restore(ready_at, until), superseded_at, acl, encryption, read_crc64(crc64)),
            read_checksum(checksum),
        )
        superseded_at = last_modified
        return listed

    items = await _take(_items(reader, VERSIONS, page, place, read), page.limit + 1)
    versions, common_prefixes, last = split(items[: page.limit], lambda item: (item.key, item.version_id))
    return VersionPage(versions, common_prefixes, last if len(items) > page.limit else None)


async def list_uploads(reader: Reader, page: Page, marker: tuple[str, str]) -> UploadPage:
    """See `Catalog.list_uploads`."""
    key, upload_id = marker
    if upload_id and key.startswith(page.prefix) and not _under(key, page):
        place: Place | None = (key, upload_id)
    else:
        place = _start(UPLOADS, page, key)
    items = await _take(_items(reader, UPLOADS, page, place, _read_upload), page.limit + 1)
    uploads, common_prefixes, last = split(items[: page.limit], lambda item: (item.key, item.upload_id))
    return UploadPage(uploads, common_prefixes, last if len(items) > page.limit else None)


def _read_upload(row: Any) -> Upload:
    return read_upload(row[:_OF_UPLOAD])


def _under(key: str, page: Page) -> bool:
    return bool(page.delimiter) and key.find(page.delimiter, len(page.prefix)) >= 0


def _start(walk: Walk, page: Page, marker: str) -> Place | None:
    """Behind which place the page begins; None if nothing can lie there."""
    if page.delimiter and marker.startswith(page.prefix):
        end = marker.find(page.delimiter, len(page.prefix))
        if end >= 0:
            behind = past(marker[: end + len(page.delimiter)])
            return None if behind is None else (behind, walk.before)
    if not marker or marker < page.prefix:
        return page.prefix, walk.before
    return marker, walk.after


async def _items(
    reader: Reader, walk: Walk, page: Page, place: Place | None, read: Callable[[Any], T | None]
) -> AsyncIterator[T | str]:
    """What `read` makes of the rows behind `place`, and common prefixes as bare text, in order."""
    if place is None or "\0" in page.prefix or "\0" in page.delimiter:
        return
    key, tie = place
    if "\0" in key:  # no key has it: what is behind such a text is what is behind its beginning
        key, tie = key.partition("\0")[0], walk.after
    stop, seeks, last_prefix = past(page.prefix) if page.prefix else None, bool(page.delimiter), None
    most = page.limit + 1
    while True:
        arguments = [page.bucket_id, key, tie, most, *([stop] if stop is not None else [])]
        if seeks:
            arguments += [page.delimiter, len(page.prefix)]
        rows = await reader.ask(walk.statement(bounded=stop is not None, seeks=seeks), *arguments)
        for row in rows:
            if walk.one_a_key and row[0] == key and tie != walk.before and not seeks:
                seeks = True  # older versions: from here on they are left by a seek each
                break
            key, tie = (row["next_key"], row["next_tie"]) if seeks else (row[0], row[-1])
            item: T | str | None = read(row)
            if item is not None and _under(row[0], page):
                item = row[0][: row[0].find(page.delimiter, len(page.prefix)) + len(page.delimiter)]
                item, last_prefix = (None if item == last_prefix else item), item
            if item is not None:
                yield item
        else:
            if len(rows) < most:
                return
            continue
        tie = walk.after


async def _take(items: AsyncIterator[T], count: int) -> list[T]:
    taken: list[T] = []
    async for item in items:
        taken.append(item)
        if len(taken) == count:
            break
    return taken
