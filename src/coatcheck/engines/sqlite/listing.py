"""One page of a listing, at a cost that follows the page: every common prefix, and every key with older versions, is
left by a seek instead of being read through.

Keys are compared as UTF-8 bytes, which is the order of code points, so Python's own comparison of text agrees. The
smallest text behind `text` is `text + "\\0"`; the smallest behind everything that starts with it is `past(text)`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from itertools import islice
from typing import Final

from ...ports.object import ListedObject, ListPage

_FROM: Final = (
    "SELECT key, kind, size, etag, last_modified, storage_class FROM object"
    " WHERE bucket_id = ? AND key >= ? AND key < ? ORDER BY key, seq"
)
_NO_BOUND: Final = b""  # SQLite orders every BLOB behind every TEXT


def list_page(
    connection: sqlite3.Connection, bucket_id: int, *, prefix: str, delimiter: str, marker: str, limit: int
) -> ListPage:
    """See `Catalog.list_objects`. The page is of one moment."""
    start = _start(prefix, delimiter, marker)
    if start is None:
        return ListPage((), (), None)
    connection.execute("BEGIN")
    try:
        with closing(_items(connection, bucket_id, start, prefix, delimiter)) as items:
            page = list(islice(items, limit + 1))
    finally:
        connection.execute("COMMIT")
    return _page(page[:limit], more=len(page) > limit)


def past(text: str) -> str | None:
    """The smallest text behind all that starts with `text`; None if there is nothing behind them."""
    kept = text.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are not text


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
                end = key.find(delimiter, len(prefix)) if delimiter else -1
                if end >= 0:
                    common_prefix = key[: end + len(delimiter)]
                    yield common_prefix
                    seek = past(common_prefix)
                    break
                if key == previous:
                    seek = key + "\0"
                    break
                previous = key
                yield ListedObject(*row)


def _page(items: list[ListedObject | str], *, more: bool) -> ListPage:
    last = items[-1] if items else None
    return ListPage(
        tuple(item for item in items if isinstance(item, ListedObject)),
        tuple(item for item in items if isinstance(item, str)),
        (last.key if isinstance(last, ListedObject) else last) if more else None,
    )
