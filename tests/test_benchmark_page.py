"""The page of figures says what was measured, and what is missed."""

from __future__ import annotations

from xml.etree import ElementTree

from page import Machine, text
from picture import draw
from works import COMPILED, SOURCE, WORKS, Value

MACHINE = Machine(("Two cores.",))
FOUND = {
    "get-1k seen": {
        COMPILED: Value(0.446, 0.41, 0.5, "30,000 beside 67,000 a second"),
        SOURCE: Value(0.32, 0.3, 0.33, "21,000 beside 67,000 a second"),
    },
    "start": {COMPILED: Value(299.6, 280, 420)},
    "first read 1m": {COMPILED: Value(1.9, 1.9, 1.9, "nginx 0.90 ms; read again: 0.50 ms")},
}


def test_a_figure_stands_beside_what_it_must_be() -> None:
    row = (
        "| GET 1 KiB, links seen before, x nginx | 0.45 | 0.60 | 0.45 | 0.41 to 0.50 | 30,000 beside 67,000 a second |"
    )
    assert row in text(FOUND, MACHINE, "5 rounds").splitlines()


def test_pure_python_has_bounds_of_its_own_and_a_miss_is_told_twice() -> None:
    page = text(FOUND, MACHINE, "5 rounds")
    row = "| GET 1 KiB, links seen before, x nginx | 0.33 | 0.60 | **0.32**, missed | 0.30 to 0.33 "
    assert row + "| 21,000 beside 67,000 a second |" in page.splitlines()
    missed = "- Pure Python: GET 1 KiB, links seen before is 0.32 x nginx; it must be at least 0.33."
    assert [line for line in page.splitlines() if "it must be" in line] == [missed]


def test_of_a_cost_less_is_better() -> None:
    rows = text(FOUND, MACHINE, "5 rounds").splitlines()
    assert "| first answer after the start, ms | at most 300 | at most 150 | 300 | 280 to 420 |  |" in rows


def test_what_was_not_measured_is_told() -> None:
    assert "| PUT 256 MiB, x SeaweedFS | 2.30 | 3.00 | not measured |  |  |" in text(FOUND, MACHINE, "").splitlines()
    assert "Nothing has been measured yet." in text({}, MACHINE, "").splitlines()


def test_the_picture_is_well_formed_with_and_without_figures() -> None:
    for found in ({}, FOUND):
        words = [element.text for element in ElementTree.fromstring(draw(found)).iter() if element.tag.endswith("text")]
        titles = [work.title for work in WORKS if work.unit in ("x nginx", "x SeaweedFS") and not work.is_cost]
        assert [title for title in titles if title not in words] == []
    assert "0.45" in words
