"""Names, places and types of what comes into a box, whatever its sender says."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import OssError
from coatcheck.operations.box_rules import choose_piece_bytes, choose_place, clean_name, cut_name, reserve, settle
from coatcheck.operations.file_types import HEAD_BYTES, OCTETS, find_type
from coatcheck.ports.arrivals import Taken
from coatcheck.ports.tickets import Box

NOW = 1_772_694_489  # Thu, 05 Mar 2026 07:08:09 GMT
RUN_BY_BROWSERS = {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml"}
texts = st.text(st.characters(exclude_categories=()), max_size=300)


@given(texts)
def test_a_name_is_one_segment_that_is_seen(sent: str) -> None:
    name = clean_name(sent)
    assert name
    assert name.strip(".")
    assert not set(name) & set("/\\\x00\r\n\u202e\u2066")
    assert {unicodedata.category(sign) for sign in name} & {"Cc", "Cs"} == set()
    assert len(name.encode()) <= 200


@given(texts)
def test_a_clean_name_stays_as_it_is(sent: str) -> None:
    assert clean_name(clean_name(sent)) == clean_name(sent)


@pytest.mark.parametrize(
    ("name", "most", "cut"),
    [
        ("abcdef.txt", 10, "abcdef.txt"),
        ("abcdef.txt", 9, "abcde.txt"),
        ("猫猫猫.txt", 11, "猫猫.txt"),
        ("abc.verylongending", 8, "abc.very"),
        (".hiddenhidden", 5, ".hidd"),
    ],
)
def test_a_cut_name_keeps_its_ending(name: str, most: int, cut: str) -> None:
    assert cut_name(name, most) == cut


def test_a_key_is_below_the_prefix_and_within_its_bytes() -> None:
    place = choose_place(Box(), "in/", "a.txt", NOW)
    assert place.key.startswith("in/2026-03-05/")
    assert place.key.endswith("-a.txt")
    long = choose_place(Box(dated=False), "p" * 900 + "/", "猫" * 300, NOW)
    assert len(long.key.encode()) <= 1023
    with pytest.raises(OssError, match="name"):
        choose_place(Box(), "p" * 1000 + "/", "a", NOW)


def test_no_two_files_have_the_same_key() -> None:
    assert len({choose_place(Box(), "", "a", NOW).key for _ in range(1000)}) == 1000


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20), st.integers(1, 5), st.integers(1, 60))
def test_counts_never_pass_the_rules(files: list[tuple[int, int]], most: int, bytes_max: int) -> None:
    """Each file says a size and then has another one."""
    box, taken = Box(most, 20, bytes_max), Taken()
    for said, size in files:
        try:
            kept = reserve(box, taken, said)
            taken = settle(box, kept, said, min(size, said))._replace(under_way=0)
        except OssError:
            continue
        assert taken.files <= most
        assert taken.size_bytes <= bytes_max


@pytest.mark.parametrize(
    ("size", "piece"), [(1, 8 << 20), (80_000 << 20, 8 << 20), ((80_000 << 20) + 1, (8 << 20) + 1)]
)
def test_there_are_never_more_pieces_than_allowed(size: int, piece: int) -> None:
    assert choose_piece_bytes(size) == piece
    assert -(-size // piece) <= 10_000


@given(texts, texts, st.binary(max_size=600), st.lists(st.sampled_from(["*/*", "image/*", "text/*", "application/*"])))
def test_nothing_is_kept_that_a_browser_would_run(name: str, declared: str, head: bytes, allowed: list[str]) -> None:
    kind = find_type(name, declared, head[:HEAD_BYTES], allowed)
    assert kind not in RUN_BY_BROWSERS
    if not allowed:
        assert kind == OCTETS


@pytest.mark.parametrize("declared", sorted(RUN_BY_BROWSERS))
@pytest.mark.parametrize("head", [b"<html>", b"plain", b"<?xml version='1.0'?><svg/>", b""])
def test_what_browsers_run_is_stored_as_bytes(declared: str, head: bytes) -> None:
    assert find_type("a", declared, head, ["*/*"]) == OCTETS
