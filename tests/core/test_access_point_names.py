from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.access_point_names import ALIAS_ENDING, is_access_point_name, make_alias, read_alias
from coatcheck.core.names import is_bucket_name

ALIAS = "ap-01-000000000000000745ee7945007a2f0bcb-ossalias"


@pytest.mark.parametrize("name", ["abc", "a-c", "123", "a--b", "ap-01", "a" * 19, "ossalias", "ossalias-a"])
def test_a_name_of_an_access_point(name: str) -> None:
    assert is_access_point_name(name)


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 20, "-abc", "abc-", "Abc", "a_b", "a.b", "abc\n", "日本語", "a-ossalias"]
)
def test_no_name_of_an_access_point(name: str) -> None:
    assert not is_access_point_name(name)


def test_an_alias_says_where_it_leads() -> None:
    assert read_alias(ALIAS) == ("ap-01", 7)
    made = make_alias("ap-01", 7)
    assert made.startswith("ap-01-0000000000000007")
    assert len(made) == len(ALIAS)
    assert made != make_alias("ap-01", 7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ALIAS_ENDING,
        ALIAS.upper(),
        ALIAS.removesuffix(ALIAS_ENDING),
        ALIAS + "\n",
        ALIAS.replace("45ee", "45e"),
        ALIAS.replace("45ee", "45eg"),
        ALIAS.removeprefix("ap-01-"),
        f"-{ALIAS}",
        f"a/{ALIAS}",
    ],
)
def test_what_looks_like_no_alias_leads_nowhere(text: str) -> None:
    assert read_alias(text) is None


@given(st.from_regex(r"\A[a-z0-9](?:[a-z0-9-]{1,17})[a-z0-9]\Z"), st.integers(0, 2**63 - 1))
def test_an_alias_fits_where_a_bucket_name_does(name: str, bucket_id: int) -> None:
    alias = make_alias(name, bucket_id)
    assert is_bucket_name(alias)
    assert read_alias(alias) == (name, bucket_id)


@given(st.text() | st.text().map(lambda text: text + ALIAS_ENDING))
def test_any_text_is_an_alias_or_not(text: str) -> None:
    parts = read_alias(text)
    assert parts is None or text.startswith(f"{parts.name}-")
