"""`coatcheck rm`: delete objects and buckets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice

import click

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, NotFound
from coatcheck.client.listing import delete_object, delete_objects, is_listed, list_below
from coatcheck.client.matching import has_wildcards
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .planning import find_objects
from .terminal import print_json, printable, say, write_count

_COUNTED_AHEAD = 1000  # one page: enough to say what is about to happen


@click.command("rm")
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET[/KEY]")
@click.option("-r", "--recursive", is_flag=True, help="The object KEY and all below KEY/; a bucket with all in it.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@profile_options
@json_option
def command(address: OssAddress, recursive: bool, yes: bool, where: Options, as_json: bool) -> None:
    """Delete an object, an empty bucket or, with -r, a whole tree.

    Where there is nothing to delete the exit status is 3, so that a mistyped KEY doesn't look like a deleted one.
    """
    with Connection(find_profile(where)) as connection:
        remove(connection, address, recursive=recursive, yes=yes, as_json=as_json)


def remove(connection: Connection, address: OssAddress, *, recursive: bool, yes: bool, as_json: bool) -> None:
    """Delete it and say so. Raises: NotFound; ClientError; UsageError: nobody can answer."""
    if has_wildcards(address.key) and not is_listed(connection, address.bucket, address.key):
        _delete_matching(connection, address, recursive, yes, as_json)
    elif recursive:
        _delete_tree(connection, address, yes, as_json)
    elif address.key:
        _delete_one(connection, address, as_json)
    else:
        connection.send("DELETE", address.bucket)
        _tell(address, as_json)


def _delete_one(connection: Connection, address: OssAddress, as_json: bool) -> None:
    """OSS says of an object that isn't there that it was deleted, so look first."""
    try:
        there = is_listed(connection, address.bucket, address.key)
    except ClientError as error:
        if error.code != "AccessDenied":
            raise
        delete_object(connection, address.bucket, address.key)
        _tell(address, as_json, unseen=True)
        return
    if not there:
        raise NotFound("NothingThere", f"There is no object {printable(str(address))}; nothing was deleted.")
    delete_object(connection, address.bucket, address.key)
    _tell(address, as_json)


def _delete_matching(connection: Connection, address: OssAddress, recursive: bool, yes: bool, as_json: bool) -> None:
    found = find_objects(connection, address, recursive=recursive)
    _delete_all(connection, address, (entry.key for entry in found), yes, as_json)


def _delete_tree(connection: Connection, address: OssAddress, yes: bool, as_json: bool) -> None:
    keys = (entry.key for entry in list_below(connection, address.bucket, address.key))
    _delete_all(connection, address, keys, yes, as_json)


def _delete_all(connection: Connection, address: OssAddress, keys: Iterator[str], yes: bool, as_json: bool) -> None:
    ahead = list(islice(keys, _COUNTED_AHEAD))
    if not ahead and address.key:
        raise NotFound("NothingThere", f"There is nothing at or below {printable(str(address))}.")
    if not yes:
        _ask(address, len(ahead))
    n_gone = 0
    for key in delete_objects(connection, address.bucket, chain(ahead, keys)):
        n_gone += 1
        if as_json:
            _tell(OssAddress(address.bucket, key), as_json)
    if not address.key:
        connection.send("DELETE", address.bucket)
        _tell(address, as_json)
    if not as_json:
        say(f"Deleted {write_count(n_gone, 'object')}.")


def _ask(address: OssAddress, n_objects: int) -> None:
    if not _can_answer():
        raise click.UsageError("Deleting a tree asks first; add --yes where nobody can answer.")
    many = f"{n_objects} or more objects" if n_objects == _COUNTED_AHEAD else write_count(n_objects, "object")
    if address.key:
        question = f"Delete {many} at and below {printable(str(address))}?"
    else:
        question = f"Delete the bucket oss://{address.bucket} with {many}?"
    if not click.confirm(question, err=True):
        raise click.ClickException("Nothing was deleted.")


def _can_answer() -> bool:
    return sys.stdin.isatty()


def _tell(address: OssAddress, as_json: bool, *, unseen: bool = False) -> None:
    """`unseen`: this access key may delete, but not list, so nobody knows whether it was there."""
    name = str(address) if address.key else f"oss://{address.bucket}"
    if as_json:
        print_json({"deleted": name} | ({"was_there": None} if unseen else {}))
    elif unseen:
        say(f"Deleted {printable(name)}, if it was there: this access key may not list the bucket.")
    else:
        say(f"Deleted {printable(name)}.")
