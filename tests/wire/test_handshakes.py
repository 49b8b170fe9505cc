"""How many handshakes may have begun, and which one goes."""

from __future__ import annotations

from typing import Any, cast

from coatcheck.wire.handshakes import Handshakes


def connections(number: int) -> list[Any]:
    return [cast("Any", object()) for _ in range(number)]


def test_oldest_of_the_address_that_has_most_goes() -> None:
    handshakes: Handshakes[Any] = Handshakes(4)
    first, second, third, other, late = connections(5)
    begun = [(other, "other"), (first, "many"), (second, "many"), (third, "many")]
    assert [handshakes.begin(*each) for each in begun] == [None, None, None, None]
    assert handshakes.begin(late, "late") is first


def test_what_is_through_gives_its_place_back() -> None:
    handshakes: Handshakes[Any] = Handshakes(1)
    first, second, third = connections(3)
    assert handshakes.begin(first, "a") is None
    handshakes.end(first)
    handshakes.end(first)
    assert handshakes.begin(second, "a") is None
    assert handshakes.begin(third, "b") is second
