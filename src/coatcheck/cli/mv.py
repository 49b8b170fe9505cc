"""`coatcheck mv`: as `cp`, and the source is removed once its copy is there."""

from __future__ import annotations

from typing import Any

import click

from coatcheck.client.profile import Options

from .cp import copy_arguments, move


@click.command("mv")
@copy_arguments
def command(places: tuple[str, ...], where: Options, as_json: bool, **options: Any) -> int:
    """Move files to objects, objects to files, or objects to other names.

    Each source is removed as soon as its copy is there and its checksum right; what fails stays where it was.
    """
    return move(places, where, as_json, options, removes=True)
