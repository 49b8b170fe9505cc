"""Sizes, before a pixel is touched: what each step makes of a width and a height, and which sizes are refused.

Everything is integer arithmetic; halves are rounded up, and no side is ever 0. Evidence for that is OSS's own example:
424 x 333 to height 100 is 127 wide (127.33), and 79 high when turned (78.54).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, cos, radians, sin

from msgspec import Struct

from coatcheck.core.errors import (
    AVIF_TOO_LARGE,
    CUT_OUT_OF_IMAGE,
    PICTURE_TOO_MANY_PIXELS,
    RESULT_TOO_LARGE,
    ROTATION_OUT_OF_RANGE,
    WEBP_TOO_LARGE,
)
from coatcheck.core.limits import (
    AVIF_MAX_PX,
    AVIF_MAX_WIDTH_PX,
    PICTURE_MAX_PX,
    RESULT_MAX_PX,
    RESULT_MAX_SIDE_PX,
    ROTATE_MAX_SIDE_PX,
    WEBP_MAX_SIDE_PX,
)

from .plan import FILL, FIXED, PAD, Circle, Crop, IndexCrop, Resize, Rotate, Step


class Fit(Struct, frozen=True):
    """What a resize does: the picture is scaled to width x height, then cut to the canvas, or centred on it."""

    width: int
    height: int
    canvas_width: int
    canvas_height: int


class Box(Struct, frozen=True):
    """A rectangle within a picture."""

    left: int
    top: int
    width: int
    height: int


def ratio(value: int, numerator: int, denominator: int) -> int:
    """value x numerator / denominator, half up, at least 1."""
    return max(1, (2 * value * numerator + denominator) // (2 * denominator))


def fit(step: Resize, width: int, height: int) -> Fit:
    """What `step` makes of a picture. Raises: OssError RESULT_TOO_LARGE."""
    found = _fit(step, width, height)
    result = found.canvas_width, found.canvas_height
    if max(result) > RESULT_MAX_SIDE_PX or result[0] * result[1] > RESULT_MAX_PX:
        raise RESULT_TOO_LARGE()
    if found.width * found.height > PICTURE_MAX_PX:  # a sliver that is to fill a square
        raise RESULT_TOO_LARGE()
    return found


def _fit(step: Resize, width: int, height: int) -> Fit:
    box = _box(step, width, height)
    if box is None:
        percent = step.p or 100
        return _plain(ratio(width, percent, 100), ratio(height, percent, 100))
    w, h = box
    if step.mode in (FILL, PAD, FIXED):
        return _fit_box(step, width, height, w or h or 1, h or w or 1)
    if w is None or h is None:
        w, h = (w, ratio(height, w, width)) if w is not None else (ratio(width, h or 1, height), h or 1)
    else:
        w, h = _inside(width, height, w, h) if step.mode == "lfit" else _around(width, height, w, h)
    if step.limit and (w > width or h > height):
        return _plain(width, height)
    return _plain(w, h)


def _box(step: Resize, width: int, height: int) -> tuple[int | None, int | None] | None:
    """The target width and height; None when it is a percentage. w and h go before l and s, those before p."""
    if step.w is not None or step.h is not None:
        return step.w, step.h
    lies = width >= height
    if step.long is not None or step.short is not None:
        return (step.long, step.short) if lies else (step.short, step.long)
    return None


def _fit_box(step: Resize, width: int, height: int, w: int, h: int) -> Fit:
    if step.mode == FIXED:
        return _plain(width, height) if step.limit and (w > width or h > height) else _plain(w, h)
    if step.mode == FILL:
        if step.limit and (w > width or h > height):
            return _plain(width, height)
        return Fit(*_around(width, height, w, h), w, h)
    if step.limit and w > width and h > height:
        return Fit(width, height, w, h)
    return Fit(*_inside(width, height, w, h), w, h)


def _plain(width: int, height: int) -> Fit:
    return Fit(width, height, width, height)


def _inside(width: int, height: int, w: int, h: int) -> tuple[int, int]:
    """The largest size of the picture's shape within w x h."""
    return (w, min(h, ratio(height, w, width))) if w * height <= h * width else (min(w, ratio(width, h, height)), h)


def _around(width: int, height: int, w: int, h: int) -> tuple[int, int]:
    """The smallest size of the picture's shape that covers w x h."""
    return (w, max(h, ratio(height, w, width))) if w * height >= h * width else (max(w, ratio(width, h, height)), h)


def fit_mark(step: Resize, width: int, height: int, main_width: int, main_height: int) -> Fit:
    """As `fit`, for a watermark whose size may be a percentage of the main picture's."""
    percent = step.percent_of_main
    if percent is None:
        return fit(step, width, height)
    box = ratio(main_width, percent, 100), ratio(main_height, percent, 100)
    return _plain(*_inside(width, height, *box))


def cut(step: Crop, width: int, height: int) -> Box:
    """Raises: OssError CUT_OUT_OF_IMAGE."""
    w, h = min(step.w or width, width), min(step.h or height, height)
    left, top = place(step.g, width, height, w, h)
    left, top = left + step.x, top + step.y
    if left >= width or top >= height:
        raise CUT_OUT_OF_IMAGE()
    return Box(left, top, min(w, width - left), min(h, height - top))


def place(gravity: str, width: int, height: int, w: int, h: int) -> tuple[int, int]:
    """Where a w x h rectangle lies whose side or corner `gravity` touches that of the picture."""
    left = {"w": 0, "e": width - w}.get(_side(gravity, "we"), (width - w) // 2)
    top = {"n": 0, "s": height - h}.get(_side(gravity, "ns"), (height - h) // 2)
    return left, top


def _side(gravity: str, sides: str) -> str:
    """Which of two sides a gravity names: "ne" and "east" say e, "center" neither."""
    if gravity == "center":
        return ""
    letters = gravity if len(gravity) == 2 else gravity[0]
    return next((letter for letter in letters if letter in sides), "")


def strip(step: IndexCrop, width: int, height: int) -> Box:
    """The strip, or the whole picture when there is none of that number."""
    side = height if step.along_height else width
    start = step.i * step.length
    if start >= side:
        return Box(0, 0, width, height)
    length = min(step.length, side - start)
    return Box(0, start, width, length) if step.along_height else Box(start, 0, length, height)


def circle_radius(r: int, width: int, height: int) -> int:
    """The radius that fits; the result is a square of 2r+1."""
    return min(r, (min(width, height) - 1) // 2)


def corner_radius(r: int, width: int, height: int) -> int:
    return min(r, min(width, height) // 2)


def check_rotation(width: int, height: int) -> None:
    """Raises: OssError ROTATION_OUT_OF_RANGE."""
    if max(width, height) > ROTATE_MAX_SIDE_PX:
        raise ROTATION_OUT_OF_RANGE()


def turned(angle: int, width: int, height: int) -> tuple[int, int]:
    """About the size of the turned picture; exact for right angles."""
    if angle % 180 == 0:
        return width, height
    if angle % 90 == 0:
        return height, width
    s, c = abs(sin(radians(angle))), abs(cos(radians(angle)))
    return ceil(width * c + height * s), ceil(width * s + height * c)


def follow(steps: Iterable[Step], width: int, height: int) -> tuple[int, int]:
    """The size of the result, about; so every size that is refused is refused before anything is decoded.

    Raises: OssError RESULT_TOO_LARGE, CUT_OUT_OF_IMAGE, ROTATION_OUT_OF_RANGE.
    """
    for step in steps:
        match step:
            case Resize():
                done = fit(step, width, height)
                width, height = done.canvas_width, done.canvas_height
            case Crop():
                box = cut(step, width, height)
                width, height = box.width, box.height
            case IndexCrop():
                box = strip(step, width, height)
                width, height = box.width, box.height
            case Circle():
                width = height = 2 * circle_radius(step.r, width, height) + 1
            case Rotate() if step.angle % 360:
                check_rotation(width, height)
                width, height = turned(step.angle, width, height)
            case _:
                pass
    return width, height


def check_result(format: str, width: int, height: int) -> None:
    """Raises: OssError WEBP_TOO_LARGE, AVIF_TOO_LARGE, PICTURE_TOO_MANY_PIXELS."""
    if format == "webp" and max(width, height) > WEBP_MAX_SIDE_PX:
        raise WEBP_TOO_LARGE()
    if format == "avif" and (width > AVIF_MAX_WIDTH_PX or width * height > AVIF_MAX_PX):
        raise AVIF_TOO_LARGE()
    if width * height > PICTURE_MAX_PX:
        raise PICTURE_TOO_MANY_PIXELS()
