"""What `x-oss-process=image/...` asks for, as one frozen value: a `Plan`. `text.py` has its text form.

Steps run left to right. `format`, `quality`, `interlace` and `auto-orient` aren't steps but properties of the job, so
their place in the text means nothing. `info` and `average-hue` describe the stored picture, and stand alone.
Source: OSS, image processing; the rules are in the order of that document.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

LFIT: Final = "lfit"
MFIT: Final = "mfit"
FILL: Final = "fill"
PAD: Final = "pad"
FIXED: Final = "fixed"
MODES: Final = (LFIT, MFIT, FILL, PAD, FIXED)

GRAVITIES: Final = ("nw", "north", "ne", "west", "center", "east", "sw", "south", "se")

# What `format` may name -> the Content-Type of the result.
CONTENT_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "avif": "image/avif",
}

# OSS's names of fonts; the engine maps them to families that it has.
FONTS: Final = (
    "wqy-zenhei",
    "wqy-microhei",
    "fangzhengshusong",
    "fangzhengkaiti",
    "fangzhengheiti",
    "fangzhengfangsong",
    "droidsansfallback",
)

WHITE: Final = "FFFFFF"
BLACK: Final = "000000"


class Answer(Enum):
    """What is sent back."""

    PICTURE = "picture"
    INFO = "info"
    AVERAGE_HUE = "average-hue"


class Resize(Struct, frozen=True):
    """`resize`. Sizes in pixels, None where not given; `p` in percent, `percent_of_main` only within a watermark."""

    mode: str = LFIT
    w: int | None = None
    h: int | None = None
    long: int | None = None
    short: int | None = None
    p: int | None = None
    limit: bool = True
    color: str = WHITE
    percent_of_main: int | None = None


class Crop(Struct, frozen=True):
    """`crop`: from the corner `g` moved by x, y. A width or height of 0 is as much as there is."""

    w: int = 0
    h: int = 0
    x: int = 0
    y: int = 0
    g: str = "nw"


class IndexCrop(Struct, frozen=True):
    """`indexcrop`: strip number `i` of that length, cut along the width, or along the height if `along_height`."""

    length: int
    along_height: bool
    i: int = 0


class Circle(Struct, frozen=True):
    r: int


class RoundedCorners(Struct, frozen=True):
    r: int


class Rotate(Struct, frozen=True):
    """Degrees clockwise."""

    angle: int


class Blur(Struct, frozen=True):
    """A Gaussian of 2r+1 taps with the standard deviation s."""

    r: int
    s: int


class Sharpen(Struct, frozen=True):
    percent: int


class Bright(Struct, frozen=True):
    percent: int


class Contrast(Struct, frozen=True):
    percent: int


class TextMark(Struct, frozen=True):
    """The text of a watermark; `size` in pixels, `shadow` in percent of opacity, `rotate` in degrees clockwise."""

    text: str
    font: str = FONTS[0]
    color: str = BLACK
    size: int = 40
    shadow: int = 0
    rotate: int = 0


class ImageMark(Struct, frozen=True):
    """The picture of a watermark: an object of the same bucket, processed by `steps` first."""

    key: str
    steps: tuple[Step, ...] = ()


class Watermark(Struct, frozen=True):
    """`watermark`: a text, a picture, or both in one block.

    Attributes:
        t: opacity, percent.
        x, y: distance from the edges that `g` names, pixels.
        voffset: shift down from the middle line, pixels.
        fill: tile the mark over the picture, with gaps of padx, pady.
        text_first, align, interval: how text and picture stand together: 0 top, 1 middle, 2 bottom; pixels between.
    """

    text: TextMark | None = None
    image: ImageMark | None = None
    t: int = 100
    g: str = "se"
    x: int = 10
    y: int = 10
    voffset: int = 0
    fill: bool = False
    padx: int = 0
    pady: int = 0
    text_first: bool = False
    align: int = 2
    interval: int = 0


Step = Resize | Crop | IndexCrop | Circle | RoundedCorners | Rotate | Blur | Sharpen | Bright | Contrast | Watermark


class Plan(Struct, frozen=True):
    """One job.

    Attributes:
        auto_orient: None when nothing was said, which turns the picture upright as True does.
        format: a key of CONTENT_TYPES; None keeps the source's.
        relative_quality, absolute_quality: 1 to 100; the absolute one wins.
    """

    steps: tuple[Step, ...] = ()
    auto_orient: bool | None = None
    format: str | None = None
    relative_quality: int | None = None
    absolute_quality: int | None = None
    interlace: bool = False
    answer: Answer = Answer.PICTURE

    @property
    def mark_keys(self) -> tuple[str, ...]:
        """The keys of the watermark pictures, each once."""
        images = (step.image for step in self.steps if isinstance(step, Watermark))
        return tuple(dict.fromkeys(image.key for image in images if image is not None))
