"""Every worked case of the reference for image processing: size, format, frames, and what it says of single pixels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from coatcheck.core.errors import OssError
from coatcheck.engines.vips.jpeg import estimate_quality

from .pictures import animation, look, picture_of, pixels_of, process, save, solid, source, textured

# number in the reference, source, actions, size of the result, its format
CASES = [
    (1, "b200", "resize,m_lfit,w_150,h_80", (150, 75), "jpg"),
    (2, "b200", "resize,w_150,h_80", (150, 75), "jpg"),
    (3, "b200", "resize,m_mfit,w_150,h_80", (160, 80), "jpg"),
    (4, "b200", "resize,m_fill,w_150,h_80", (150, 80), "jpg"),
    (5, "b200", "resize,m_pad,w_150,h_80", (150, 80), "jpg"),
    (6, "b200", "resize,m_pad,w_150,h_80,color_FF0000", (150, 80), "jpg"),
    (7, "b200", "resize,m_fixed,w_150,h_80", (150, 80), "jpg"),
    (8, "b200", "resize,m_fixed,h_100", (100, 100), "jpg"),
    (9, "b200", "resize,h_50", (100, 50), "jpg"),
    (10, "b200", "resize,w_50", (50, 25), "jpg"),
    (11, "b200", "resize,h_100", (200, 100), "jpg"),
    (12, "b200", "resize,w_400", (200, 100), "jpg"),
    (13, "b200", "resize,w_400,limit_1", (200, 100), "jpg"),
    (14, "b200", "resize,w_400,limit_0", (400, 200), "jpg"),
    (15, "b200", "resize,l_100", (100, 50), "jpg"),
    (16, "b200", "resize,s_50", (100, 50), "jpg"),
    (17, "b200", "resize,l_300", (200, 100), "jpg"),
    (18, "b200", "resize,l_300,limit_0", (300, 150), "jpg"),
    (19, "b200", "resize,w_150,h_80,l_20", (150, 75), "jpg"),
    (20, "b200", "resize,w_100,p_10", (100, 50), "jpg"),
    (21, "b200", "resize,p_50", (100, 50), "jpg"),
    (22, "b200", "resize,p_100", (200, 100), "jpg"),
    (23, "b200", "resize,p_1", (2, 1), "jpg"),
    (24, "b200", "resize,p_200,limit_0", (400, 200), "jpg"),
    (26, "b200", "resize,h_80,w_150,w_50", (50, 25), "jpg"),
    (27, "a400", "resize,w_100", (100, 67), "jpg"),
    (28, "a400", "resize,h_100", (150, 100), "jpg"),
    (29, "a400", "resize,l_100", (100, 67), "jpg"),
    (30, "a400", "resize,s_100", (150, 100), "jpg"),
    (31, "a400", "resize,m_fixed,w_100,h_100", (100, 100), "jpg"),
    (32, "a400", "resize,m_fill,h_100,w_100", (100, 100), "jpg"),
    (33, "a400", "resize,m_pad,h_100,w_100,color_FF0000", (100, 100), "jpg"),
    (34, "a400", "resize,w_300,h_300", (300, 200), "jpg"),
    (35, "a400", "resize,m_mfit,w_300,h_300", (400, 267), "jpg"),
    (36, "a400", "resize,m_mfit,w_300,h_300,limit_0", (449, 300), "jpg"),
    (37, "a400", "resize,w_200", (200, 134), "jpg"),
    (38, "a400", "resize,w_399", (399, 266), "jpg"),
    (39, "d1024", "resize,w_200", (200, 150), "png"),
    (40, "e3924", "resize,l_900,h_600", (923, 600), "jpg"),
    (41, "e3924", "resize,w_923", (923, 600), "jpg"),
    (42, "e3924", "resize,l_1000", (1000, 650), "jpg"),
    (43, "c424", "resize,w_100/auto-orient,1", (100, 127), "jpg"),
    (44, "c424", "auto-orient,1/resize,w_100", (100, 127), "jpg"),
    (45, "c424", "resize,w_100/auto-orient,0", (100, 79), "jpg"),
    (46, "c424", "resize,w_100", (100, 127), "jpg"),
    (47, "c424", "auto-orient,1", (333, 424), "jpg"),
    (48, "c424", "auto-orient,0", (424, 333), "jpg"),
    (49, "c424", "auto-orient,0/resize,w_200/rotate,90", (157, 200), "jpg"),
    (50, "a400", "auto-orient,1", (400, 267), "jpg"),
    (53, "a400", "crop,w_100,h_100,x_100,y_100", (100, 100), "jpg"),
    (54, "a400", "crop,w_100,h_100,x_100,y_100,r_1", (100, 100), "jpg"),
    (55, "a400", "crop,x_300,y_200", (100, 67), "jpg"),
    (56, "a400", "crop,w_1000,h_1000", (400, 267), "jpg"),
    (57, "a400", "crop,w_0,h_0,x_300,y_200", (100, 67), "jpg"),
    (58, "a400", "crop,g_se,w_100,h_100", (100, 100), "jpg"),
    (59, "a400", "crop,g_se,w_100,h_100,x_50,y_50", (50, 50), "jpg"),
    (60, "a400", "crop,g_ne,w_100,h_50", (100, 50), "jpg"),
    (61, "a400", "crop,g_sw,w_100,h_50", (100, 50), "jpg"),
    (62, "a400", "crop,g_north,w_100,h_50", (100, 50), "jpg"),
    (63, "a400", "crop,g_center,w_100,h_67", (100, 67), "jpg"),
    (64, "a400", "crop,g_center,w_100,h_100", (100, 100), "jpg"),
    (65, "a400", "crop,w_200,h_200/resize,w_100", (100, 100), "jpg"),
    (66, "a400", "resize,w_100/crop,w_50,h_50", (50, 50), "jpg"),
    (67, "a400", "crop,w_100,h_100/rounded-corners,r_10/format,png", (100, 100), "png"),
    (68, "a400", "indexcrop,x_100,i_0", (100, 267), "jpg"),
    (69, "a400", "indexcrop,x_100,i_3", (100, 267), "jpg"),
    (70, "a400", "indexcrop,x_100", (100, 267), "jpg"),
    (71, "a400", "indexcrop,x_100,i_100", (400, 267), "jpg"),
    (72, "a400", "indexcrop,y_100,i_10", (400, 267), "jpg"),
    (73, "a400", "indexcrop,x_100,y_100,i_0", (400, 100), "jpg"),
    (75, "a400", "circle,r_1000", (267, 267), "jpg"),
    (76, "a400", "circle,r_1000/format,png", (267, 267), "png"),
    (79, "a400", "rounded-corners,r_30", (400, 267), "jpg"),
    (80, "a400", "rounded-corners,r_30/format,png", (400, 267), "png"),
    (81, "a400", "rounded-corners,r_4096/format,png", (400, 267), "png"),
    (82, "a400", "rotate,90", (267, 400), "jpg"),
    (83, "a400", "rotate,180", (400, 267), "jpg"),
    (84, "a400", "rotate,270", (267, 400), "jpg"),
    (85, "a400", "rotate,0", (400, 267), "jpg"),
    (86, "a400", "rotate,360", (400, 267), "jpg"),
    (89, "d1024", "resize,w_200/rotate,90", (150, 200), "png"),
    (90, "a400", "format,png", (400, 267), "png"),
    (91, "a400", "format,webp", (400, 267), "webp"),
    (92, "a400", "format,bmp", (400, 267), "bmp"),
    (93, "a400", "format,tiff", (400, 267), "tiff"),
    (94, "a400", "format,avif", (400, 267), "avif"),
    (95, "a400", "format,gif", (400, 267), "jpg"),
    (96, "half", "format,jpg", (267, 400), "jpg"),
    (97, "half", "format,webp", (267, 400), "webp"),
    (98, "half", "resize,w_100", (100, 150), "png"),
    (99, "d1024", "format,jpg/interlace,1", (1024, 768), "jpg"),
    (100, "a400", "interlace,1", (400, 267), "jpg"),
    (101, "a400", "interlace,0", (400, 267), "jpg"),
    (102, "a400", "quality,Q_90", (400, 267), "jpg"),
    (103, "a400", "quality,q_90", (400, 267), "jpg"),
    (104, "a400", "quality,Q_50", (400, 267), "jpg"),
    (105, "a400", "quality,q_90,Q_50", (400, 267), "jpg"),
    (106, "blue", "quality,Q_1", (400, 267), "png"),
    (107, "blue", "bright,0", (400, 267), "png"),
    (108, "blue", "contrast,0", (400, 267), "png"),
    (109, "a400", "blur,r_3,s_2", (400, 267), "jpg"),
    (110, "a400", "sharpen,100", (400, 267), "jpg"),
    (111, "blue", "blur,r_50,s_50", (400, 267), "png"),
    (113, "a400", "watermark,text_SGVsbG8gV29ybGQ", (400, 267), "jpg"),
    (114, "blue", "watermark,text_SGVsbG8gV29ybGQ,size_20,color_FFFFFF", (400, 267), "png"),
    (115, "blue", "watermark,image_bWFyay5wbmc", (400, 267), "png"),
    (116, "blue", "watermark,image_bWFyay5wbmc,g_nw", (400, 267), "png"),
    (117, "blue", "watermark,image_bWFyay5wbmc,g_ne,x_0,y_0", (400, 267), "png"),
    (118, "blue", "watermark,image_bWFyay5wbmc,g_north,x_300,y_5", (400, 267), "png"),
    (119, "blue", "watermark,image_bWFyay5wbmc,g_sw,x_20,y_30", (400, 267), "png"),
    (120, "blue", "watermark,image_bWFyay5wbmc,t_50", (400, 267), "png"),
    (121, "blue", "watermark,image_bWFyay5wbmc,t_0", (400, 267), "png"),
    (122, "blue", "watermark,image_bWFyay5wbmc,fill_1", (400, 267), "png"),
    (
        123,
        "blue",
        "crop,w_100,h_100/watermark,image_c3EucG5nP3gtb3NzLXByb2Nlc3M9aW1hZ2UvcmVzaXplLFBfMTA",
        (100, 100),
        "png",
    ),
    (124, "anim", "resize,w_30", (30, 20), "gif"),
    (125, "anim", "resize,w_120,limit_0", (60, 40), "gif"),
    (126, "anim", "resize,p_50", (30, 20), "gif"),
    (127, "anim", "crop,w_20,h_20", (20, 20), "gif"),
    (128, "anim", "rotate,90", (40, 60), "gif"),
    (129, "anim", "format,png", (60, 40), "png"),
    (87, "a400", "rotate,45", (472, 472), "jpg"),
    (25, "b200", "resize,p_200", (400, 200), "jpg"),
    (74, "a400", "indexcrop,y_100,i_2", (400, 67), "jpg"),
    (77, "a400", "circle,r_100/format,png", (201, 201), "png"),
    (78, "d1024", "circle,r_4096", (767, 767), "png"),
]
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tiff": "TIFF", "avif": "AVIF"}
STILL_MOVING = {124, 125, 127}


@pytest.mark.parametrize(("number", "name", "actions", "size", "format"), CASES)
def test_worked_case(number: int, name: str, actions: str, size: tuple[int, int], format: str) -> None:
    content_type, content = process(source(name), actions)
    picture = look(content)
    assert (picture.size, picture.format) == (size, FORMATS[format])
    assert content_type == {"jpg": "image/jpeg"}.get(format, f"image/{format}")
    assert getattr(picture, "n_frames", 1) == (5 if number in STILL_MOVING else 1)


# source, actions, and the colour at places: 6 digits, or 8 with alpha; "" is "the picture's, not white"
PIXELS: list[tuple[str, str, dict[tuple[int, int], str]]] = [
    ("b200", "resize,m_pad,w_150,h_80", {(0, 0): "FFFFFF", (149, 79): "FFFFFF", (75, 40): ""}),
    ("b200", "resize,m_pad,w_150,h_80,color_FF0000", {(0, 0): "FF0000"}),
    ("a400", "resize,m_pad,h_100,w_100,color_FF0000", {(0, 0): "FF0000", (99, 99): "FF0000", (50, 50): ""}),
    ("a400", "circle,r_1000", {(0, 0): "FFFFFF", (266, 266): "FFFFFF", (133, 133): ""}),
    ("a400", "rounded-corners,r_30", {(0, 0): "FFFFFF", (200, 133): ""}),
    ("a400", "rotate,45", {(0, 0): "FFFFFF", (471, 0): "FFFFFF", (236, 236): ""}),
    ("half", "format,jpg", {(0, 0): "FFFFFF", (60, 399): "FFFFFF", (200, 200): ""}),
    ("blue", "blur,r_50,s_50", {(0, 0): "0000FF", (200, 133): "0000FF", (399, 266): "0000FF"}),
    ("blue", "watermark,image_bWFyay5wbmc", {
        (340, 237): "FF0000", (389, 256): "FF0000", (339, 240): "0000FF", (390, 240): "0000FF", (345, 257): "0000FF",
    }),
    ("blue", "watermark,image_bWFyay5wbmc,g_nw", {(10, 10): "FF0000", (59, 29): "FF0000", (9, 9): "0000FF"}),
    ("blue", "watermark,image_bWFyay5wbmc,g_ne,x_0,y_0", {(350, 0): "FF0000", (399, 19): "FF0000", (349, 0): "0000FF"}),
    ("blue", "watermark,image_bWFyay5wbmc,g_north,x_300,y_5", {
        (175, 5): "FF0000", (224, 24): "FF0000", (174, 5): "0000FF", (225, 5): "0000FF", (175, 4): "0000FF",
    }),
    ("blue", "watermark,image_bWFyay5wbmc,g_sw,x_20,y_30", {(20, 217): "FF0000", (69, 236): "FF0000"}),
    ("blue", "watermark,image_bWFyay5wbmc,g_west,voffset_100", {(10, 223): "FF0000", (10, 222): "0000FF"}),
    ("blue", "watermark,image_bWFyay5wbmc,g_center,x_99,y_99", {(175, 123): "FF0000", (224, 142): "FF0000"}),
    ("blue", "watermark,image_bWFyay5wbmc,fill_1", {(0, 0): "FF0000", (399, 266): "FF0000", (51, 21): "FF0000"}),
    ("blue", "watermark,image_bWFyay5wbmc,fill_1,padx_10,pady_5", {
        (0, 0): "FF0000", (49, 19): "FF0000", (50, 0): "0000FF", (0, 20): "0000FF", (60, 25): "FF0000",
    }),
    ("blue", "crop,w_100,h_100/watermark,image_c3EucG5nP3gtb3NzLXByb2Nlc3M9aW1hZ2UvcmVzaXplLFBfMTA", {
        (80, 80): "FF0000", (89, 89): "FF0000", (79, 80): "0000FF", (90, 89): "0000FF",
    }),
]  # fmt: skip
ALPHAS: list[tuple[str, str, dict[tuple[int, int], int]]] = [
    ("a400", "crop,w_100,h_100/rounded-corners,r_10/format,png", {(0, 0): 0, (50, 50): 255}),
    ("a400", "circle,r_1000/format,png", {(0, 0): 0, (133, 133): 255}),
    ("a400", "circle,r_100/format,png", {(0, 0): 0, (200, 0): 0, (0, 200): 0, (200, 200): 0, (100, 100): 255}),
    ("a400", "rounded-corners,r_30/format,png", {(0, 0): 0, (30, 0): 255, (200, 133): 255, (399, 266): 0}),
    ("a400", "rounded-corners,r_4096/format,png", {(0, 0): 0, (200, 0): 255, (0, 133): 255}),
    ("a400", "rotate,45/format,png", {(0, 0): 0, (236, 236): 255}),
    ("half", "format,webp", {(0, 0): 0, (200, 200): 255}),
    ("half", "resize,w_100", {(0, 0): 0, (80, 80): 255}),
    ("half", "format,bmp", {(0, 0): 0, (200, 200): 255}),
    ("half", "format,tiff", {(0, 0): 0, (200, 200): 255}),
]


@pytest.mark.parametrize(("name", "actions", "places"), PIXELS)
def test_colours_are_where_the_reference_has_them(name: str, actions: str, places: dict[tuple[int, int], str]) -> None:
    pixels = pixels_of(source(name), actions)
    for (x, y), colour in places.items():
        found = pixels[y, x].astype(int)
        if colour:
            assert abs(found - list(bytes.fromhex(colour))).max() <= 6, (x, y, found)
        else:
            assert found.min() < 200, (x, y, found)


@pytest.mark.parametrize(("name", "actions", "places"), ALPHAS)
def test_what_is_cut_away_is_transparent(name: str, actions: str, places: dict[tuple[int, int], int]) -> None:
    alpha = pixels_of(source(name), actions, "RGBA")[..., 3]
    assert {(x, y): int(alpha[y, x]) for x, y in places} == places


@pytest.mark.parametrize(
    "actions",
    ["quality,Q_1", "bright,0", "contrast,0", "watermark,image_bWFyay5wbmc,t_0", "auto-orient,1", "rotate,360"],
)
def test_what_changes_nothing_changes_no_pixel(actions: str) -> None:
    before = np.asarray(look(source("blue")).convert("RGB"))
    assert np.array_equal(pixels_of(source("blue"), actions), before)


def test_opacity_of_a_mark_mixes_the_colours() -> None:
    found = pixels_of(source("blue"), "watermark,image_bWFyay5wbmc,t_50")[240, 345].astype(int)
    assert abs(found - [0x80, 0, 0x80]).max() <= 2


def test_text_stands_in_its_corner_with_its_margins() -> None:
    mark = "watermark,text_SGVsbG8gV29ybGQ,size_20,color_FFFFFF"
    changed = (pixels_of(source("blue"), mark) != [0, 0, 255]).any(-1)
    assert not changed[0, 0]
    assert changed[200:, 200:].any()
    assert not changed[-10:].any()
    assert not changed[:, -10:].any()
    assert changed[:, -12:].any()


@pytest.mark.parametrize(
    ("actions", "quality"),
    [
        ("quality,Q_90", 80),
        ("quality,q_90", 72),
        ("quality,Q_50", 50),
        ("quality,q_90,Q_50", 50),
        ("auto-orient,0", 80),
    ],
)
def test_quality_of_a_jpeg_follows_its_source(actions: str, quality: int) -> None:
    assert abs(estimate_quality(process(source("a400"), actions)[1]) - quality) <= 2


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 80, 90, 95, 100])
def test_quality_is_read_from_the_tables(quality: int) -> None:
    found = estimate_quality(save(textured(64, 64), "JPEG", quality=quality))
    assert abs(found - quality) <= (3 if quality == 10 else 2)


def test_progressive_only_when_asked() -> None:
    progressive, baseline = b"\xff\xc2", b"\xff\xc0"
    for actions, expected in (
        ("interlace,1", progressive),
        ("interlace,0", baseline),
        ("resize,w_50", baseline),
        ("format,jpg/interlace,1", progressive),
        ("interlace,1/format,jpg", progressive),
    ):
        content = process(source("d1024" if "format" in actions else "a400"), actions)[1]
        assert [marker for marker in (progressive, baseline) if marker in content[:800]] == [expected]


# --- what is told ---


def info(data: bytes) -> dict[str, str]:
    content_type, content = process(data, "info")
    assert content_type == "application/json"
    return {name: entry["value"] for name, entry in json.loads(content).items()}


def test_info_tells_the_stored_picture() -> None:
    assert info(source("a400")) == {
        "FileSize": str(len(source("a400"))),
        "Format": "jpg",
        "FrameCount": "1",
        "ImageHeight": "267",
        "ImageWidth": "400",
        "ResolutionUnit": "1",
        "XResolution": "1/1",
        "YResolution": "1/1",
    }


def test_info_tells_stored_sides_and_the_orientation() -> None:
    told = info(source("c424"))
    assert (told["ImageWidth"], told["ImageHeight"], told["Orientation"]) == ("424", "333", "7")


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"])
def test_info_goes_by_the_bytes(format: str) -> None:
    told = info(save(textured(31, 17), format))
    assert (told["Format"], told["ImageWidth"], told["ImageHeight"]) == (format.lower(), "31", "17")


def test_info_counts_frames() -> None:
    told = info(animation())
    assert (told["FrameCount"], told["ImageHeight"]) == ("5", "40")


def test_average_hue_is_that_of_what_stands_out() -> None:
    """A tenth of the picture is far from the mean; the rest is near it. Where nothing is far, all counts."""
    picture = solid(300, 200, "505050")
    picture.paste((0xD0, 0x30, 0x50), (0, 0, 30, 200))
    for data, told in ((save(picture, "PNG"), "0xd03050"), (save(solid(9, 9, "121314"), "PNG"), "0x121314")):
        assert json.loads(process(data, "average-hue")[1]) == {"RGB": told}


@pytest.mark.parametrize(("colour", "told"), [("0000FF", "0x0000ff"), ("BBCD7F", "0xbbcd7f"), ("FFFFFF", "0xffffff")])
def test_average_hue_of_one_colour_is_that_colour(colour: str, told: str) -> None:
    content_type, content = process(save(solid(300, 200, colour), "PNG"), "average-hue")
    assert (content_type, json.loads(content)) == ("application/json", {"RGB": told})


# --- what is refused, by the picture ---


def refusal(data: bytes, actions: str) -> OssError:
    with pytest.raises(OssError) as caught:
        process(data, actions)
    return caught.value


def wide() -> bytes:
    return save(solid(5000, 100, "888888"), "JPEG")


@pytest.mark.parametrize(
    ("name", "actions", "code", "message"),
    [
        ("a400", "resize,m_fixed,w_5000,h_5000,limit_0", "ImageTooLarge", "larger than 16384"),
        ("a400", "crop,x_500,y_0", "BadRequest", "Advance cut's position is out of image."),
        ("a400", "crop,x_0,y_267", "BadRequest", "Advance cut's position is out of image."),
        ("wide", "rotate,90", "BadRequest", "Picture exceed the maximum allowable rotation range"),
        ("a400", "format,heic", "InvalidArgument", "The value: heic of parameter: format is invalid."),
        ("a400", "resize,m_fixed,w_16384,h_10,limit_0/format,webp", "BadRequest", "16383 pixels for converting webp"),
        ("a400", "resize,m_fixed,w_4097,h_10,limit_0/format,avif", "BadRequest", "4096 x 2304"),
        ("a400", "watermark,image_bm9uZS5wbmc", "WatermarkError", "does not exist"),
    ],
)
def test_what_cannot_be_done_with_this_picture_is_refused(name: str, actions: str, code: str, message: str) -> None:
    error = refusal(wide() if name == "wide" else source(name), actions)
    assert (error.status, error.code) == (400, code)
    assert message in error.message


def test_rotation_is_checked_when_its_turn_comes() -> None:
    assert picture_of(wide(), "resize,w_2000/rotate,90").size == (40, 2000)


def test_info_works_where_rotation_does_not() -> None:
    data = save(solid(5000, 100, "888888"), "JPEG", exif=_oriented(6))
    assert refusal(data, "resize,w_100").code == "BadRequest"
    assert info(data)["ImageWidth"] == "5000"
    assert picture_of(data, "resize,w_100/auto-orient,0").size == (100, 2)


def _oriented(orientation: int) -> Any:
    exif = look(source("c424")).getexif()
    exif[0x0112] = orientation
    return exif
