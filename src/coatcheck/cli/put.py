"""`coatcheck put`: upload files, directories or standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from coatcheck.client.connection import Connection
from coatcheck.client.multipart import PART_BYTES
from coatcheck.client.profile import Options
from coatcheck.client.upload import MULTIPART_ABOVE_BYTES, Uploaded, put_file, put_stream

from .batch_run import make_parts
from .completing import offer_files_or_addresses
from .options import ADDRESS, HEADER, OssAddress, find_profile, json_option, profile_options, refuse_wildcards
from .terminal import print_json, printable, progress_bar, say, warn, write_size


@click.command("put")
@click.argument("files", nargs=-1, metavar="FILE...", shell_complete=offer_files_or_addresses)
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET/KEY")
@click.option("-r", "--recursive", is_flag=True, help="Directories, with all in them.")
@click.option("--content-type", metavar="TYPE", help="Media type; else by the file's name.")
@click.option(
    "--header", "headers", type=HEADER, multiple=True, help="A header to store, e.g. 'x-oss-meta-author: ada'."
)
@click.option("--no-overwrite", is_flag=True, help="Refuse where the key is taken.")
@profile_options
@json_option
def command(
    files: tuple[str, ...],
    address: OssAddress,
    recursive: bool,
    content_type: str | None,
    headers: tuple[tuple[str, str], ...],
    no_overwrite: bool,
    where: Options,
    as_json: bool,
) -> None:
    """Upload files. One file goes to KEY, or below it when KEY ends in "/" or is left out; several go below it.

    "-" is standard input, of any length, and needs a KEY. Memory stays the same whatever the size.
    """
    if not files:
        raise click.UsageError("Say what to upload, and where to: coatcheck put FILE... oss://BUCKET/KEY")
    refuse_wildcards(address, "give the key, or a folder that ends in /")
    extra = dict(headers) | ({"x-oss-forbid-overwrite": "true"} if no_overwrite else {})
    jobs = list(_plan(files, address, recursive))
    with Connection(find_profile(where)) as connection, progress_bar(wanted=not as_json) as bar:
        for file, key in jobs:
            if file is None:
                source = sys.stdin.buffer
                uploaded = put_stream(
                    connection, source, address.bucket, key, progress=bar, content_type=content_type, headers=extra
                )
            else:
                uploaded = put_file(
                    connection,
                    file,
                    address.bucket,
                    key,
                    progress=bar,
                    content_type=content_type,
                    headers=extra,
                    parts=make_parts(MULTIPART_ABOVE_BYTES, PART_BYTES),
                )
            _tell(uploaded, as_json)


def _plan(files: tuple[str, ...], address: OssAddress, recursive: bool) -> Iterator[tuple[Path | None, str]]:
    """Each file (None is standard input) with the key it gets."""
    if "-" in files:
        if len(files) > 1 or not address.key or address.key.endswith("/"):
            raise click.UsageError("Standard input goes alone and needs a whole key: coatcheck put - oss://BUCKET/KEY")
        yield None, address.key
        return
    paths = [Path(name) for name in files]
    into_folder = len(paths) > 1 or paths[0].is_dir() or not address.key or address.key.endswith("/")
    folder = f"{address.key.rstrip('/')}/" if address.key and into_folder else ""
    for path in paths:
        if path.is_dir():
            if not recursive:
                raise click.UsageError(f"{path} is a directory; add -r to upload what is in it.")
            yield from _walk(path, folder)
        else:
            yield path, f"{folder}{path.name}" if into_folder else address.key


def _walk(directory: Path, folder: str) -> Iterator[tuple[Path, str]]:
    """Every file below, by name; links to files are followed, links to directories aren't (they can go in circles)."""
    top = directory.resolve()
    for current, names, files in os.walk(top):
        names.sort()
        for name in sorted(files):
            file = Path(current) / name
            if file.is_file():
                yield file, f"{folder}{top.name}/{file.relative_to(top).as_posix()}"
            else:
                warn(f"{printable(str(file))} is not a file, left out")


def _tell(uploaded: Uploaded, as_json: bool) -> None:
    address = f"oss://{uploaded.bucket}/{uploaded.key}"
    if not as_json:
        say(f"Stored {printable(address)}, {write_size(uploaded.size_bytes)}.")
        return
    print_json(
        {
            "address": address,
            "bucket": uploaded.bucket,
            "key": uploaded.key,
            "size_bytes": uploaded.size_bytes,
            "content_type": uploaded.content_type,
            "etag": uploaded.etag,
            "crc64": str(uploaded.crc64),
        }
    )
