"""BMP, which libvips has not: read by Pillow, in every form that it knows (palettes, RLE, 16 bits, masks, OS/2's),
and written by hand. Little-endian; rows from the bottom up, padded to 4 bytes."""

from __future__ import annotations

import io
import struct
from typing import Final

import pyvips
from PIL.BmpImagePlugin import BmpImageFile

from ...core.errors import NOT_A_PICTURE

_FILE_HEADER: Final = struct.Struct("<2sIHHI")
_INFO_HEADER: Final = struct.Struct("<IiiHHIIiiII")
_V4_SIZE: Final = 108
_MASKS: Final = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_SMALLEST_INFO_BYTES: Final = 12  # that of OS/2
_PLAIN: Final = 0
_BIT_FIELDS: Final = 3


def read_header(data: bytes) -> BmpImageFile:
    """The picture before its pixels are decoded: `size` is known. Raises: OssError NOT_A_PICTURE."""
    try:
        picture = BmpImageFile(io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:  # whatever Pillow trips over
        raise NOT_A_PICTURE(f"This BMP cannot be read: {_say(error)}") from None
    if 0 in picture.size or 0 < _FILE_HEADER.unpack_from(data)[-1] < _FILE_HEADER.size + _SMALLEST_INFO_BYTES:
        raise NOT_A_PICTURE("This BMP cannot be read: it has no pixels.")
    return picture


def read(data: bytes) -> pyvips.Image:
    """The picture, in sRGB or grey, with alpha if the file says that it has some. Raises: OssError NOT_A_PICTURE."""
    picture = read_header(data)
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:
        raise NOT_A_PICTURE(f"This BMP cannot be read: {_say(error)}") from None
    if picture.mode == "P":
        return _from_pillow(picture.tobytes(), picture.size, 1).maplut(_table(picture)).copy(interpretation="srgb")
    mode = {"1": "L", "L": "L", "RGBA": "RGBA"}.get(picture.mode, "RGB")
    pixels = picture if picture.mode == mode else picture.convert(mode)
    image = _from_pillow(pixels.tobytes(), picture.size, len(mode))
    return image.copy(interpretation="b-w" if mode == "L" else "srgb")


def _from_pillow(pixels: bytes, size: tuple[int, int], bands: int) -> pyvips.Image:
    return pyvips.Image.new_from_memory(pixels, size[0], size[1], bands, "uchar")


def _table(picture: BmpImageFile) -> pyvips.Image:
    colours = bytes(picture.getpalette("RGB") or b"")[:768].ljust(768, b"\0")
    return pyvips.Image.new_from_memory(colours, 256, 1, 3, "uchar")


def _say(error: Exception) -> str:
    """Pillow's few words, as far as they are words."""
    text = "".join(character for character in str(error) if character.isascii() and character.isprintable())
    return (text[:100] or "its structure is broken").rstrip(".") + "."


def write(image: pyvips.Image) -> bytes:
    """A BMP of 24 bits, or of 32 with a V4 header if the picture (sRGB, 8 bits) has alpha."""
    image = image.copy_memory()  # it is read from the bottom up
    width, height, alpha = image.width, image.height, image.bands == 4
    ordered = image[2].bandjoin([image[1], image[0], *([image[3]] if alpha else [])])
    bands = 4 if alpha else 3
    stride = (width * bands + 3) // 4 * 4
    rows = ordered.flipver().bandunfold(factor=bands).embed(0, 0, stride, height)
    pixels: bytes = rows.cast("uchar").write_to_memory()
    info_size = _V4_SIZE if alpha else _INFO_HEADER.size
    offset = _FILE_HEADER.size + info_size
    head = _FILE_HEADER.pack(b"BM", offset + len(pixels), 0, 0, offset)
    compression = _BIT_FIELDS if alpha else _PLAIN
    head += _INFO_HEADER.pack(info_size, width, height, 1, bands * 8, compression, len(pixels), 2835, 2835, 0, 0)
    if alpha:
        head += struct.pack("<4I4s", *_MASKS, b"BGRs").ljust(_V4_SIZE - _INFO_HEADER.size, b"\0")
    return head + pixels
