"""The stored form of a configuration: one line of JSON, the value's fields by name and "v", the version of that form.

A value is a frozen Struct of texts, numbers, switches, other such Structs, and tuples of these. What is None or
an empty tuple by default isn't written; all else is, so that no later default changes what is stored. A field
that is renamed, or means something else, makes a new version, and whoever reads takes the old ones too.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

VERSION: Final = 1

Value = TypeVar("Value")


def write_stored(value: object) -> str:
    return json.dumps({"v": VERSION, **_fields(value)}, ensure_ascii=False, separators=(",", ":"))


def read_stored(kind: type[Value], text: str) -> Value:
    """A value that was stored. Raises: ValueError, for one of a version that this program doesn't know."""
    stored: dict[str, Any] = json.loads(text)
    version = stored.pop("v")
    if version != VERSION:
        raise ValueError(f"A {kind.__name__} of version {version} is stored; this coatcheck knows version {VERSION}.")
    value: Value = _build_fields(kind, stored)
    return value


def _fields(value: Any) -> dict[str, Any]:
    given = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _plain(content) for field, content in given if not _is_left_out(field, content)}


def _is_left_out(field: FieldInfo, content: Any) -> bool:
    return content in (None, ()) and content == field.default


def _plain(content: Any) -> Any:
    if isinstance(content, tuple):
        return [_plain(each) for each in content]
    return _fields(content) if isinstance(content, Struct) else content


def _build_fields(kind: Any, plain: dict[str, Any]) -> Any:
    kinds = _kinds(kind)
    return kind(**{name: _build(kinds[name], content) for name, content in plain.items()})


def _build(kind: Any, plain: Any) -> Any:
    if isinstance(plain, list):
        inner = next(each for each in _options(kind) if get_origin(each) is tuple)
        first, *others = get_args(inner)
        kinds = [first] * len(plain) if others == [...] else [first, *others]
        return tuple(_build(each, content) for each, content in zip(kinds, plain, strict=True))
    if isinstance(plain, dict):
        return _build_fields(
            next(each for each in _options(kind) if isinstance(each, type) and issubclass(each, Struct)), plain
        )
    return plain


def _options(kind: Any) -> tuple[Any, ...]:
    """The kinds of a union; a kind that is none stands for itself."""
    return (kind,) if get_origin(kind) is tuple or isinstance(kind, type) else get_args(kind)


@cache
def _kinds(kind: type[Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in fields(kind)}
