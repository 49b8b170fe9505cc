"""Each step of a plan as a function from image to image. Images are 8 bits, sRGB or grey, with or without alpha.

libvips is lazy: a step builds a pipeline, the saver runs it. Where a step reads its image out of order, the image is
first put in memory (`copy_memory`): files are read once, top to bottom.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Final

import pyvips

from ...images.geometry import (
    Fit,
    check_rotation,
    circle_radius,
    corner_radius,
    cut,
    fit,
    strip,
)
from ...images.plan import (
    Blur,
    Bright,
    Circle,
    Contrast,
    Crop,
    IndexCrop,
    Resize,
    Rotate,
    RoundedCorners,
    Sharpen,
    Step,
    Watermark,
)
from .source import to_srgb, with_alpha

_RIGHT_ANGLES: Final = {90: "d90", 180: "d180", 270: "d270"}
_SHARPEN_SIGMA: Final = 1
_WIDE_R: Final = 8
_WIDE_S: Final = 4
_LEAST_SIDE_PX: Final = 100

Stamp = Callable[[pyvips.Image, Watermark], pyvips.Image]


def take_step(image: pyvips.Image, step: Step, stamp: Stamp) -> pyvips.Image:
    """The image after one step; `stamp` puts watermarks on. Raises: OssError of the geometry."""
    match step:
        case Resize():
            found = fit(step, image.width, image.height)
            return lay_on_canvas(scale(image, found.width, found.height), found, step.color)
        case Crop():
            box = cut(step, image.width, image.height)
            return image.crop(box.left, box.top, box.width, box.height)
        case IndexCrop():
            box = strip(step, image.width, image.height)
            return image.crop(box.left, box.top, box.width, box.height)
        case Circle():
            return cut_circle(image, step.r)
        case RoundedCorners():
            return round_corners(image, step.r)
        case Rotate():
            return rotate(image, step.angle)
        case Blur():
            return on_premultiplied(image, lambda flat: blur(flat, step.r, step.s))
        case Sharpen():
            return on_colours(image, lambda colours: sharpen(colours, step.percent / 100))
        case Bright():
            return on_colours(image, lambda colours: colours.linear(1, 255 * step.percent / 100, uchar=True))
        case Contrast():
            return on_colours(image, lambda colours: contrast(colours, step.percent))
        case Watermark():
            return stamp(image, step)


def scale(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    if (width, height) == (image.width, image.height):
        return image
    return image.thumbnail_image(width, height=height, size="force", no_rotate=True)


def lay_on_canvas(image: pyvips.Image, found: Fit, color: str) -> pyvips.Image:
    """Cut the scaled picture to the canvas, or centre it on one of that colour."""
    width, height = found.canvas_width, found.canvas_height
    left, top = (width - image.width) // 2, (height - image.height) // 2
    if left == top == 0 and (width, height) == (image.width, image.height):
        return image
    if width <= image.width and height <= image.height:
        return image.crop((image.width - width) // 2, (image.height - height) // 2, width, height)
    image = to_srgb(image)
    background = [*bytes.fromhex(color), *([255] if image.hasalpha() else [])]
    return image.embed(left, top, width, height, extend="background", background=background)


def cut_circle(image: pyvips.Image, r: int) -> pyvips.Image:
    r = circle_radius(r, image.width, image.height)
    side = 2 * r + 1
    image = image.crop((image.width - side) // 2, (image.height - side) // 2, side, side)
    offset = pyvips.Image.xyz(side, side) - [r, r]
    return _multiply_alpha(image, r - _length(offset))


def round_corners(image: pyvips.Image, r: int) -> pyvips.Image:
    """Transparent beyond the four quarter circles; between them the distance to the edge counts for nothing."""
    width, height = image.width, image.height
    r = corner_radius(r, width, height)
    centres = pyvips.Image.xyz(width, height) + 0.5
    beyond = ([r, r] - centres).maxpair(centres - [width - r, height - r])
    return _multiply_alpha(image, r - _length((beyond > 0).ifthenelse(beyond, 0)))


def _length(vectors: pyvips.Image) -> pyvips.Image:
    return (vectors[0] * vectors[0] + vectors[1] * vectors[1]) ** 0.5


def _multiply_alpha(image: pyvips.Image, inside: pyvips.Image) -> pyvips.Image:
    """Keep what lies inside an outline: `inside` is the distance to it in pixels, which smooths the edge."""
    image = with_alpha(image)
    mask = (inside + 0.5).linear(255, 0, uchar=True)
    alpha = (image[3] * mask / 255).rint().cast("uchar")
    return image.extract_band(0, n=3).bandjoin(alpha).copy(interpretation="srgb")


def rotate(image: pyvips.Image, angle: int) -> pyvips.Image:
    """Clockwise; what the picture doesn't cover is transparent. Raises: OssError ROTATION_OUT_OF_RANGE."""
    if angle % 360 == 0:
        return image
    check_rotation(image.width, image.height)
    image = image.copy_memory()
    if angle in _RIGHT_ANGLES:
        return image.rot(_RIGHT_ANGLES[angle])
    return turn(with_alpha(image), angle)


def turn(image: pyvips.Image, angle: int) -> pyvips.Image:
    """An image with alpha; libvips premultiplies it itself, so edges keep their colour."""
    return image.rotate(angle, background=[0, 0, 0, 0]).rint().cast("uchar").copy(interpretation="srgb")


def blur(image: pyvips.Image, r: int, s: int) -> pyvips.Image:
    """A wide one is done on a smaller picture, which is many times as fast; what that loses the blur takes anyway."""
    less = max(1, min(r // _WIDE_R, s // _WIDE_S, min(image.width, image.height) // _LEAST_SIDE_PX))
    if less == 1:
        return _blur(image, r, s)
    small = _blur(image.shrink(less, less), round(r / less), s / less)
    return small.resize(image.width / small.width, vscale=image.height / small.height, kernel="linear")


def _blur(image: pyvips.Image, r: int, s: float) -> pyvips.Image:
    taps = [round(1000 * exp(-(x * x) / (2 * s * s))) for x in range(-r, r + 1)]
    return image.convsep(pyvips.Image.new_from_array([taps], scale=sum(taps)), precision="float").rint().cast("uchar")


def sharpen(image: pyvips.Image, strength: float) -> pyvips.Image:
    """Unsharp masking."""
    soft = blur(image, 3 * _SHARPEN_SIGMA, _SHARPEN_SIGMA)
    return (image * (1 + strength) - soft * strength).rint().cast("uchar")


def contrast(image: pyvips.Image, percent: int) -> pyvips.Image:
    factor = (100 + percent) / 100 if percent <= 0 else 100 / (100 - min(percent, 99))
    return image.linear(factor, 128 * (1 - factor), uchar=True)


def on_colours(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """Change the colours and leave alpha alone."""
    image = to_srgb(image)
    changed = change(image.extract_band(0, n=3))
    changed = changed.bandjoin(image[3]) if image.hasalpha() else changed
    return changed.copy(interpretation="srgb")


def on_premultiplied(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """Mix neighbours without the colours of what can't be seen."""
    image = to_srgb(image)
    if not image.hasalpha():
        return change(image).copy(interpretation="srgb")
    changed = change(image.premultiply().rint().cast("uchar"))
    return changed.unpremultiply().rint().cast("uchar").copy(interpretation="srgb")
