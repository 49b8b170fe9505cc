from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.times import (
    read_basic_iso,
    read_http_date,
    write_basic_iso,
    write_duration,
    write_http_date,
    write_iso,
)

MOMENT = 1_772_694_489
moments = st.integers(0, 253_402_300_799)


def test_the_three_forms_of_one_moment() -> None:
    assert write_http_date(MOMENT) == "Thu, 05 Mar 2026 07:08:09 GMT"
    assert write_iso(MOMENT) == "2026-03-05T07:08:09.000Z"
    assert write_basic_iso(MOMENT) == "20260305T070809Z"


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 05 Mar 2026 07:08:09 GMT",
        "Thu, 05 Mar 2026 07:08:09",
        "05 Mar 2026 07:08:09 +0000",
        "Thu, 05 Mar 2026 15:08:09 +0800",
        "Thursday, 05-Mar-26 07:08:09 GMT",
        "Thu Mar  5 07:08:09 2026",
        "2026-03-05T07:08:09.000Z",
        "2026-03-05T07:08:09Z",
    ],
)
def test_an_http_date_is_read_in_every_form_that_clients_send(text: str) -> None:
    assert read_http_date(text) == MOMENT


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_the_machines_own_time_zone_plays_no_part() -> None:
    assert read_http_date("Thu, 05 Mar 2026 07:08:09") == MOMENT
    assert read_http_date("2026-03-05T07:08:09Z") == MOMENT
    assert read_basic_iso("20260305T070809Z") == MOMENT
    assert write_http_date(MOMENT + 1) == "Thu, 05 Mar 2026 07:08:10 GMT"


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "1772694489", "2026-13-05T07:08:09Z", "Thu, 99 Foo 2026", "0" * 65, "\0", "Ω"],
)
def test_what_is_no_date_is_read_as_none(text: str) -> None:
    assert read_http_date(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260305T070809",
        "20260305t070809Z",
        "2026-03-05T07:08:09Z",
        "20260230T000000Z",
        "20260305T250000Z",
        "20260305T070809z",
        " 0260305T070809Z",
        "+0260305T070809Z",
        "２０２６０３０５T070809Z",
        "00000305T070809Z",
        "20260305T070809Z ",
    ],
)
def test_the_signing_date_has_one_form_only(text: str) -> None:
    assert read_basic_iso(text) is None


@given(moments)
def test_dates_come_back_as_they_were_written(moment: int) -> None:
    assert read_http_date(write_http_date(moment)) == moment
    assert read_http_date(write_iso(moment)) == moment
    assert read_basic_iso(write_basic_iso(moment)) == moment


@given(st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert read_http_date(text) is None or isinstance(read_http_date(text), int)
    assert read_basic_iso(text) is None or write_basic_iso(read_basic_iso(text) or 0) == text


def test_a_duration_is_its_two_largest_units() -> None:
    assert (write_duration(0), write_duration(59), write_duration(90061)) == ("0 s", "59 s", "1 d 1 h")
