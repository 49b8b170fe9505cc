"""Why a picture can't be decoded, in words; and which pictures a decoder leaves blank without saying so."""

from __future__ import annotations

from typing import Final

import pyvips

from ...core.errors import BAD_WEBP, NOT_A_PICTURE, OssError
from .exif import read_exif
from .jpeg import is_complete

# What decides whether a TIFF can be decoded.
_TIFF_FACTS: Final = (
    "Compression",
    "PhotometricInterpretation",
    "BitsPerSample",
    "SamplesPerPixel",
    "SampleFormat",
    "PlanarConfiguration",
)
_FACT_MAX_CHARS: Final = 40
_PNG_END_BYTES: Final = 12


def refuse(data: bytes, format: str) -> OssError:
    """What is told of a file of that format whose pixels can't be had: BAD_WEBP, NOT_A_PICTURE."""
    if is_cut_off(data, format):
        fault = BAD_WEBP if format == "webp" else NOT_A_PICTURE
        return fault("This picture is cut off: the end of its file is missing.")
    if format == "webp":
        return BAD_WEBP()
    if format == "tiff":
        return NOT_A_PICTURE(f"{NOT_A_PICTURE.message} This TIFF cannot be decoded{_say_tiff(data)}.")
    return NOT_A_PICTURE()


def is_cut_off(data: bytes, format: str) -> bool:
    """Whether the end of the file is missing, as far as the format shows it."""
    match format:
        case "jpg":
            return not is_complete(data)
        case "png":
            return b"IEND" not in data[-2 * _PNG_END_BYTES :]
        case "gif":
            return not data.rstrip(b"\0").endswith(b";")
        case "webp":
            return 8 + int.from_bytes(data[4:8], "little") > len(data)
        case "tiff":
            start = data[4:8] if data.startswith(b"MM") else data[7:3:-1]
            return int.from_bytes(start, "big") >= len(data)
    return False


def _say_tiff(data: bytes) -> str:
    facts = read_exif(data)
    said = ", ".join(f"{name} {facts[name][:_FACT_MAX_CHARS]}" for name in _TIFF_FACTS if name in facts)
    return f": {said}" if said else ""


def hides_failures(data: bytes, image: pyvips.Image) -> bool:
    """Whether libtiff decodes this TIFF through its own RGBA reader, which leaves what it can't decode transparent:
    there is alpha, and the file has none. What is decoded then has no transparent pixel."""
    return bool(image.hasalpha()) and image.bands == 4 and "ExtraSamples" not in read_exif(data)
