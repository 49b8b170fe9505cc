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


LINK = b"x-oss-date=20260305T070809Z&x-oss-credential=a%2Fb&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-expires=60"


@pytest.mark.parametrize("signature_at", range(1, 5))
def test_a_link_in_the_one_spelling_is_canonical_wherever_its_signature_stands(signature_at: int) -> None:
    pieces = LINK.split(b"&")
    query = read_query(b"&".join([*pieces[:signature_at], b"x-oss-signature=0a", *pieces[signature_at:]]))
    assert query.canonical == (
        "x-oss-credential=a%2Fb&x-oss-date=20260305T070809Z&x-oss-expires=60&x-oss-signature-version=OSS4-HMAC-SHA256"
    )
    assert query.get("x-oss-credential") == "a/b"
    assert query.get("x-oss-signature") == "0a"
    assert not query.has_repeats


@pytest.mark.parametrize(
    "piece",
    [
        b"a",  # a bare name
        b"a=",  # an empty value is written as the bare name
        b"=a",
        b"a=b=c",  # the second would be %3D
        b"a=%2f",  # lower case
        b"a=%41",  # a letter needs no encoding
        b"a=%2%2FF",
        b"a=%",
        b"a=b+c",
        b"a='",
        b"a=\xe4",
        b"",
        b"x-oss-expires=61",
        b"x-oss-signature=1",
        b"x-oss-date=20260305T070809Z",
        b"ax-oss-date=0",
    ],
)
def test_any_other_spelling_is_for_the_parameters_to_tell(piece: bytes) -> None:
    query = read_query(LINK + b"&" + piece + b"&x-oss-signature=0a")
    assert query.canonical is None
    assert query.parameters == read_query(b"&" + LINK + b"&" + piece + b"&x-oss-signature=0a").parameters


def test_a_link_of_s3_in_the_one_spelling_is_canonical_too() -> None:
    raw = b"X-Amz-Date=20260305T070809Z&X-Amz-Credential=a%2Fb&X-Amz-Expires=60&X-Amz-Signature=0a&x-id=GetObject"
    query = read_query(raw)
    assert query.canonical == ("X-Amz-Credential=a%2Fb&X-Amz-Date=20260305T070809Z&X-Amz-Expires=60&x-id=GetObject")
    assert (query.get("X-Amz-Date"), query.get("X-Amz-Signature")) == ("20260305T070809Z", "0a")
    assert read_query(raw + b"&acl").canonical is None


@pytest.mark.parametrize(("signature", "date"), [("x-oss-signature", "x-oss-date"), ("X-Amz-Signature", "X-Amz-Date")])
@given(raw=st.text("ab=&%2Fx-+", max_size=24).map(str.encode))
def test_a_canonical_text_says_what_the_parameters_say(signature: str, date: str, raw: bytes) -> None:
    query = read_query(raw + f"&{date}=20260305T070809Z&{signature}=0a&z=1".encode())
    signed = [(encode(name), encode(value)) for name, value, _ in query.parameters if name != signature]
    if query.canonical is not None:
        assert query.canonical == "&".join(f"{name}={value}" for name, value in sorted(signed))
        assert query.first == {name: value for name, value, _ in query.parameters}
