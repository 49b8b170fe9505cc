"""Where the values of settings come from: the command line, else the environment, else a file, else nobody chose.

The file is TOML, with the names of the options (`body_timeout = 60`). It is the one that --config or COATCHECK_CONFIG
names, else `coatcheck.toml` of the directory that the command runs in, if there is one. An unknown name in it is
refused, so that a mistyped one is noticed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from .kinds import BadSetting
from .server import ROWS, Row, ServerSettings, default_of, find_conflict

FILE_NAME: Final = "coatcheck.toml"
FILE_VARIABLE: Final = "COATCHECK_CONFIG"
DEFAULT: Final = "default"

_FIELDS: Final = {row.name: field for field, row in ROWS.items()}


class BadSettings(Exception):
    """Settings that can't be served with: one line that says what, where it was set, and what it takes."""


@dataclass(frozen=True, slots=True)
class Found:
    """The settings, and for each field the place where its value was set: an option, a variable, a file, "default"."""

    settings: ServerSettings
    origins: Mapping[str, str]


def find_settings(options: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None) -> Found:
    """Gather all settings.

    Args:
        options: what the command line gave, by field; absent or None where it said nothing.
        config: the file that the command line names.
    Raises: BadSettings.
    """
    path = find_file(environment, config)
    stored = {} if path is None else _read_file(path)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for field, row in ROWS.items():
        given, origin = _find(field, row, options, environment, stored, str(path))
        values[field] = default_of(field) if origin == DEFAULT else _read(row, given, origin)
        origins[field] = origin
    values["data"] = values["data"].absolute()
    settings = ServerSettings(**values)
    if conflict := find_conflict(settings):
        raise BadSettings(conflict)
    return Found(settings, origins)


def find_file(environment: Mapping[str, str], config: Path | None = None) -> Path | None:
    """The file with settings, if there is one. Raises: BadSettings, if the one that is named isn't there."""
    named = config or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    if named is not None and not named.is_file():
        raise BadSettings(f"The file with settings, {named}, does not exist.")
    usual = Path(FILE_NAME)
    return named or (usual if usual.is_file() else None)


def _find(
    field: str,
    row: Row,
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    stored: Mapping[str, Any],
    path: str,
) -> tuple[Any, str]:
    if options.get(field) is not None:
        return options[field], row.option
    if environment.get(row.variable):
        return environment[row.variable], row.variable
    if row.name in stored:
        return stored[row.name], path
    return None, DEFAULT


def _read(row: Row, given: Any, origin: str) -> Any:
    try:
        return row.kind.read(given)
    except BadSetting as error:
        where = origin if origin in (row.option, row.variable) else f"{origin}: {row.name}"
        raise BadSettings(f"{where}: {error}.") from None


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        stored = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from None
    for name in stored:
        if name not in _FIELDS:
            near = get_close_matches(name, _FIELDS, 1)
            hint = f" Is {near[0]} meant?" if near else " `coatcheck settings show` lists them all."
            raise BadSettings(f"{path}: {name} is no setting.{hint}")
    return stored
