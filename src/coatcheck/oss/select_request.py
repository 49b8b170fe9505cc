"""The documents of SelectObject and CreateSelectObjectMeta -> a query. Source: OSS API reference, of those names."""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import Shape, find_one, find_switch, find_text, texts
from coatcheck.core.errors import INVALID_ARGUMENT, OssError
from coatcheck.core.limits import SELECT_SQL_MAX_BYTES
from coatcheck.core.select_errors import FAULTS
from coatcheck.queries.options import CsvInput, Header, JsonInput, Output, Query, Span

SELECT_ROOT: Final = "SelectRequest"
META_ROOTS: Final = {"csv": "CsvMetaRequest", "json": "JsonMetaRequest"}

# SDKs send empty elements, and OSS's own sample calls CompressionType "Compression".
_INPUT: Final = texts(
    "CompressionType",
    "Compression",
    CSV=texts(
        *("FileHeaderInfo", "RecordDelimiter", "FieldDelimiter", "QuoteCharacter", "CommentCharacter", "Range"),
        "AllowQuotedRecordDelimiter",
    ),
    JSON=texts("Type", "Range", "ParseJsonNumberAsString"),
)
_OPTIONS: Final = texts("SkipPartialDataRecord", "MaxSkippedRecordsAllowed")
SHAPES: Final[dict[str, Shape]] = {
    SELECT_ROOT: texts(
        "Expression",
        InputSerialization=_INPUT,
        OutputSerialization=texts(
            *("KeepAllColumns", "OutputRawData", "EnablePayloadCrc", "OutputHeader"),
            CSV=texts("RecordDelimiter", "FieldDelimiter", "QuoteCharacter"),
            JSON=texts("RecordDelimiter"),
        ),
        Options=_OPTIONS,
        SelectRequestOptions=_OPTIONS,  # what alibabacloud-oss-v2 calls it
    ),
    **{root: texts("OverwriteIfExists", InputSerialization=_INPUT) for root in META_ROOTS.values()},
}
_EMPTY: Final = Element("empty")
_NUMBER_MAX_CHARS: Final = 15
_SKIPPED_MAX_CHARS: Final = 9


class SelectRequest(NamedTuple):
    """Attributes:
    raw: the rows are sent as they are, without frames.
    """

    query: Query
    raw: bool


def read_select(document: Element, kind: str) -> SelectRequest:
    """Args:
    kind: "csv" or "json".
    Raises: OssError.
    """
    output = _child(document, "OutputSerialization")
    raw, crc = _switch(output, "OutputRawData"), _switch(output, "EnablePayloadCrc")
    if raw and crc:
        raise FAULTS["InvalidOSSSelectParameters"]()
    options = _child(document, "Options" if find_one(document, "Options") is not None else "SelectRequestOptions")
    query = Query(
        _read_sql(find_text(document, "Expression") or ""),
        _read_input(document, kind),
        _read_output(output, kind),
        _is_gzip(document),
        _switch(options, "SkipPartialDataRecord"),
        _read_skipped(find_text(options, "MaxSkippedRecordsAllowed") or "0"),
    )
    return SelectRequest(query, raw)


def read_meta(document: Element, kind: str) -> Query:
    """A query that counts. Raises: OssError."""
    _switch(document, "OverwriteIfExists")  # nothing is kept that could be replaced
    form = _read_input(document, kind)
    if isinstance(form, JsonInput) and not form.lines:
        raise INVALID_ARGUMENT("Only JSON of the Type LINES has rows to be counted.", ArgumentName="Type")
    return Query("", form, gzip=_is_gzip(document, encoded=True))


def _child(parent: Element, name: str) -> Element:
    found = find_one(parent, name)
    return _EMPTY if found is None else found


def _read_sql(text: str) -> str:
    try:
        sql = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise FAULTS["InvalidSqlParameter"]() from None
    if not sql.strip() or len(sql) > SELECT_SQL_MAX_BYTES:
        raise FAULTS["InvalidSqlParameter"]()
    return sql


def _read_input(document: Element, kind: str) -> CsvInput | JsonInput:
    serialization = _child(document, "InputSerialization")
    if kind == "json":
        form = _child(serialization, "JSON")
        type = (find_text(form, "Type") or "").upper()
        if type not in ("DOCUMENT", "LINES"):
            raise INVALID_ARGUMENT("Type must be DOCUMENT or LINES.", ArgumentName="Type", ArgumentValue=type[:64])
        span = _read_span(form)
        if span is not None and type == "DOCUMENT":
            raise _refusal("InvalidRange", "A DOCUMENT has no lines.")
        return JsonInput(type == "LINES", _switch(form, "ParseJsonNumberAsString"), span)
    form = _child(serialization, "CSV")
    record = _read_delimiter(form, "RecordDelimiter", "\n", "InvalidInputRecordDelimiter", 2)
    field = _read_delimiter(form, "FieldDelimiter", ",", "InvalidInputFieldDelimiter", 1)
    quote = _read_delimiter(form, "QuoteCharacter", '"', "InvalidInputQuote", 1)
    comment = _read_delimiter(form, "CommentCharacter", "", "InvalidCommentCharacter", 1)
    if field in record or quote in (*record, field):
        raise _refusal("InvalidInputFieldDelimiter", "The delimiters and the quote character must differ.")
    return CsvInput(
        _read_header(form),
        record,
        field,
        quote,
        comment,
        find_switch(form, "AllowQuotedRecordDelimiter", default=True),
        _read_span(form),
    )


def _read_header(form: Element) -> Header:
    text = (find_text(form, "FileHeaderInfo") or "none").lower()
    if text not in {header.value for header in Header}:
        raise INVALID_ARGUMENT("FileHeaderInfo must be NONE, IGNORE or USE.", ArgumentName="FileHeaderInfo")
    return Header(text)


def _read_output(output: Element, kind: str) -> Output:
    if kind == "json":
        form = _child(output, "JSON")
        return Output(_read_delimiter(form, "RecordDelimiter", "\n", "InvalidOutputRecordDelimiter", 2))
    form = _child(output, "CSV")
    return Output(
        _read_delimiter(form, "RecordDelimiter", "\n", "InvalidOutputRecordDelimiter", 2),
        _read_delimiter(form, "FieldDelimiter", ",", "InvalidOutputFieldDelimiter", 1),
        _switch(output, "KeepAllColumns"),
        _switch(output, "OutputHeader"),
    )


def _read_delimiter(form: Element, name: str, default: str, code: str, most: int) -> str:
    """base64 of one ASCII character, or of up to `most`. Raises: OssError, of that code."""
    encoded = find_text(form, name)
    if not encoded:
        return default
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise _refusal(code, f"{name} is {encoded[:64]}.") from None
    if not 1 <= len(text) <= most or text == "\0":
        raise _refusal(code, f"{name} is {encoded[:64]}.")
    return text


def _is_gzip(document: Element, *, encoded: bool = False) -> bool:
    """`encoded`: oss2 sends it as base64 when it asks for the meta."""
    serialization = _child(document, "InputSerialization")
    text = find_text(serialization, "CompressionType") or find_text(serialization, "Compression") or "none"
    known = {"none": False, "gzip": True}
    if encoded and text.lower() not in known:
        try:
            text = base64.b64decode(text, validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise FAULTS["UnsupportedCompressionFormat"]() from None
    if text.lower() not in known:
        raise FAULTS["UnsupportedCompressionFormat"]()
    return known[text.lower()]


def _read_skipped(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _SKIPPED_MAX_CHARS):
        raise FAULTS["InvalidMaxSkippedRecordsAllowed"]()
    return int(text)


def _read_span(form: Element) -> Span | None:
    """ "line-range=10-20", "split-range=3-". Raises: OssError InvalidRange."""
    text = find_text(form, "Range")
    if not text:
        return None
    name, _, numbers = text.partition("=")
    first, dash, last = numbers.partition("-")
    digits = all(part.isascii() and part.isdigit() and len(part) <= _NUMBER_MAX_CHARS for part in (first, last or "0"))
    if name not in ("line-range", "split-range") or not dash or not digits:
        raise FAULTS["InvalidRange"]()
    span = Span(int(first), int(last) if last else None, name == "split-range")
    if span.last is not None and span.last < span.first:
        raise FAULTS["InvalidRange"]()
    return span


def _switch(parent: Element, name: str) -> bool:
    return find_switch(parent, name)


def _refusal(code: str, more: str) -> OssError:
    fault = FAULTS[code]
    return fault(f"{fault.message} {more}")
