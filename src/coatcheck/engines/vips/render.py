"""One plan on one picture: the order of things, from bytes to bytes.

Sizes are settled first, by arithmetic on the header's; only then are pixels decoded. The first resize is done while
decoding where the format can (JPEG at a half, a quarter, an eighth), which is where most of the speed comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyvips
from msgspec.structs import replace

from ...core.errors import INVALID_ARGUMENT, PICTURE_TOO_MANY_PIXELS, RENDER_TOO_COSTLY
from ...core.limits import PICTURE_MAX_FRAMES
from ...images.geometry import Fit, check_result, check_rotation, fit, follow
from ...images.plan import CONTENT_TYPES, Answer, Crop, Plan, Resize, Step, Watermark
from .describing import average_hue, describe
from .marks import Stamper
from .saving import result_format, save
from .source import Source, check_decodable, load, open_source, settle
from .steps import lay_on_canvas, scale, take_step

JSON: Final = "application/json"
_OUT_OF_MEMORY: Final = "out of memory"  # what libvips says when it gets none; pictures can't put words in its mouth


def render(plan: Plan, data: bytes, marks: Mapping[str, bytes], eighth_from: int) -> tuple[str, bytes]:
    """Carry out a plan.

    Args:
        data: the stored picture.
        marks: the pictures that the plan's watermarks name, by key.
        eighth_from: see `Source`.
    Returns: Content-Type and content.
    Raises:
        OssError: whatever is wrong with the picture, or with the plan for this picture.
    """
    source = replace(open_source(data), eighth_from=eighth_from)
    if plan.answer is Answer.INFO:
        return JSON, describe(source)
    check_decodable(source)
    try:
        if plan.answer is Answer.AVERAGE_HUE:
            return JSON, average_hue(source)
        return _render_picture(plan, source, Stamper(marks))
    except pyvips.Error as error:
        raise (RENDER_TOO_COSTLY() if _OUT_OF_MEMORY in str(error) else source.broken()) from None


def _render_picture(plan: Plan, source: Source, stamp: Stamper) -> tuple[str, bytes]:
    format = result_format(plan, source)
    if format == "heic":
        raise INVALID_ARGUMENT(
            "The value: heic of parameter: format is invalid. This server has no HEVC encoder; ask for avif or webp.",
            ec="0040-00000206",
            ArgumentName="format",
            ArgumentValue="heic",
        )
    steps = tuple(_never_enlarge(step) for step in plan.steps) if source.format == "gif" else plan.steps
    upright = plan.auto_orient is not False and source.orientation > 1
    if upright:
        check_rotation(source.width, source.height)
    width, height = (source.height, source.width) if upright and source.is_turned else (source.width, source.height)
    check_result(format, *follow(steps, width, height))
    if _stays_animated(plan, source, format):
        image = _animate(source, steps, stamp)
    else:
        image = _start(source, steps, width, height, upright=upright)
        for step in _rest(steps):
            image = take_step(image, step, stamp)
    return CONTENT_TYPES[format], save(image, format, plan, source)


def _never_enlarge(step: Step) -> Step:
    """A GIF isn't enlarged, whatever is asked."""
    if not isinstance(step, Resize):
        return step
    return replace(step, limit=True, p=None if step.p is None else min(step.p, 100))


def _start(source: Source, steps: tuple[Step, ...], width: int, height: int, *, upright: bool) -> pyvips.Image:
    """The pixels, upright if asked, the first step taken if it is a resize."""
    first = _first_resize(steps)
    if first is None:
        image = load(source)
        return settle(image.copy_memory().autorot() if upright else image)
    found = fit(first, width, height)
    return lay_on_canvas(settle(_shrink(source, found, upright=upright)), found, first.color)


def _shrink(source: Source, found: Fit, *, upright: bool, frames: int = 1) -> pyvips.Image:
    """The source, scaled while it is decoded. Both sides are given: libvips would round the second one its own way."""
    if source.format == "bmp":
        return scale(load(source), found.width, found.height)
    image = load(source, frames=frames, shrink=_shrink_on_load(source, found, upright=upright))
    return image.thumbnail_image(found.width, height=found.height, size="force", no_rotate=not upright)


def _shrink_on_load(source: Source, found: Fit, *, upright: bool) -> int:
    """By how much a JPEG is reduced by its decoder, which is fast and coarse: at least 2 are left for doing it well,
    unless `eighth_from` is below 16.

    (`thumbnail_source` would do the same, but takes a broken PNG for whole.)
    """
    if source.format != "jpg":
        return 1
    width, height = (found.height, found.width) if upright and source.is_turned else (found.width, found.height)
    ratio = min(source.width / width, source.height / height)
    return 8 if ratio >= source.eighth_from else 4 if ratio >= 8 else 2 if ratio >= 4 else 1


def _first_resize(steps: tuple[Step, ...]) -> Resize | None:
    return steps[0] if steps and isinstance(steps[0], Resize) else None


def _rest(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return steps if _first_resize(steps) is None else steps[1:]


# --- animations ------------------------------------------------------------------------------------------------------


def _stays_animated(plan: Plan, source: Source, format: str) -> bool:
    """A GIF or WebP that is cut, shrunk by size, or marked goes on moving; everything else makes a still of it."""
    if source.frames == 1 or format not in ("gif", "webp"):
        return False
    if plan.relative_quality is not None or plan.absolute_quality is not None:
        return False
    if plan.auto_orient is not None and source.format == "gif":
        return False
    return all(
        isinstance(step, (Crop, Watermark)) or (isinstance(step, Resize) and not _by_percentage(step))
        for step in plan.steps
    )


def _by_percentage(step: Resize) -> bool:
    return step.w is None and step.h is None and step.long is None and step.short is None


def _animate(source: Source, steps: tuple[Step, ...], stamp: Stamper) -> pyvips.Image:
    """Every frame by itself, then stacked again; delays and loop count stay, as fields of the strip."""
    if source.frames > PICTURE_MAX_FRAMES:
        raise PICTURE_TOO_MANY_PIXELS(f"An animation may have at most {PICTURE_MAX_FRAMES} frames.")
    first = _first_resize(steps)
    if first is None:
        strip, rest = load(source, frames=source.frames), steps
    else:
        found = fit(first, source.width, source.height)
        scaled = Fit(found.width, found.height, found.width, found.height)
        strip, rest = _shrink(source, scaled, upright=False, frames=source.frames), steps[1:]
    if first is None and not rest:
        return strip
    strip = settle(strip)
    fields = strip.copy()
    frames = []
    for frame in strip.copy_memory().pagesplit():
        image = lay_on_canvas(frame, fit(first, source.width, source.height), first.color) if first else frame
        for step in rest:
            image = take_step(image, step, stamp)
        frames.append(image)
    joined = pyvips.Image.arrayjoin(frames, across=1)
    return _as_animation(joined, fields, frames[0].height)


def _as_animation(image: pyvips.Image, fields: pyvips.Image, page_height: int) -> pyvips.Image:
    image = image.copy()
    for name in ("delay", "loop", "background"):
        if fields.get_typeof(name) != 0:
            image.set_type(fields.get_typeof(name), name, fields.get(name))
    image.set_type(pyvips.GValue.gint_type, "page-height", page_height)
    return image
