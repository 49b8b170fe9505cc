"""`coatcheck settings`: what the server's settings come to."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from coatcheck.settings.server import ROWS
from coatcheck.settings.sources import Found

from .server_options import read_options, server_options, warn_of_unknown


@click.group("settings")
def command() -> None:
    """The settings of `coatcheck serve`: from its options, the environment (COATCHECK_...) and a TOML file.

    `show` takes every option of serve, and --json.
    """


@command.command("show")
@server_options
@click.option("--origin", is_flag=True, help="Say where each value was set: an option, a variable, a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object.")
def show(origin: bool, as_json: bool, **options: Any) -> None:
    """What `coatcheck serve` would run with, given the same options in this directory and environment."""
    found = read_options(options)
    warn_of_unknown(os.environ)
    if as_json:
        click.echo(json.dumps(_facts(found, origin=origin), ensure_ascii=False))
        return
    rows = [(row.name, _text(found, field), found.origins[field] if origin else "") for field, row in ROWS.items()]
    name_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, where in rows:
        click.echo(f"{name:<{name_width}}  {value:<{value_width}}  {where}".rstrip())


def _text(found: Found, field: str) -> str:
    return ROWS[field].kind.write(getattr(found.settings, field)) or "-"


def _facts(found: Found, *, origin: bool) -> dict[str, Any]:
    values = {row.name: row.kind.write(getattr(found.settings, field)) for field, row in ROWS.items()}
    if not origin:
        return values
    return {row.name: {"value": values[row.name], "origin": found.origins[field]} for field, row in ROWS.items()}
