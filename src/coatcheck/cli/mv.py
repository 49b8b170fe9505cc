"""`coatcheck mv`: as `cp`, and the source is removed once its copy is there."""

from __future__ import annotations

from typing import Any

import click

from coatcheck.client.profile import Options

from .batch_run import transfer_options
from .completing import offer_files_or_addresses
from .cp import move, selection_options, upload_options
from .options import json_option, profile_options


@click.command("mv")
@click.argument("places", nargs=-1, metavar="SOURCE... TARGET", shell_complete=offer_files_or_addresses)
@selection_options
@upload_options
@transfer_options
@profile_options
@json_option
def command(places: tuple[str, ...], where: Options, as_json: bool, **options: Any) -> int:
    """Move files to objects, objects to files, or objects to other names.

    Each source is removed as soon as its copy is there and its checksum right; what fails stays where it was.
    """
    return move(places, where, as_json, options, removes=True)
