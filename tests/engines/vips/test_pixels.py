"""Whole results beside the same pictures made another way: Pillow decodes, numpy computes."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from coatcheck.images.parameters import encode_base64

from .pictures import (
    Pixels,
    animation,
    frames_of,
    look,
    picture_of,
    pixels_of,
    process,
    psnr,
    save,
    solid,
    source,
    textured,
    with_orientation,
)

PNG = save(textured(400, 267), "PNG")
TALL = {format: save(textured(600, 2600), format) for format in ("JPEG", "PNG")}
BEFORE = np.asarray(textured(400, 267))


def lanczos(picture: Image.Image, width: int, height: int) -> Pixels:
    return np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))


def test_resize_is_as_good_as_a_full_decode() -> None:
    """Also while decoding: a pattern that a cheap reduction turns into moire must come out grey."""
    y, x = np.mgrid[0:1200, 0:1600]
    stripes = np.where(((x + y // 3) // 3) % 2 == 0, 30, 220).astype(np.uint8)
    data = save(Image.fromarray(stripes), "JPEG", quality=95)
    assert (
        psnr(pixels_of(data, "resize,w_160", "L"), np.asarray(look(data).resize((160, 120), Image.Resampling.LANCZOS)))
        > 38
    )
    assert psnr(pixels_of(source("e3924"), "resize,w_400/format,png"), lanczos(look(source("e3924")), 400, 260)) > 35


def fine_pattern(name: str) -> bytes:
    """Stripes of 7 pixels, or rings from wide to narrow: where a cheap reduction shows."""
    y, x = np.mgrid[0:1200, 0:1600]
    stripes = np.where(((x + y // 3) // 7) % 2 == 0, 30, 220)
    rings = 127 + 100 * np.cos(np.pi * ((x - 800) ** 2 + (y - 600) ** 2) / 3600)
    pixels = stripes if name == "stripes" else rings
    return save(Image.fromarray(pixels.astype(np.uint8)), "JPEG", quality=95)


FINE = {name: fine_pattern(name) for name in ("stripes", "rings")}
NEVER = 1000  # times smaller: no result here is


def likeness(data: bytes, width: int, height: int, eighth_from: int) -> float:
    found = look(process(data, f"resize,m_fixed,w_{width},h_{height}/format,png", eighth_from)[1])
    return psnr(np.asarray(found.convert("RGB")), lanczos(look(data), width, height))


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize(("width", "height"), [(100, 75), (94, 70), (80, 60), (50, 37), (40, 30)])
def test_from_a_sixteenth_on_decoding_at_an_eighth_costs_nothing(name: str, width: int, height: int) -> None:
    assert likeness(FINE[name], width, height, 16) > 38
    assert likeness(FINE[name], width, height, NEVER) > 38


@pytest.mark.parametrize(("name", "faithful", "fast"), [("stripes", 50, 35), ("rings", 45, 33)])
def test_above_a_sixteenth_it_costs_likeness_where_the_operator_wants_it(name: str, faithful: int, fast: int) -> None:
    assert likeness(FINE[name], 133, 100, 16) > faithful
    assert faithful > likeness(FINE[name], 133, 100, 12) > fast


@pytest.mark.parametrize(
    ("width", "at_twelve", "at_sixteen"),
    [(134, False, False), (133, True, False), (101, True, False), (100, True, True)],
)
def test_a_jpeg_is_decoded_at_an_eighth_from_the_ratio_on(width: int, at_twelve: bool, at_sixteen: bool) -> None:
    """The side that shrinks less says the ratio; below it nothing changes."""
    actions = f"resize,m_fixed,w_{width},h_60/format,png"
    at_a_quarter = process(FINE["rings"], actions, NEVER)
    assert (process(FINE["rings"], actions, 12) != at_a_quarter) == at_twelve
    assert (process(FINE["rings"], actions, 16) != at_a_quarter) == at_sixteen


def test_pad_centres_the_scaled_picture() -> None:
    found = pixels_of(PNG, "resize,m_pad,w_200,h_200,color_00FF00")
    assert psnr(found[33:167], lanczos(textured(400, 267), 200, 134)) > 35
    assert (found[:33] == [0, 255, 0]).all()
    assert (found[167:] == [0, 255, 0]).all()


def test_fill_cuts_the_overhang_evenly() -> None:
    found = pixels_of(PNG, "resize,m_fill,w_100,h_100")
    assert psnr(found, lanczos(textured(400, 267), 150, 100)[:, 25:125]) > 35


def test_crop_is_the_region() -> None:
    assert np.array_equal(pixels_of(PNG, "crop,w_100,h_100,x_100,y_100"), BEFORE[100:200, 100:200])
    assert np.array_equal(pixels_of(PNG, "crop,g_se,w_100,h_100,x_50,y_50"), BEFORE[217:267, 350:400])
    assert np.array_equal(pixels_of(PNG, "crop,g_center,w_100,h_67"), BEFORE[100:167, 150:250])
    assert np.array_equal(pixels_of(PNG, "indexcrop,x_100,i_3"), BEFORE[:, 300:400])


@pytest.mark.parametrize(("angle", "turns"), [(90, 3), (180, 2), (270, 1)])
def test_right_angles_move_pixels_and_change_none(angle: int, turns: int) -> None:
    assert np.array_equal(pixels_of(PNG, f"rotate,{angle}"), np.rot90(BEFORE, turns))


def test_other_angles_are_clockwise() -> None:
    found = pixels_of(PNG, "rotate,30", "RGBA")
    expected = np.asarray(textured(400, 267).convert("RGBA").rotate(-30, Image.Resampling.BILINEAR, expand=True))
    top, left = (found.shape[0] - 300) // 2, (found.shape[1] - 300) // 2
    top2, left2 = (expected.shape[0] - 300) // 2, (expected.shape[1] - 300) // 2
    inner = found[top + 60 : top + 240, left + 60 : left + 240]
    assert psnr(inner, expected[top2 + 60 : top2 + 240, left2 + 60 : left2 + 240]) > 28


def test_edges_of_a_turned_picture_keep_its_colour() -> None:
    """A fringe brighter or darker than the picture is what a wrong order of blending and cutting leaves."""
    found = pixels_of(save(solid(100, 60, "204080"), "PNG"), "rotate,12", "RGBA").astype(int)
    seen = found[found[..., 3] > 20]
    assert abs(seen[:, :3] - [0x20, 0x40, 0x80]).max() <= 6
    assert ((seen[:, 3] < 255).sum()) > 100


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_calls_upright(orientation: int) -> None:
    data = with_orientation(textured(120, 80), orientation, quality=95)
    upright = ImageOps.exif_transpose(look(data)).convert("RGB")
    for actions in ("format,png", "auto-orient,1/format,png", "format,png/auto-orient,1"):
        assert psnr(pixels_of(data, actions), np.asarray(upright)) > 45
    half = upright.width // 2, upright.height // 2
    assert psnr(pixels_of(data, f"resize,w_{half[0]}/format,png"), lanczos(upright, *half)) > 33


def test_an_applied_orientation_leaves_no_tag_and_a_refused_one_stays() -> None:
    data = with_orientation(textured(120, 80), 6)
    assert 0x0112 not in picture_of(data, "resize,w_40").getexif()
    kept = picture_of(data, "resize,w_40/auto-orient,0")
    assert (kept.getexif()[0x0112], kept.size) == (6, (40, 27))


def test_exif_does_not_survive() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8769] = "a camera", {0x9003: "2026:03:05 07:08:09"}
    data = save(textured(120, 80), "JPEG", exif=exif)
    for actions in ("resize,w_40", "format,webp", "quality,Q_50"):
        assert b"a camera" not in process(data, actions)[1]


def test_circle_has_the_area_of_a_circle() -> None:
    alpha = pixels_of(PNG, "circle,r_100", "RGBA")[..., 3] / 255
    assert abs(alpha.sum() - np.pi * 100**2) < 60
    assert np.array_equal(alpha, alpha[::-1])
    assert np.array_equal(alpha, alpha[:, ::-1])


def test_blur_is_a_gaussian_of_its_radius() -> None:
    dot = np.zeros((41, 41), np.uint8)
    dot[20, 20] = 255
    data = save(Image.fromarray(np.stack([dot] * 3, -1)), "PNG")
    wide, narrow = pixels_of(data, "blur,r_8,s_2", "L"), pixels_of(data, "blur,r_1,s_2", "L")
    assert (narrow > 0).sum() <= 9 < (wide > 0).sum()
    weights = np.exp(-(np.arange(-8, 9) ** 2) / 8.0)
    assert abs(int(wide[20, 20]) - 255 / weights.sum() ** 2) <= 2


def test_a_wide_blur_takes_a_shorter_way_to_the_same_picture() -> None:
    expected = BEFORE.astype(float)
    weights = np.exp(-(np.arange(-24, 25) ** 2) / (2 * 12.0**2))
    for axis in (0, 1):
        padded = np.pad(expected, [(24, 24) if axis == a else (0, 0) for a in range(3)], mode="edge")
        views = [np.take(padded, range(n, n + expected.shape[axis]), axis) * w for n, w in enumerate(weights)]
        expected = sum(views) / weights.sum()
    assert psnr(pixels_of(PNG, "blur,r_24,s_12"), expected.astype(np.uint8)) > 38


@pytest.mark.parametrize("percent", [-100, -50, 50, 100])
def test_bright_moves_the_mean_its_way(percent: int) -> None:
    before, found = BEFORE.mean(), pixels_of(PNG, f"bright,{percent}").mean()
    assert (found > before) == (percent > 0)
    grey = save(solid(50, 50, "808080"), "PNG")
    assert pixels_of(grey, f"bright,{percent}")[0, 0, 0] == max(0, min(255, round(128 + 255 * percent / 100)))


def test_contrast_spreads_around_the_middle() -> None:
    assert pixels_of(PNG, "contrast,50").std() > BEFORE.std() > pixels_of(PNG, "contrast,-50").std()
    assert (pixels_of(PNG, "contrast,-100") == 128).all()


def test_sharpen_steepens_edges() -> None:
    edge = np.zeros((40, 40, 3), np.uint8)
    edge[:, 20:] = 180
    edge[:, :20] = 70
    found = pixels_of(save(Image.fromarray(edge), "PNG"), "sharpen,200")
    assert found[20, 20, 0] > 180
    assert found[20, 19, 0] < 70
    assert found[20, 2, 0] == 70


EVERY_ACTION = [
    "resize,w_500", "resize,m_pad,w_700,h_700", "resize,m_fill,w_300,h_300", "crop,w_500,h_2000,g_se",
    "indexcrop,y_700,i_2", "circle,r_280/format,png", "rounded-corners,r_90/format,png", "rotate,90", "rotate,180",
    "rotate,33", "blur,r_20,s_9", "blur,r_3,s_2", "sharpen,150", "bright,20", "contrast,-20", "format,bmp",
    "format,tiff", "format,webp", "interlace,1", "watermark,image_bWFyay5wbmc", "watermark,image_bWFyay5wbmc,fill_1",
    "blur,r_3,s_2/rotate,90/sharpen,100/crop,w_400,h_400/circle,r_90/watermark,text_YQ/format,bmp", "average-hue",
]  # fmt: skip


@pytest.mark.parametrize("actions", EVERY_ACTION)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_tall_pictures_are_read_from_top_to_bottom(format: str, actions: str) -> None:
    """Files are read once, in order; a step that isn't content with that is seen only when there are many rows."""
    assert process(TALL[format], actions)[1]


# --- watermarks ---


def test_text_in_chinese_is_drawn_and_not_as_boxes() -> None:
    """Different characters look different, which boxes for missing ones don't."""
    blue = source("blue")
    drawn = [
        (pixels_of(blue, f"watermark,text_{encode_base64(text)},size_60,color_FFFFFF,g_nw") != [0, 0, 255]).any(-1)
        for text in ("外衣", "存取", "ケキ", "한글", "Ab")
    ]
    for number, one in enumerate(drawn):
        assert one.sum() > 300
        assert all((one != other).sum() > 200 for other in drawn[:number])


@pytest.mark.parametrize("text", ["a & b <x>", "</span>", "&amp;", "100%", "\\n", "'\""])
def test_text_is_text_and_no_markup(text: str) -> None:
    assert picture_of(source("blue"), f"watermark,text_{encode_base64(text)}").size == (400, 267)


def test_text_of_any_length_and_size_is_drawn() -> None:
    assert picture_of(source("blue"), f"watermark,text_{encode_base64('W' * 64)},size_1000").size == (400, 267)


def test_shadow_falls_below_and_right() -> None:
    mark = f"watermark,text_{encode_base64('H')},size_100,color_FFFFFF,g_center"
    plain, shadowed = pixels_of(source("blue"), mark), pixels_of(source("blue"), mark + ",shadow_100")
    dark = (shadowed < 40).all(-1)
    white = (shadowed > 200).all(-1)
    assert dark.sum() > 100
    assert not (plain < 40).all(-1).any()
    assert np.argwhere(dark).mean(0)[1] > np.argwhere(white).mean(0)[1]


def test_turned_text_is_turned() -> None:
    mark = f"watermark,text_{encode_base64('Hello World')},size_40,g_center,color_FFFFFF"
    flat = np.argwhere((pixels_of(source("blue"), mark) != [0, 0, 255]).any(-1))
    tall = np.argwhere((pixels_of(source("blue"), mark + ",rotate_90") != [0, 0, 255]).any(-1))
    assert np.ptp(flat[:, 1]) > 3 * np.ptp(flat[:, 0])
    assert np.ptp(tall[:, 0]) > 3 * np.ptp(tall[:, 1])


def test_picture_and_text_stand_side_by_side() -> None:
    mark = f"watermark,image_bWFyay5wbmc,text_{encode_base64('Hello')},color_FFFFFF,g_nw,x_0,y_0,interval_20"
    found = pixels_of(source("blue"), mark)
    red = np.argwhere((found == [255, 0, 0]).all(-1))
    white = np.argwhere((found > 200).all(-1))
    assert red[:, 1].max() < white[:, 1].min() <= red[:, 1].max() + 26
    turned = pixels_of(source("blue"), mark + ",order_1")
    assert np.argwhere((turned == [255, 0, 0]).all(-1))[:, 1].min() > np.argwhere((turned > 200).all(-1))[:, 1].max()


def test_a_mark_that_sticks_out_is_clipped() -> None:
    assert (pixels_of(source("blue"), "watermark,image_c3EucG5n,g_se,x_4096,y_4096") == [0, 0, 255]).all()
    small = save(solid(30, 10, "0000FF"), "PNG")
    assert (pixels_of(small, "watermark,image_c3EucG5n,g_nw,x_0,y_0") == [255, 0, 0]).all()


# --- colours ---


def test_cmyk_becomes_rgb() -> None:
    data = save(solid(40, 30, "FF0000").convert("CMYK"), "JPEG", quality=95)
    for actions in ("resize,w_20", "format,png", "quality,Q_90"):
        found = picture_of(data, actions)
        assert found.mode == "RGB"
        assert np.asarray(found)[5, 5, 0] > 180


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "light"),
    [
        ((0, 0, 0, 255), [0, 0, 0]),
        ((0, 0, 0, 0), [255, 255, 255]),
        ((0, 255, 255, 0), [255, 0, 0]),
        ((0, 0, 0, 51), [204] * 3),
    ],
)
def test_cmyk_without_a_profile_is_the_light_that_its_inks_leave(
    format: str, ink: tuple[int, int, int, int], light: list[int]
) -> None:
    data = save(Image.new("CMYK", (64, 64), ink), format)
    for actions in ("format,png", "resize,w_10/format,png"):
        assert np.abs(pixels_of(data, actions)[3, 3].astype(int) - light).max() <= 2


def test_sixteen_bits_become_eight() -> None:
    wide = Image.fromarray(np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16))
    for actions in ("resize,w_32/format,png", "format,png", "format,jpg", "bright,0/format,png"):
        found = np.asarray(picture_of(save(wide, "PNG"), actions).convert("L"))
        assert found[0, 0] <= 8
        assert found[-1, -1] >= 247


def test_grey_stays_grey_until_colour_is_asked_for() -> None:
    grey = save(textured(60, 40).convert("L"), "PNG")
    assert picture_of(grey, "resize,w_30").mode == "L"
    assert pixels_of(grey, "resize,m_pad,w_40,h_40,color_FF0000")[0, 0].tolist() == [255, 0, 0]


def test_palettes_are_expanded() -> None:
    flat = textured(60, 40).quantize(16)
    assert psnr(pixels_of(save(flat, "PNG"), "format,png"), np.asarray(flat.convert("RGB"))) == 99.0


def test_a_colour_profile_stays_with_the_picture() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = save(textured(60, 40), "JPEG", icc_profile=profile)
    for actions in ("resize,w_30", "format,png", "format,webp"):
        assert picture_of(data, actions).info["icc_profile"] == profile


# --- formats ---


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_a_lossless_format_goes_in_and_out_unchanged(format: str) -> None:
    flat = textured(61, 43).quantize(64).convert("RGB")
    data = save(flat, format, **({"lossless": True} if format == "WEBP" else {}))
    assert psnr(pixels_of(data, "format,png"), np.asarray(flat)) == 99.0
    assert psnr(pixels_of(save(flat, "PNG"), f"format,{format.lower()}"), np.asarray(flat)) > 30


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 3), (33, 2)])
def test_bmp_of_every_depth_is_read_exactly(mode: str, size: tuple[int, int]) -> None:
    picture = textured(*size).convert(mode) if mode != "P" else textured(*size).quantize(256)
    data = save(picture, "BMP")
    expected = look(data)
    assert np.array_equal(pixels_of(data, "format,png"), np.asarray(expected.convert("RGB")))


def bmp(info: bytes, pixels: bytes, palette: bytes = b"") -> bytes:
    offset = 14 + len(info) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + info + palette + pixels


def info_header(bits: int, compression: int, masks: bytes = b"", colours: int = 0) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, bits, compression, 0, 0, 0, colours, 0) + masks


RED, WHITE = [255, 0, 0], [255, 255, 255]
PALETTE = bytes([0, 0, 255, 0, 255, 255, 255, 0])  # red, white: blue comes first
PIXELS = [[RED] * 4, [WHITE] * 4]  # the first row is the last of the file
BMPS = {
    "rle8": bmp(info_header(8, 1, colours=2), bytes([4, 1, 0, 0, 4, 0, 0, 1]), PALETTE),
    "rle4": bmp(info_header(4, 2, colours=2), bytes([4, 0x11, 0, 0, 4, 0x00, 0, 1]), PALETTE),
    "555": bmp(info_header(16, 0), b"\xff\x7f" * 4 + b"\x00\x7c" * 4),
    "565": bmp(info_header(16, 3, struct.pack("<3I", 0xF800, 0x7E0, 0x1F)), b"\xff\xff" * 4 + b"\x00\xf8" * 4),
    "masks": bmp(
        info_header(32, 3, struct.pack("<3I", 0xFF000000, 0xFF0000, 0xFF00)), b"\0\xff\xff\xff" * 4 + b"\0\0\0\xff" * 4
    ),
    "os2": bmp(struct.pack("<IHHHH", 12, 4, 2, 1, 24), b"\xff" * 12 + b"\0\0\xff" * 4),
    "os2 palette": bmp(struct.pack("<IHHHH", 12, 4, 2, 1, 1), b"\xf0\0\0\0\0\0\0\0", bytes([0, 0, 255, 255, 255, 255])),
}


@pytest.mark.parametrize("name", BMPS)
def test_bmp_of_every_form_is_read(name: str) -> None:
    assert pixels_of(BMPS[name], "format,png").tolist() == PIXELS
    assert pixels_of(BMPS[name], "resize,m_fixed,w_2,h_2/format,png")[0].tolist() == [RED] * 2
    assert json.loads(process(BMPS[name], "info")[1])["ImageWidth"] == {"value": "4"}


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2), (5, 7), (400, 267)])
def test_bmp_is_written_exactly(size: tuple[int, int]) -> None:
    data = save(textured(*size), "PNG")
    found = picture_of(data, "format,bmp")
    assert found.format == "BMP"
    assert np.array_equal(np.asarray(found), np.asarray(textured(*size)))


def test_avif_is_read_and_written() -> None:
    data = save(textured(200, 150), "AVIF", quality=90)
    assert psnr(pixels_of(data, "format,png"), np.asarray(look(data).convert("RGB"))) > 40
    assert psnr(pixels_of(PNG, "format,avif/quality,Q_90"), BEFORE) > 30


# --- animations ---


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_an_animation_keeps_frames_delays_and_loop(format: str) -> None:
    data = animation(format)
    for actions, size in (
        ("resize,w_30", (30, 20)),
        ("crop,w_20,h_20", (20, 20)),
        ("resize,m_pad,w_30,h_30", (30, 30)),
    ):
        found = look(process(data, actions)[1])
        assert (found.size, frames_of(found)) == (size, 5)
        delays = []
        for number in range(5):
            found.seek(number)
            found.load()
            delays.append(found.info["duration"])
        assert delays == [120] * 5
        assert found.info["loop"] in (3, 4)  # GIF counts repetitions, and Pillow and libvips count differently


def test_every_frame_is_processed_by_itself() -> None:
    before, after = look(animation("WEBP")), look(process(animation("WEBP"), "crop,w_20,h_20,g_center")[1])
    for number in range(5):
        before.seek(number)
        after.seek(number)
        assert psnr(np.asarray(after.convert("RGB")), np.asarray(before.convert("RGB"))[10:30, 20:40]) > 25


def test_a_mark_is_on_every_frame() -> None:
    found = look(process(animation("WEBP", size=(100, 60)), "watermark,image_bWFyay5wbmc,g_nw,x_0,y_0")[1])
    for number in range(5):
        found.seek(number)
        assert abs(np.asarray(found.convert("RGB"))[10, 25].astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize(
    "actions", ["rotate,90", "resize,p_50", "quality,q_50", "auto-orient,1", "blur,r_3,s_2", "format,png"]
)
def test_what_an_animation_does_not_survive_makes_a_still_of_it(actions: str) -> None:
    assert frames_of(look(process(animation(), actions)[1])) == 1


def test_a_gif_becomes_a_moving_webp() -> None:
    found = look(process(animation(), "format,webp")[1])
    assert (found.format, frames_of(found)) == ("WEBP", 5)
