"""Where the values of settings come from: the command line, else the environment, else a file, else nobody chose.

The file is TOML, with the names of the options (`body_timeout = 60`). It is the one that --config or COATCHECK_CONFIG
names, else `coatcheck.toml` of the directory that the command runs in, if there is one. An unknown name in it is
refused, so that a mistyped one is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from coatcheck.core.database_urls import has_password

from .kinds import BadSetting
from .server import ROWS, Row, ServerSettings, default_of, find_conflict

FILE_NAME: Final = "coatcheck.toml"
FILE_VARIABLE: Final = "COATCHECK_CONFIG"
DEFAULT: Final = "default"
_PREFIX: Final = "COATCHECK_"
_FROM_KUBERNETES: Final = ("COATCHECK_PORT", "COATCHECK_SERVICE_")  # set for a service that is called coatcheck
_LIKENESS: Final = 0.8  # of the whole name, whose first ten letters are the same anyway

# What is read besides settings and secrets.
_OTHER_VARIABLES: Final = frozenset(
    {
        FILE_VARIABLE,
        "COATCHECK_NO_LINUX",
        "COATCHECK_PROFILE",
        "COATCHECK_TEST_ACCESS_KEY_ID",
        "COATCHECK_TEST_ACCESS_KEY_SECRET",
        "COATCHECK_TEST_TOKEN",
    }
)

_SHOWN_TO_ALL: Final = (
    "--store has a password in it, which everybody can read who may list processes. Give the URL by COATCHECK_STORE or "
    "in the file, or the password by PGPASSWORD or PGPASSFILE."
)
_FIELDS: Final = {row.name: field for field, row in ROWS.items()}


class BadSettings(Exception):
    """Settings that can't be served with: one line that says what, where it was set, and what it takes."""


class Found(Struct, frozen=True):
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
    if origins["store"] == ROWS["store"].option and has_password(values["store"]):
        raise BadSettings(_SHOWN_TO_ALL)
    settings = ServerSettings(**values)
    if conflict := find_conflict(settings):
        raise BadSettings(conflict)
    return Found(settings, origins)


def find_unknown(environment: Mapping[str, str], also: Iterable[str] = ()) -> list[str]:
    """Variables that look like settings and are none, each in a sentence: nothing is refused for them.

    Args:
        also: further names that are read somewhere, those of secrets.
    """
    known = sorted(_OTHER_VARIABLES.union(also) | {row.variable for row in ROWS.values()})
    sentences = []
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name.startswith(_FROM_KUBERNETES) or name in known:
            continue
        near = _nearest(name, known, _LIKENESS)
        hint = f"Is {near} meant?" if near else "`coatcheck settings show` lists all settings."
        sentences.append(f"{name} is set, and is no variable of coatcheck. {hint}")
    return sentences


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
    except (BadSetting, OSError) as error:
        where = origin if origin in (row.option, row.variable) else f"{origin}: {row.name}"
        why = error if isinstance(error, BadSetting) else f"{error.filename} cannot be looked at: {error.strerror}"
        raise BadSettings(f"{where}: {why}.") from None


def _nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    from difflib import get_close_matches  # for whoever wrote one wrong

    return next(iter(get_close_matches(name, known, 1, likeness)), None)


def _read_file(path: Path) -> Mapping[str, Any]:
    import tomllib  # for whoever has a file

    try:
        stored = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise BadSettings(f"{path} is not TOML: {error}.") from None
    for name in stored:
        if name not in _FIELDS:
            near = _nearest(name, _FIELDS)
            hint = f" Is {near} meant?" if near else " `coatcheck settings show` lists them all."
            raise BadSettings(f"{path}: {name} is no setting.{hint}")
    return stored
