"""Settings of the server in words, NAME=VALUE, as values for `oss_server`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from coatcheck.settings.kinds import BadSetting, Many
from coatcheck.settings.server import ROWS

_FIELDS: Final = {row.name: field for field, row in ROWS.items()}


def read_settings(words: Iterable[str]) -> dict[str, Any]:
    """By field. Several values of one setting are joined by commas. Raises: ValueError, with what is wrong."""
    found: dict[str, Any] = {}
    for word in words:
        name, separator, value = word.partition("=")
        field = _FIELDS.get(name.strip())
        if field is None or not separator:
            near = get_close_matches(name, _FIELDS, 1)
            hint = f" Is {near[0]} meant?" if near else " `coatcheck settings show` lists them."
            raise ValueError(f"{word!r} is no setting of the server, NAME=VALUE.{hint}")
        try:
            found[field] = ROWS[field].kind.read(value.strip())
        except BadSetting as error:
            raise ValueError(f"{name.strip()}: {error}.") from None
    return found


def write_options(settings: Mapping[str, Any]) -> list[str]:
    """The words of `coatcheck serve` for settings given by field."""
    words: list[str] = []
    for field, value in settings.items():
        row = ROWS[field]
        if isinstance(value, bool):
            if value is not row.turns_off:
                words.append(row.option)
            continue
        values = value if isinstance(row.kind, Many) else (value,)
        kind = row.kind
        words += [
            word for each in values for word in (row.option, kind.write((each,) if isinstance(kind, Many) else each))
        ]
    return words
