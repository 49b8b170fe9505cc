"""What the controls take, as JSON: fields with their kinds and bounds, read strictly, and written as a schema."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, Literal

from msgspec import Struct

Kind = Literal["string", "integer", "number", "boolean", "object", "any"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "any": (object,),
}


class Refused(ValueError):
    """What the controls were asked can't be done; the message says why, and what can."""


class Field(Struct, frozen=True):
    """One field of a document.

    Attributes:
        least, most: of a number.
    """

    kind: Kind
    meaning: str
    required: bool = False
    least: float | None = None
    most: float | None = None

    def schema(self) -> dict[str, Any]:
        """As OpenAPI has it."""
        said: dict[str, Any] = {"description": self.meaning}
        if self.kind != "any":
            said["type"] = self.kind
        if self.least is not None:
            said["minimum"] = self.least
        if self.most is not None:
            said["maximum"] = self.most
        return said


Shape = Mapping[str, Field]


def check(document: Mapping[str, Any], shape: Shape) -> None:
    """Raises: Refused, with the field and what it takes."""
    for name in document:
        if name not in shape:
            near = get_close_matches(str(name), shape, 1)
            raise Refused(f"{name!r} is no field of this. " + (f"Is {near[0]!r} meant?" if near else _known(shape)))
    for name, field in shape.items():
        if name in document:
            _check_value(name, document[name], field)
        elif field.required:
            raise Refused(f"{name!r} is missing: {field.meaning}")


def schema(shape: Shape) -> dict[str, Any]:
    """As OpenAPI has it."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: field.schema() for name, field in shape.items()},
        "required": [name for name, field in shape.items() if field.required],
    }


def _known(shape: Shape) -> str:
    return f"It has {', '.join(shape)}." if shape else "It has none."


def _check_value(name: str, value: object, field: Field) -> None:
    is_right = isinstance(value, _TYPES[field.kind])
    if isinstance(value, bool) and field.kind in ("integer", "number"):
        is_right = False
    if not is_right:
        raise Refused(f"{name!r} is {value!r}; it takes a value of the kind {field.kind}. {field.meaning}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = field.least, field.most
        if not (low is None or value >= low) or not (high is None or value <= high):  # also for what is no number
            raise Refused(f"{name!r} is {value!r}; it takes {_bounds(low, high)}.")


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low:g} or more"
    return f"{high:g} or less" if low is None else f"{low:g} to {high:g}"
