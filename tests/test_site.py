"""The docs as a site: every page has its place in the order of reading, and every link of them leads somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from scripts.docs_site import FROM_ROOT, within_site

from .each import each

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *(ROOT / name for name in FROM_ROOT), *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def prose(page: Path) -> str:
    """A page without its fenced blocks, and without code within lines."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts and the site make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    made = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        made.add(re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-"))
    return made


def test_every_page_is_in_the_order_of_reading_once() -> None:
    order = re.findall(r"^ +- ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(order) == sorted([*(page.name for page in DOCS.glob("*.md")), *FROM_ROOT.values()])


@each(PAGES, name=lambda page: page.name)
def test_a_page_has_a_title_and_something_below_it(page: Path) -> None:
    title, *rest = page.read_text("utf-8").splitlines()
    assert title.startswith("# ")
    assert len(rest) > 5


@each(PAGES, name=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(prose(page)):
        there = (page.parent / target) if target else page
        assert there.exists(), target
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), f"{target}#{anchor}"


@each(PAGES, name=lambda page: page.name)
def test_nothing_is_fetched_from_another_host(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"!\[[^\]]*\]\(\w+:|<(img|script|iframe|link)\b[^>]*//", re.sub(r"`[^`\n]*`", "", text))
    assert "```mermaid" not in text  # the theme would fetch its program


@pytest.mark.parametrize(
    ("folder", "written", "led"),
    [
        ("", "[links](docs/links.md#see)", "[links](links.md#see)"),
        ("docs", "[changes](../CHANGELOG.md)", "[changes](changelog.md)"),
        ("docs", "[a table](errors.md)", "[a table](errors.md)"),
        ("docs", "[a program](../tests/each.py)", "a program (`tests/each.py`)"),
        ("docs", "[nothing](nothing.md)", "[nothing](nothing.md)"),  # left for mkdocs to complain of
    ],
)
def test_a_link_in_the_site(folder: str, written: str, led: str) -> None:
    link = re.fullmatch(r"\[([^\]]*)\]\(([^)#]+)(#\S+)?\)", written)
    assert link is not None
    assert within_site(link, folder) == led
