"""A statement on a CSV: its columns, its header, and the CSV that comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from coatcheck.core.limits import SELECT_COLUMNS_MAX, SELECT_ROW_MAX_BYTES

from .csv_rows import CsvRows
from .errors import Mismatch, SelectError
from .evaluation import Read, Row
from .options import CsvInput, Header, Query
from .selection import Selection, check_output, column_of
from .tree import Column, Item, Statement
from .values import Value, say


class CsvReading:
    """A statement on the rows of a CSV."""

    one_record_each: Final = True

    def __init__(self, query: Query, form: CsvInput, statement: Statement | None) -> None:
        self.rows = CsvRows(form)
        self.record_delimiter = form.record_delimiter
        self._form = form
        self._output = query.output
        self._skip_partial = query.skip_partial
        self._statement = statement
        self._items = () if statement is None else statement.items
        self._names: list[str] = []
        self._selection: Selection | None = None
        if statement is not None:
            self._check_options(statement)
            if form.header is not Header.USE:  # else the names are in the first row
                self._selection = Selection(statement, self._find)
        special = {*self._output.field_delimiter, *self._output.record_delimiter, '"'}
        self._special = [character for character in special if character]

    def _check_options(self, statement: Statement) -> None:
        if not self._output.all_columns:
            return
        if statement.aggregates:
            raise SelectError("SqlInvalidKeepAllColumnsWithAggregation")
        columns = [column_of(item) for item in statement.items]
        if len(set(columns)) < len(columns):
            raise SelectError("SqlInvalidKeepAllColumnsWithDuplicateColumn")

    @property
    def done(self) -> bool:
        return self._selection is not None and self._selection.done

    def count_columns(self, row: list[str]) -> int:
        return len(row)

    def begins(self, row: list[str]) -> bool:
        """Whether the first row is one of data, and not the header."""
        if self._form.header is Header.NONE:
            return True
        if len(row) > SELECT_COLUMNS_MAX or sum(map(len, row)) > SELECT_ROW_MAX_BYTES:
            raise SelectError("HeaderInfoExceedsMaxSize")
        self._names = row
        if self._statement is not None and self._form.header is Header.USE:
            self._selection = Selection(self._statement, self._find)
        return False

    def take(self, row: list[str]) -> str:
        """Raises: Mismatch."""
        if self._selection is None:
            return ""
        values = self._selection.take(row)
        if values is None:
            return ""
        if not self._items:
            values = row
        elif self._output.all_columns:
            values = self._placed(row, values)
        text = self._write(values)
        return self._header() + text if self._output.header else text

    def _placed(self, row: list[str], values: Sequence[Value]) -> Sequence[Value]:
        placed: list[Value] = [None] * len(row)
        for item, value in zip(self._items, values, strict=True):
            place = self._index(column_of(item)) - 1
            if place < len(row):
                placed[place] = value
        return placed

    def end(self) -> bytes:
        if self._selection is None:
            if self._statement is None:
                return b""
            self._selection = Selection(self._statement, self._find)  # no header came, so no name is in it
        values = self._selection.end()
        return b"" if values is None else (self._header() + self._write(values)).encode()

    def _header(self) -> str:
        """The names of what is selected, the first time; "" later."""
        if not self._output.header or self._form.header is Header.NONE:
            return ""
        self._output = replace(self._output, header=False)
        if not self._items or self._output.all_columns:
            return self._write(self._names)
        return self._write([self._name_of(item) for item in self._items])

    def _name_of(self, item: Item) -> str:
        if item.alias:
            return item.alias
        if item.aggregate is not None:
            return item.aggregate.value
        index = self._index(column_of(item))
        return self._names[index - 1] if index <= len(self._names) else ""

    def _write(self, values: Sequence[Value]) -> str:
        delimiter = self._output.field_delimiter
        text = delimiter.join([self._quoted(value if isinstance(value, str) else say(value)) for value in values])
        return check_output(text) + self._output.record_delimiter

    def _quoted(self, text: str) -> str:
        for character in self._special:
            if character in text:
                return '"' + text.replace('"', '""') + '"'
        return text

    def _find(self, column: Column) -> Read:
        place, skip = self._index(column) - 1, self._skip_partial

        def read(row: Row) -> Value:
            if place < len(row):
                return row[place]  # type: ignore[no-any-return]
            if skip:
                raise Mismatch
            return None

        return read

    def _index(self, column: Column) -> int:
        """From 1. Names are the header's, in any case."""
        if column.index:
            return column.index
        name = str(column.path[0]).lower()
        if self._form.header is Header.USE:
            for index, known in enumerate(self._names, 1):
                if known.strip().lower() == name:
                    return index
        raise SelectError("SqlInvalidColumnName", f"There is no column {str(column.path[0])[:64]!r}.")
