"""A finished image -> a file of its format, with OSS's rules of quality, and nothing of the source's EXIF."""

from __future__ import annotations

from typing import Final

import pyvips

from ...images.plan import Plan
from . import bmp
from .jpeg import estimate_quality
from .source import Source, to_srgb

_DEFAULT_QUALITY: Final = 75
_SOURCE_QUALITY_KEPT: Final = 90  # a JPEG of a JPEG isn't saved better than this unless asked
_WEBP_EFFORT: Final = 2  # half the time of 4, and 1 % more bytes
_AVIF_QUALITY: Final = 55
_AVIF_EFFORT: Final = 2
_KEPT: Final = "icc"
_TAGS_DROPPED: Final = ("exif-data", "xmp-data", "iptc-data")


def result_format(plan: Plan, source: Source) -> str:
    """Only a GIF can become a GIF; everything else keeps its format then."""
    wanted = plan.format or source.format
    return source.format if wanted == "gif" and source.format != "gif" else wanted


def save(image: pyvips.Image, format: str, plan: Plan, source: Source) -> bytes:
    saved: bytes
    match format:
        case "jpg":
            saved = _save_jpeg(image, plan, source)
        case "png":
            saved = image.pngsave_buffer(compression=6, keep=_KEPT)
        case "webp":
            quality = _asked_quality(plan) or _DEFAULT_QUALITY
            saved = image.webpsave_buffer(Q=quality, effort=_WEBP_EFFORT, keep=_KEPT)
        case "gif":
            saved = image.gifsave_buffer(keep=_KEPT)
        case "tiff":
            saved = image.tiffsave_buffer(compression="lzw", keep=_KEPT)
        case "avif":
            quality = _asked_quality(plan) or _AVIF_QUALITY
            saved = image.heifsave_buffer(compression="av1", Q=quality, effort=_AVIF_EFFORT, keep=_KEPT)
        case _:
            saved = bmp.write(to_srgb(image))
    return saved


def _save_jpeg(image: pyvips.Image, plan: Plan, source: Source) -> bytes:
    keep, subsampling = _KEPT, "auto"
    if image.hasalpha():  # what was cut out has sharp edges, whose colour would bleed into the white
        image, subsampling = image.flatten(background=255), "off"
    if plan.auto_orient is False and source.orientation > 1:
        image, keep = _only_orientation(image, source.orientation), "icc|exif"
    saved: bytes = image.jpegsave_buffer(
        Q=_jpeg_quality(plan, source), interlace=plan.interlace, subsample_mode=subsampling, keep=keep
    )
    return saved


def _only_orientation(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """Of all tags the one without which a viewer would show the picture lying."""
    image = image.copy()
    for name in image.get_fields():
        if name.startswith("exif-") or name in _TAGS_DROPPED:
            image.remove(name)
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def _asked_quality(plan: Plan) -> int | None:
    return plan.absolute_quality or plan.relative_quality


def _jpeg_quality(plan: Plan, source: Source) -> int:
    """Absolute never raises a JPEG's own; relative is a share of it. Without either: our default, or about its own."""
    own = estimate_quality(source.data) if source.format == "jpg" else 100
    if plan.absolute_quality is not None:
        return min(own, plan.absolute_quality)
    if plan.relative_quality is not None:
        return max(1, (own * plan.relative_quality + 50) // 100)
    return min(own, _SOURCE_QUALITY_KEPT) if source.format == "jpg" else _DEFAULT_QUALITY
