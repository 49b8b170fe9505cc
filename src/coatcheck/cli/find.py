"""`coatcheck find`: objects by name, size and age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import click

from coatcheck.client.connection import Connection
from coatcheck.client.listing import Object, list_objects
from coatcheck.client.matching import compile_filters, compile_wildcards, has_wildcards, split_wildcards
from coatcheck.client.profile import Options
from coatcheck.clock import wall_date

from .ls import print_object
from .options import ADDRESS, EXPIRY, SIZE, OssAddress, find_profile, json_option, profile_options
from .terminal import print_line, printable


@click.command("find")
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET[/PREFIX]")
@click.option("--name", "names", metavar="PATTERN", multiple=True, help="Names like '*.jpg'; may be repeated.")
@click.option("--larger", type=SIZE, metavar="SIZE", help="Larger than this.")
@click.option("--smaller", type=SIZE, metavar="SIZE", help="Smaller than this.")
@click.option("--older", type=EXPIRY, help="Last changed longer ago than this, or before then.")
@click.option("--newer", type=EXPIRY, help="Last changed within this, or since then.")
@click.option("-l", "--long", is_flag=True, help="Size and time too.")
@profile_options
@json_option
def command(
    address: OssAddress,
    names: tuple[str, ...],
    larger: int | None,
    smaller: int | None,
    older: timedelta | datetime | None,
    newer: timedelta | datetime | None,
    long: bool,
    where: Options,
    as_json: bool,
) -> None:
    """Print the objects below a prefix that all conditions fit, one address a line. Wildcards work in PREFIX."""
    matches = compile_wildcards(address.key, below=True) if has_wildcards(address.key) else lambda key: True
    prefix = split_wildcards(address.key)[0]
    wanted = compile_filters(names, ())
    tests: list[Callable[[Object], bool]] = [lambda entry: matches(entry.key) and wanted(entry.key)]
    if larger is not None:
        tests.append(lambda entry: entry.size_bytes > larger)
    if smaller is not None:
        tests.append(lambda entry: entry.size_bytes < smaller)
    if before := _ago(older):
        tests.append(lambda entry: entry.last_modified < before)
    if since := _ago(newer):
        tests.append(lambda entry: entry.last_modified >= since)
    with Connection(find_profile(where)) as connection:
        for entry in list_objects(connection, address.bucket, prefix):
            if not isinstance(entry, Object) or not all(fits(entry) for fits in tests):
                continue
            if as_json or long:
                print_object(address.bucket, entry, as_json)
            else:
                print_line(printable(f"oss://{address.bucket}/{entry.key}"))


def _ago(given: timedelta | datetime | None) -> datetime | None:
    return wall_date() - given if isinstance(given, timedelta) else given
