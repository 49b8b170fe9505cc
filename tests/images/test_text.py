"""The text of a plan: what is read, what is refused and in which words, and that reading undoes writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import OssError
from coatcheck.images.parameters import encode_base64
from coatcheck.images.plan import (
    CONTENT_TYPES,
    FONTS,
    GRAVITIES,
    MODES,
    Answer,
    Blur,
    Bright,
    Circle,
    Contrast,
    Crop,
    ImageMark,
    IndexCrop,
    Plan,
    Resize,
    Rotate,
    RoundedCorners,
    Sharpen,
    TextMark,
    Watermark,
)
from coatcheck.images.text import read_plan, write_plan


def steps_of(actions: str) -> tuple[object, ...]:
    return read_plan(f"image/{actions}").steps


def refusal(actions: str) -> OssError:
    with pytest.raises(OssError) as caught:
        read_plan(f"image/{actions}")
    return caught.value


def test_actions_become_steps_in_their_order() -> None:
    assert steps_of("resize,w_200/rotate,90/crop,w_10") == (Resize(w=200), Rotate(90), Crop(w=10))


def test_properties_of_the_job_stand_anywhere() -> None:
    plan = read_plan("image/interlace,1/resize,w_1/format,webp/auto-orient,0/quality,q_80,Q_70/blur,r_3,s_2")
    assert plan == Plan((Resize(w=1), Blur(3, 2)), False, "webp", 80, 70, True)


def test_keys_come_in_any_order_and_the_last_of_two_wins() -> None:
    assert steps_of("resize,h_80,w_150,w_50,m_pad,color_ff0000") == (Resize("pad", w=50, h=80, color="FF0000"),)


def test_an_unknown_key_is_ignored_as_oss_does() -> None:
    assert steps_of("crop,w_100,h_100,x_100,y_100,r_1") == (Crop(100, 100, 100, 100),)


def test_jpeg_is_jpg() -> None:
    assert read_plan("image/format,jpeg").format == "jpg"


def test_y_wins_over_x() -> None:
    assert steps_of("indexcrop,x_100,y_50,i_2") == (IndexCrop(50, True, 2),)


def test_a_watermark_may_be_processed_itself() -> None:
    image = encode_base64("a/panda.png?x-oss-process=image/resize,P_30/rotate,90")
    assert steps_of(f"watermark,image_{image}")[0] == Watermark(
        image=ImageMark("a/panda.png", (Resize(percent_of_main=30), Rotate(90)))
    )


@pytest.mark.parametrize("text", ["SGVsbG8gV29ybGQ", "SGVsbG8gV29ybGQ="])
def test_base64_comes_with_or_without_padding(text: str) -> None:
    assert steps_of(f"watermark,text_{text}") == (Watermark(text=TextMark("Hello World")),)


def test_base64_comes_in_both_alphabets() -> None:
    assert steps_of("watermark,text_Pz8_")[0] == Watermark(text=TextMark("???"))
    assert steps_of("watermark,text_fn5-")[0] == steps_of("watermark,text_fn5+")[0] == Watermark(text=TextMark("~~~"))


@pytest.mark.parametrize("text", ["resize,w_10/info", "info/quality,q_90", "info/info", "average-hue/resize,w_10"])
def test_what_describes_the_stored_picture_stands_alone(text: str) -> None:
    assert read_plan("image/info/") == Plan(answer=Answer.INFO)
    with pytest.raises(OssError, match="cannot be combined with other actions") as caught:
        read_plan(f"image/{text}")
    assert (caught.value.status, caught.value.code) == (400, "InvalidArgument")


FOUR_MARKS = "/".join(f"watermark,image_{encode_base64(f'{number}.png')}" for number in range(4))

# actions, code, what the message says, EC
REFUSED = [
    ("resize,w_0", "InvalidArgument", "The value: 0 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_16385", "InvalidArgument", "The value: 16385 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_99999999", "InvalidArgument", "The value: 99999999 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_abc", "InvalidArgument", "The value: abc of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_", "InvalidArgument", "The value:  of parameter: w is invalid.", "0040-00000312"),
    ("resize,h_1e3", "InvalidArgument", "The value: 1e3 of parameter: h is invalid.", "0040-00000313"),
    ("resize,w_10.0", "InvalidArgument", "The value: 10.0 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_+5", "InvalidArgument", "The value: +5 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_１２", "InvalidArgument", "parameter: w is invalid.", "0040-00000312"),
    ("resize,w_1_0", "InvalidArgument", "The value: 1_0 of parameter: w is invalid.", "0040-00000312"),
    ("resize,w_100,m_abc", "InvalidArgument", "The value: abc of parameter: m is invalid.", "0040-00000311"),
    ("resize,l_0", "InvalidArgument", "The value: 0 of parameter: l is invalid.", "0040-00000314"),
    ("resize,s_0", "InvalidArgument", "The value: 0 of parameter: s is invalid.", "0040-00000315"),
    ("resize,p_0", "InvalidArgument", "The value: 0 of parameter: p is invalid.", "0040-00000317"),
    ("resize,p_1001", "InvalidArgument", "The value: 1001 of parameter: p is invalid.", "0040-00000317"),
    ("resize,w_100,limit_3", "InvalidArgument", "The value: 3 of parameter: limit is invalid.", "0040-00000319"),
    ("resize,w_1,color_red", "InvalidArgument", "The value: red of parameter: color is invalid.", ""),
    ("resize,w_1,color_#FF000", "InvalidArgument", "parameter: color is invalid.", ""),
    ("resize", "MissingArgument", "resize needs a size", "0040-00000321"),
    ("resize,W_200", "MissingArgument", "resize needs a size", "0040-00000321"),
    ("resize,P_50", "MissingArgument", "resize needs a size", "0040-00000321"),
    ("crop,w_-1", "InvalidArgument", "The value: -1 of parameter: w is invalid.", "0040-00000225"),
    ("crop,h_-1", "InvalidArgument", "The value: -1 of parameter: h is invalid.", "0040-00000226"),
    ("crop,w_50,h_50,g_fac", "InvalidArgument", "The value: fac of parameter: g is invalid.", "0040-00000209"),
    ("crop,w_50,h_50,g_face", "NotImplemented", "service that this server does not have", ""),
    ("rotate,400", "InvalidArgument", "The value: 400 of parameter: rotate is invalid.", "0040-00000217"),
    ("rotate,-1", "InvalidArgument", "The value: -1 of parameter: rotate is invalid.", "0040-00000217"),
    ("rotate,abc", "InvalidArgument", "The value: abc of parameter: rotate is invalid.", "0040-00000217"),
    ("rotate,a_90", "InvalidArgument", "The value: a of parameter: a is invalid.", "0040-00000217"),
    ("rotate", "MissingArgument", "rotate needs a value.", "0040-00000216"),
    ("rotate,90,200,300", "InvalidArgument", "rotate takes one value.", "0040-00000203"),
    ("format,dng", "InvalidArgument", "The value: dng of parameter: format is invalid.", "0040-00000206"),
    ("format,f_png", "InvalidArgument", "The value: f of parameter: f is invalid.", "0040-00000206"),
    ("format,auto", "InvalidArgument", "The value: auto of parameter: format is invalid.", "0040-00000206"),
    ("format", "MissingArgument", "format needs a value.", "0040-00000207"),
    ("circle,r_5000", "InvalidArgument", "The value: 5000 of parameter: r is invalid.", "0040-00000233"),
    ("circle", "MissingArgument", "circle needs r.", "0040-00000233"),
    ("rounded-corners,r_5000", "InvalidArgument", "parameter: r is invalid.", "0040-00000237"),
    ("indexcrop,x_0,i_0", "InvalidArgument", "The value: 0 of parameter: x is invalid.", "0040-00000230"),
    ("blur,r_200,s_25", "InvalidArgument", "The value: 200 of parameter: r is invalid.", "0040-00000241"),
    ("blur,r_3,s_200", "InvalidArgument", "The value: 200 of parameter: s is invalid.", "0040-00000242"),
    ("blur,r_3", "MissingArgument", "blur needs r and s.", "0040-00000242"),
    ("sharpen,10", "InvalidArgument", "The value: 10 of parameter: sharpen is invalid.", "0040-00000280"),
    ("sharpen", "MissingArgument", "sharpen needs a value.", "0040-00000279"),
    ("bright,200", "InvalidArgument", "The value: 200 of parameter: bright is invalid.", "0040-00000246"),
    ("contrast,-101", "InvalidArgument", "The value: -101 of parameter: contrast is invalid.", ""),
    ("interlace,2", "InvalidArgument", "The value: 2 of parameter: interlace is invalid.", "0040-00000282"),
    ("auto-orient,2", "InvalidArgument", "The value: 2 of parameter: auto-orient is invalid.", ""),
    ("quality,200", "InvalidArgument", "The value: 200 of parameter: quality is invalid.", "0040-00000310"),
    ("quality,q_0", "InvalidArgument", "The value: 0 of parameter: q is invalid.", "0040-00000310"),
    ("quality", "MissingArgument", "quality needs q or Q.", "0040-00000310"),
    ("watermark,text_notbase64", "BadRequest", "Input is not base64 decoding.", "0040-00000257"),
    ("watermark,text_gICA", "BadRequest", "Input is not base64 decoding.", "0040-00000257"),  # no UTF-8 inside
    ("watermark,text_SGVsbG8gV29ybGQ,size_2000", "InvalidArgument", "parameter: size", "0040-00000256"),
    ("watermark,text_SGVsbG8gV29ybGQ,t_200", "InvalidArgument", "parameter: t", "0040-00000263"),
    ("watermark,text_SGVsbG8gV29ybGQ,voffset_2000", "InvalidArgument", "parameter: voffset", "0040-00000268"),
    ("watermark,text_SGVsbG8gV29ybGQ,shadow_101", "InvalidArgument", "parameter: shadow", "0040-00000255"),
    ("watermark,text_SGVsbG8gV29ybGQ,type_YXJpYWw", "InvalidArgument", "parameter: type", "0040-00000251"),
    (f"watermark,text_{encode_base64('a' * 65)}", "InvalidArgument", "parameter: text", "0040-00000259"),
    (f"watermark,text_{encode_base64('  ')}", "InvalidArgument", "parameter: text", "0040-00000257"),
    (f"watermark,text_{encode_base64('a' + chr(10) + 'b')}", "InvalidArgument", "parameter: text", "0040-00000257"),
    ("watermark", "MissingArgument", "watermark needs text or image.", ""),
    (
        f"watermark,image_{encode_base64('a.png?x-oss-process=image/watermark,text_YQ')}",
        "InvalidArgument",
        "watermark cannot be used on a watermark picture.",
        "0040-00000373",
    ),
    (
        f"watermark,image_{encode_base64('a.png?x-oss-process=image/circle,r_10')}",
        "InvalidArgument",
        "circle cannot be used on a watermark picture.",
        "",
    ),
    (FOUR_MARKS, "WatermarkError", "At most 3", "0040-00000026"),
    ("slim,1", "InvalidArgument", "slim is not an action of image processing.", "0040-00000213"),
    ("blindwatermark,content_YQ", "NotImplemented", "service that this server does not have", ""),
    ("", "InvalidArgument", "image/ names no action.", "0040-00000212"),
    ("/", "InvalidArgument", "image/ names no action.", "0040-00000212"),
    (",/,", "InvalidArgument", "image/ names no action.", "0040-00000212"),
    (",w_1/resize", "InvalidArgument", "w_1 is not an action of image processing.", "0040-00000213"),
    ("rotate,", "MissingArgument", "rotate", "0040-00000216"),
    ("resize,w_1|sys/saveas,o_YQ", "InvalidArgument", "POST", ""),
    ("/".join(["rotate,1"] * 33), "InvalidArgument", "more than 32 actions", "0017-00000288"),
    ("/".join(["rotate,1"] * 10_000), "InvalidArgument", "longer than 4096 bytes", "0017-00000288"),
    ("resize,w_" + "9" * 4000, "InvalidArgument", "parameter: w is invalid.", "0040-00000312"),
]  # fmt: skip


@pytest.mark.parametrize(("actions", "code", "message", "ec"), REFUSED)
def test_what_is_wrong_is_named(actions: str, code: str, message: str, ec: str) -> None:
    error = refusal(actions)
    assert (error.status, error.code) == (400, code)
    assert message in error.message
    assert error.ec == ec
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "actions",
    [
        "resize,w_1/rotate,90/",
        "resize,w_1//rotate,90",
        "/resize,w_1/rotate,90",
        "resize,w_1,/rotate,90,",
        "resize,,w_1/rotate,90",
    ],
)
def test_empty_actions_and_parameters_are_skipped(actions: str) -> None:
    assert steps_of(actions) == (Resize("lfit", 1), Rotate(90))


def test_they_are_skipped_of_a_watermark_picture_too() -> None:
    mark = encode_base64("a.png?x-oss-process=image/resize,P_30,/")
    assert steps_of(f"watermark,image_{mark}/") == steps_of(
        f"watermark,image_{encode_base64('a.png?x-oss-process=image/resize,P_30')}"
    )


def test_the_same_picture_may_be_stamped_often() -> None:
    mark = f"watermark,image_{encode_base64('a.png')}"
    assert len(steps_of("/".join([mark] * 10))) == 10


# --- reading undoes writing ---

PERCENT = st.integers(1, 100)
SIDE = st.none() | st.integers(1, 16384)
COLOR = st.from_regex(r"[0-9A-F]{6}", fullmatch=True)
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="?\0"), min_size=1, max_size=20)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30)
GRAVITY = st.sampled_from(GRAVITIES)


def sized(step: Resize) -> bool:
    return any(side is not None for side in (step.w, step.h, step.long, step.short, step.p))


RESIZES = st.builds(
    Resize, st.sampled_from(MODES), SIDE, SIDE, SIDE, SIDE, st.none() | st.integers(1, 1000), st.booleans(), COLOR
).filter(sized)
CROPS = st.builds(Crop, *[st.integers(0, 16384)] * 2, *[st.integers(0, 999_999_999)] * 2, GRAVITY)
ROTATIONS = st.builds(Rotate, st.integers(0, 360))
CORNERS = st.builds(RoundedCorners, st.integers(1, 4096))
STRIPS = st.builds(IndexCrop, st.integers(1, 30000), st.booleans(), st.integers(0, 1000))
MARKS = st.builds(
    Watermark,
    st.none()
    | st.builds(
        TextMark, WORDS, st.sampled_from(FONTS), COLOR, st.integers(1, 1000), st.integers(0, 100), st.integers(0, 360)
    ),
    st.builds(ImageMark, KEYS, st.lists(RESIZES | CROPS | ROTATIONS | CORNERS | STRIPS, max_size=2).map(tuple)),
    st.integers(0, 100),
    GRAVITY,
    st.integers(0, 4096),
    st.integers(0, 4096),
    st.integers(-1000, 1000),
    st.booleans(),
    st.integers(0, 4096),
    st.integers(0, 4096),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 1000),
)
STEPS = (
    RESIZES
    | CROPS
    | ROTATIONS
    | CORNERS
    | STRIPS
    | st.builds(Circle, st.integers(1, 4096))
    | st.builds(Blur, st.integers(1, 50), st.integers(1, 50))
    | st.builds(Sharpen, st.integers(50, 399))
    | st.builds(Bright, st.integers(-100, 100))
    | st.builds(Contrast, st.integers(-100, 100))
    | MARKS
)
PLANS = st.builds(
    Plan,
    st.lists(STEPS, max_size=3).map(tuple),
    st.none() | st.booleans(),
    st.none() | st.sampled_from(list(CONTENT_TYPES)),
    st.none() | PERCENT,
    st.none() | PERCENT,
    st.booleans(),
) | st.builds(Plan, answer=st.sampled_from([Answer.INFO, Answer.AVERAGE_HUE]))


@given(PLANS)
def test_reading_undoes_writing(plan: Plan) -> None:
    assert read_plan(write_plan(plan)) == plan


@given(PLANS)
def test_there_is_one_way_to_write_a_plan(plan: Plan) -> None:
    assert write_plan(read_plan(write_plan(plan))) == write_plan(plan)


ACTIONS = st.sampled_from(
    ["resize", "crop", "rotate", "circle", "watermark", "format", "quality", "blur", "info", "indexcrop", "bright", "x"]
)
VALUES = st.sampled_from(["w_", "h_", "r_", "text_", "image_", "g_", "m_", "90", "_", "q_"]) | st.text(max_size=8)


@given(st.lists(st.tuples(ACTIONS | st.text(max_size=5), st.lists(VALUES, max_size=4)), max_size=4))
def test_any_text_is_a_plan_or_a_refusal(actions: list[tuple[str, list[str]]]) -> None:
    text = "image/" + "/".join(",".join([name, *values]) for name, values in actions)
    try:
        plan = read_plan(text)
    except OssError as error:
        refused = error
    else:
        assert read_plan(write_plan(plan)) == plan
        return
    assert refused.status == 400
