"""The options of `coatcheck serve`, made from the table of settings; and the settings they and other places come to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from coatcheck.engines.secret_files import SECRET_VARIABLES
from coatcheck.settings.kinds import Flag, Many
from coatcheck.settings.server import ROWS, Row, default_of
from coatcheck.settings.sources import BadSettings, Found, find_settings, find_unknown

_F = TypeVar("_F", bound=Callable[..., Any])
_CONFIG: Final = "config"


def server_options(function: _F) -> _F:
    """An option for each setting, and --config. The command takes them all as `**options`, for `read_options`."""
    for field, row in reversed(ROWS.items()):
        function = _option(field, row)(function)
    return click.option(
        "--config",
        _CONFIG,
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="TOML file with settings.  [default: COATCHECK_CONFIG, else coatcheck.toml if it is here]",
    )(function)


def read_options(options: dict[str, Any]) -> Found:
    """The settings, by everything that was said. Raises: click.UsageError."""
    config = options.pop(_CONFIG)
    given = {field: value for field, value in options.items() if value not in (None, ())}
    try:
        return find_settings(given, os.environ, config)
    except BadSettings as error:
        raise click.UsageError(str(error)) from None


def warn_of_unknown(environment: Mapping[str, str]) -> None:
    """Say which variables look like settings and are none; on stderr, a line each."""
    for sentence in find_unknown(environment, SECRET_VARIABLES.values()):
        click.echo(f"warning: {sentence}", err=True)


def _option(field: str, row: Row) -> Callable[[_F], _F]:
    if isinstance(row.kind, Flag):
        return click.option(row.option, field, flag_value=not row.turns_off, default=None, help=row.meaning)
    default = row.default_text or row.kind.write(default_of(field)) or "none"
    return click.option(
        row.option,
        field,
        multiple=isinstance(row.kind, Many),
        metavar=row.kind.metavar,
        help=f"{row.meaning}  [default: {default}]",
    )
