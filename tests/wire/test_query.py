"""The raw query: what each piece means, and that writing and reading are inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.percent import encode
from coatcheck.wire.query import NO_QUERY, Parameter, read_query, write_query


@pytest.mark.parametrize(
    ("raw", "parameters"),
    [
        (b"acl", [Parameter("acl", "", False)]),
        (b"acl=", [Parameter("acl", "", True)]),
        (b"a=b=c", [Parameter("a", "b=c")]),
        (b"=b", [Parameter("", "b")]),
        (b"&&a&", [Parameter("a", "")]),
        (b"a+b=c+d", [Parameter("a b", "c d")]),
        (b"a=%2B%20%252F", [Parameter("a", "+ %2F")]),
        (b"a=%zz%", [Parameter("a", "%zz%")]),
        (b"a=%E4%B8%AD", [Parameter("a", "中")]),
        ("a=中".encode(), [Parameter("a", "中")]),
        (b"a=%FF\xfe", [Parameter("a", "\udcff\udcfe")]),
    ],
)
def test_a_piece_is_decoded_once(raw: bytes, parameters: list[Parameter]) -> None:
    assert list(read_query(raw).parameters) == parameters


def test_the_first_of_a_repeated_parameter_is_read_and_all_are_kept() -> None:
    query = read_query(b"tag=b&x&tag=a&tag")
    assert query.get("tag") == "b"
    assert query.count("tag") == 3
    assert [value for name, value, _ in query.parameters if name == "tag"] == ["b", "a", ""]


def test_an_empty_query_has_nothing() -> None:
    assert read_query(b"") is NO_QUERY
    assert "acl" not in NO_QUERY


def test_a_long_query_means_the_same_as_a_short_one() -> None:
    assert read_query(b"a=%2B&" + b"&" * 2000).parameters == read_query(b"a=%2B").parameters


PAIRS = st.lists(st.tuples(st.text(min_size=1), st.text()))


@given(pairs=PAIRS)
def test_what_was_written_is_read(pairs: list[tuple[str, str]]) -> None:
    query = read_query(write_query(pairs).encode())
    assert [(name, value) for name, value, _ in query.parameters] == pairs


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_query_and_encoding_gives_the_bytes_back(raw: bytes) -> None:
    for name, value, bare_equals in read_query(raw).parameters:
        assert read_query(f"{encode(name)}={encode(value)}".encode()).parameters == (Parameter(name, value, not value),)
        assert not (bare_equals and value)
