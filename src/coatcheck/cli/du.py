"""`coatcheck du`: how much lies below a prefix."""

from __future__ import annotations

import click

from coatcheck.client.connection import Connection
from coatcheck.client.listing import Object, list_buckets, list_objects
from coatcheck.client.matching import compile_wildcards, has_wildcards, split_wildcards
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .terminal import print_json, print_line, printable, write_count, write_size


@click.command("du")
@click.argument("addresses", nargs=-1, type=ADDRESS, metavar="[oss://BUCKET[/PREFIX]]...")
@click.option("--depth", type=click.IntRange(0), default=0, help="A line for each folder so deep below, too.")
@profile_options
@json_option
def command(addresses: tuple[OssAddress, ...], depth: int, where: Options, as_json: bool) -> None:
    """Say how many objects there are, and of how many bytes; of every bucket, if none is named. Wildcards work."""
    with Connection(find_profile(where)) as connection:
        for address in addresses or tuple(OssAddress(bucket.name) for bucket in list_buckets(connection)):
            _tell(connection, address, depth, as_json)


def _tell(connection: Connection, address: OssAddress, depth: int, as_json: bool) -> None:
    wild = has_wildcards(address.key)
    prefix = split_wildcards(address.key)[0] if wild else address.key
    matches = compile_wildcards(address.key, below=True) if wild else lambda key: True
    folder = prefix[: prefix.rfind("/") + 1]
    whole = _Sum(str(address) if address.key else f"oss://{address.bucket}")
    open_folders: list[_Sum] = []
    for entry in list_objects(connection, address.bucket, prefix):
        if not isinstance(entry, Object) or not matches(entry.key):
            continue
        whole.add(entry.size_bytes)
        names = entry.key.removeprefix(folder).split("/")[:-1][:depth]
        paths = [f"oss://{address.bucket}/{folder}{'/'.join(names[: n + 1])}/" for n in range(len(names))]
        while open_folders and open_folders[-1].path not in paths:  # keys come in order: it has ended
            open_folders.pop().tell(as_json)
        open_folders += [_Sum(path) for path in paths[len(open_folders) :]]
        for total in open_folders:
            total.add(entry.size_bytes)
    for total in (*reversed(open_folders), whole):
        total.tell(as_json)


class _Sum:
    def __init__(self, path: str) -> None:
        self.path = path
        self._n_objects = self._n_bytes = 0

    def add(self, size_bytes: int) -> None:
        self._n_objects += 1
        self._n_bytes += size_bytes

    def tell(self, as_json: bool) -> None:
        if as_json:
            print_json({"address": self.path, "objects": self._n_objects, "size_bytes": self._n_bytes})
        else:
            many = write_count(self._n_objects, "object")
            print_line(f"{write_size(self._n_bytes):>10}  {many:>16}  {printable(self.path)}")
