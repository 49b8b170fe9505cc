"""`coatcheck head`: how objects begin."""

from __future__ import annotations

import sys

import click

from coatcheck.client.connection import Connection
from coatcheck.client.profile import Options

from .options import ADDRESS, SIZE, OssAddress, find_profile, json_option, profile_options
from .planning import find_objects


@click.command("head")
@click.argument("addresses", nargs=-1, required=True, type=ADDRESS, metavar="oss://BUCKET/KEY...")
@click.option("-n", "--lines", type=click.IntRange(1), default=10, show_default=True, help="How many lines.")
@click.option("-c", "--bytes", "n_bytes", type=SIZE, help="How many bytes, instead of lines.")
@profile_options
@json_option
def command(addresses: tuple[OssAddress, ...], lines: int, n_bytes: int | None, where: Options, as_json: bool) -> None:
    """Print how objects begin; no more of them is fetched than that. Wildcards work."""
    del as_json  # the bytes are the output; it words failures
    with Connection(find_profile(where)) as connection:
        for address in addresses:
            if not address.key:
                raise click.UsageError("Name objects: coatcheck head oss://BUCKET/KEY")
            for found in find_objects(connection, address, recursive=False):
                _print_head(connection, OssAddress(address.bucket, found.key), lines, n_bytes)


def _print_head(connection: Connection, address: OssAddress, lines: int, n_bytes: int | None) -> None:
    if n_bytes == 0:
        return
    headers = {"Range": f"bytes=0-{n_bytes - 1}"} if n_bytes else {}
    left = lines
    with connection.stream("GET", address.bucket, address.key, headers=headers) as response:
        for piece in response.iter_raw():
            ends = [position for position, byte in enumerate(piece) if byte == 0x0A][: left if not n_bytes else 0]
            left -= len(ends)
            sys.stdout.buffer.write(piece if left else piece[: ends[-1] + 1])
            if not left:
                break
    sys.stdout.buffer.flush()
