from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import PRECONDITION_FAILED, OssError
from coatcheck.wire.conditions import is_unmodified

ETAG = "5D41402ABC4B2A76B9719D911017C592"
OTHER = "00000000000000000000000000000000"
MODIFIED = 1_772_694_489
EARLIER, SAME, LATER = (
    "Thu, 05 Mar 2026 07:08:08 GMT",
    "Thu, 05 Mar 2026 07:08:09 GMT",
    "Thu, 05 Mar 2026 07:08:10 GMT",
)


def status(**headers: str) -> int:
    try:
        unmodified = is_unmodified({name.replace("_", "-"): text for name, text in headers.items()}, ETAG, MODIFIED)
    except OssError as refusal:
        return refusal.status if refusal.fault is PRECONDITION_FAILED else 0
    return 304 if unmodified else 200


def test_without_conditions_the_object_is_sent() -> None:
    assert status() == 200


@pytest.mark.parametrize(("date", "expected"), [(EARLIER, 200), (SAME, 304), (LATER, 304), ("rubbish", 200), ("", 200)])
def test_if_modified_since(date: str, expected: int) -> None:
    assert status(if_modified_since=date) == expected


@pytest.mark.parametrize(("date", "expected"), [(EARLIER, 412), (SAME, 200), (LATER, 200), ("rubbish", 200), ("", 200)])
def test_if_unmodified_since(date: str, expected: int) -> None:
    assert status(if_unmodified_since=date) == expected


SAME_ETAGS = [
    f'"{ETAG}"',
    ETAG,
    ETAG.lower(),
    f'W/"{ETAG}"',
    "*",
    f'"{OTHER}", "{ETAG}"',
    f"{OTHER},{ETAG}",
    f'  "{ETAG}"  ',
]


@pytest.mark.parametrize("etag", SAME_ETAGS)
def test_the_same_etag_however_it_is_written(etag: str) -> None:
    assert status(if_match=etag) == 200
    assert status(if_none_match=etag) == 304


@pytest.mark.parametrize("etag", [f'"{OTHER}"', "", '""', ETAG[:-1], f"{ETAG}-2"])
def test_another_etag(etag: str) -> None:
    assert status(if_match=etag) == 412
    assert status(if_none_match=etag) == 200


def test_what_fails_comes_before_what_is_not_modified() -> None:
    assert status(if_match=OTHER, if_none_match=ETAG) == 412
    assert status(if_unmodified_since=EARLIER, if_modified_since=LATER) == 412


def test_both_of_a_pair_may_hold() -> None:
    assert status(if_match=ETAG, if_none_match=OTHER) == 200
    assert status(if_unmodified_since=LATER, if_modified_since=EARLIER) == 200
    assert status(if_match=ETAG, if_none_match=ETAG) == 304


def test_an_etag_overrules_the_date_of_its_pair() -> None:
    assert status(if_match=ETAG, if_unmodified_since=EARLIER) == 200
    assert status(if_none_match=OTHER, if_modified_since=LATER) == 200


def test_the_failing_header_is_named() -> None:
    """ali-oss appends it to the message."""
    with pytest.raises(OssError) as by_etag:
        is_unmodified({"if-match": OTHER}, ETAG, MODIFIED)
    assert by_etag.value.facts == {"Condition": "If-Match"}
    with pytest.raises(OssError) as by_date:
        is_unmodified({"if-unmodified-since": EARLIER}, ETAG, MODIFIED)
    assert by_date.value.facts == {"Condition": "If-Unmodified-Since"}


names = st.sampled_from(["if_match", "if_none_match", "if_modified_since", "if_unmodified_since"])


@given(st.dictionaries(names, st.text()))
def test_any_text_is_weighed(headers: dict[str, str]) -> None:
    assert status(**headers) in (200, 304, 412)
