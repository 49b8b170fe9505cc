"""A stored picture: what it is by its first bytes, what its header says, and its pixels.

Nothing is decoded before the header has passed the limits. Loaders that aren't named here are blocked in `process.py`;
what isn't one of our formats doesn't even reach libvips.
"""

from __future__ import annotations

from typing import Any, Final

import pyvips
from msgspec import Struct

from ...core.errors import NOT_A_PICTURE, PICTURE_TOO_LARGE, PICTURE_TOO_MANY_PIXELS, OssError
from ...core.limits import (
    PICTURE_MAX_BYTES,
    PICTURE_MAX_FRAMES_OF_A_STILL,
    PICTURE_MAX_PX,
    PICTURE_MAX_SIDE_AVIF_PX,
    PICTURE_MAX_SIDE_PX,
    PICTURE_MAX_SIDE_TIFF_PX,
    PICTURE_PROGRESSIVE_MAX_PX,
)
from . import bmp
from .jpeg import is_complete
from .wholeness import hides_failures, refuse

_MAX_SIDES: Final = {"tiff": PICTURE_MAX_SIDE_TIFF_PX, "avif": PICTURE_MAX_SIDE_AVIF_PX}
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_ANIMATED: Final = frozenset({"gif", "webp"})
_EIGHT_BIT: Final = frozenset({"srgb", "b-w"})


class Source(Struct, frozen=True):
    """A picture whose header has passed the limits.

    Attributes:
        data: the file.
        format: "jpg", "png" ...; by the bytes, whatever the object is called.
        width, height: as stored, of one frame.
        frames: 1 unless it is animated.
        orientation: EXIF's, 1 to 8.
        header: libvips's image, for its fields; not for its pixels. None for BMP.
        eighth_from: how many times smaller the first resize must make a JPEG for its decoder to reduce it by 8.
    """

    data: bytes
    format: str
    width: int
    height: int
    frames: int
    orientation: int
    header: pyvips.Image | None
    eighth_from: int = 16

    @property
    def is_turned(self) -> bool:
        """Whether the picture's upright sides are the stored ones swapped."""
        return self.orientation >= 5

    def broken(self) -> OssError:
        """What is told of a file whose pixels can't be had."""
        return refuse(self.data, self.format)


def sniff(data: bytes) -> str | None:
    """The format by the first bytes; None for what isn't a picture of ours."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if data.startswith(b"BM"):
        return "bmp"
    if data[4:8] == b"ftyp":
        return "avif" if data[8:12] in _AVIF_BRANDS else "heic" if data[8:12] in _HEIC_BRANDS else None
    return None


def open_source(data: bytes) -> Source:
    """Look at the header. Raises: OssError NOT_A_PICTURE, BAD_WEBP, PICTURE_TOO_LARGE, PICTURE_TOO_MANY_PIXELS."""
    if len(data) > PICTURE_MAX_BYTES:
        raise PICTURE_TOO_LARGE()
    format = sniff(data)
    if format is None:
        raise NOT_A_PICTURE()
    if format == "bmp":
        width, height = bmp.read_header(data).size
        _check_size("bmp", width, height, 1)
        return Source(data, "bmp", width, height, 1, 1, None)
    try:
        header = pyvips.Image.new_from_source(readable(data), "", access="sequential", fail_on="error")
        source = _read_header(data, format, header)
    except pyvips.Error:
        raise refuse(data, format) from None
    _check_size(source.format, source.width, source.height, source.frames)
    progressive = _is_progressive(header)
    if progressive and format == "jpg" and not is_complete(data):  # libjpeg would make do with what is there
        raise refuse(data, format)
    if progressive and source.width * source.height > PICTURE_PROGRESSIVE_MAX_PX:
        raise PICTURE_TOO_MANY_PIXELS(
            f"A progressive picture may have at most {PICTURE_PROGRESSIVE_MAX_PX} pixels.", ec="0040-00000012"
        )
    return source


def _read_header(data: bytes, format: str, header: pyvips.Image) -> Source:
    if format in ("heic", "avif"):
        format = "avif" if field(header, "heif-compression") == "av1" else "heic"
    frames = int(field(header, "n-pages") or 1) if format in _ANIMATED else 1
    orientation = int(field(header, "orientation") or 1)
    if format in ("heic", "avif") or not 1 <= orientation <= 8:  # libheif turns pictures itself
        orientation = 1
    return Source(data, format, header.width, header.height, frames, orientation, header)


def field(image: pyvips.Image, name: str) -> Any:
    """A metadata field; None if there is none."""
    return image.get(name) if image.get_typeof(name) != 0 else None


def _check_size(format: str, width: int, height: int, frames: int) -> None:
    most = _MAX_SIDES.get(format, PICTURE_MAX_SIDE_PX)
    if max(width, height) > most:
        raise PICTURE_TOO_MANY_PIXELS(f"A {format} picture may be at most {most} pixels wide and high.")
    if frames > PICTURE_MAX_FRAMES_OF_A_STILL:
        raise PICTURE_TOO_MANY_PIXELS(f"A picture may have at most {PICTURE_MAX_FRAMES_OF_A_STILL} frames.")
    if width * height * frames > PICTURE_MAX_PX:
        raise PICTURE_TOO_MANY_PIXELS(
            f"A picture may have at most {PICTURE_MAX_PX} pixels, those of all its frames counted."
        )


def _is_progressive(header: pyvips.Image) -> bool:
    return bool(field(header, "interlaced") or field(header, "jpeg-multiscan"))


def check_decodable(source: Source) -> None:
    """Raises: OssError NOT_A_PICTURE, for HEIC, whose decoder this libvips lacks."""
    if source.format == "heic":
        raise NOT_A_PICTURE(f"{NOT_A_PICTURE.message} HEIC can be described with info; its codec (HEVC) is not here.")


def load(source: Source, *, frames: int = 1, shrink: int = 1) -> pyvips.Image:
    """The pixels, as stored; all frames as one tall strip if `frames` is more than 1. To be read once, in order.

    `shrink`: 1, 2, 4 or 8, what the JPEG decoder reduces the sides by.
    """
    if source.format == "bmp":
        return bmp.read(source.data)
    options = ({"n": -1} if frames > 1 else {}) | ({"shrink": shrink} if shrink > 1 else {})
    image = pyvips.Image.new_from_source(readable(source.data), "", access="sequential", fail_on="error", **options)
    if source.format == "tiff" and hides_failures(source.data, image):
        image = image.copy_memory()
        if image[3].min() == 0:
            raise source.broken()
    if image.interpretation == "cmyk" and field(image, "icc-profile-data") is None:
        return _ink_to_light(image)
    return image


def _ink_to_light(image: pyvips.Image) -> pyvips.Image:
    """CMYK that says nothing of its inks: libvips would assume a press, whose black is a dark grey."""
    if image.format != "uchar":
        image = (image >> 8).cast("uchar")
    paper = image.extract_band(0, n=3).invert() * image[3].invert() / 255
    colours = paper.rint().cast("uchar")
    colours = colours.bandjoin(image[4]) if image.bands > 4 else colours
    return colours.copy(interpretation="srgb")


def readable(data: bytes) -> pyvips.Source:
    """The file as libvips reads it, without a copy: `data` must outlive every image made of it."""
    return pyvips.Source.new_from_memory(data)


def settle(image: pyvips.Image) -> pyvips.Image:
    """Eight bits a band, in sRGB or grey, whatever was stored (CMYK through its profile)."""
    if image.interpretation in _EIGHT_BIT and image.format == "uchar":
        return image
    if image.interpretation == "cmyk":
        return image.icc_transform("srgb", embedded=True) if field(image, "icc-profile-data") else to_srgb(image)
    if image.interpretation in ("grey16", "b-w"):
        return image.colourspace("b-w").cast("uchar")
    return to_srgb(image)


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Three colour bands, and alpha if there was some."""
    return image if image.interpretation == "srgb" and image.bands >= 3 else image.colourspace("srgb").cast("uchar")


def with_alpha(image: pyvips.Image) -> pyvips.Image:
    """sRGB with an alpha band."""
    image = to_srgb(image)
    return image if image.hasalpha() else image.addalpha()
