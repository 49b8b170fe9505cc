"""`coatcheck cat`: objects to standard output."""

from __future__ import annotations

import sys

import click

from coatcheck.client.connection import Connection
from coatcheck.client.download import download_to_stream, object_source
from coatcheck.client.profile import Options
from coatcheck.client.transfer import Unwatched

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .planning import find_objects


@click.command("cat")
@click.argument("addresses", nargs=-1, required=True, type=ADDRESS, metavar="oss://BUCKET/KEY...")
@profile_options
@json_option
def command(addresses: tuple[OssAddress, ...], where: Options, as_json: bool) -> None:
    """Print objects one after the other, as they are stored, checksums compared. Wildcards work."""
    del as_json  # the bytes are the output; it words failures
    with Connection(find_profile(where)) as connection:
        for address in addresses:
            if not address.key:
                raise click.UsageError("Name objects: coatcheck cat oss://BUCKET/KEY")
            for found in find_objects(connection, address, recursive=False):
                source = object_source(connection, address.bucket, found.key)
                download_to_stream(source, sys.stdout.buffer, Unwatched())
