"""The parameters of one action of `x-oss-process` -> values, or the refusal that names the parameter."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_ARGUMENT, NOT_BASE64, NOT_IMPLEMENTED, OssError
from coatcheck.core.limits import PLAN_BASE64_MAX_CHARS

from .plan import GRAVITIES

EC: Final = "0040-00000"  # what the finer codes of image processing begin with
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_COLOR: Final = re.compile(r"[0-9A-Fa-f]{6}", re.ASCII)
_SHOWN_CHARS: Final = 64  # of a bad value, in the refusal
_DETECTING: Final = frozenset({"face", "faces", "auto"})  # gravities that another service finds
_STANDARD: Final = str.maketrans("-_", "+/")


def bad(key: str, value: str, ec: str = "") -> OssError:
    text = shown(value)
    return INVALID_ARGUMENT(
        f"The value: {text} of parameter: {key} is invalid.",
        ec=ec and f"{EC}{ec}",
        ArgumentName=key,
        ArgumentValue=text,
    )


def missing(what: str, ec: str = "") -> OssError:
    return MISSING_ARGUMENT(f"{MISSING_ARGUMENT.message} {what}", ec=ec and f"{EC}{ec}")


def shown(value: str) -> str:
    return value.encode("utf-8", "replace").decode()[:_SHOWN_CHARS]


class Values:
    """The keyed parameters of one action."""

    def __init__(self, action: str, parameters: list[str], bare_ec: str = "") -> None:
        self._values: dict[str, str] = {}
        for parameter in parameters:
            key, underscore, value = parameter.partition("_")
            if not underscore:
                raise bad(action, parameter, bare_ec)
            self._values[key] = value

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def integer(self, key: str, low: int, high: int, ec: str = "") -> int | None:
        """None where it isn't given. Raises: OssError INVALID_ARGUMENT."""
        return _integer(key, self._values[key], low, high, ec) if key in self._values else None

    def integer_or(self, default: int, key: str, low: int, high: int, ec: str = "") -> int:
        value = self.integer(key, low, high, ec)
        return default if value is None else value

    def one_of(self, default: str, key: str, allowed: tuple[str, ...], ec: str = "") -> str:
        value = self._values.get(key, default)
        if value not in allowed:
            raise bad(key, value, ec)
        return value

    def gravity(self, default: str, ec: str = "") -> str:
        if self._values.get("g") in _DETECTING:
            raise NOT_IMPLEMENTED("Finding faces or contents needs a service that this server does not have.")
        return self.one_of(default, "g", GRAVITIES, ec)

    def color(self, default: str, ec: str = "") -> str:
        value = self._values.get("color", default)
        if not _COLOR.fullmatch(value):
            raise bad("color", value, ec)
        return value.upper()

    def base64(self, key: str, ec: str) -> str | None:
        return _read_base64(key, self._values[key], ec) if key in self._values else None


def _integer(key: str, text: str, low: int, high: int, ec: str) -> int:
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise bad(key, text, ec)
    return int(text)


def bare(action: str, parameters: list[str], missing_ec: str, ec: str) -> str:
    """The one value of a single-value action."""
    if not parameters:
        raise missing(f"{action} needs a value.", missing_ec)
    if len(parameters) > 1:
        raise INVALID_ARGUMENT(f"{action} takes one value.", ec=f"{EC}203", ArgumentName=action)
    key, underscore, _ = parameters[0].partition("_")
    if underscore:
        raise bad(key, key, ec)
    return parameters[0]


BARE_EC: Final = {
    "rotate": ("216", "217"),
    "bright": ("245", "246"),
    "sharpen": ("279", "280"),
    "interlace": ("281", "282"),
    "format": ("207", "206"),
}


def bare_integer(action: str, parameters: list[str], low: int, high: int) -> int:
    missing_ec, ec = BARE_EC.get(action, ("", ""))
    return _integer(action, bare(action, parameters, missing_ec, ec), low, high, ec)


def _read_base64(key: str, text: str, ec: str) -> str:
    """Both alphabets, with or without padding. Raises: OssError NOT_BASE64, INVALID_ARGUMENT."""
    if len(text) > PLAN_BASE64_MAX_CHARS:
        raise bad(key, text, ec)
    return decode_base64(text, f"{EC}{ec}")


def decode_base64(text: str, ec: str = "") -> str:
    """UTF-8 text from base64 in either alphabet, with or without padding. Raises: OssError NOT_BASE64."""
    plain = text.rstrip("=").translate(_STANDARD)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise NOT_BASE64(ec=ec, ArgumentValue=shown(text)) from None


def encode_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
