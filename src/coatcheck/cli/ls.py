"""`coatcheck ls`: what is there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click

from coatcheck.client.connection import Connection
from coatcheck.client.errors import NotFound
from coatcheck.client.listing import (
    Bucket,
    Folder,
    Object,
    Version,
    list_buckets,
    list_objects,
    list_versions,
)
from coatcheck.client.matching import compile_wildcards, has_wildcards, split_wildcards
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .terminal import print_json, print_line, printable, say, write_count, write_local, write_size

Entry = Object | Folder | Version


@click.command("ls", context_settings={"help_option_names": ["--help"]})  # -h is of sizes, as in every other ls
@click.argument("address", type=ADDRESS, required=False, metavar="[oss://BUCKET[/PREFIX]]")
@click.option("-r", "--recursive", is_flag=True, help="Every object, not one line for all below a '/'.")
@click.option("-l", "--long", is_flag=True, help="Exact sizes, storage class and ETag.")
@click.option("-h", "--human", is_flag=True, help="Sizes in KiB, MiB, GiB; so they are, but for -l.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The first N lines.")
@click.option("--versions", is_flag=True, help="Every version of each object, and delete markers.")
@profile_options
@json_option
def command(
    address: OssAddress | None,
    recursive: bool,
    long: bool,
    human: bool,
    limit: int | None,
    versions: bool,
    where: Options,
    as_json: bool,
) -> None:
    """List buckets, or the objects of a bucket whose key starts with PREFIX. Wildcards work."""
    with Connection(find_profile(where)) as connection:
        if address is None:
            for bucket in islice(list_buckets(connection), limit):
                _print_bucket(bucket, as_json)
            return
        n_objects = n_folders = total_bytes = 0
        for entry in islice(_find(connection, address, recursive, versions), limit):
            print_object(address.bucket, entry, as_json, long=long, human=human)
            match entry:
                case Object(size_bytes=size_bytes) | Version(size_bytes=size_bytes):
                    n_objects, total_bytes = n_objects + 1, total_bytes + size_bytes
                case Folder():
                    n_folders += 1
    if address.key and not n_objects and not n_folders:
        raise NotFound("NothingThere", f"No key starts with {printable(str(address))}.")
    if not as_json:
        folders = f", {write_count(n_folders, 'folder')}" if n_folders else ""
        say(f"{write_count(n_objects, 'version' if versions else 'object')}, {write_size(total_bytes)}{folders}", "dim")


def _find(connection: Connection, address: OssAddress, recursive: bool, versions: bool) -> Iterator[Entry]:
    wild = has_wildcards(address.key)
    prefix = split_wildcards(address.key)[0] if wild else address.key
    if versions:
        found: Iterator[Entry] = list_versions(connection, address.bucket, prefix)
    else:
        found = list_objects(connection, address.bucket, prefix, recursive=recursive or wild)
    if not wild:
        return found
    matches = compile_wildcards(address.key, below=recursive)
    return (entry for entry in found if not isinstance(entry, Folder) and matches(entry.key))


def _print_bucket(bucket: Bucket, as_json: bool) -> None:
    if as_json:
        created_at = bucket.created_at.isoformat()
        print_json({"bucket": bucket.name, "created_at": created_at, "region": bucket.region})
    else:
        print_line(f"{write_local(bucket.created_at)}  {bucket.region}  oss://{bucket.name}")


def print_object(bucket: str, entry: Entry, as_json: bool, *, long: bool = False, human: bool = False) -> None:
    """One line of a listing."""
    if as_json:
        print_json({"bucket": bucket, **_facts(entry)})
        return
    if isinstance(entry, Folder):
        print_line(f"{'folder':>10}  {'':>23}  oss://{bucket}/{printable(entry.prefix)}")
        return
    size = write_size(entry.size_bytes) if human or not long else str(entry.size_bytes)
    columns = [f"{size:>10}" if human or not long else f"{size:>15}", write_local(entry.last_modified)]
    if isinstance(entry, Version):
        columns[0] = f"{'deleted':>10}" if entry.deleted else columns[0]
        columns.append(f"{entry.version_id}{' (latest)' if entry.latest else ''}")
    elif long:
        columns.append(f"{entry.storage_class:<10}  {entry.etag}")
    print_line("  ".join((*columns, f"oss://{bucket}/{printable(entry.key)}")))


def _facts(entry: Entry) -> dict[str, object]:
    match entry:
        case Folder():
            return {"prefix": entry.prefix}
        case Object():
            return {
                "key": entry.key,
                "size_bytes": entry.size_bytes,
                "last_modified": entry.last_modified.isoformat(),
                "etag": entry.etag,
                "storage_class": entry.storage_class,
            }
        case Version():
            return {
                "key": entry.key,
                "version_id": entry.version_id,
                "latest": entry.latest,
                "deleted": entry.deleted,
                "size_bytes": entry.size_bytes,
                "last_modified": entry.last_modified.isoformat(),
            }
