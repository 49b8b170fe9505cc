"""The frames in which SelectObject answers.

    version 1 | type (3 bytes) | length of the payload (4) | checksum of the header (4, zero) | payload | its CRC-32 (4)

Numbers are big-endian. Every payload begins with how far the object has been read (8 bytes). Source: OSS API reference,
SelectObject and CreateSelectObjectMeta.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

_HEAD: Final = struct.Struct(">III")
_OFFSET: Final = struct.Struct(">Q")
_END: Final = struct.Struct(">QQI")
_CSV_META_END: Final = struct.Struct(">QQIIQI")
_JSON_META_END: Final = struct.Struct(">QQIIQ")
_CRC: Final = struct.Struct(">I")
_VERSION: Final = 1 << 24

_DATA: Final = 8388609
_CONTINUOUS: Final = 8388612
_SELECT_END: Final = 8388613
_CSV_META: Final = 8388614
_JSON_META: Final = 8388615


def data_frame(scanned: int, data: bytes) -> bytes:
    return _frame(_DATA, _OFFSET.pack(scanned) + data)


def continuous_frame(scanned: int) -> bytes:
    """That the query is still under way."""
    return _frame(_CONTINUOUS, _OFFSET.pack(scanned))


def end_frame(scanned: int, status: int, code: str = "", detail: str = "") -> bytes:
    """How the query ended: the status is the one that counts, whatever the reply began with."""
    return _frame(_SELECT_END, _END.pack(scanned, scanned, status) + _message(code, detail))


def csv_meta_frame(scanned: int, splits: int, rows: int, columns: int) -> bytes:
    return _frame(_CSV_META, _CSV_META_END.pack(scanned, scanned, 200, splits, rows, columns) + _message())


def json_meta_frame(scanned: int, splits: int, rows: int) -> bytes:
    return _frame(_JSON_META, _JSON_META_END.pack(scanned, scanned, 200, splits, rows) + _message())


def _message(code: str = "", detail: str = "") -> bytes:
    return f"{code}.{detail}".encode("utf-8", "replace")


def _frame(kind: int, payload: bytes) -> bytes:
    return _HEAD.pack(_VERSION | kind, len(payload), 0) + payload + _CRC.pack(zlib.crc32(payload))
