"""`coatcheck restore`: a data directory from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from coatcheck.client.errors import Damaged

from .backup_place import PLACE, credentials_option
from .directory import data_directory, directory_options, tell


@click.command("restore")
@click.argument("backup", metavar="DIR|URL", type=PLACE)
@credentials_option
@directory_options
def command(backup: str, credentials: Path | None, data: Path | None, as_json: bool) -> None:
    """Make a data directory, --data, of the backup in DIR or at URL; every byte is held against its digest.

    The data directory must not be there yet, or be empty. One that was broken off goes on when it is repeated.
    """
    from coatcheck.engines.upkeep.places import open_place
    from coatcheck.engines.upkeep.restore import restore

    from .terminal import progress_bar, write_count, write_size
    from .upkeep import Progress, upkeep_failures

    if "://" not in backup and not Path(backup).is_dir():
        raise click.BadParameter(f"Directory {backup!r} does not exist.", param_hint="'DIR|URL'")
    place = data_directory(data)
    with upkeep_failures(), progress_bar(wanted=not as_json) as bar:
        restored = restore(open_place(backup, credentials=credentials), place, note=Progress(bar))
    facts = {
        "data": str(place),
        "made_at": restored.head.made_at,
        "files": restored.files,
        "blobs": restored.blobs,
        "bytes": restored.bytes,
        "keys_elsewhere": list(restored.head.keys_elsewhere),
        "damaged": [{"blob": blob_id, "why": why} for blob_id, why in restored.damaged],
    }
    line = f"Restored {place}: {write_count(restored.blobs, 'blob')}, {write_size(restored.bytes)}."
    for name in restored.head.keys_elsewhere:
        line += f"\nNot in the backup: the {name} key. Set COATCHECK_{name.upper()}_KEY to the one that was in use."
    if (place / "settings").is_dir():
        line += f"\nThe server's settings were put into {place / 'settings'}; move them to where the server looks."
    tell(facts, f"{line}\nNext: coatcheck check --data {place}, then coatcheck serve --data {place}", as_json=as_json)
    if restored.damaged:
        named = ", ".join(f"{blob_id}: {why}" for blob_id, why in restored.damaged[:5])
        raise Damaged(
            "DamagedBlobs",
            f"{len(restored.damaged)} blobs of the backup are damaged and were left out ({named}).",
            hint=f"coatcheck check --data {place} names their objects",
        )
