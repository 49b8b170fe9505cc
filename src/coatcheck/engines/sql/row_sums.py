"""The CRC-32 of a row; what it is for is told in `sqlite.row_sums`."""

from __future__ import annotations

from typing import Any
from zlib import crc32


def row_sum(*columns: Any) -> int:
    """Of a row's columns without the sum itself; values as SQLite has them."""
    written = [
        column.encode("utf-8", "surrogatepass")
        if type(column) is str
        else b""
        if column is None
        else column
        if type(column) is bytes
        else b"%d" % column
        for column in columns
    ]
    return crc32(b"\n".join(written).rstrip(b"\n"))
