"""`coatcheck rb`: remove a bucket."""

from __future__ import annotations

import click

from coatcheck.client.connection import Connection
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .rm import remove


@click.command("rb")
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET")
@click.option("--force", is_flag=True, help="With all that is in it.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@profile_options
@json_option
def command(address: OssAddress, force: bool, yes: bool, where: Options, as_json: bool) -> None:
    """Remove an empty bucket; with --force one that isn't, which asks first. As `rm oss://BUCKET`."""
    if address.key:
        raise click.UsageError(f"A bucket has no key: coatcheck rb oss://{address.bucket}")
    with Connection(find_profile(where)) as connection:
        remove(connection, address, recursive=force, yes=yes, as_json=as_json)
