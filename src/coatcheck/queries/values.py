"""Values of columns, taken as the type that a statement needs. None is NULL and stays NULL; an empty text is NULL too
where it is taken as anything but a text. What isn't of the type raises Mismatch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from .errors import Mismatch
from .tree import CastType, Type

Value = int | float | str | bool | list[object] | dict[str, object] | None
Convert = Callable[[Value], Value]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?", re.ASCII
)


def to_number(value: Value) -> int | float | None:
    if value is None or isinstance(value, (int, float)):
        if value is True or value is False:
            raise Mismatch
        return value
    if not isinstance(value, str):
        raise Mismatch
    text = value.strip()
    if not text:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    raise Mismatch


def to_text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise Mismatch


def to_condition(value: Value) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else "?"
    if word in ("true", "false", ""):
        return None if word == "" else word == "true"
    raise Mismatch


def say(value: Value) -> str:
    """As it is written in a CSV: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_any_text(value: Value) -> str | None:
    """Whatever it is, as a text."""
    return None if value is None else say(value)


def _to_integer(value: Value) -> int | None:
    if isinstance(value, float):
        try:
            return int(value)
        except (ValueError, OverflowError):
            raise Mismatch from None
    number = to_number(value)
    if isinstance(number, float):
        raise Mismatch
    return number


def _to_double(value: Value) -> float | None:
    number = to_number(value)
    return None if number is None else float(number)


def timestamp_converter(read: Callable[[str], int]) -> Convert:
    def convert(value: Value) -> int | None:
        text = to_text(value)
        return read(text) if text else None

    return convert


CASTS: Final[dict[CastType, tuple[Type, Convert]]] = {
    CastType.INT: (Type.NUMBER, _to_integer),
    CastType.DOUBLE: (Type.NUMBER, _to_double),
    CastType.TEXT: (Type.TEXT, to_any_text),
    CastType.BOOL: (Type.CONDITION, to_condition),
}
TAKEN_AS: Final[dict[Type, Convert]] = {
    Type.NUMBER: to_number,
    Type.TEXT: to_text,
    Type.CONDITION: to_condition,
}
