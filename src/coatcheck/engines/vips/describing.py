"""`info` and `average-hue`: what is told of the stored picture, as JSON."""

from __future__ import annotations

import json

import pyvips

from .source import Source, field, load, settle, to_srgb

_EXIF_PREFIXES = ("exif-ifd0-", "exif-ifd1-", "exif-ifd2-", "exif-ifd3-")
_RESOLUTION_UNITS = {"cm": "3", "in": "2"}
_SAMPLE_SIDE_PX = 512
_EXIF_VALUE_MAX_CHARS = 1024


def describe(source: Source) -> bytes:
    """Sizes as stored, not as turned upright; every value is text, which is what OSS's clients expect."""
    facts = _exif(source.header) if source.format != "bmp" else {}
    facts |= {
        "FileSize": str(len(source.data)),
        "Format": source.format,
        "FrameCount": str(source.frames),
        "ImageHeight": str(source.height),
        "ImageWidth": str(source.width),
    }
    if source.orientation > 1:
        facts["Orientation"] = str(source.orientation)
    document = {name: {"value": facts[name]} for name in sorted(facts)}
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def _exif(header: pyvips.Image) -> dict[str, str]:
    """The EXIF tags under their own names. Of libvips's "7 (Top-left, Short, 1 components, 2 bytes)" 7 is the value."""
    facts: dict[str, str] = {}
    for name in header.get_fields():
        if name.startswith(_EXIF_PREFIXES):
            text = str(header.get(name)).rpartition(" (")[0].strip() or str(header.get(name))
            shown = "".join(character for character in text if character.isprintable())
            facts.setdefault(name.split("-", 2)[2], shown[:_EXIF_VALUE_MAX_CHARS])
    unit = _RESOLUTION_UNITS.get(str(field(header, "resolution-unit")))
    if unit is not None and "ResolutionUnit" not in facts:
        facts["ResolutionUnit"] = unit
    return facts


def average_hue(source: Source) -> bytes:
    """The plain mean of all pixels, transparent ones as white."""
    image = to_srgb(settle(load(source)))
    if image.hasalpha():
        image = image.flatten(background=255)
    image = image.thumbnail_image(_SAMPLE_SIDE_PX, height=_SAMPLE_SIDE_PX, size="down")
    means = image.stats()
    red, green, blue = (min(255, round(means.getpoint(4, band)[0])) for band in (1, 2, 3))
    return json.dumps({"RGB": f"0x{red:02x}{green:02x}{blue:02x}"}).encode()
