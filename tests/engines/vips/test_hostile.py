"""Pictures meant to hurt: each is refused in OSS's words or processed, in bounded memory, and never anything else."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from coatcheck.core.errors import OssError
from coatcheck.engines.vips.source import sniff

from ...soak import count
from .pictures import animation, process, save, solid, textured, with_orientation

SMALL = textured(16, 12)
SEEDS = {
    "jpg": with_orientation(SMALL, 6, quality=60),
    "progressive": save(SMALL, "JPEG", progressive=True, quality=60),
    "png": save(SMALL, "PNG"),
    "gif": save(SMALL.quantize(8), "GIF"),
    "webp": save(SMALL, "WEBP", quality=50),
    "tiff": save(SMALL, "TIFF", compression="tiff_lzw"),
    "bmp": save(SMALL.quantize(4), "BMP"),
}
TAILS = {"png": 16}  # bytes at the end that a picture can do without: its end marker
PLAN = "resize,w_10/format,png"


def outcome(data: bytes, actions: str = PLAN) -> str:
    """The code of the refusal, or "done". Anything else than an OssError is a fault of ours and comes out."""
    try:
        process(data, actions)
    except OssError as error:
        return error.code if error.status == 400 else f"status {error.status}"
    return "done"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_cut_off_anywhere_is_refused_or_whole_enough(seed: str) -> None:
    data = SEEDS[seed]
    outcomes = [outcome(data[:length]) for length in range(len(data))]
    assert set(outcomes) <= {"BadRequest", "BadWebPImage", "done"}
    assert outcomes[: -TAILS.get(seed, 1)].count("done") == 0


@pytest.mark.soak(sum(2 * count(len(data)) for data in SEEDS.values()))
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_byte_anywhere_does_no_harm(seed: str) -> None:
    data = SEEDS[seed]
    for offset in random.Random(seed).sample(range(len(data)), count(len(data))):
        for value in (0xFF, data[offset] ^ 0x80):
            broken = data[:offset] + bytes([value]) + data[offset + 1 :]
            assert outcome(broken) in ("BadRequest", "BadWebPImage", "MemLimitExceeded", "ImageTooLarge", "done")


@pytest.mark.parametrize("seed", SEEDS)
def test_info_survives_the_same(seed: str) -> None:
    data = SEEDS[seed]
    for length in range(0, len(data), 3):
        outcome(data[:length], "info")


def png_of(width: int, height: int, depth: int = 1) -> bytes:
    """A PNG of nothing but a header and a few rows: a claim."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + min(width * depth + 7, 10**6) // 8) * min(height, 64), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (30_000, 30_000, "MemLimitExceeded"),
        (30_001, 1, "MemLimitExceeded"),
        (1, 30_001, "MemLimitExceeded"),
        (2**31 - 1, 2**31 - 1, "BadRequest"),
        (0, 10, "BadRequest"),
        (15_000, 15_000, "BadRequest"),  # within the limits, but there are no such pixels
    ],
)
def test_a_bomb_is_refused_by_its_header(width: int, height: int, code: str) -> None:
    assert outcome(png_of(width, height)) in (code, "MemLimitExceeded")


def test_pixels_of_all_frames_count() -> None:
    assert outcome(gif_of(20_000, 200, 200)) == "MemLimitExceeded"


def test_a_gif_of_a_hundred_thousand_frames_is_refused() -> None:
    assert outcome(gif_of(100_000, 10, 10), "resize,w_5") == "MemLimitExceeded"
    assert outcome(gif_of(100_000, 100, 100), "info") == "MemLimitExceeded"


def gif_of(frames: int, width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\0\x02\0\0\0" + b"\x2c\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd' width='10' height='10'/></svg>",
        b"<?xml version='1.0'?><!DOCTYPE svg SYSTEM 'http://127.0.0.1:1/x'><svg/>",
        b"%PDF-1.4\n1 0 obj\n<<>>\nendobj",
        b"P6 10 10 255\n" + b"\0" * 300,
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 10 +X 10\n" + b"\0" * 400,
        b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (10, 10)}",
        b"\x08\xf2\xa6\xb6" + b"\0" * 100,  # libvips's own format
        b"\xff\x0a" + b"\0" * 100,  # JPEG XL
        b"8BPS\0\x01" + b"\0" * 100,
        b"hello, I am a text file",
        b"\0" * 1000,
        b"MZ" + b"\0" * 100,
    ],
)  # fmt: skip
def test_what_is_no_picture_of_ours_never_reaches_a_loader(data: bytes) -> None:
    assert sniff(data) is None
    assert outcome(data) == outcome(data, "info") == "BadRequest"


@pytest.mark.parametrize("seed", ["jpg", "progressive", "png", "gif", "webp"])
def test_a_file_without_its_last_bytes_is_said_to_be_cut_off(seed: str) -> None:
    for actions in ("resize,w_10", "format,png"):
        with pytest.raises(OssError, match=r"^\w+: This picture is cut off: the end of its file is missing\.$"):
            process(SEEDS[seed][:-20], actions)


def tiled_tiff(compression: int, jpeg: bytes) -> bytes:
    """A TIFF of one tile of 64 x 64, compressed as a JPEG: 7 is today's way, 6 the old one."""
    numbers = {256: 64, 257: 64, 258: 8, 259: compression, 262: 6, 277: 3, 284: 1, 322: 64, 323: 64}
    start = 8 + 2 + 12 * 14 + 4
    numbers |= {324: start, 325: len(jpeg), 512: 1, 513: start, 514: len(jpeg)}
    entries = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in sorted(numbers.items()))
    return b"II*\0" + struct.pack("<IH", 8, 14) + entries + bytes(4) + jpeg


def test_a_tiff_that_its_decoder_leaves_blank_is_refused_and_says_what_it_is() -> None:
    jpeg = save(solid(64, 64, "808080"), "JPEG")
    assert outcome(tiled_tiff(7, jpeg)) == "done"
    for actions in ("format,png", "resize,w_10/format,png", "average-hue"):
        with pytest.raises(OssError, match=r"cannot be decoded: Compression 6, PhotometricInterpretation 6") as caught:
            process(tiled_tiff(6, jpeg), actions)
        assert caught.value.status == 400


def test_a_polyglot_is_what_its_first_bytes_say() -> None:
    page = b"<script>alert(1)</script>"
    assert outcome(SEEDS["png"] + page) == "done"
    assert page not in process(SEEDS["png"] + page, "format,png")[1]
    assert outcome(b"GIF89a/*" + page) == "BadRequest"
    assert outcome(b"BM" + SEEDS["png"]) == "BadRequest"


def test_a_wrong_name_does_not_matter_and_a_wrong_magic_does() -> None:
    assert outcome(b"\xff\xd8\xff" + SEEDS["png"]) == "BadRequest"
    assert outcome(b"II*\0" + b"\xff" * 50) == "BadRequest"
    assert outcome(b"RIFF\0\0\0\0WEBP" + b"\xff" * 50) == "BadWebPImage"


def bmp_heads() -> Iterator[bytes]:
    good = bytearray(save(SMALL, "BMP"))
    for offset, layout, values in (
        (10, "<I", (13, 2**31, 2**32 - 1, len(good))),
        (14, "<I", (0, 12, 39, 41, 2**32 - 1)),
        (18, "<i", (0, -1, 2**31 - 1, -(2**31), 100_000)),
        (22, "<i", (0, 2**31 - 1, -(2**31), 100_000)),
        (28, "<H", (0, 3, 31, 48, 65_535)),
        (30, "<I", (1, 2, 3, 4, 2**32 - 1)),
    ):
        for value in values:
            bad = bytearray(good)
            struct.pack_into(layout, bad, offset, value)
            yield bytes(bad)


@pytest.mark.parametrize("data", list(bmp_heads()))
def test_a_bmp_with_an_absurd_header_is_refused(data: bytes) -> None:
    assert outcome(data) in ("BadRequest", "MemLimitExceeded")


@given(st.sampled_from(sorted(SEEDS)), st.binary(max_size=300))
def test_rubbish_behind_a_magic_number_is_refused(seed: str, rubbish: bytes) -> None:
    assert outcome(SEEDS[seed][:12] + rubbish) in ("BadRequest", "BadWebPImage", "MemLimitExceeded", "done")


def test_a_large_progressive_jpeg_is_refused_and_a_baseline_one_is_not() -> None:
    picture = solid(8000, 6400, "808080")
    assert outcome(save(picture, "JPEG", progressive=True), "resize,w_10") == "MemLimitExceeded"
    assert outcome(save(picture, "JPEG"), "resize,w_10") == "done"


def test_an_hevc_picture_is_described_and_not_decoded() -> None:
    brand = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"
    assert outcome(brand + b"\0" * 100, "resize,w_10") == "BadRequest"


def test_many_marks_and_steps_are_done() -> None:
    mark = "watermark,image_bWFyay5wbmc,fill_1"
    assert outcome(save(textured(400, 300), "JPEG"), "/".join([mark] * 31)) == "done"
    assert outcome(SEEDS["png"], "/".join(["rotate,7", "resize,w_20"] * 16)) == "done"


def test_frames_of_an_animation_that_stays_one_are_bounded() -> None:
    assert outcome(gif_of(1001, 10, 10), "resize,w_5") == "MemLimitExceeded"
    assert outcome(gif_of(1001, 10, 10), "resize,w_5/format,png") == "done"
    assert outcome(animation(frames=3), "resize,w_5") == "done"
    assert Image.open(io.BytesIO(gif_of(3, 10, 10))).n_frames == 3  # type: ignore[attr-defined]
