"""The text of `x-oss-process` <-> a Plan.

    image/ACTION[,KEY_VALUE]...[/ACTION...]        resize,w_400,m_pad

A value is split from its key at the first underscore; some actions take one bare value (`rotate,90`). Keys are
case-sensitive, a later duplicate wins, an unknown key is ignored and an unknown action refused, all as OSS does. Every
refusal names the parameter. Source: OSS, image processing; the finer codes (EC) are those of its error pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    NOT_IMPLEMENTED,
    TOO_MANY_WATERMARKS,
    OssError,
)
from coatcheck.core.limits import (
    PLAN_MAX_ACTIONS,
    PLAN_MAX_BYTES,
    RESULT_MAX_SIDE_PX,
    WATERMARK_PICTURES_MAX,
    WATERMARK_TEXT_MAX_CHARS,
)

from .parameters import BARE_EC, EC, Values, bad, bare, bare_integer, encode_base64, missing, shown
from .plan import (
    CONTENT_TYPES,
    FONTS,
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
    Step,
    TextMark,
    Watermark,
)

FAMILY: Final = "image/"

_TOO_LONG: Final = "0017-00000288"
_MARK_PROCESS: Final = "?x-oss-process="
_NEVER_BUILT: Final = frozenset({"blindwatermark", "deblindwatermark"})


@lru_cache(maxsize=1024)
def read_plan(text: str) -> Plan:
    """`image/...` -> Plan.

    Raises:
        OssError: INVALID_ARGUMENT, MISSING_ARGUMENT, NOT_BASE64, NOT_IMPLEMENTED, TOO_MANY_WATERMARKS.
    """
    if len(text.encode("utf-8", "surrogatepass")) > PLAN_MAX_BYTES:
        raise INVALID_ARGUMENT(f"The value of x-oss-process is longer than {PLAN_MAX_BYTES} bytes.", ec=_TOO_LONG)
    if "|" in text:
        raise INVALID_ARGUMENT(
            "Saving a result (sys/saveas) is asked for in the body of POST ?x-oss-process, not in a link.",
            ArgumentName="x-oss-process",
        )
    reader = _Reader()
    for name, parameters in _split(text.removeprefix(FAMILY)):
        reader.take(name, parameters)
    return reader.plan()


def _split(body: str) -> Iterator[tuple[str, list[str]]]:
    """Each action with its parameters. Empty ones are skipped: a link of OSS's own page ends with a slash."""
    split = [[word for word in action.split(",") if word] for action in body.split("/")]
    actions = [words for words in split if words]
    if not actions:
        raise INVALID_ARGUMENT("image/ names no action.", ec=f"{EC}212", ArgumentName="x-oss-process")
    if len(actions) > PLAN_MAX_ACTIONS:
        raise INVALID_ARGUMENT(f"x-oss-process has more than {PLAN_MAX_ACTIONS} actions.", ec=_TOO_LONG)
    for name, *parameters in actions:
        yield name, parameters


class _Reader:
    """Gathers actions into a plan. `in_mark`: the plan is that of a watermark picture, which may do less."""

    def __init__(self, *, in_mark: bool = False) -> None:
        self._in_mark = in_mark
        self._steps: list[Step] = []
        self._answer = Answer.PICTURE
        self._auto_orient: bool | None = None
        self._format: str | None = None
        self._qualities: tuple[int | None, int | None] = (None, None)
        self._interlace = False
        self._actions = 0

    def take(self, name: str, parameters: list[str]) -> None:
        self._actions += 1
        if name in _STEPS and not (self._in_mark and name not in _IN_MARK):
            self._steps.append(_STEPS[name](parameters, self._in_mark))
        elif self._in_mark:
            raise _refuse_in_mark(name)
        elif name == "auto-orient":
            self._auto_orient = bare_integer(name, parameters, 0, 1) == 1
        elif name == "format":
            self._format = _read_format(parameters)
        elif name == "quality":
            self._qualities = _read_quality(parameters)
        elif name == "interlace":
            self._interlace = bare_integer(name, parameters, 0, 1) == 1
        elif name in (Answer.INFO.value, Answer.AVERAGE_HUE.value):
            self._answer = Answer(name)
        elif name in _NEVER_BUILT:
            raise NOT_IMPLEMENTED(f"The action {name} needs a service that this server does not have.")
        else:
            raise INVALID_ARGUMENT(
                f"{shown(name)} is not an action of image processing.",
                ec=f"{EC}213",
                ArgumentName="x-oss-process",
                ArgumentValue=shown(name),
            )

    def plan(self) -> Plan:
        if self._answer is not Answer.PICTURE:
            if self._actions > 1:
                raise _refuse_beside(self._answer)
            return Plan(answer=self._answer)
        plan = Plan(tuple(self._steps), self._auto_orient, self._format, *self._qualities, interlace=self._interlace)
        if len(plan.mark_keys) > WATERMARK_PICTURES_MAX:
            raise TOO_MANY_WATERMARKS()
        return plan

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)


# --- properties of the job -------------------------------------------------------------------------------------------


def _read_format(parameters: list[str]) -> str:
    missing_ec, ec = BARE_EC["format"]
    name = bare("format", parameters, missing_ec, ec)
    name = "jpg" if name == "jpeg" else name
    if name not in CONTENT_TYPES:
        raise bad("format", name, ec)
    return name


def _read_quality(parameters: list[str]) -> tuple[int | None, int | None]:
    values = Values("quality", parameters, "310")
    relative, absolute = values.integer("q", 1, 100, "310"), values.integer("Q", 1, 100, "310")
    if relative is None and absolute is None:
        raise missing("quality needs q or Q.", "310")
    return relative, absolute


# --- steps -----------------------------------------------------------------------------------------------------------


def _read_resize(parameters: list[str], in_mark: bool) -> Resize:
    values = Values("resize", parameters)
    most = RESULT_MAX_SIDE_PX
    step = Resize(
        mode=values.one_of("lfit", "m", MODES, "311"),
        w=values.integer("w", 1, most, "312"),
        h=values.integer("h", 1, most, "313"),
        long=values.integer("l", 1, most, "314"),
        short=values.integer("s", 1, most, "315"),
        p=values.integer("p", 1, 1000, "317"),
        limit=values.integer_or(1, "limit", 0, 1, "319") == 1,
        color=values.color("FFFFFF"),
        percent_of_main=values.integer("P", 1, 100) if in_mark else None,
    )
    if all(size is None for size in (step.w, step.h, step.long, step.short, step.p, step.percent_of_main)):
        raise missing("resize needs a size: w, h, l, s or p.", "321")
    return step


def _read_crop(parameters: list[str], _: bool) -> Crop:
    values = Values("crop", parameters)
    return Crop(
        w=values.integer_or(0, "w", 0, RESULT_MAX_SIDE_PX, "225"),
        h=values.integer_or(0, "h", 0, RESULT_MAX_SIDE_PX, "226"),
        x=values.integer_or(0, "x", 0, 999_999_999),
        y=values.integer_or(0, "y", 0, 999_999_999),
        g=values.gravity("nw", "209"),
    )


def _read_indexcrop(parameters: list[str], _: bool) -> IndexCrop:
    values = Values("indexcrop", parameters)
    x, y = values.integer("x", 1, 999_999_999, "230"), values.integer("y", 1, 999_999_999, "230")
    i = values.integer_or(0, "i", 0, 999_999_999, "229")
    if y is not None:
        return IndexCrop(y, True, i)
    if x is not None:
        return IndexCrop(x, False, i)
    raise missing("indexcrop needs x or y.", "230")


def _read_radius(action: str, parameters: list[str], ec: str) -> int:
    r = Values(action, parameters).integer("r", 1, 4096, ec)
    if r is None:
        raise missing(f"{action} needs r.", ec)
    return r


def _read_circle(parameters: list[str], _: bool) -> Circle:
    return Circle(_read_radius("circle", parameters, "233"))


def _read_rounded_corners(parameters: list[str], _: bool) -> RoundedCorners:
    return RoundedCorners(_read_radius("rounded-corners", parameters, "237"))


def _read_rotate(parameters: list[str], _: bool) -> Rotate:
    return Rotate(bare_integer("rotate", parameters, 0, 360))


def _read_blur(parameters: list[str], _: bool) -> Blur:
    values = Values("blur", parameters)
    values.gravity("nw")
    r, s = values.integer("r", 1, 50, "241"), values.integer("s", 1, 50, "242")
    if r is None or s is None:
        raise missing("blur needs r and s.", "241" if r is None else "242")
    return Blur(r, s)


def _read_sharpen(parameters: list[str], _: bool) -> Sharpen:
    return Sharpen(bare_integer("sharpen", parameters, 50, 399))


def _read_bright(parameters: list[str], _: bool) -> Bright:
    return Bright(bare_integer("bright", parameters, -100, 100))


def _read_contrast(parameters: list[str], _: bool) -> Contrast:
    return Contrast(bare_integer("contrast", parameters, -100, 100))


def _read_watermark(parameters: list[str], _: bool) -> Watermark:
    values = Values("watermark", parameters)
    text, image = _read_text_mark(values), _read_image_mark(values)
    if text is None and image is None:
        raise missing("watermark needs text or image.")
    return Watermark(
        text=text,
        image=image,
        t=values.integer_or(100, "t", 0, 100, "263"),
        g=values.gravity("se"),
        x=values.integer_or(10, "x", 0, 4096),
        y=values.integer_or(10, "y", 0, 4096, "264"),
        voffset=values.integer_or(0, "voffset", -1000, 1000, "268"),
        fill=values.integer_or(0, "fill", 0, 1, "274") == 1,
        padx=values.integer_or(0, "padx", 0, 4096, "276"),
        pady=values.integer_or(0, "pady", 0, 4096),
        text_first=values.integer_or(0, "order", 0, 1) == 1,
        align=values.integer_or(2, "align", 0, 2),
        interval=values.integer_or(0, "interval", 0, 1000),
    )


def _read_text_mark(values: Values) -> TextMark | None:
    font = values.base64("type", "250") or FONTS[0]
    if font not in FONTS:
        raise bad("type", font, "251")
    mark = TextMark(
        text=values.base64("text", "257") or "",
        font=font,
        color=values.color("000000"),
        size=values.integer_or(40, "size", 1, 1000, "256"),
        shadow=values.integer_or(0, "shadow", 0, 100, "255"),
        rotate=values.integer_or(0, "rotate", 0, 360, "272"),
    )
    if "text" not in values:
        return None
    if len(mark.text) > WATERMARK_TEXT_MAX_CHARS:
        raise bad("text", mark.text, "259")
    if not mark.text.strip() or not mark.text.isprintable():
        raise bad("text", "".join(c if c.isprintable() else "?" for c in mark.text), "257")
    return mark


def _read_image_mark(values: Values) -> ImageMark | None:
    text = values.base64("image", "257")
    if text is None:
        return None
    key, separator, process = text.partition(_MARK_PROCESS)
    if "/watermark" in process:
        raise _refuse_in_mark("watermark")
    if not key:
        raise bad("image", "")
    if not separator:
        return ImageMark(key)
    if not process.startswith(FAMILY):
        raise bad("image", process)
    reader = _Reader(in_mark=True)
    for name, parameters in _split(process.removeprefix(FAMILY)):
        reader.take(name, parameters)
    return ImageMark(key, reader.steps)


def _refuse_beside(answer: Answer) -> OssError:
    """Of what describes the stored picture, whatever else is asked. Source: OSS, image processing, `info`."""
    return INVALID_ARGUMENT(
        f"{answer.value} describes the stored picture; it cannot be combined with other actions.",
        ArgumentName="x-oss-process",
        ArgumentValue=answer.value,
    )


def _refuse_in_mark(name: str) -> OssError:
    return INVALID_ARGUMENT(
        f"{shown(name)} cannot be used on a watermark picture.",
        ec=f"{EC}373" if name == "watermark" else "",
        ArgumentName="image",
    )


_STEPS: Final[Mapping[str, Callable[[list[str], bool], Step]]] = {
    "resize": _read_resize,
    "crop": _read_crop,
    "indexcrop": _read_indexcrop,
    "circle": _read_circle,
    "rounded-corners": _read_rounded_corners,
    "rotate": _read_rotate,
    "blur": _read_blur,
    "sharpen": _read_sharpen,
    "bright": _read_bright,
    "contrast": _read_contrast,
    "watermark": _read_watermark,
}
_IN_MARK: Final = frozenset({"resize", "crop", "indexcrop", "rounded-corners", "rotate"})

# --- writing ---------------------------------------------------------------------------------------------------------


def write_plan(plan: Plan) -> str:
    """The plan's text in one form, whatever it was read from: every parameter that says something, in a fixed order."""
    if plan.answer is not Answer.PICTURE:
        return f"{FAMILY}{plan.answer.value}"
    actions = [_write_step(step) for step in plan.steps]
    if plan.auto_orient is not None:
        actions.append(f"auto-orient,{plan.auto_orient:d}")
    if plan.format is not None:
        actions.append(f"format,{plan.format}")
    if plan.relative_quality is not None or plan.absolute_quality is not None:
        actions.append(_write("quality", q=plan.relative_quality, Q=plan.absolute_quality))
    if plan.interlace or not actions:
        actions.append(f"interlace,{plan.interlace:d}")
    return FAMILY + "/".join(actions)


def _write(action: str, **values: int | str | None) -> str:
    """ACTION,KEY_VALUE..., without what is None."""
    return ",".join([action, *(f"{key}_{value}" for key, value in values.items() if value is not None)])


def _write_step(step: Step) -> str:
    match step:
        case Resize():
            sizes = {"w": step.w, "h": step.h, "l": step.long, "s": step.short, "p": step.p, "P": step.percent_of_main}
            return _write("resize", m=step.mode, **sizes, limit=f"{step.limit:d}", color=step.color)
        case Crop():
            return _write("crop", w=step.w, h=step.h, x=step.x, y=step.y, g=step.g)
        case IndexCrop():
            return _write("indexcrop", **{"y" if step.along_height else "x": step.length, "i": step.i})
        case Circle():
            return _write("circle", r=step.r)
        case RoundedCorners():
            return _write("rounded-corners", r=step.r)
        case Rotate():
            return f"rotate,{step.angle}"
        case Blur():
            return _write("blur", r=step.r, s=step.s)
        case Sharpen():
            return f"sharpen,{step.percent}"
        case Bright():
            return f"bright,{step.percent}"
        case Contrast():
            return f"contrast,{step.percent}"
        case Watermark():
            return _write_watermark(step)


def _write_watermark(step: Watermark) -> str:
    values: dict[str, int | str | None] = {}
    if step.text is not None:
        text = step.text
        values |= {"text": encode_base64(text.text), "type": encode_base64(text.font), "color": text.color}
        values |= {"size": text.size, "shadow": text.shadow, "rotate": text.rotate}
    if step.image is not None:
        steps = "/".join(map(_write_step, step.image.steps))
        values["image"] = encode_base64(step.image.key + (f"{_MARK_PROCESS}{FAMILY}{steps}" if steps else ""))
    return _write(
        "watermark",
        **values,
        t=step.t,
        g=step.g,
        x=step.x,
        y=step.y,
        voffset=step.voffset,
        fill=f"{step.fill:d}",
        padx=step.padx,
        pady=step.pady,
        order=f"{step.text_first:d}",
        align=step.align,
        interval=step.interval,
    )
