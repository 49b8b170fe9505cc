"""Watermarks: what the mark looks like, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

import pyvips

from ...core.errors import NOT_A_PICTURE, RENDER_TOO_COSTLY, WATERMARK_ERROR, WATERMARK_FORMAT, OssError
from ...images.geometry import fit_mark, place
from ...images.plan import ImageMark, Resize, TextMark, Watermark
from .source import Source, check_decodable, load, open_source, settle, to_srgb, with_alpha
from .steps import scale, take_step, turn

_MARK_FORMATS: Final = frozenset({"jpg", "png", "bmp", "webp", "tiff"})
_TEXT_MAX_PX: Final = 16_000  # a line that would be longer is drawn smaller and scaled up: cairo ends at 32,767
_SHADOW_OFFSET_PX: Final = 2  # for text of the default size; larger text throws it further
_DEFAULT_SIZE: Final = 40

# OSS's font names -> the families that stand for them, best first. The packaged family is added to each.
_FAMILIES: Final = {
    "wqy-zenhei": "WenQuanYi Zen Hei",
    "wqy-microhei": "WenQuanYi Micro Hei",
    "fangzhengshusong": "FZShuSong-Z01,Noto Serif CJK SC",
    "fangzhengkaiti": "FZKai-Z03",
    "fangzhengheiti": "FZHei-B01",
    "fangzhengfangsong": "FZFangSong-Z02,Noto Serif CJK SC",
    "droidsansfallback": "Droid Sans Fallback",
}
PACKAGED_FAMILY: Final = "Noto Sans CJK SC"


class Stamper:
    """Puts watermarks on pictures; each mark is drawn once, also for an animation's many frames.

    Args:
        pictures: the objects that `image` marks name, by key.
    """

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        self._pictures = pictures
        self._drawn: dict[tuple[Watermark, int, int], pyvips.Image] = {}

    def __call__(self, image: pyvips.Image, step: Watermark) -> pyvips.Image:
        if step.t == 0:
            return image
        mark = self._mark(step, image.width, image.height)
        if step.fill:
            mark, left, top = _tile(mark, step, image.width, image.height), 0, 0
        else:
            left, top = _position(step, image.width, image.height, mark.width, mark.height)
        image = to_srgb(image)
        stamped = image.composite2(mark, "over", x=left, y=top).cast("uchar")
        if not image.hasalpha():
            stamped = stamped.extract_band(0, n=3)
        return stamped.copy(interpretation="srgb")

    def _mark(self, step: Watermark, width: int, height: int) -> pyvips.Image:
        known = step, width, height
        if known not in self._drawn:
            self._drawn[known] = _fade(self._draw(step, width, height), step.t).copy_memory()
        return self._drawn[known]

    def _draw(self, step: Watermark, width: int, height: int) -> pyvips.Image:
        parts = []
        if step.image is not None:
            parts.append(self._picture(step.image, width, height))
        if step.text is not None:
            parts.append(draw_text(step.text))
        if step.text_first:
            parts.reverse()
        return parts[0] if len(parts) == 1 else _join(parts[0], parts[1], step.align, step.interval)

    def _picture(self, mark: ImageMark, main_width: int, main_height: int) -> pyvips.Image:
        try:
            source = open_source(self._pictures[mark.key])
            check_decodable(source)
        except OssError as error:
            raise (WATERMARK_FORMAT() if error.fault is NOT_A_PICTURE else error) from None
        except KeyError:
            raise WATERMARK_ERROR() from None
        if source.format not in _MARK_FORMATS:
            raise WATERMARK_FORMAT()
        try:
            return with_alpha(self._process(source, mark, main_width, main_height)).copy_memory()
        except pyvips.Error:
            raise WATERMARK_ERROR() from None

    def _process(self, source: Source, mark: ImageMark, main_width: int, main_height: int) -> pyvips.Image:
        image = settle(load(source).copy_memory().autorot())
        for step in mark.steps:
            if isinstance(step, Resize) and step.percent_of_main is not None:
                found = fit_mark(step, image.width, image.height, main_width, main_height)
                image = scale(image, found.width, found.height)
            else:
                image = take_step(image, step, self)
        return image


def draw_text(mark: TextMark) -> pyvips.Image:
    """The text in its colour on nothing, with its shadow below it."""
    ink = _ink(mark)
    text = _coloured(ink, mark.color)
    if mark.shadow:
        away = max(1, round(_SHADOW_OFFSET_PX * mark.size / _DEFAULT_SIZE))
        width, height = ink.width + away, ink.height + away
        below = _fade(_coloured(ink, "000000"), mark.shadow).embed(away, away, width, height)
        text = below.composite2(text, "over", x=0, y=0).cast("uchar").copy(interpretation="srgb")
    if mark.rotate % 360:
        text = turn(text.copy_memory(), mark.rotate)
    return text


def _ink(mark: TextMark) -> pyvips.Image:
    """How much ink there is at each pixel, 0 to 255; as large as the ink."""
    size = max(1, min(mark.size, _TEXT_MAX_PX // len(mark.text)))
    families = f"{_FAMILIES[mark.font]},{PACKAGED_FAMILY}"
    try:
        ink = pyvips.Image.text(escape(mark.text), font=f"{families} {size}", dpi=72)
    except pyvips.Error:
        raise RENDER_TOO_COSTLY("This text cannot be drawn.") from None
    return ink if size == mark.size else ink.resize(mark.size / size)


def _coloured(ink: pyvips.Image, color: str) -> pyvips.Image:
    colours = ink.new_from_image(list(bytes.fromhex(color)))
    return colours.bandjoin(ink).cast("uchar").copy(interpretation="srgb")


def _fade(mark: pyvips.Image, percent: int) -> pyvips.Image:
    if percent == 100:
        return mark
    return (mark * [1, 1, 1, percent / 100]).rint().cast("uchar").copy(interpretation="srgb")


def _join(first: pyvips.Image, second: pyvips.Image, align: int, interval: int) -> pyvips.Image:
    """Side by side: aligned at the top (0), the middle (1) or the bottom (2)."""
    height = max(first.height, second.height)
    width = first.width + interval + second.width
    canvas = first.embed(0, (height - first.height) * align // 2, width, height)
    top = (height - second.height) * align // 2
    return canvas.insert(second, first.width + interval, top).copy(interpretation="srgb")


def _position(step: Watermark, width: int, height: int, w: int, h: int) -> tuple[int, int]:
    left, top = place(step.g, width, height, w, h)
    if step.g in ("nw", "west", "sw"):
        left += step.x
    elif step.g in ("ne", "east", "se"):
        left -= step.x
    if step.g in ("nw", "north", "ne"):
        top += step.y
    elif step.g in ("sw", "south", "se"):
        top -= step.y
    else:
        top += step.voffset
    return left, top


def _tile(mark: pyvips.Image, step: Watermark, width: int, height: int) -> pyvips.Image:
    mark = mark.crop(0, 0, min(mark.width, width), min(mark.height, height))
    cell = mark.embed(0, 0, mark.width + step.padx, mark.height + step.pady)
    across, down = -(-width // cell.width), -(-height // cell.height)
    return cell.replicate(across, down).crop(0, 0, width, height).copy(interpretation="srgb")
