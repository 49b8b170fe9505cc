from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.percent import decode, decode_query, encode, encode_path

wire_texts = st.one_of(
    st.text(),
    st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),  # what isn't UTF-8 travels as surrogates
).filter(lambda text: not any("\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" for c in text))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("azAZ09-._~", "azAZ09-._~"),
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("*'()!", "%2A%27%28%29%21"),
        ("写", "%E5%86%99"),
        ("😀", "%F0%9F%98%80"),
        ("\n\0\x7f", "%0A%00%7F"),
        ("\udcff", "%FF"),
    ],
)
def test_all_but_unreserved_characters_are_encoded_in_upper_case(text: str, encoded: str) -> None:
    assert encode(text) == encoded


def test_a_path_keeps_its_slashes() -> None:
    assert encode_path("a/b c//d") == "a/b%20c//d"


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("a+b", "a+b"),
        ("%2541", "%41"),
        ("%e5%86%99", "写"),
        ("%", "%"),
        ("%4", "%4"),
        ("%zz", "%zz"),
        ("%FF", "\udcff"),
        ("%00", "\0"),
    ],
)
def test_decoding_happens_once_and_leaves_what_is_malformed(encoded: str, text: str) -> None:
    assert decode(encoded) == text


def test_a_plus_is_a_space_in_a_query_alone() -> None:
    assert decode_query("a+b%2Bc") == "a b+c"


@given(wire_texts)
def test_decoding_undoes_encoding(text: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    as_read = raw.decode("utf-8", "surrogateescape")  # surrogates that happen to spell UTF-8 are read as it
    assert decode(encode(text)) == as_read
    assert decode(encode_path(text)) == as_read
    assert decode_query(encode(text)) == as_read


@given(wire_texts)
def test_what_is_encoded_is_ascii_without_separators(text: str) -> None:
    assert encode(text).isascii()
    assert not set(encode(text)) & set("&=+/? #")
