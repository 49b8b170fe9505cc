"""`info` and `average-hue`: what is told of the stored picture, as JSON."""

from __future__ import annotations

import json
from typing import Final

import pyvips

from .exif import read_exif
from .source import Source, field, load, settle, to_srgb

_SAMPLE_SIDE_PX: Final = 512
_STANDS_OUT: Final = 32  # ours, OSS names none: of 255, in any of the three colours
_JFIF: Final = b"JFIF\0"
_JFIF_UNITS: Final = {0: "1", 1: "2", 2: "3"}  # none, inch, centimetre: as EXIF counts them


def describe(source: Source) -> bytes:
    """Sizes as stored, not as turned upright; every value is text, which is what OSS's clients expect."""
    facts = _jfif_resolution(source.data) | _exif(source)
    facts |= {
        "FileSize": str(len(source.data)),
        "Format": source.format,
        "FrameCount": str(source.frames),
        "ImageHeight": str(source.height),
        "ImageWidth": str(source.width),
    }
    document = {name: {"value": facts[name]} for name in sorted(facts)}
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def _exif(source: Source) -> dict[str, str]:
    if source.header is None:
        return {}
    data = source.data if source.format == "tiff" else field(source.header, "exif-data")
    return read_exif(data) if isinstance(data, bytes) else {}


def _jfif_resolution(data: bytes) -> dict[str, str]:
    """What a JPEG's first segment says of its resolution; most have nothing else that does."""
    if data[6:11] != _JFIF or len(data) < 18:
        return {}
    across, down = int.from_bytes(data[14:16], "big"), int.from_bytes(data[16:18], "big")
    unit = _JFIF_UNITS.get(data[13], "1")
    return {"ResolutionUnit": unit, "XResolution": f"{across}/1", "YResolution": f"{down}/1"}


def average_hue(source: Source) -> bytes:
    """The mean of the pixels that stand out from the mean of all; of all, if none does. Transparent ones are white.

    Source: OSS, image processing, frequently asked questions.
    """
    image = to_srgb(settle(load(source)))
    if image.hasalpha():
        image = image.flatten(background=255)
    image = image.thumbnail_image(_SAMPLE_SIDE_PX, height=_SAMPLE_SIDE_PX, size="down").copy_memory()
    means = _means(image)
    outstanding = ((image - means).abs() > _STANDS_OUT).bandor() / 255
    share = outstanding.avg()
    if share:
        means = [mean / share for mean in _means(image * outstanding)]
    red, green, blue = (min(255, round(mean)) for mean in means)
    return json.dumps({"RGB": f"0x{red:02x}{green:02x}{blue:02x}"}).encode()


def _means(image: pyvips.Image) -> list[float]:
    means = image.stats()
    return [means.getpoint(4, band)[0] for band in (1, 2, 3)]
