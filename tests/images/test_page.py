"""docs/image-processing.md: its pictures are there, its texts can be read, and it names every action."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coatcheck.engines.vips.marks import _FAMILIES
from coatcheck.images import text
from coatcheck.images.plan import FONTS
from coatcheck.images.text import read_plan

PAGE = (Path(__file__).parents[2] / "docs" / "image-processing.md").read_text("utf-8")
SHOWN = re.findall(r"!\[(.+?)\]\((pictures/.+?)\)<br>(.+?)<br>`(.+?)`", PAGE)


def test_there_are_pictures() -> None:
    assert len(SHOWN) >= 20


@pytest.mark.parametrize(("title", "file", "caption", "actions"), SHOWN)
def test_a_picture_is_there_and_its_text_can_be_read(title: str, file: str, caption: str, actions: str) -> None:
    assert title == caption
    assert 500 < (Path(__file__).parents[2] / "docs" / file).stat().st_size < 20_000
    read_plan(f"image/{actions}")


@pytest.mark.parametrize(
    "action", [*text._STEPS, "auto-orient", "format", "quality", "interlace", "info", "average-hue"]
)
def test_every_action_is_explained(action: str) -> None:
    assert f"`{action}`" in PAGE


def test_every_font_name_leads_somewhere() -> None:
    assert set(_FAMILIES) == set(FONTS)
