"""EXIF as `info` shows it: built by hand here, byte by byte, in both byte orders."""

from __future__ import annotations

import json
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from coatcheck.engines.vips.exif import read_exif

from .pictures import process, save, textured

Entry = tuple[int, int, int, bytes]  # number, type, count, value
ORDERS = {"<": b"II*\0", ">": b"MM\0*"}


def tiff(entries: list[Entry], order: str = "<", *, pointer: int = 0, below: list[Entry] | None = None) -> bytes:
    """A directory, and one that the tag `pointer` points to."""
    entries = [*entries, (pointer, 4, 1, b"")] if pointer else entries
    size = 2 + 12 * len(entries) + 4
    far = b"".join(value + b"\0" * (len(value) % 2) for *_, value in entries if len(value) > 4)
    under = 8 + size + len(far)
    return (
        ORDERS[order]
        + struct.pack(f"{order}I", 8)
        + directory(entries, order, 8, under)
        + (directory(below or [], order, under, 0) if pointer else b"")
    )


def directory(entries: list[Entry], order: str, start: int, pointed: int) -> bytes:
    head, far = struct.pack(f"{order}H", len(entries)), b""
    for number, kind, count, value in entries:
        field = value.ljust(4, b"\0")
        if value == b"" and kind == 4:
            field = struct.pack(f"{order}I", pointed)
        elif len(value) > 4:
            field = struct.pack(f"{order}I", start + 2 + 12 * len(entries) + 4 + len(far))
            far += value + b"\0" * (len(value) % 2)
        head += struct.pack(f"{order}HHI", number, kind, count) + field
    return head + struct.pack(f"{order}I", 0) + far


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("number", "kind", "count", "format", "values", "name", "text"),
    [
        (0x0112, 3, 1, "H", (1,), "Orientation", "1"),
        (0x0102, 3, 3, "HHH", (8, 8, 8), "BitsPerSample", "8 8 8"),
        (0x011A, 5, 1, "II", (96, 1), "XResolution", "96/1"),
        (0x829D, 5, 1, "II", (32, 10), "FNumber", "32/10"),
        (0x829D, 5, 1, "II", (0, 0), "FNumber", "0/0"),
        (0x9204, 10, 1, "ii", (-2, 6), "ExposureBiasValue", "-2/6"),
        (0x9203, 9, 1, "i", (-7,), "BrightnessValue", "-7"),
        (0x9400, 8, 1, "h", (-300,), "AmbientTemperature", "-300"),
        (0x9000, 7, 4, "4s", (b"0230",), "ExifVersion", "48 50 51 48"),
        (0x9101, 7, 4, "4s", (b"\1\2\3\0",), "ComponentsConfiguration", "1 2 3 0"),
        (0xA432, 5, 4, "8I", (240, 10, 700, 10, 28, 10, 28, 10), "LensSpecification", "240/10 700/10 28/10 28/10"),
        (0x010F, 2, 18, "18s", (b"NIKON (JAPAN) LTD\0",), "Make", "NIKON (JAPAN) LTD"),
        (0x010E, 2, 13, "13s", ("杭州西湖".encode(),), "ImageDescription", "杭州西湖"),
        (0x010E, 2, 9, "9s", ("杭州西湖".encode("gb18030"),), "ImageDescription", "杭州西湖"),
        (0xA500, 12, 1, "d", (2.2,), "Gamma", "2.2"),
        (0x9286, 7, 13, "8s5s", (b"ASCII\0\0\0", b"a day"), "UserComment", "a day"),
        (0x9C9B, 1, 6, "6s", ("标题".encode("utf-16-le") + b"\0\0",), "XPTitle", "标题"),
        (0xA000, 7, 4, "4s", (b"0100",), "FlashpixVersion", "48 49 48 48"),
        (0xA002, 3, 1, "H", (1474,), "PixelXDimension", "1474"),
    ],
)
def test_every_type_is_shown_as_its_values(
    order: str, number: int, kind: int, count: int, format: str, values: tuple[object, ...], name: str, text: str
) -> None:
    data = struct.pack(order + format, *values)
    assert read_exif(tiff([(number, kind, count, data)], order)).get(name) == text


@pytest.mark.parametrize("order", ORDERS)
def test_directories_below_are_read_and_where_they_are_is_shown(order: str) -> None:
    latitude = struct.pack(f"{order}6I", 30, 1, 15, 1, 75, 10)
    found = read_exif(
        tiff(
            [(0x0112, 3, 1, struct.pack(f"{order}H", 7))],
            order,
            pointer=0x8825,
            below=[
                (0, 1, 4, b"\2\2\0\0"),
                (1, 2, 2, b"N\0"),
                (2, 5, 3, latitude),
                (3, 2, 2, b"W\0"),
                (4, 5, 3, bytes(24)),
            ],
        )
    )
    assert found == {
        "Orientation": "7",
        "GPSTag": "38",
        "GPSVersionID": "2 2 0 0",
        "GPSLatitudeRef": "North",
        "GPSLatitude": "30deg 15' 7.5\" ",
        "GPSLongitudeRef": "West",
        "GPSLongitude": "0/0 0/0 0/0",
    }


def test_the_equator_is_written_as_in_the_sample() -> None:
    found = read_exif(tiff([], pointer=0x8825, below=[(2, 5, 3, struct.pack("<6I", 0, 1, 0, 1, 0, 1))]))
    assert found["GPSLatitude"] == "0deg "


def info(data: bytes) -> dict[str, str]:
    return {name: entry["value"] for name, entry in json.loads(process(data, "info")[1]).items()}


def test_a_jpeg_without_exif_has_no_version_of_it_but_the_resolution_of_its_first_segment() -> None:
    told = info(save(textured(40, 30), "JPEG", dpi=(72, 96)))
    assert sorted(told) == [
        *("FileSize", "Format", "FrameCount", "ImageHeight", "ImageWidth"),
        *("ResolutionUnit", "XResolution", "YResolution"),
    ]
    assert (told["ResolutionUnit"], told["XResolution"], told["YResolution"]) == ("2", "72/1", "96/1")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_comes_from_every_format_that_carries_it(format: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker (of cameras)", 3
    told = info(save(textured(40, 30), format, exif=exif))
    assert (told["Make"], told["Orientation"], told["ImageWidth"]) == ("Maker (of cameras)", "3", "40")


def test_a_tiff_is_its_own_exif() -> None:
    told = info(save(textured(40, 30), "TIFF", dpi=(96, 96)))
    assert (told["Compression"], told["BitsPerSample"], told["ResolutionUnit"]) == ("1", "8 8 8", "2")
    assert "StripOffsets" not in told


def test_directories_that_point_in_a_circle_end() -> None:
    own = [(0x8769, 4, 1, struct.pack("<I", 8)), (0x8825, 4, 1, struct.pack("<I", 8))]
    assert read_exif(tiff(own)) == {"ExifTag": "8", "GPSTag": "8"}


def test_many_tags_that_share_one_long_value_take_no_memory() -> None:
    entries = b"".join(struct.pack("<HHII", 0x010E + number % 3, 2, 10**9, 20_000) for number in range(1000))
    data = b"II*\0" + struct.pack("<IH", 8, 1000) + entries + bytes(4)
    data = data.ljust(20_000, b"\0") + b"x" * 65_536
    tracemalloc.start()
    found = read_exif(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"ImageDescription": "x" * 1024, "Make": "x" * 1024, "Model": "x" * 1024}
    assert peak < 2 * 1024**2


@given(st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"]), st.binary(max_size=200))
def test_rubbish_is_read_as_far_as_it_goes(head: bytes, rubbish: bytes) -> None:
    assert all(text.isprintable() for text in read_exif(head + rubbish).values())


@given(st.integers(0, 120), st.integers(0, 255))
def test_one_wrong_byte_does_no_harm(place: int, value: int) -> None:
    data = bytearray(tiff([(0x010F, 2, 9, b"maker 123")], pointer=0x8825, below=[(2, 5, 3, bytes(24))]))
    data[place % len(data)] = value
    read_exif(bytes(data))
