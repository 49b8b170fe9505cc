"""What the register says of a link, as a refusal or as limits."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from coatcheck.core.errors import (
    LINK_CANCELLED,
    LINK_NOT_REGISTERED,
    LINK_NOT_STARTED,
    LINK_WRONG_ADDRESS,
    Fault,
    OssError,
)
from coatcheck.links.standing import Presented, check_standing
from coatcheck.ports.links import UNKNOWN, Limits, Link, Standing

NOW = 10_000.0
LINK = Link("lk_b", "1", "LTAI5tAnna", "photos", "cat.jpg", 100)
V4 = Presented("1", 5_000, "192.0.2.7")
V1 = V4._replace(signed_at=None)


def refusal(standing: Standing, presented: Presented) -> Fault:
    with pytest.raises(OssError) as caught:
        check_standing(standing, presented, NOW)
    return caught.value.fault


def limited(**limits: object) -> Standing:
    return Standing(replace(LINK, limits=Limits(**limits)))  # type: ignore[arg-type]


def test_a_link_without_a_row_is_as_its_signature_says() -> None:
    assert check_standing(UNKNOWN, V4, NOW) is None


def test_a_row_gives_its_limits() -> None:
    assert check_standing(limited(downloads=3), V4, NOW) == Limits(downloads=3)


def test_a_cancelled_link_is_refused() -> None:
    assert refusal(Standing(replace(LINK, cancelled_at=200)), V4) is LINK_CANCELLED


def test_another_accounts_row_is_not_this_links() -> None:
    assert check_standing(Standing(replace(LINK, account="2", cancelled_at=200)), V4, NOW) is None


@pytest.mark.parametrize(("cancelled_before", "cancelled"), [(5_000, False), (5_001, True)])
def test_a_rule_cancels_what_was_signed_before(cancelled_before: int, cancelled: bool) -> None:
    standing = Standing(cancelled_before=cancelled_before)
    if cancelled:
        assert refusal(standing, V4) is LINK_CANCELLED
    else:
        assert check_standing(standing, V4, NOW) is None


def test_a_rule_cancels_links_that_do_not_say_when_they_were_signed() -> None:
    assert refusal(Standing(cancelled_before=1), V1) is LINK_CANCELLED


def test_where_links_have_to_be_registered_others_are_refused() -> None:
    assert refusal(Standing(registered_only=True), V4) is LINK_NOT_REGISTERED
    assert check_standing(Standing(LINK, registered_only=True), V4, NOW) == Limits()


def test_a_link_is_good_from_its_start() -> None:
    assert refusal(limited(starts_at=10_001), V4) is LINK_NOT_STARTED
    assert check_standing(limited(starts_at=10_000), V4, NOW) is not None


@pytest.mark.parametrize(
    ("networks", "address", "fits"),
    [
        (("192.0.2.0/24",), "192.0.2.7", True),
        (("192.0.2.0/24",), "192.0.3.7", False),
        (("198.51.100.1/32", "192.0.2.7/32"), "::ffff:192.0.2.7", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "192.0.2.7", False),
        (("0.0.0.0/0",), "unix:", False),
    ],
)
def test_a_link_is_good_in_its_networks(networks: tuple[str, ...], address: str, fits: bool) -> None:
    presented = V4._replace(address=address)
    if fits:
        assert check_standing(limited(networks=networks), presented, NOW) is not None
    else:
        assert refusal(limited(networks=networks), presented) is LINK_WRONG_ADDRESS
