"""`coatcheck stat`: what the server knows of an object or a bucket."""

from __future__ import annotations

import click

from coatcheck.client.connection import Connection
from coatcheck.client.listing import read_page
from coatcheck.client.objects import ObjectAddress, ObjectFacts, head_object
from coatcheck.client.profile import Options

from .options import ADDRESS, OssAddress, find_profile, json_option, profile_options
from .planning import find_objects
from .terminal import print_field, print_json, printable, write_local, write_size

# Of a HeadObject's headers: what isn't of the object, or is shown under a name of its own.
_NOT_SHOWN = {
    *("date", "server", "connection", "accept-ranges", "x-content-type-options", "x-oss-request-id"),
    "x-oss-server-time",
}
_NAMED = {"content-length", "content-type", "etag", "last-modified", "x-oss-hash-crc64ecma"}
_OF_BUCKETS = {"Owner", "AccessControlList", "ServerSideEncryptionRule", "BucketPolicy"}


@click.command("stat")
@click.argument("addresses", nargs=-1, required=True, type=ADDRESS, metavar="oss://BUCKET[/KEY]...")
@click.option("--version-id", metavar="ID", default="", help="One version of the object.")
@profile_options
@json_option
def command(addresses: tuple[OssAddress, ...], version_id: str, where: Options, as_json: bool) -> None:
    """Say what the server knows of objects, or of a bucket. Wildcards work."""
    with Connection(find_profile(where)) as connection:
        for address in addresses:
            if not address.key:
                _tell_bucket(connection, address.bucket, as_json)
                continue
            keys = [address.key]
            if not version_id:
                keys = [found.key for found in find_objects(connection, address, recursive=False)]
            for key in keys:
                one = ObjectAddress(address.bucket, key, version_id)
                _tell(one, head_object(connection, one), as_json)


def _tell(address: ObjectAddress, facts: ObjectFacts, as_json: bool) -> None:
    rest = {name: value for name, value in facts.headers.items() if name not in _NOT_SHOWN | _NAMED}
    if as_json:
        moment = facts.last_modified.isoformat() if facts.last_modified else None
        print_json(
            {
                "bucket": address.bucket,
                "key": address.key,
                "size_bytes": facts.size_bytes,
                "last_modified": moment,
                "content_type": facts.content_type,
                "etag": facts.etag,
                "crc64": None if facts.crc64 is None else str(facts.crc64),
                "headers": rest,
            }
        )
        return
    print_field("object", printable(str(address)))
    print_field("size", f"{write_size(facts.size_bytes)} ({facts.size_bytes:,} bytes)")
    if facts.last_modified:
        print_field("changed", write_local(facts.last_modified))
    print_field("type", printable(facts.content_type))
    print_field("ETag", printable(facts.etag))
    if facts.crc64 is not None:
        print_field("CRC-64", str(facts.crc64))
    for name, value in sorted(rest.items()):
        print_field(name.removeprefix("x-oss-"), printable(value))


def _tell_bucket(connection: Connection, bucket: str, as_json: bool) -> None:
    """GetBucketInfo."""
    page = read_page(connection.send("GET", bucket, query=[("bucketInfo", "")])[1])
    facts: dict[str, str] = {}
    for entry in page.iterfind("Bucket/*"):
        if entry.tag not in _OF_BUCKETS:
            facts[entry.tag] = entry.text or ""
    facts["Owner"] = page.findtext("Bucket/Owner/ID") or ""
    facts["ACL"] = page.findtext("Bucket/AccessControlList/Grant") or ""
    if as_json:
        print_json({"bucket": bucket, **facts})
        return
    print_field("bucket", f"oss://{bucket}")
    for name, value in facts.items():
        if value and name != "Name":
            print_field(name, printable(value))
