"""`coatcheck get`: download a link or an object."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from coatcheck.client.connection import Connection
from coatcheck.client.download import (
    CONNECTIONS,
    Destination,
    Downloaded,
    Source,
    download,
    download_to_stream,
    link_source,
    object_source,
)
from coatcheck.client.matching import has_wildcards
from coatcheck.client.profile import Options
from coatcheck.client.transfer import Progress

from .completing import offer_addresses
from .cp import fetch_tree
from .options import HEADER, PLACE, find_ca, find_profile, json_option, profile_options, read_address
from .terminal import print_json, printable, progress_bar, say, warn, write_size


@click.command("get")
@click.argument("link", type=PLACE, metavar="URL|oss://BUCKET/KEY", shell_complete=offer_addresses)
@click.option("-o", "--output", metavar="FILE", help="File or directory to write; '-' is standard output.")
@click.option("-r", "--recursive", is_flag=True, help="A folder of objects, with all in it, as by cp -r.")
@click.option("--force", is_flag=True, help="Replace a file of the name the server gives.")
@click.option(
    "--connections",
    type=click.IntRange(1, 32),
    default=CONNECTIONS,
    show_default=True,
    help="Ranges fetched at once; 1 is a plain GET.",
)
@click.option(
    "--header", "headers", type=HEADER, multiple=True, help="A header the link asks for; see: coatcheck explain."
)
@profile_options
@json_option
def command(
    link: str,
    output: str | None,
    recursive: bool,
    force: bool,
    connections: int,
    headers: tuple[tuple[str, str], ...],
    where: Options,
    as_json: bool,
) -> int:
    """Download a presigned link, from any server, or an object of your own.

    Large files come in parallel ranges. An interrupted download is kept beside its target as FILE.part and goes on from
    there the next time; the CRC-64 of the whole file is compared with the server's before the file gets its name.
    """
    if link.startswith("oss://") and (recursive or has_wildcards(link)):
        return fetch_tree(link, output or ".", where, as_json, recursive=recursive)
    with ExitStack() as stack:
        source = _open_source(stack, link, headers, where)
        bar = stack.enter_context(progress_bar(wanted=not as_json))
        if output is not None and _is_stream(output):
            done = _write_stream(source, output, bar)
        else:
            destination = Destination(Path(output) if output is not None else None, force)
            try:
                done = download(source, destination, bar, connections=connections)
            except KeyboardInterrupt:
                if not as_json:
                    warn("what came is kept; the same command goes on from there")
                raise
    _tell(done, as_json, to_stdout=output == "-")
    return 0


def _open_source(stack: ExitStack, link: str, headers: tuple[tuple[str, str], ...], where: Options) -> Source:
    if not link.startswith("oss://"):
        if not link.startswith(("http://", "https://")):
            raise click.UsageError("Give a link (http:// or https://) or an object (oss://BUCKET/KEY).")
        return stack.enter_context(link_source(link, dict(headers), find_ca(link, where)))
    try:
        address = read_address(link)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if not address.key:
        raise click.UsageError("Give one object: coatcheck get oss://BUCKET/KEY")
    connection = stack.enter_context(Connection(find_profile(where)))
    return object_source(connection, address.bucket, address.key, dict(headers))


def _is_stream(output: str) -> bool:
    """Standard output, or something that can't be renamed onto: a pipe, a terminal, /dev/null."""
    path = Path(output)
    return output == "-" or (path.exists() and not path.is_file() and not path.is_dir())


def _write_stream(source: Source, output: str, bar: Progress) -> Downloaded:
    if output == "-":
        return download_to_stream(source, sys.stdout.buffer, bar)
    with open(output, "wb") as out:
        return download_to_stream(source, out, bar)


def _tell(done: Downloaded, as_json: bool, *, to_stdout: bool) -> None:
    if not as_json:
        checked = "CRC-64 verified" if done.verified else "the server gave no checksum"
        resumed = f", {write_size(done.resumed_bytes)} of it from an earlier run" if done.resumed_bytes else ""
        name = printable(str(done.file)) if done.file else "the stream"
        say(f"Saved {name}, {write_size(done.size_bytes)}{resumed}, {checked}.")
        return
    facts = {
        "file": str(done.file) if done.file else None,
        "size_bytes": done.size_bytes,
        "crc64": str(done.crc64),
        "verified": done.verified,
        "resumed_bytes": done.resumed_bytes,
    }
    print_json(facts, err=to_stdout)  # stdout holds the object
