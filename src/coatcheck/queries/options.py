"""How an object is read and how the result is written: values, with OSS's defaults."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Header(Enum):
    """What the first row of a CSV is."""

    NONE = "none"
    IGNORE = "ignore"
    USE = "use"


class Span(Struct, frozen=True):
    """Rows, or splits, from `first` to `last`, both included, counted from 0; None is the end."""

    first: int
    last: int | None
    splits: bool = False


class CsvInput(Struct, frozen=True):
    """Attributes:
    comment: "" if there are no comments.
    quoted_delimiters: a record delimiter between quotes belongs to the field.
    """

    header: Header = Header.NONE
    record_delimiter: str = "\n"
    field_delimiter: str = ","
    quote: str = '"'
    comment: str = ""
    quoted_delimiters: bool = True
    span: Span | None = None


class JsonInput(Struct, frozen=True):
    """Attributes:
    lines: a node a line; else the object is one document.
    numbers_as_text: numbers keep every digit, and are texts.
    """

    lines: bool = False
    numbers_as_text: bool = False
    span: Span | None = None


class Output(Struct, frozen=True):
    """Attributes:
    field_delimiter: of a CSV; JSON has none.
    all_columns: of a CSV: the columns that aren't selected are there too, and empty.
    header: of a CSV: the names of what is selected come first.
    """

    record_delimiter: str = "\n"
    field_delimiter: str = ","
    all_columns: bool = False
    header: bool = False


class Query(Struct, frozen=True):
    """One query.

    Attributes:
        sql: "" only counts rows, for CreateSelectObjectMeta.
        skip_partial: a row without a column that the statement names is skipped; else the column is NULL there.
        most_skipped: how many rows may be skipped before the query fails.
    """

    sql: str
    input: CsvInput | JsonInput
    output: Output = Output()
    gzip: bool = False
    skip_partial: bool = False
    most_skipped: int = 0
