"""A query under way: bytes in, piece by piece; the result's bytes out, piece by piece, in constant memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from coatcheck.core.limits import SELECT_SPLIT_BYTES

from .csv_reading import CsvReading
from .errors import Mismatch, SelectError
from .json_reading import JsonReading
from .options import CsvInput, JsonInput, Query
from .parser import read_statement

OUTPUT_BYTES: Final = 256 * 1024  # a piece of the output is about so large
_GUNZIPPED_BYTES: Final = 128 * 1024  # so much at once
_GZIP: Final = 31
_SKIPPED_SHOWN: Final = 20


class Counts(NamedTuple):
    """Of what was read. `columns` are those of a CSV's first row, 0 for JSON; `splits` at least 1."""

    scanned: int
    rows: int
    columns: int
    splits: int
    skipped: int


class Running:
    """One query on one object. Once it has raised SelectError, or is `done`, it is fed no more."""

    def __init__(self, query: Query) -> None:
        """Raises: SelectError, for what is wrong with the statement."""
        self._query = query
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._unzip = zlib.decompressobj(_GZIP) if query.gzip else None
        self._scanned = self._rows = self._columns = self._row_at = 0
        self._skipped: list[int] = []
        self._more_skipped = 0
        self._span = query.input.span
        self._past_span = False
        statement = read_statement(query.sql, json=isinstance(query.input, JsonInput)) if query.sql else None
        self._is_limited = statement is not None and statement.limit is not None
        self._is_measured = statement is None or (self._span is not None and self._span.splits)
        self._reading: CsvReading | JsonReading = (
            CsvReading(query, query.input, statement)
            if isinstance(query.input, CsvInput)
            else JsonReading(query, query.input, statement)
        )

    @property
    def done(self) -> bool:
        """Whether nothing that follows could change the result."""
        return self._past_span or self._reading.done

    @property
    def counts(self) -> Counts:
        splits = self._row_at // SELECT_SPLIT_BYTES + 1
        skipped = len(self._skipped) + self._more_skipped
        return Counts(self._scanned, self._rows, self._columns, splits, skipped)

    @property
    def skipped(self) -> str:
        """Which rows were skipped, in words; "" for none."""
        if not self._skipped:
            return ""
        rows = ", ".join(map(str, self._skipped)) + (" ..." if self._more_skipped else "")
        return f"Skipped rows: {rows} ({self.counts.skipped} in all)."

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises: SelectError."""
        self._scanned += len(data)
        for piece in self._unzipped(data):
            yield from self._gather(self._reading.rows.feed(self._text(piece)))
            if self.done:
                return

    def end(self) -> Iterator[bytes]:
        """What is left when the object has ended, or nothing more is needed. Raises: SelectError."""
        if not self.done:
            if self._unzip is not None and not self._unzip.eof:
                raise SelectError("DecompressFailure")
            self._text(b"", final=True)
            yield from self._gather(self._reading.rows.end())
        last = self._reading.end()
        if last:
            yield last

    def _unzipped(self, data: bytes) -> Iterator[bytes]:
        if self._unzip is None:
            yield data
            return
        try:
            full = True  # what has been taken in may bring more than one piece
            while (data or full) and not self._unzip.eof:
                unzipped = self._unzip.decompress(data, _GUNZIPPED_BYTES)
                data, full = self._unzip.unconsumed_tail, len(unzipped) == _GUNZIPPED_BYTES
                yield unzipped
        except zlib.error:
            raise SelectError("DecompressFailure") from None

    def _text(self, data: bytes, *, final: bool = False) -> str:
        try:
            return self._decode.decode(data, final)
        except UnicodeDecodeError:
            raise SelectError("InvalidTextEncoding") from None

    def _gather(self, rows: Iterator[tuple[str, list[Any]]]) -> Iterator[bytes]:
        """The rows' output, in pieces."""
        reading, measured, limited = self._reading, self._is_measured, self._is_limited
        take, one_each = reading.take, reading.one_record_each
        parts: list[str] = []
        size = 0
        for record, row in rows:
            index = self._rows
            self._rows += 1
            place = self._measure(record) if measured else index
            if not index:
                self._columns = reading.count_columns(row)
            if (not index and not reading.begins(row)) or (self._span is not None and not self._is_wanted(place)):
                if self._past_span:
                    break
                continue
            for each in (row,) if one_each else row:
                try:
                    text = take(each)
                except Mismatch:
                    self._skip()
                    continue
                if text:
                    parts.append(text)
                    size += len(text)
                if limited and reading.done:
                    break
            if size > OUTPUT_BYTES:
                yield "".join(parts).encode()
                parts, size = [], 0
            if limited and reading.done:
                break
        if parts:
            yield "".join(parts).encode()

    def _measure(self, record: str) -> int:
        """The split that the row begins in; where the next one begins is noted."""
        start = self._row_at
        size = len(record) if record.isascii() else len(record.encode())
        self._row_at += size + len(self._reading.record_delimiter)
        return start // SELECT_SPLIT_BYTES

    def _is_wanted(self, place: int) -> bool:
        span = self._span
        if span is None:
            return True
        self._past_span = span.last is not None and place > span.last
        return not self._past_span and place >= span.first

    def _skip(self) -> None:
        line = self._reading.rows.line
        if self.counts.skipped >= self._query.most_skipped:
            code = "InvalidCsvLine" if isinstance(self._query.input, CsvInput) else "InvalidJsonData"
            raise SelectError(code, f"Row {line} does not fit the statement, and no more rows may be skipped.")
        if len(self._skipped) < _SKIPPED_SHOWN:
            self._skipped.append(line)
        else:
            self._more_skipped += 1
