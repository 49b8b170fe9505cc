"""Rows of CSV, as they come and as they go, in pieces of any size."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.queries.errors import SelectError
from coatcheck.queries.options import CsvInput, Header, Output, Query, Span
from coatcheck.queries.running import Running

from .run import USE, ask, finish

PEOPLE = 'name,age,city\nJohn,45,"New\nYork"\n"A ""b""",30,x\nZ,,y\n'


def test_fields_between_quotes_hold_everything() -> None:
    assert ask("select * from ossobject", PEOPLE, USE) == 'John,45,"New\nYork"\n"A ""b""",30,x\nZ,,y\n'
    assert ask("select _1 from ossobject where _3 like 'New%York'", PEOPLE, USE) == "John\n"


def test_the_header_is_data_ignored_or_names() -> None:
    assert ask("select _1 from ossobject limit 1", PEOPLE) == "name\n"
    assert ask("select _1 from ossobject limit 1", PEOPLE, CsvInput(header=Header.IGNORE)) == "John\n"
    assert ask("select city, name from ossobject limit 1", PEOPLE, USE, Output(header=True)) == (
        'city,name\n"New\nYork",John\n'
    )
    with pytest.raises(SelectError) as caught:
        ask("select height from ossobject", PEOPLE, USE)
    assert caught.value.code == "SqlInvalidColumnName"


def test_all_columns_stay_in_their_places() -> None:
    assert ask("select _5, _1 from ossobject", "a,b,c,d,e,f\n", output=Output(all_columns=True)) == "a,,,,e,\n"


def test_delimiters_quotes_and_comments_are_as_asked() -> None:
    form = CsvInput(record_delimiter="\r\n", field_delimiter=";", quote="'", comment="#")
    text = "a;'b;c'\r\n#no;row\r\nd;e\r\n"
    assert ask("select _2 from ossobject", text, form, Output("|", "\t")) == "b;c|e|"
    assert ask("select _1, _2 from ossobject", text, form, Output("|", ";")) == 'a;"b;c"|d;e|'


@pytest.mark.parametrize(
    ("sql", "result"),
    [
        ("select count(*) from ossobject", "3\n"),
        (
            "select count(*), sum(_2), avg(cast(age as int)), min(_2), max(cast(_2 as double)) from ossobject",
            "3,75,37.5,30,45.0\n",
        ),
        ("select count(*) from ossobject limit 2", "2\n"),
        ("select max(cast(age as int)) from ossobject limit 1", "45\n"),
        ("select sum(_2) from ossobject where _1 = 'nobody'", "\n"),
        ("select count(*) from ossobject where age is null", "0\n"),
        ("select count(*) from ossobject where age = ''", "1\n"),
    ],
)
def test_aggregates_are_one_row(sql: str, result: str) -> None:
    assert ask(sql, PEOPLE, USE) == result


def test_a_row_that_does_not_fit_is_skipped_as_often_as_allowed() -> None:
    rows = "1\nx\n2\ny\n"
    with pytest.raises(SelectError, match="Row 2 does not fit") as caught:
        ask("select _1 from ossobject where _1 > 0", rows)
    assert caught.value.code == "InvalidCsvLine"
    with pytest.raises(SelectError, match="Row 4"):
        ask("select _1 from ossobject where _1 > 0", rows, skipped=1)
    assert ask("select _1 from ossobject where _1 > 0", rows, skipped=2) == "1\n2\n"
    running = Running(Query("select _1 from ossobject where _1 > 0", CsvInput(), most_skipped=2))
    finish(running, rows.encode())
    assert running.skipped == "Skipped rows: 2, 4 (2 in all)."


def test_missing_columns_are_null_or_skip_the_row() -> None:
    rows = "John,Company A\nAnn,B,C\n"
    assert ask("select _1, _3 from ossobject", rows) == "John,\nAnn,C\n"
    assert ask("select _1, _3 from ossobject", rows, skip_partial=True, skipped=1) == "Ann,C\n"
    with pytest.raises(SelectError):
        ask("select _1, _3 from ossobject", rows, skip_partial=True)


def test_timestamps_are_compared_and_shown() -> None:
    rows = "20121201\n2013-02-03 04:05:06\nnever\n"
    sql = "select cast(_1 as timestamp) from ossobject where cast(_1 as timestamp) > cast('20130101' as timestamp)"
    assert ask(sql, rows, skipped=1) == "2013-02-03 04:05:06.000\n"
    assert ask("select cast(_1 as timestamp format 'YYYYDDMM') from ossobject limit 1", rows) == (
        "2012-01-12 00:00:00.000\n"
    )


@pytest.mark.parametrize(
    ("span", "result"),
    [(Span(1, 2), "b\nc\n"), (Span(2, None), "c\nd\n"), (Span(9, 10), ""), (Span(0, 0, True), "a\nb\nc\nd\n")],
)
def test_ranges_count_rows_and_splits_from_0(span: Span, result: str) -> None:
    assert ask("select _1 from ossobject", "a\nb\nc\nd", CsvInput(span=span)) == result


def test_splits_are_the_rows_that_begin_in_four_mebibytes() -> None:
    row = "x" * 999 + "\n"
    data = (row * 9_000).encode()
    counting = Running(Query("", CsvInput()))
    finish(counting, data, 65_536)
    assert counting.counts[:4] == (9_000_000, 9_000, 1, 3)
    numbers = [
        int(ask("select count(*) from ossobject", data, CsvInput(span=Span(n, n, True)), piece=65_536))
        for n in range(4)
    ]
    assert numbers == [4195, 4194, 611, 0]


def test_the_object_is_utf8_or_refused() -> None:
    assert ask("select _1 from ossobject where _2 = '西湖'", "\ufeff杭州,西湖\n", piece=1) == "杭州\n"
    assert ask("select _1 from ossobject", "a\0b\n") == "a\0b\n"
    for data in (b"a\n\xff\n", b"a\n\xe6\x9d"):
        with pytest.raises(SelectError) as caught:
            ask("select _1 from ossobject", data)
        assert caught.value.code == "InvalidTextEncoding"


def gunzip(data: bytes, piece: int = 1000) -> bytes:
    return finish(Running(Query("select count(*) from ossobject", CsvInput(), gzip=True)), data, piece)


def test_gzip_is_unpacked_and_a_broken_one_refused() -> None:
    packed = gzip.compress(b"a\nb\n" * 1000)
    assert gunzip(packed) == b"2000\n"
    for broken in (packed[:-9], b"no gzip", b""):
        with pytest.raises(SelectError) as caught:
            gunzip(broken)
        assert caught.value.code == "DecompressFailure"


def test_a_bomb_takes_no_memory() -> None:
    bomb = gzip.compress((b"x" * 200_000 + b"\n") * 500)
    assert len(bomb) < 200_000
    tracemalloc.start()
    assert gunzip(bomb, 65_536) == b"500\n"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024**2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 300_000, "InvalidCsvLine"),
        (b'"' + b"\n" * 300_000, "InvalidCsvLine"),
        (b'a,"b\nc', "InvalidCsvLine"),
        ("长".encode() * 100_000 + b"\n", "InvalidCsvLine"),
    ],
)
def test_rows_that_never_end_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(SelectError) as caught:
        ask("select _1 from ossobject", data, piece=65_536)
    assert caught.value.code == code


def test_an_odd_quote_is_refused_where_quotes_hold_no_line_ends() -> None:
    form = CsvInput(quoted_delimiters=False)
    with pytest.raises(SelectError, match="Row 1: a quote is opened"):
        ask("select _1 from ossobject", 'a,"b\nc"\n', form)


def test_a_row_of_the_output_is_bounded() -> None:
    columns = ",".join(["_1"] * 1000)
    with pytest.raises(SelectError) as caught:
        ask(f"select {columns} from ossobject", "x" * 2000 + "\n", piece=9999)
    assert caught.value.code == "OutputExceedsMaxSize"
    assert ask("select * from ossobject", "a\n", piece=1, output=Output(header=True)) == "a\n"


def test_output_comes_in_pieces() -> None:
    """A small piece of the object can bring much: not all at once."""
    running = Running(Query(f"select {','.join(['_2'] * 1000)} from ossobject", CsvInput()))
    sizes = [len(piece) for piece in running.feed(b"a\n" * 3_000)]
    assert sum(sizes) == 3_000_000
    assert max(sizes) < 300_000


@given(st.lists(st.lists(st.text("ab\",\n'长 ", max_size=6), min_size=2, max_size=4), max_size=6), st.integers(1, 50))
def test_what_pythons_csv_writes_is_read_and_written_alike(rows: list[list[str]], piece: int) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    found = ask("select * from ossobject", file.getvalue(), piece=piece)
    assert list(csv.reader(io.StringIO(found, newline=""))) == list(
        csv.reader(io.StringIO(file.getvalue(), newline=""))
    )


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_rows_or_refused(data: bytes, piece: int) -> None:
    with suppress(SelectError):
        ask("select _2 from ossobject where _1 > 3 or _2 like '%a%'", data, USE, piece=piece, skipped=3)
