"""Pictures for tests, made by Pillow, and results looked at by Pillow: never by the library under test."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from coatcheck.engines.vips.render import render
from coatcheck.images.text import read_plan

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def save(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def textured(width: int, height: int) -> Image.Image:
    """A picture in which every place looks different, and smooth enough for JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    waves = 127 + 100 * np.sin(x / 17) * np.cos(y / 23)
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, waves], -1).astype(np.uint8))


def solid(width: int, height: int, color: str) -> Image.Image:
    return Image.new("RGB", (width, height), f"#{color}")


def with_orientation(picture: Image.Image, orientation: int, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(picture, "JPEG", exif=exif, **options)


def animation(format: str = "GIF", frames: int = 5, size: tuple[int, int] = (60, 40)) -> bytes:
    colours = [(50 * number, 255 - 40 * number, 80) for number in range(frames)]
    pictures = [Image.new("RGB", size, tuple(value % 256 for value in colour)) for colour in colours]
    for number, picture in enumerate(pictures):
        picture.putpixel((number % size[0], 0), (255, 255, 255))
    return save(pictures[0], format, save_all=True, append_images=pictures[1:], duration=120, loop=3)


@cache
def source(name: str) -> bytes:
    """The sources of the worked cases, by the names they have there."""
    match name:
        case "a400":
            return save(textured(400, 267), "JPEG", quality=80)
        case "b200":
            return save(textured(200, 100), "JPEG", quality=90)
        case "c424":
            return with_orientation(textured(424, 333), 7, quality=90)
        case "d1024":
            return save(textured(1024, 768), "PNG")
        case "e3924":
            return save(textured(3924, 2550), "JPEG", quality=85)
        case "blue":
            return save(solid(400, 267, "0000FF"), "PNG")
        case "anim":
            return animation()
        case "half":
            picture = textured(267, 400).convert("RGBA")
            picture.paste((0, 0, 0, 0), (0, 0, 133, 400))
            return save(picture, "PNG")
        case "mark.png":
            return save(solid(50, 20, "FF0000"), "PNG")
        case _:
            return save(solid(50, 50, "FF0000"), "PNG")


MARKS = {name: source(name) for name in ("mark.png", "sq.png")}


def process(data: bytes, actions: str, eighth_from: int = 16) -> tuple[str, bytes]:
    """Content-Type and content of `image/ACTIONS`."""
    return render(read_plan(f"image/{actions}"), data, MARKS, eighth_from)


def look(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def frames_of(picture: Image.Image) -> int:
    return int(getattr(picture, "n_frames", 1))


def picture_of(data: bytes, actions: str) -> Image.Image:
    return look(process(data, actions)[1])


def pixels_of(data: bytes, actions: str, mode: str = "RGB") -> Pixels:
    return np.asarray(picture_of(data, actions).convert(mode))


def psnr(one: Pixels, other: Pixels) -> float:
    """How alike two pictures are, in dB; 40 and more can't be told apart by looking."""
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))
