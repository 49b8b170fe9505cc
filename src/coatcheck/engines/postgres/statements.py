"""SQL as the shared statements have it (SQLite's), and as PostgreSQL takes it. Pure.

Only this file knows both. What it does: numbers the places of arguments, quotes `user`, gives upserts their keys,
compares names of users, roles and policies without regard to case, and locks the rows that a mutation looks at before
it counts on them. A statement that has a form of its own here stands in `_INSTEAD`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

Place = tuple[int, str]  # of an object: bucket id, key

_KEYS: Final = {
    "object": ("bucket_id", "key", "seq"),
    "body": ("id",),
    "part": ("upload", "number"),
    "bucket_setting": ("bucket_id", "name"),
    "bucket_entry": ("bucket_id", "kind", "name"),
    "link": ("id",),
    "link_uses": ("id",),
    "link_part_uses": ("id", "part"),
    "link_rule": ("access_key_id", "bucket", "key", "exact"),
    "link_audit_counted": ("segment",),
    "ticket": ("id",),
    "arrival": ("id",),
    "box_taken": ("id",),
}
_NUMBERED: Final = ("bucket", "body", "upload")  # tables whose new rows get a number that is asked for
_NAMED_IN_ANY_CASE: Final = re.compile(r"\b(?:user|role|policy|attachment)\b")
_NAME_IS: Final = re.compile(r"\b((?:\w\.)?(?:name|policy)) = (\?|\w\.policy)")
_BY_NAME: Final = re.compile(r"ORDER BY (name|policy)\b")
_VALUES: Final = re.compile(r"\(([^)]*)\) VALUES \([^)]*\)")
_ROWS: Final = "({}) SELECT * FROM unnest({})"
_PLACES: Final = "unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (bucket, name, place)"
_NUMBERS: Final = frozenset(
    (
        *("id", "bucket_id", "seq", "size", "last_modified", "restore_ready_at", "restore_until", "crc64"),
        *("sealed_at", "body_id", "row_crc32"),
    )
)
_BYTES: Final = frozenset(("headers", "segments", "content"))
_PLACE: Final = re.compile(r"\?(\d*)")
_REPLACE: Final = re.compile(r"INSERT OR REPLACE INTO (\w+) \(([^)]*)\)")
_WRITES: Final = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)\"?")
_COUNTS_BLOBS: Final = re.compile(r"SELECT id, object_count FROM blob ")
_WALL_TIME: Final = "wall_time()"
_USED: Final = "SET last_used_at"

# First, a row that a mutation reads to decide by, and that another one of another key may be changing: as are blobs.
_INSTEAD: Final = {
    "SELECT document FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?": (
        "SELECT document FROM bucket_entry WHERE bucket_id = $1 AND kind = $2 AND name = $3 FOR UPDATE"
    ),
    # What is asked at a start, in words of its own.
    "SELECT 1 FROM sqlite_master WHERE name = ?": "SELECT 1 FROM information_schema.tables WHERE table_name = $1",
    "SELECT id FROM blob WHERE substr(hex(id), 32) = 'F' LIMIT 1": (
        "SELECT id FROM blob WHERE get_byte(id, 15) % 16 = 15 LIMIT 1"
    ),
    "BEGIN IMMEDIATE": "BEGIN",
}


class Statement(NamedTuple):
    """PostgreSQL's text of a statement.

    Attributes:
        table: that it changes; "" for one that reads.
        is_numbered: it gives the number of the row that it inserted.
        is_dated: the moment, in Unix seconds, is one argument more, the last.
        is_use: it notes the use of a key, which is no change of one.
    """

    text: str
    table: str
    is_numbered: bool
    is_dated: bool
    is_use: bool


@lru_cache(maxsize=1024)
def reading(sql: str) -> str:
    """The text of a statement that reads outside transactions."""
    return _numbered(_plain(sql))


@lru_cache(maxsize=1024)
def writing(sql: str) -> Statement:
    """A statement of a mutation."""
    if sql in _INSTEAD:
        return Statement(_INSTEAD[sql], "", False, False, False)
    text = _numbered(_upsert(_plain(sql)))
    if _COUNTS_BLOBS.match(text):
        text += " ORDER BY id FOR UPDATE"
    dated = _WALL_TIME in text
    if dated:
        text = text.replace(_WALL_TIME, f"${text.count('$') + 1}")
    changed = _WRITES.match(text)
    table = changed[1] if changed else ""
    numbered = table in _NUMBERED and text.startswith("INSERT")
    return Statement(text + " RETURNING id" if numbered else text, table, numbered, dated, _USED in text)


def inserting_many(sql: str, before: int = 0) -> str:
    """An INSERT of a row of an object or a body, for as many rows as one likes: each argument is a column of theirs.

    Args:
        before: how many arguments come first.
    """

    def many(found: re.Match[str]) -> str:
        columns = enumerate(found[1].split(", "), start=before + 1)
        return _ROWS.format(found[1], ", ".join([f"${number}::{_type_of(column)}[]" for number, column in columns]))

    return _VALUES.sub(many, _upsert(sql))


def of_places(sql: str, each: str) -> str:
    """What a statement asks of a bucket's id and a key, asked of a list of them.

    Args:
        sql: with a {} for the places, as `asked`, whose column `place` counts them from 1, and one for `each`.
    """
    return sql.format(
        _PLACES, each.replace("bucket_id = ? AND key = ?", "bucket_id = asked.bucket AND key = asked.name")
    )


def _type_of(column: str) -> str:
    return "bigint" if column in _NUMBERS else "bytea" if column in _BYTES else "text"


def _plain(sql: str) -> str:
    if _NAMED_IN_ANY_CASE.search(sql):
        sql = _NAME_IS.sub(r"lower(\1) = lower(\2)", sql)
        sql = _BY_NAME.sub(r"ORDER BY lower(\1)", sql)
    return re.sub(r"\buser\b", '"user"', sql)


def _upsert(sql: str) -> str:
    if "INSERT OR IGNORE" in sql:
        return sql.replace("INSERT OR IGNORE", "INSERT") + " ON CONFLICT DO NOTHING"
    found = _REPLACE.match(sql)
    if found is None:
        return sql
    table, columns = found[1], found[2].split(", ")
    keys = _KEYS[table]
    rest = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
    text = sql.replace("INSERT OR REPLACE", "INSERT", 1)
    return f"{text} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {rest}"


def _numbered(sql: str) -> str:
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${found[1] or count}"

    return _PLACE.sub(place, sql)
