"""The policy of a PostObject form: what its signer allows to be posted, and until when.

    {"expiration": "2026-03-05T08:08:09.000Z", "conditions": [
        {"bucket": "photos"},                        exactly this value
        ["eq", "$success_action_status", "201"],     the same, written out
        ["starts-with", "$key", "user/"],
        ["in", "$content-type", ["image/png"]],      and "not-in"
        ["content-length-range", 1, 1048576]]}       bytes of the file, both ends included

The field holds it as base64, and that text is what is signed. Names of fields are compared without case, values with.
A field that the form hasn't got counts as empty; one that no condition names is allowed (unlike S3, see
`s3_form_scheme.py`). `key` is compared as it was sent, before ${filename} is replaced; `content-type` as it will be
stored, wherever in the form it came from, so that no part header gets around a condition.

Source: OSS API reference, PostObject; signing reference, section 4.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from coatcheck.core.errors import INVALID_POST_POLICY, POLICY_CONDITION_FAILED, POLICY_EXPIRED, OssError
from coatcheck.core.times import read_iso, write_iso

_SIZE: Final = "content-length-range"
_ONE_VALUE: Final = ("eq", "starts-with")
_MANY_VALUES: Final = ("in", "not-in")


class Condition(Struct, frozen=True):
    """One condition on one field. For "eq" and "starts-with" `values` are the ways of reading the one operand."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds(self, value: str) -> bool:
        match self.operator:
            case "starts-with":
                return value.startswith(self.values)
            case "not-in":
                return value not in self.values
            case _:
                return value in self.values

    def __str__(self) -> str:
        """As OSS shows it in a refusal."""
        operand = list(self.values) if self.operator in _MANY_VALUES else self.values[0]
        return json.dumps([self.operator, f"${self.field}", operand], ensure_ascii=False)


class PostPolicy(Struct, frozen=True):
    """A policy that was read. `sizes` are the (least, most) bytes of each content-length-range."""

    expires_at_s: int
    conditions: tuple[Condition, ...]
    sizes: tuple[tuple[int, int], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it says anything of, in lower case."""
        return frozenset(condition.field for condition in self.conditions)


def read_post_policy(text: str) -> PostPolicy:
    """The policy in a form's field. Raises: OssError INVALID_POST_POLICY."""
    document = _read_json(text)
    if not isinstance(document, dict):
        raise _invalid("it must be an object")
    conditions, sizes = [], []
    for item in _read_list(document.get("conditions")):
        condition = _read_condition(item)
        if isinstance(condition, Condition):
            conditions.append(condition)
        else:
            sizes.append(condition)
    return PostPolicy(_read_expiration(document), tuple(conditions), tuple(sizes))


def check_post_policy(policy: PostPolicy, fields: Mapping[str, str], *, now: float) -> None:
    """
    Args:
        fields: what the form says, names in lower case, with `bucket` and `content-type` as they will be used.
        now: Unix seconds.
    Raises: OssError POLICY_EXPIRED, POLICY_CONDITION_FAILED. Sizes are the taker's of the file to check.
    """
    if now > policy.expires_at_s:
        raise POLICY_EXPIRED(Expires=write_iso(policy.expires_at_s), ServerTime=write_iso(int(now)))
    for condition in policy.conditions:
        if not condition.holds(fields.get(condition.field, "")):
            raise POLICY_CONDITION_FAILED(f"{POLICY_CONDITION_FAILED.message} {condition}")


def _read_json(text: str) -> Any:
    """Whatever JSON holds; the shape is checked by who asks."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise _invalid("it must be the base64 of UTF-8 text") from None
    try:
        return json.loads(decoded)
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except ValueError as error:
        try:  # OSS documents "\$" for a literal dollar, which is no escape of JSON
            return json.loads(decoded.replace("\\$", "\\\\$"))
        except (ValueError, RecursionError):
            reason = str(error).replace("\n", " ")[:128]
            raise INVALID_POST_POLICY(f"Invalid Policy: Invalid JSON: {reason}") from None


def _read_expiration(document: Mapping[str, Any]) -> int:
    text = document.get("expiration")
    if text is None:
        raise INVALID_POST_POLICY("Invalid Policy: Policy missing expiration.", ec="0006-00000208")
    if not isinstance(text, str):
        raise INVALID_POST_POLICY("Invalid Policy: Policy expiration must be a text.", ec="0006-00000210")
    moment_s = read_iso(text)
    if moment_s is None:
        raise INVALID_POST_POLICY(
            "Invalid Policy: the expiration must be a GMT time such as 2026-03-05T08:08:09.000Z.", ec="0006-00000211"
        )
    return moment_s


def _read_list(conditions: Any) -> list[Any]:
    if not isinstance(conditions, list) or not conditions:
        raise _invalid("conditions must be a list of at least one")
    return conditions


def _read_condition(item: Any) -> Condition | tuple[int, int]:
    if isinstance(item, dict):
        return _read_simple(item)
    if not isinstance(item, list) or len(item) != 3 or not isinstance(item[0], str):
        raise _invalid("a condition is an object of one member, or a list of three")
    operator, field, operand = item[0].lower(), item[1], item[2]
    if operator == _SIZE:
        return _read_sizes(field, operand)
    if operator not in (*_ONE_VALUE, *_MANY_VALUES):
        raise _invalid(f"it has an unknown condition {item[0][:64]!r}")
    if not isinstance(field, str) or not field.startswith("$"):
        raise _invalid(f"{operator} needs the name of a field, such as $key")
    return Condition(operator, field[1:].lower(), _read_values(operator, operand))


def _read_simple(item: Mapping[str, Any]) -> Condition:
    if len(item) != 1:
        raise INVALID_POST_POLICY(
            "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
        )
    ((field, value),) = item.items()
    return Condition("eq", field.lower(), _read_values("eq", value))


def _read_values(operator: str, operand: Any) -> tuple[str, ...]:
    values = operand if operator in _MANY_VALUES and isinstance(operand, list) else [operand]
    if (operator in _MANY_VALUES) != isinstance(operand, list) or not all(isinstance(value, str) for value in values):
        raise _invalid(f"{operator} needs {'a list of texts' if operator in _MANY_VALUES else 'a text'}")
    read = [value.replace("\\$", "$") for value in values]
    # Some signers mean a backslash by one that stands before a dollar, though it is documented as an escape.
    return tuple(dict.fromkeys((*read, *values) if operator in _ONE_VALUE else read))


def _read_sizes(least: Any, most: Any) -> tuple[int, int]:
    if not (_is_size(least) and _is_size(most)):
        raise _invalid("content-length-range needs two numbers of bytes")
    return int(least), int(most)


def _is_size(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= 18
    return type(value) is int and 0 <= value < 10**18


def _invalid(why: str) -> OssError:
    return INVALID_POST_POLICY(f"Invalid Policy: {why}.")
