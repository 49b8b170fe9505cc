"""`coatcheck put`: upload files, directories or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from coatcheck.client.connection import Connection
from coatcheck.client.local_tree import is_text, walk
from coatcheck.client.moving import Job
from coatcheck.client.multipart import PART_BYTES
from coatcheck.client.objects import ObjectAddress
from coatcheck.client.profile import Options
from coatcheck.client.transfer import Progress
from coatcheck.client.upload import MULTIPART_ABOVE_BYTES, Uploaded, put_file, put_stream

from .batch_run import Batch, jobs_option, make_parts
from .completing import offer_files_or_addresses
from .cp import upload_options
from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options, refuse_wildcards
from .planning import PassedOver, as_folder, is_folder
from .terminal import print_json, printable, progress_bar, say, write_size


@click.command("put")
@click.argument("files", nargs=-1, metavar="FILE...", shell_complete=offer_files_or_addresses)
@click.argument("address", type=ADDRESS, metavar="oss://BUCKET/KEY")
@click.option("-r", "--recursive", is_flag=True, help="Directories, with all in them.")
@upload_options
@click.option("--no-overwrite", is_flag=True, help="Refuse where the key is taken.")
@jobs_option
@profile_options
@json_option
def command(
    files: tuple[str, ...],
    address: OssAddress,
    recursive: bool,
    content_type: str | None,
    headers: tuple[tuple[str, str], ...],
    no_overwrite: bool,
    workers: int,
    where: Options,
    as_json: bool,
) -> int:
    """Upload files. One file goes to KEY, or below it when KEY ends in "/" or is left out; several go below it.

    "-" is standard input, of any length, and needs a KEY. Memory stays the same whatever the size.
    """
    if not files:
        raise click.UsageError("Say what to upload, and where to: coatcheck put FILE... oss://BUCKET/KEY")
    refuse_wildcards(address, "give the key, or a folder that ends in /")
    extra = dict(headers) | ({"x-oss-forbid-overwrite": "true"} if no_overwrite else {})
    paths = [Path(name) for name in files]
    _check_arguments(paths, address, recursive)
    with Connection(find_profile(where)) as connection:
        putting = _Putting(connection, address, content_type, extra)
        if len(paths) == 1 and not paths[0].is_dir():
            with progress_bar(wanted=not as_json) as bar:
                uploaded = putting.stream(bar) if "-" in files else putting.do(_plan_one(paths[0], address), bar)
            _tell(uploaded, as_json)
            return 0
        batch = Batch("Stored", as_json, workers=workers)
        counted = batch.run(_plan_many(paths, address, batch.pass_over), putting.do, lambda _, done: _describe(done))
        return batch.exit_code if as_json else batch.finish(counted)


class _Putting(Struct, frozen=True):
    """One run; safe to use from several threads."""

    connection: Connection
    address: OssAddress
    content_type: str | None
    headers: dict[str, str]

    def do(self, job: Job, progress: Progress) -> Uploaded:
        assert isinstance(job.source, Path)
        assert isinstance(job.target, ObjectAddress)
        return put_file(
            self.connection,
            job.source,
            job.target.bucket,
            job.target.key,
            progress=progress,
            content_type=self.content_type,
            headers=self.headers,
            parts=make_parts(MULTIPART_ABOVE_BYTES, PART_BYTES),
        )

    def stream(self, progress: Progress) -> Uploaded:
        return put_stream(
            self.connection,
            sys.stdin.buffer,
            self.address.bucket,
            self.address.key,
            progress=progress,
            content_type=self.content_type,
            headers=self.headers,
        )


def _check_arguments(paths: list[Path], address: OssAddress, recursive: bool) -> None:
    if Path("-") in paths and (len(paths) > 1 or is_folder(address.key)):
        raise click.UsageError("Standard input goes alone and needs a whole key: coatcheck put - oss://BUCKET/KEY")
    for path in paths:
        if path.is_dir() and not recursive:
            raise click.UsageError(f"{path} is a directory; add -r to upload what is in it.")


def _plan_one(file: Path, address: OssAddress) -> Job:
    key = f"{address.key}{file.name}" if is_folder(address.key) else address.key
    if not is_text(key):
        raise click.UsageError(f"{printable(str(file))}: its name is not UTF-8; give the key, as oss://BUCKET/KEY")
    return Job(file, ObjectAddress(address.bucket, key), 0)


def _plan_many(paths: list[Path], address: OssAddress, passed_over: PassedOver) -> Iterator[Job]:
    """Each file with the key it gets: a directory keeps its name. Raises: OSError."""
    folder = as_folder(address.key)
    for path in paths:
        if not is_text(path.resolve().name):
            passed_over(str(path), "its name is not UTF-8")
        elif path.is_dir():
            for file in walk(path, passed_over):
                key = f"{folder}{path.resolve().name}/{file.name}"
                yield Job(file.path, ObjectAddress(address.bucket, key), file.size_bytes)
        else:
            yield Job(path, ObjectAddress(address.bucket, folder + path.name), path.stat().st_size)


def _tell(uploaded: Uploaded, as_json: bool) -> None:
    if as_json:
        print_json(_describe(uploaded))
    else:
        address = f"oss://{uploaded.bucket}/{uploaded.key}"
        say(f"Stored {printable(address)}, {write_size(uploaded.size_bytes)}.")


def _describe(uploaded: Uploaded) -> dict[str, object]:
    return {
        "address": f"oss://{uploaded.bucket}/{uploaded.key}",
        "bucket": uploaded.bucket,
        "key": uploaded.key,
        "size_bytes": uploaded.size_bytes,
        "content_type": uploaded.content_type,
        "etag": uploaded.etag,
        "crc64": str(uploaded.crc64),
    }
