"""`coatcheck encryption`: the master key that objects are encrypted under."""

from __future__ import annotations

from pathlib import Path

import click

from .directory import data_directory, directory_options, failures, need_directory, tell


@click.group("encryption")
def command() -> None:
    """The master key that objects are encrypted under: DATA/encryption.key, or COATCHECK_ENCRYPTION_KEY.

    Every command takes --data DIR and --json.
    """


@command.command("rotate")
@directory_options
def rotate(data: Path | None, as_json: bool) -> None:
    """Replace the master key, while no server runs. No content is rewritten, only the keys it is encrypted with.

    With the key in the environment: put the new one first, "NEW,OLD", rotate, then leave OLD out. An interrupted
    rotation leaves everything readable; run it again.
    """
    from coatcheck.engines.rotation import rotate as rotate_keys

    place = need_directory(data_directory(data))
    with failures():
        done = rotate_keys(place)
    facts = {"blobs": done.blobs, "bodies": done.bodies}
    tell(facts, f"Wrapped {done.blobs + done.bodies} data keys with the new master key.", as_json=as_json)
