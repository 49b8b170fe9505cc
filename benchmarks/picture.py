"""The picture of the figures: bars of ratios, with a mark where each must end. One SVG, by hand.

It brings its own light ground, so that it reads the same on a white page and on a dark one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from works import COMPILED, SOURCE, WORKS, Value, Work

Values = Mapping[str, Mapping[str, Value]]

_WIDTH, _LEFT, _RIGHT = 860, 290, 70
_BAR, _GAP, _HEAD = 11, 3, 34
_ROW = 2 * _BAR + _GAP + 12
_COLOURS = {COMPILED: "#1f6feb", SOURCE: "#8a63d2"}
_NAMES = {COMPILED: "compiled wheel", SOURCE: "pure Python"}
_INK, _FAINT, _GROUND, _BORDER, _MUST = "#1f2328", "#59636e", "#ffffff", "#d1d9e0", "#bc4c00"
_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def draw(found: Values) -> str:
    """Panels for the peers, one over the other; each has its own scale, and its peer at 1."""
    parts: list[str] = []
    top = 62.0
    for peer in ("nginx", "SeaweedFS"):
        works = [work for work in WORKS if work.unit == f"x {peer}" and not work.is_cost]
        parts += _panel(peer, works, found, top)
        top += _HEAD + len(works) * _ROW + 26
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:g}" width="{_WIDTH}" height="{top:g}" '
        f'font-family="{_FONT}" role="img">',
        "<title>Rates of coatcheck beside nginx and SeaweedFS</title>",
        f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{top - 1:g}" rx="8" fill="{_GROUND}" stroke="{_BORDER}"/>',
        _text(20, 30, "How many times as fast as", 16, bold=True),
        *_legend(),
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def _legend() -> Iterator[str]:
    x = 330.0
    for build, colour in _COLOURS.items():
        yield f'<rect x="{x:g}" y="19" width="{_BAR}" height="{_BAR}" rx="2" fill="{colour}"/>'
        yield _text(x + 18, 29, _NAMES[build], 13)
        x += 150
    yield _tick(x + 4, 17, 15)
    yield _text(x + 14, 29, "must (compiled wheel)", 13)


def _panel(peer: str, works: list[Work], found: Values, top: float) -> Iterator[str]:
    values = [value.median for work in works for value in found.get(work.name, {}).values()]
    most = max([*values, *(work.must or 0 for work in works), 1.0]) * 1.05
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    bottom = top + _HEAD + len(works) * _ROW
    yield _text(20, top + 18, peer, 14, bold=True)
    at_one = _LEFT + scale
    yield f'<line x1="{at_one:.1f}" y1="{top + 24:g}" x2="{at_one:.1f}" y2="{bottom:g}" stroke="{_FAINT}"/>'
    yield _text(at_one, top + 18, f"{peer} = 1", 12, anchor="middle", colour=_FAINT)
    yield f'<line x1="{_LEFT}" y1="{top + 24:g}" x2="{_LEFT}" y2="{bottom:g}" stroke="{_BORDER}"/>'
    for number, work in enumerate(works):
        yield from _row(work, found.get(work.name, {}), top + _HEAD + number * _ROW, scale)


def _row(work: Work, values: Mapping[str, Value], top: float, scale: float) -> Iterator[str]:
    yield _text(_LEFT - 12, top + _BAR + 5, work.title, 13, anchor="end")
    height = 2 * _BAR + _GAP
    if not values:
        yield _text(_LEFT + 8, top + _BAR + 5, "not measured", 12, colour=_FAINT)
    for number, (build, colour) in enumerate(_COLOURS.items()):
        if build in values:
            value, y = values[build].median, top + number * (_BAR + _GAP)
            yield f'<rect x="{_LEFT}" y="{y:g}" width="{value * scale:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
            yield _text(_WIDTH - 20, y + _BAR - 1, f"{value:.2f}", 11, anchor="end", colour=colour)
    if work.must is not None:
        yield _tick(_LEFT + work.must * scale, top - 3, height + 6)


def _tick(x: float, y: float, height: float) -> str:
    return f'<rect x="{x - 1.25:.1f}" y="{y:g}" width="2.5" height="{height:g}" fill="{_MUST}"/>'


def _text(
    x: float, y: float, words: str, size: int, *, anchor: str = "start", bold: bool = False, colour: str = _INK
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escape(words)}</text>"
    )
