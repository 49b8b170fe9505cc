"""BMP, which libvips has not, read and written by hand. Little-endian; rows from the bottom up, padded to 4 bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import pyvips

from ...core.errors import NOT_A_PICTURE

_FILE_HEADER: Final = struct.Struct("<2sIHHI")
_INFO_HEADER: Final = struct.Struct("<IiiHHIIiiII")
_V4_SIZE: Final = 108
_MASKS: Final = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_PLAIN: Final = 0
_BIT_FIELDS: Final = 3


@dataclass(frozen=True, slots=True)
class BmpHeader:
    """What is needed to read the pixels; `palette` is empty for 24 and 32 bits."""

    width: int
    height: int
    top_down: bool
    bits: int
    offset: int
    has_alpha: bool
    palette: bytes

    @property
    def stride(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def read_header(data: bytes) -> BmpHeader:
    """Raises: OssError NOT_A_PICTURE, for what isn't a whole uncompressed BMP of 1, 4, 8, 24 or 32 bits."""
    if len(data) < _FILE_HEADER.size + _INFO_HEADER.size:
        raise NOT_A_PICTURE()
    *_, offset = _FILE_HEADER.unpack_from(data)
    size, width, height, planes, bits, compression, _, _, _, colours, _ = _INFO_HEADER.unpack_from(data, 14)
    if size < _INFO_HEADER.size or planes != 1 or width <= 0 or height == 0 or bits not in (1, 4, 8, 24, 32):
        raise NOT_A_PICTURE()
    if compression != _PLAIN and not (compression == _BIT_FIELDS and bits == 32 and _has_our_masks(data, size)):
        raise NOT_A_PICTURE()
    palette = b""
    if bits <= 8:
        count = colours or 1 << bits
        palette = data[14 + size : 14 + size + 4 * min(count, 256)]
        if count > 256 or len(palette) < 4 * count:
            raise NOT_A_PICTURE()
    header = BmpHeader(
        width, abs(height), height < 0, bits, offset, bits == 32 and size >= _V4_SIZE and _alpha_mask(data), palette
    )
    if offset < 14 + size or offset + header.stride * header.height > len(data):
        raise NOT_A_PICTURE()
    return header


def _has_our_masks(data: bytes, size: int) -> bool:
    return len(data) >= 14 + 52 and size >= 40 and struct.unpack_from("<III", data, 54) == _MASKS[:3]


def _alpha_mask(data: bytes) -> bool:
    return len(data) >= 14 + 56 and struct.unpack_from("<I", data, 66)[0] == _MASKS[3]


def read(data: bytes, header: BmpHeader) -> pyvips.Image:
    """The picture, in sRGB, with alpha if the file says that it has some."""
    end = header.offset + header.stride * header.height
    rows = pyvips.Image.new_from_memory(data[header.offset : end], header.stride, header.height, 1, "uchar")
    if header.bits <= 8:
        image = _expand(rows, header)
    else:
        bands = header.bits // 8
        folded = rows.crop(0, 0, header.width * bands, header.height).bandfold(factor=bands)
        colours = folded[2].bandjoin([folded[1], folded[0]])
        image = colours.bandjoin(folded[3]) if header.has_alpha else colours
    image = image.copy(interpretation="srgb")
    return image if header.top_down else image.flipver()


def _expand(rows: pyvips.Image, header: BmpHeader) -> pyvips.Image:
    """Pixels of 1, 4 or 8 bits through their palette."""
    per_byte = 8 // header.bits
    if per_byte > 1:
        mask = (1 << header.bits) - 1
        places = [(rows >> (8 - header.bits * (place + 1))) & mask for place in range(per_byte)]
        rows = places[0].bandjoin(places[1:]).bandunfold(factor=per_byte).cast("uchar")
    table = header.palette.ljust(1024, b"\0")
    lut = pyvips.Image.new_from_memory(table, 256, 1, 4, "uchar")
    return rows.crop(0, 0, header.width, header.height).maplut(lut[2].bandjoin([lut[1], lut[0]]))


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
