"""The pictures of docs/image-processing.md, made by the program: a server, a picture in it, and one link for each.

Run it with `.venv/bin/python -m scripts.gallery`; it writes docs/pictures/ and the table between the two marks of the
page. The landscape is computed, so nothing here belongs to anybody else.
"""

from __future__ import annotations

import tempfile
import urllib.request
from pathlib import Path
from typing import Final

import pyvips
from scripts.demo import BUCKET, KEY_ID, REGION, SECRET, expect, signed_put, start_server

from coatcheck import Presigner
from coatcheck.images.parameters import encode_base64

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "image-processing.md"
PICTURES: Final = DOCS / "pictures"
BEGIN, END = "<!-- gallery -->\n", "<!-- end of gallery -->\n"
WIDTH, HEIGHT = 1200, 800
SMALL: Final = "image/resize,w_240"
LOGO: Final = encode_base64("logo.png?x-oss-process=image/resize,P_22")

# file name, what is shown, the text of x-oss-process
SHOWN: Final = (
    ("lfit.jpg", "fit into 240 x 240", "image/resize,w_240,h_240"),
    ("fill.jpg", "fill 240 x 240", "image/resize,m_fill,w_240,h_240"),
    ("pad.jpg", "pad to 240 x 240", "image/resize,m_pad,w_240,h_240,color_23395B"),
    ("fixed.jpg", "stretch to 240 x 240", "image/resize,m_fixed,w_240,h_240"),
    ("crop.jpg", "crop 480 x 320 around the middle, then 240 wide", "image/crop,w_480,h_320,g_center/resize,w_240"),
    ("indexcrop.jpg", "the third strip of 300", "image/indexcrop,x_300,i_2/resize,h_160"),
    ("circle.webp", "a circle", "image/resize,m_fill,w_240,h_240/circle,r_120/format,webp"),
    ("rounded.webp", "rounded corners", f"{SMALL}/rounded-corners,r_30/format,webp"),
    ("rotate.webp", "turned by 12 degrees", f"{SMALL}/rotate,12/format,webp"),
    ("blur.jpg", "blurred", f"{SMALL}/blur,r_6,s_3"),
    ("sharpen.jpg", "sharpened", f"{SMALL}/sharpen,200"),
    ("bright.jpg", "brighter", f"{SMALL}/bright,25"),
    ("contrast.jpg", "more contrast", f"{SMALL}/contrast,40"),
    ("quality.jpg", "quality 15", f"{SMALL}/quality,Q_15"),
    (
        "text.jpg",
        "a text, with a shadow",
        f"{SMALL}/watermark,text_{encode_base64('Coatcheck 42')},color_FFFFFF,size_22,shadow_60",
    ),
    (
        "cjk.jpg",
        "Chinese, Japanese and Korean",
        f"{SMALL}/watermark,text_{encode_base64('寄存 クローク 보관')},color_FFFFFF,size_20,g_south,shadow_60",
    ),
    ("logo.jpg", "a picture, a fifth as large", f"{SMALL}/watermark,image_{LOGO},g_nw,t_85"),
    (
        "tiles.jpg",
        "tiled all over",
        f"{SMALL}/watermark,text_{encode_base64('private')},rotate_330,fill_1,padx_14,pady_8,color_FFFFFF,t_35,size_16",
    ),
    (
        "both.jpg",
        "picture and text together",
        f"{SMALL}/watermark,image_{LOGO},text_{encode_base64('number 7')},color_FFFFFF,size_18,align_1,interval_6",
    ),
    ("moving.webp", "an animated GIF, made smaller and WebP", "image/resize,w_160/format,webp"),
)  # fmt: skip


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coatcheck-gallery-") as scratch:
        directory = Path(scratch)
        server, endpoint = start_server(directory)
        try:
            presigner = Presigner(KEY_ID, SECRET, region=REGION, endpoint=endpoint)
            expect(signed_put(endpoint, BUCKET, None, None), "200", "the bucket was not made")
            for name, data in (("landscape.jpg", landscape()), ("logo.png", logo()), ("moving.gif", moving())):
                (directory / name).write_bytes(data)
                expect(signed_put(endpoint, BUCKET, name, directory / name), "200", f"{name} was not stored")
            for name, _, process in SHOWN:
                key = "moving.gif" if name.startswith("moving") else "landscape.jpg"
                link = presigner.presign("GET", BUCKET, key, query={"x-oss-process": process}).url
                with urllib.request.urlopen(link) as reply:
                    (PICTURES / name).write_bytes(reply.read())
        finally:
            server.terminate()
            server.wait(60)
    write_table()


def write_table() -> None:
    rows = ["| | | |", "| --- | --- | --- |"]
    for start in range(0, len(SHOWN), 3):
        cells = [
            f"![{title}](pictures/{name})<br>{title}<br>`{process.removeprefix('image/')}`"
            for name, title, process in SHOWN[start : start + 3]
        ]
        rows.append("| " + " | ".join(cells + [""] * (3 - len(cells))) + " |")
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(rows) + f"\n\n{END}{after}", "utf-8")


# --- the pictures it starts from -------------------------------------------------------------------------------------


def landscape() -> bytes:
    """An evening by the sea: sky, sun, three ranges of hills, water with the light on it."""
    place = pyvips.Image.xyz(WIDTH, HEIGHT)
    x, y = place[0], place[1]
    sky = blend((25, 42, 86), (250, 150, 92), y / (HEIGHT * 0.62))
    distance = ((x - 790) ** 2 + (y - 360) ** 2) ** 0.5
    glow = (1 - distance / 520).maxpair(0) ** 2
    picture = sky + glow.bandjoin([glow, glow]) * [120, 95, 40]
    picture = (distance < 62).ifthenelse([255, 236, 190], picture)
    for base, rise, colour in ((470, 60, (104, 84, 118)), (505, 42, (66, 62, 96)), (532, 26, (36, 44, 70))):
        picture = (y > hills(x, base, rise)).ifthenelse(list(colour), picture)
    waves = ((x * 0.9 + y * 31) * 3).math("sin") * ((y * 2.9 - x * 0.12) * 5).math("sin")
    shine = (1 - ((x - 790) ** 2) ** 0.5 / (60 + (y - 560) * 0.9)).maxpair(0) * (0.45 + waves * 0.55).maxpair(0)
    water = blend((52, 66, 104), (14, 24, 48), (y - 560) / (HEIGHT - 560)) + waves.bandjoin([waves, waves]) * 5
    picture = (y > 560).ifthenelse(water + shine.bandjoin([shine, shine]) * [190, 130, 70], picture)
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=3, mean=0, seed=7)
    saved: bytes = (picture + grain).cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=92)
    return saved


def blend(start: tuple[int, ...], stop: tuple[int, ...], share: pyvips.Image) -> pyvips.Image:
    share = share.maxpair(0).minpair(1)
    return share.bandjoin([share, share]) * [b - a for a, b in zip(start, stop, strict=True)] + list(start)


def hills(x: pyvips.Image, base: int, rise: int) -> pyvips.Image:
    parts = ((0.35, 1), (0.93, 0.5), (2.3, 0.22), (5.7, 0.1))
    waves = [(x * step + base * 7).math("sin") * part for step, part in parts]
    return base - (waves[0] + waves[1] + waves[2] + waves[3]) * rise


def logo() -> bytes:
    """A numbered tag: what you get for your coat."""
    place = pyvips.Image.xyz(240, 120)
    edge = ([20, 20] - place).maxpair(place - [220, 100])
    outside = (edge > 0).ifthenelse(edge, 0)
    body = (20 - (outside[0] ** 2 + outside[1] ** 2) ** 0.5 + 0.5).linear(255, 0, uchar=True)
    hole = ((place[0] - 36) ** 2 + (place[1] - 60) ** 2) ** 0.5 < 14
    number = pyvips.Image.text("Nº 7", font="sans bold 52", dpi=72)
    tag = body.new_from_image([196, 60, 54]).bandjoin(hole.ifthenelse(0, body)).copy(interpretation="srgb")
    ink = number.new_from_image([255, 250, 240]).bandjoin(number).cast("uchar").copy(interpretation="srgb")
    saved: bytes = tag.cast("uchar").composite2(ink, "over", x=72, y=60 - number.height // 2).pngsave_buffer()
    return saved


def moving() -> bytes:
    """A sun that goes round, twelve frames."""
    frames = []
    place = pyvips.Image.xyz(320, 200)
    sky = blend((25, 42, 86), (250, 150, 92), place[1] / 200)
    for angle in range(0, 360, 30):
        turn = pyvips.Image.black(1, 1).linear(1, angle)
        left, top = 160 + 90 * turn.math("cos").avg(), 100 - 60 * turn.math("sin").avg()
        sun = ((place[0] - left) ** 2 + (place[1] - top) ** 2) ** 0.5 < 26
        frames.append(sun.ifthenelse([255, 236, 190], sky).cast("uchar").copy(interpretation="srgb"))
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 200)
    strip.set_type(pyvips.GValue.array_int_type, "delay", [100] * 12)
    saved: bytes = strip.gifsave_buffer()
    return saved


if __name__ == "__main__":
    main()
