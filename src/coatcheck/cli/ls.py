"""`coatcheck ls`: what is there."""

from __future__ import annotations

import click

from coatcheck.client.connection import Connection
from coatcheck.client.errors import NotFound
from coatcheck.client.listing import Bucket, Folder, Object, list_buckets, list_objects
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .terminal import print_json, print_line, printable, say, write_count, write_local, write_size


@click.command("ls")
@click.argument("address", type=ADDRESS, required=False, metavar="[oss://BUCKET[/PREFIX]]")
@click.option("-r", "--recursive", is_flag=True, help="Every object, not one line for all below a '/'.")
@profile_options
@json_option
def command(address: OssAddress | None, recursive: bool, where: Options, as_json: bool) -> None:
    """List buckets, or the objects of a bucket whose key starts with PREFIX."""
    with Connection(find_profile(where)) as connection:
        if address is None:
            for bucket in list_buckets(connection):
                _print_bucket(bucket, as_json)
            return
        n_objects = n_folders = total_bytes = 0
        for entry in list_objects(connection, address.bucket, address.key, recursive=recursive):
            _print_entry(address.bucket, entry, as_json)
            match entry:
                case Object(size_bytes=size_bytes):
                    n_objects, total_bytes = n_objects + 1, total_bytes + size_bytes
                case Folder():
                    n_folders += 1
    if address.key and not n_objects and not n_folders:
        raise NotFound("NothingThere", f"No key starts with {printable(str(address))}.")
    if not as_json:
        folders = f", {write_count(n_folders, 'folder')}" if n_folders else ""
        say(f"{write_count(n_objects, 'object')}, {write_size(total_bytes)}{folders}", "dim")


def _print_bucket(bucket: Bucket, as_json: bool) -> None:
    if as_json:
        created_at = bucket.created_at.isoformat()
        print_json({"bucket": bucket.name, "created_at": created_at, "region": bucket.region})
    else:
        print_line(f"{write_local(bucket.created_at)}  {bucket.region}  oss://{bucket.name}")


def _print_entry(bucket: str, entry: Object | Folder, as_json: bool) -> None:
    match entry, as_json:
        case Object(), True:
            print_json(
                {
                    "bucket": bucket,
                    "key": entry.key,
                    "size_bytes": entry.size_bytes,
                    "last_modified": entry.last_modified.isoformat(),
                    "etag": entry.etag,
                    "storage_class": entry.storage_class,
                }
            )
        case Folder(), True:
            print_json({"bucket": bucket, "prefix": entry.prefix})
        case Object(), False:
            size = write_size(entry.size_bytes)
            print_line(f"{size:>10}  {write_local(entry.last_modified)}  oss://{bucket}/{printable(entry.key)}")
        case Folder(), False:
            print_line(f"{'folder':>10}  {'':>23}  oss://{bucket}/{printable(entry.prefix)}")
