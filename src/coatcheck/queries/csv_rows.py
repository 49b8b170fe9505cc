"""CSV text that comes piece by piece -> rows of fields.

A record ends where its delimiter follows an even number of quote characters. So a piece is cut by the delimiter, and
put together again where a cut fell between quotes; the fields of a record are found in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from coatcheck.core.limits import SELECT_ROW_MAX_BYTES

from .errors import SelectError
from .options import CsvInput


class CsvRows:
    """For one object. `feed` and `end` yield rows; the text of a row is its `record`."""

    def __init__(self, form: CsvInput) -> None:
        self._form = form
        self._rest = ""
        self.line = 0  # of the row that was yielded last, from 1

    def feed(self, text: str) -> Iterator[tuple[str, list[str]]]:
        """Each row as its text and its fields. Raises: SelectError InvalidCsvLine."""
        yield from self._rows((self._rest + text).split(self._form.record_delimiter), ended=False)

    def end(self) -> Iterator[tuple[str, list[str]]]:
        """What the last delimiter left behind it."""
        if self._rest:
            yield from self._rows([self._rest, ""], ended=True)

    def _rows(self, cuts: list[str], *, ended: bool) -> Iterator[tuple[str, list[str]]]:
        quote, comment = self._form.quote, self._form.comment
        last = cuts.pop()
        held: list[str] = []  # cuts of a record whose quote is still open
        for cut in cuts:
            if held or (cut.count(quote) % 2 and self._form.quoted_delimiters):
                held.append(cut)
                if len(held) == 1 or not cut.count(quote) % 2:
                    continue
                cut, held = self._form.record_delimiter.join(held), []
            self.line += 1
            if comment and cut.startswith(comment):
                continue
            self._check_size(cut)
            yield cut, self._fields(cut)
        if held and ended:
            raise self._invalid("a quote is opened and not closed")
        self._rest = self._form.record_delimiter.join([*held, last])
        self._check_size(self._rest)

    def _check_size(self, record: str) -> None:
        if len(record) > SELECT_ROW_MAX_BYTES // 4 and len(record.encode()) > SELECT_ROW_MAX_BYTES:
            self.line += 1
            raise self._invalid(f"it is longer than {SELECT_ROW_MAX_BYTES} bytes")

    def _fields(self, record: str) -> list[str]:
        quote, delimiter = self._form.quote, self._form.field_delimiter
        if quote not in record:
            return record.split(delimiter)
        fields: list[str] = []
        held: list[str] = []
        for cut in record.split(delimiter):
            odd = cut.count(quote) % 2
            if held or odd:
                held.append(cut)
                if len(held) == 1 or not odd:
                    continue
                cut, held = delimiter.join(held), []
            fields.append(self._unquoted(cut))
        if held:
            raise self._invalid("a quote is opened and not closed")
        return fields

    def _unquoted(self, field: str) -> str:
        quote = self._form.quote
        if len(field) > 1 and field.startswith(quote) and field.endswith(quote):
            return field[1:-1].replace(quote + quote, quote)
        return field

    def _invalid(self, why: str) -> SelectError:
        return SelectError("InvalidCsvLine", f"Row {self.line}: {why}.")
