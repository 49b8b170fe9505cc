"""`coatcheck completion`: the script that has a shell complete verbs, options, buckets and keys."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import click

SCRIPTS: Final = {"bash": "coatcheck.bash", "zsh": "_coatcheck.zsh", "fish": "coatcheck.fish"}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> None:
    """Print a script that completes verbs, options, buckets and keys, for bash, zsh or fish.

    Buckets and keys are asked of the server, for two seconds at most.
    """
    click.echo(files("coatcheck.cli").joinpath("shells", SCRIPTS[shell]).read_text("utf-8"), nl=False)
