"""The clock that a test moves, and whose time those go by who sign."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from coatcheck.signing.claim import read_claim
from coatcheck.testing.documents import Refused
from coatcheck.testing.moving_clock import MovingClock

from ..builders import FROZEN, a_presigner, a_request


class Real:
    """Real time, as far as a clock knows."""

    def __init__(self) -> None:
        self.now = float(FROZEN)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def real() -> Real:
    return Real()


def test_it_moves_and_goes_on(real: Real) -> None:
    clock = MovingClock(real)
    clock.move(8 * 3600)
    real.now += 5
    assert clock() == FROZEN + 8 * 3600 + 5
    clock.move(-8 * 3600)
    assert (clock(), clock.ahead_s()) == (FROZEN + 5, 0)


def test_it_stands_still_and_is_moved_all_the_same(real: Real) -> None:
    clock = MovingClock(real)
    clock.freeze()
    real.now += 100
    assert (clock(), clock.is_frozen) == (FROZEN, True)
    clock.move(10)
    assert clock() == FROZEN + 10
    clock.set(1_000_000_000)
    real.now += 1
    assert clock() == 1_000_000_000
    clock.go_on()
    real.now += 7
    assert (clock(), clock.is_frozen) == (1_000_000_007, False)
    clock.reset()
    assert clock() == real.now


@pytest.mark.parametrize("seconds", [-1e12, 1e15, float("inf")])
def test_it_knows_the_years_that_dates_are_written_in(real: Real, seconds: float) -> None:
    clock = MovingClock(real)
    with pytest.raises(Refused, match="it knows the years 1970 to 9999"):
        clock.move(seconds)
    assert clock() == FROZEN


def claim_of_link(**options: Any) -> Any:
    url = a_presigner("http://127.0.0.1:8000").presign("GET", "photos", "a", now=FROZEN, **options).url
    return read_claim(a_request("GET", url.removeprefix("http://127.0.0.1:8000")))


def claim_of_header(now: int) -> Any:
    headers = {
        "x-oss-date": "20260305T070809Z" if now == FROZEN else "20260305T150809Z",
        "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
        "authorization": "OSS4-HMAC-SHA256 Credential=CoatcheckAk0001/20260305/cn-hangzhou/oss/aliyun_v4_request,"
        "Signature=" + "0" * 64,
    }
    return read_claim(replace(a_request("GET", "/photos/a"), headers={"host": "127.0.0.1", **headers}))


def test_who_signs_a_request_goes_by_real_time(real: Real) -> None:
    clock = MovingClock(real)
    clock.move(8 * 3600)
    assert clock.signers_now(claim_of_header(FROZEN), clock()) == FROZEN


def test_who_signs_a_request_by_the_moved_clock_is_believed_too(real: Real) -> None:
    clock = MovingClock(real)
    clock.move(8 * 3600)
    assert clock.signers_now(claim_of_header(FROZEN + 8 * 3600), clock()) == FROZEN + 8 * 3600


def test_a_link_is_taken_at_its_word(real: Real) -> None:
    clock = MovingClock(real)
    clock.move(8 * 3600)
    assert clock.signers_now(claim_of_link(), clock()) == FROZEN + 8 * 3600
