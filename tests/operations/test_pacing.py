"""Meters: what passes, and how long the next waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations.qos import Qos
from coatcheck.core.limits import METERS_MAX
from coatcheck.operations.pacing import BucketMeters, Meter, longest_wait


def test_a_meter_lets_through_what_its_rate_says() -> None:
    meter = Meter(1000)
    assert [meter.pass_on(500, 100.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert longest_wait((meter,), 101.0) == 0.5
    assert meter.pass_on(1000, 101.5) == 0.0
    assert meter.pass_on(1, 102.0) == 0.5


def test_time_that_was_lost_is_not_made_up_for() -> None:
    meter = Meter(1000)
    meter.pass_on(1000, 0.0)
    assert meter.pass_on(1000, 60.0) == 0.0
    assert longest_wait((meter,), 60.0) == 1.0


def test_waits_too_short_to_sleep_for_are_none_and_add_up() -> None:
    meter = Meter(1000, slack_s=0.002)
    assert [meter.pass_on(1, 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.003]


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 5)), min_size=1, max_size=50))
def test_never_more_passes_than_the_rate_allows(steps: list[tuple[int, float]]) -> None:
    meter, now, passed = Meter(1000.0), 0.0, 0
    for amount, pause in steps:
        now += pause
        now += meter.pass_on(amount, now)
        assert passed <= 1000.0 * now * (1 + 1e-9) + 1e-6
        passed += amount


@pytest.mark.parametrize(
    ("total", "part", "limits"),
    [
        (-1, -1, ()),
        (9, -1, (("total_qps", 9),)),
        (-1, 9, (("extranet_qps", 9),)),
        (9, 8, (("extranet_qps", 8), ("total_qps", 9))),
        (9, 9, (("total_qps", 9),)),  # it lets through what the part's would, and counts all of it
    ],
)
def test_what_holds_for_a_request_is_counted_once(total: int, part: int, limits: object) -> None:
    assert Qos(total_qps=total, extranet_qps=part).limits("qps", intranet=False) == limits


def test_all_who_name_a_meter_share_it_and_workers_share_the_limit() -> None:
    meters = BucketMeters(workers=4)
    meter = meters.find(1, "total_upload", 1000)
    assert meter.rate == 250
    assert meters.find(1, "total_upload", 1000) is meter
    assert meters.find(2, "total_upload", 1000) is not meter
    assert meters.find(1, "total_download", 1000) is not meter
    changed = meters.find(1, "total_upload", 2000)
    assert (changed.rate, meters.find(1, "total_upload", 2000)) == (500, changed)


def test_meters_found_together_are_those_found_alone() -> None:
    meters = BucketMeters()
    both = meters.find_all(1, (("total_qps", 10), ("extranet_qps", 5)))
    assert both == (meters.find(1, "total_qps", 10), meters.find(1, "extranet_qps", 5))
    changed = meters.find_all(1, (("total_qps", 20),))
    assert meters.find_all(1, (("total_qps", 20), ("intranet_qps", 5)))[0] is changed[0], "shared by both sides"
    assert meters.find_all(1, (("total_qps", 10), ("extranet_qps", 5)))[0].rate == 10
    assert meters.find_all(1, ()) == ()


def test_meters_are_remembered_up_to_a_number() -> None:
    meters = BucketMeters()
    first = meters.find(0, "total_upload", 1)
    for bucket_id in range(1, METERS_MAX + 1):
        meters.find(bucket_id, "total_upload", 1)
    assert meters.find(0, "total_upload", 1) is not first
