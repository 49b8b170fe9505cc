"""`coatcheck cp` and `coatcheck mv`: files and objects, in any direction."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from coatcheck.client.batch import WORKERS
from coatcheck.client.connection import Connection
from coatcheck.client.download import download_to_stream, object_source
from coatcheck.client.matching import compile_filters
from coatcheck.client.moving import Mover
from coatcheck.client.multipart import PART_BYTES
from coatcheck.client.objects import ObjectAddress
from coatcheck.client.profile import Options
from coatcheck.client.upload import MULTIPART_ABOVE_BYTES, put_stream

from .batch_run import Batch, describe_copy, make_parts, transfer_options
from .completing import offer_files_or_addresses
from .options import HEADER, PLACE, OssAddress, find_profile, json_option, profile_options
from .planning import Copying, is_folder, read_place
from .terminal import print_json, printable, progress_bar, say, write_size


def selection_options(function: Any) -> Any:
    """-r, --include, --exclude, --dry-run."""
    for option in (
        click.option("--dry-run", "trial", is_flag=True, help="Say what would be done, and do nothing."),
        click.option("--exclude", metavar="PATTERN", multiple=True, help="Leave out names like '*.tmp'."),
        click.option("--include", metavar="PATTERN", multiple=True, help="Only names like '*.jpg'; may be repeated."),
        click.option("-r", "--recursive", is_flag=True, help="Folders, with all in them."),
    ):
        function = option(function)
    return function


def upload_options(function: Any) -> Any:
    """What uploaded objects get."""
    for option in (
        click.option(
            "--header", "headers", type=HEADER, multiple=True, help="A header to store, e.g. 'x-oss-meta-author: ada'."
        ),
        click.option("--content-type", metavar="TYPE", help="Media type; else by the file's name."),
    ):
        function = option(function)
    return function


def copy_arguments(function: Any) -> Any:
    """All that `cp` takes, and so does `mv`."""
    several, offers = "SOURCE... TARGET", offer_files_or_addresses
    places = click.argument("places", nargs=-1, type=PLACE, metavar=several, shell_complete=offers)
    return places(tree_options(function))


def tree_options(function: Any) -> Any:
    """What all verbs take that copy trees."""
    for options in (json_option, profile_options, transfer_options, upload_options, selection_options):
        function = options(function)
    return function


@click.command("cp")
@copy_arguments
def command(places: tuple[str, ...], where: Options, as_json: bool, **options: Any) -> int:
    """Copy files to objects, objects to files, or objects to objects, which the server does by itself.

    A SOURCE may have wildcards; of a folder, with -r, what is in it is copied. Large ones go in parts, several at once,
    and after an interruption the same command goes on. "-" is standard input or output.
    """
    if len(places) == 2 and "-" in places:
        return _pipe(places[0], places[1], where, as_json, options)
    return move(places, where, as_json, options, removes=False)


def move(places: tuple[str, ...], where: Options, as_json: bool, options: dict[str, Any], *, removes: bool) -> int:
    """`cp`, or `mv` if `removes`; the exit code."""
    if len(places) < 2 or "-" in places:
        raise click.UsageError("Say what goes where to, as: coatcheck cp report.pdf oss://BUCKET/KEY")
    *sources, target = map(read_place, places)
    if not isinstance(target, OssAddress) and len(sources) > 1 and target.exists() and not target.is_dir():
        raise click.UsageError(f"{target} is a file; several go into a folder.")
    batch = Batch("Moved" if removes else "Copied", as_json, options["trial"], options["workers"])
    with Connection(find_profile(where)) as connection:
        wanted = compile_filters(options["include"], options["exclude"])
        into_folder = places[-1].endswith("/")
        copying = Copying(connection, options["recursive"], wanted, batch.pass_over, into_folder)
        parts = make_parts(options["above_bytes"], options["part_bytes"])
        mover = Mover(connection, parts, dict(options["headers"]), options["content_type"], removes)
        return batch.finish(batch.run(copying.plan(sources, target), mover.do, describe_copy))


def fetch_tree(source: str, directory: str, where: Options, as_json: bool, *, recursive: bool) -> int:
    """What an address stands for, into a directory; the exit code."""
    usual = {"trial": False, "workers": WORKERS, "recursive": recursive, "include": (), "exclude": ()}
    usual |= {"above_bytes": MULTIPART_ABOVE_BYTES, "part_bytes": PART_BYTES, "headers": (), "content_type": None}
    return move((source, f"{directory.rstrip('/') or '/'}/"), where, as_json, usual, removes=False)


def _pipe(source: str, target: str, where: Options, as_json: bool, options: dict[str, Any]) -> int:
    place = read_place(target if source == "-" else source)
    if source == target or not isinstance(place, OssAddress) or is_folder(place.key):
        raise click.UsageError("A pipe goes to or from one object, as: coatcheck cp - oss://BUCKET/KEY")
    copy: Callable[..., None] = _from_stdin if source == "-" else _to_stdout
    with Connection(find_profile(where)) as connection, progress_bar(wanted=not as_json) as bar:
        copy(connection, place, bar, as_json, options)
    return 0


def _from_stdin(connection: Connection, place: OssAddress, bar: Any, as_json: bool, options: dict[str, Any]) -> None:
    done = put_stream(
        connection,
        sys.stdin.buffer,
        place.bucket,
        place.key,
        progress=bar,
        content_type=options["content_type"],
        headers=dict(options["headers"]),
    )
    if as_json:
        facts = {"source": "-", "target": str(place), "size_bytes": done.size_bytes, "crc64": str(done.crc64)}
        print_json(facts)
    else:
        say(f"Stored {printable(str(place))}, {write_size(done.size_bytes)}.")


def _to_stdout(connection: Connection, place: OssAddress, bar: Any, as_json: bool, options: dict[str, Any]) -> None:
    address = ObjectAddress(place.bucket, place.key)
    done = download_to_stream(object_source(connection, address.bucket, address.key), sys.stdout.buffer, bar)
    if as_json:
        facts = {"source": str(place), "target": "-", "size_bytes": done.size_bytes, "crc64": str(done.crc64)}
        print_json(facts, err=True)  # stdout holds the object
