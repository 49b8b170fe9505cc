"""`coatcheck backup`: a copy of a data directory that is in use."""

from __future__ import annotations

import os
from pathlib import Path

import click

from coatcheck.client.errors import Damaged

from .backup_place import PLACE, credentials_option
from .directory import data_directory, directory_options, need_directory, tell


@click.command("backup")
@click.argument("target", metavar="DIR|URL", type=PLACE)
@click.option("--copy", is_flag=True, help="Copy blobs, also where they could be hard-linked.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The server's file with settings.  [default: COATCHECK_CONFIG, else coatcheck.toml if it is here]",
)
@credentials_option
@directory_options
def command(
    target: str, copy: bool, config: Path | None, credentials: Path | None, data: Path | None, as_json: bool
) -> None:
    """Back a data directory up, whether or not a server runs on it, to DIR or to an object store, s3://BUCKET/PREFIX.

    Again to the same place, only what is new is moved. On the same file system blobs are hard-linked: that saves from a
    mistake, not from a broken disk; for that, the backup has to be somewhere else.
    """
    from coatcheck.clock import wall_clock
    from coatcheck.engines.upkeep.backup import back_up
    from coatcheck.engines.upkeep.places import open_place

    from .terminal import progress_bar, write_count, write_size
    from .upkeep import Progress, upkeep_failures

    place = need_directory(data_directory(data))
    with upkeep_failures(), progress_bar(wanted=not as_json) as bar:
        files = _settings_files(config)
        where = open_place(target, credentials=credentials, link=not copy)
        taken = back_up(place, where, now=wall_clock(), note=Progress(bar), settings=files)
    facts = {
        "backup": target,
        "made_at": taken.made_at,
        "files": taken.files,
        "blobs": {"copied": taken.copied, "linked": taken.linked, "kept": taken.kept},
        "bytes": taken.bytes,
        "copied_bytes": taken.copied_bytes,
        "keys_elsewhere": list(taken.keys_elsewhere),
        "damaged": [{"blob": blob_id, "why": why} for blob_id, why in taken.damaged],
    }
    line = (
        f"Backed up to {target}: {write_count(taken.copied, 'blob')} copied ({write_size(taken.copied_bytes)}), "
        f"{taken.linked} linked, {taken.kept} there already; {write_size(taken.bytes)} in all."
    )
    for name in taken.keys_elsewhere:
        line += f"\nNot in it: the {name} key, which the server has from its environment. Keep that too."
    tell(facts, line, as_json=as_json)
    if taken.damaged:
        named = ", ".join(f"{blob_id}: {why}" for blob_id, why in taken.damaged[:5])
        raise Damaged(
            "DamagedBlobs",
            f"{len(taken.damaged)} blobs are not in the backup ({named}).",
            hint=f"coatcheck check --data {place} names their objects",
        )


def _settings_files(config: Path | None) -> list[Path]:
    """The file with settings, and the certificate that it names."""
    from coatcheck.settings.sources import BadSettings, find_file, find_settings

    try:
        path = find_file(os.environ, config)
        settings = find_settings({}, os.environ, path).settings
    except BadSettings as error:
        raise click.UsageError(str(error)) from None
    return [file for file in (path, settings.tls_cert, settings.tls_key) if file is not None and file.is_file()]
