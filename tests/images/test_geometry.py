"""Sizes by arithmetic, without a picture: OSS's own examples, and what holds for every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import OssError
from coatcheck.images.geometry import Box, circle_radius, cut, fit, follow, place, ratio, strip
from coatcheck.images.plan import MODES, Crop, IndexCrop, Resize
from coatcheck.images.text import read_plan

SIDE = st.integers(1, 30_000)
WANTED = st.none() | st.integers(1, 4096)


def size_of(actions: str, width: int, height: int) -> tuple[int, int]:
    return follow(read_plan(f"image/{actions}").steps, width, height)


@pytest.mark.parametrize(
    ("actions", "source", "result"),
    [
        ("resize,w_150,h_80", (200, 100), (150, 75)),
        ("resize,m_mfit,w_150,h_80", (200, 100), (160, 80)),
        ("resize,h_100", (424, 333), (127, 100)),
        ("resize,w_100", (424, 333), (100, 79)),
        ("resize,l_900,h_600", (3924, 2550), (923, 600)),
        ("resize,m_fixed,h_100", (200, 100), (100, 100)),
        ("resize,w_400", (200, 100), (200, 100)),
        ("resize,m_fill,w_300,h_50", (200, 100), (200, 100)),
        ("resize,m_pad,w_300,h_300", (200, 100), (300, 300)),
        ("resize,m_mfit,l_100,s_80", (200, 100), (160, 80)),
        ("resize,m_mfit,l_100,s_80", (100, 200), (80, 160)),
        ("resize,p_1", (30, 10), (1, 1)),
        ("rotate,90", (400, 267), (267, 400)),
        ("circle,r_100", (300, 200), (199, 199)),
    ],
)
def test_sizes_of_the_documentation(actions: str, source: tuple[int, int], result: tuple[int, int]) -> None:
    assert size_of(actions, *source) == result


def test_halves_are_rounded_up_and_nothing_vanishes() -> None:
    assert [ratio(1, 1, 2), ratio(3, 1, 2), ratio(5, 1, 2), ratio(1, 1, 1000)] == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("gravity", "corner"),
    [
        ("nw", (0, 0)), ("north", (150, 0)), ("ne", (300, 0)),
        ("west", (0, 83)), ("center", (150, 83)), ("east", (300, 83)),
        ("sw", (0, 167)), ("south", (150, 167)), ("se", (300, 167)),
    ],
)  # fmt: skip
def test_a_gravity_is_a_place(gravity: str, corner: tuple[int, int]) -> None:
    assert place(gravity, 400, 267, 100, 100) == corner


def test_a_cut_is_clipped_at_the_edges() -> None:
    assert cut(Crop(900, 900, 100, 100, "se"), 1000, 1000) == Box(200, 200, 800, 800)
    assert cut(Crop(x=300, y=200), 400, 267) == Box(300, 200, 100, 67)


def test_the_last_strip_is_what_is_left_and_one_beyond_it_is_the_picture() -> None:
    assert strip(IndexCrop(100, True, 2), 400, 267) == Box(0, 200, 400, 67)
    assert strip(IndexCrop(100, True, 3), 400, 267) == Box(0, 0, 400, 267)


@given(st.sampled_from(MODES), WANTED, WANTED, SIDE, SIDE, st.booleans())
def test_a_fit_keeps_its_word(mode: str, w: int | None, h: int | None, width: int, height: int, limit: bool) -> None:
    if w is None and h is None:
        return
    try:
        found = fit(Resize(mode, w=w, h=h, limit=limit), width, height)
    except OssError:
        return
    assert min(found.width, found.height, found.canvas_width, found.canvas_height) >= 1
    if mode == "lfit":
        assert found.canvas_width <= max(w or width * 5000, 1) or (found.canvas_width, found.canvas_height) == (
            width,
            height,
        )
        assert found.canvas_height <= (h or 30_000 * 4096)
    if limit and mode in ("lfit", "mfit", "fixed", "fill"):
        assert found.canvas_width <= width
        assert found.canvas_height <= height
    if mode == "pad":
        assert (found.canvas_width, found.canvas_height) == (w or h, h or w)
        assert found.width <= found.canvas_width
        assert found.height <= found.canvas_height
    if mode in ("lfit", "mfit"):
        assert abs(found.width * height - found.height * width) <= max(width, height)


@given(st.integers(1, 4096), SIDE, SIDE)
def test_a_circle_lies_within_its_picture(r: int, width: int, height: int) -> None:
    assert 2 * circle_radius(r, width, height) + 1 <= min(width, height)


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ("resize,m_fixed,w_5000,h_5000,limit_0", "ImageTooLarge"),
        ("resize,p_1000", "ImageTooLarge"),
        ("resize,m_fill,w_4000,h_4000,limit_0", "ImageTooLarge"),
        ("crop,x_30000", "BadRequest"),
        ("rotate,1", "BadRequest"),
    ],
)
def test_sizes_out_of_range_are_refused(actions: str, code: str) -> None:
    with pytest.raises(OssError) as caught:
        size_of(actions, 20_000, 3)
    assert (caught.value.status, caught.value.code) == (400, code)
