"""`coatcheck domain`: own domains bound to buckets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from coatcheck.client.errors import ClientError, NotFound
from coatcheck.clock import wall_clock
from coatcheck.core.limits import DOMAINS_PER_BUCKET
from coatcheck.core.names import is_domain_name
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere, Gone, TooMany
from coatcheck.ports.domains import OwnDomain

from .directory import directory_options, on_directory, tell


@click.group("domain")
def command() -> None:
    """Own domains: names of yours under which a bucket's objects are reached, each one's whole path being the key.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on. Point
    the name at the server (a CNAME or an address), and read docs/deploy.md about certificates.
    """


@command.command("add")
@click.argument("name", metavar="files.example.com")
@click.argument("bucket")
@directory_options
def add(name: str, bucket: str, data: Path | None, as_json: bool) -> None:
    """Bind a domain to a bucket. The server's owner needs no proof that the domain is theirs."""
    domain = _read_name(name)

    async def bind(engines: LocalEngines) -> None:
        found = await find_bucket(engines, bucket)
        try:
            await engines.domains.bind_domain(domain, found.bucket_id, now=int(wall_clock()), most=DOMAINS_PER_BUCKET)
        except AlreadyThere:
            other = await engines.domains.find_domain(domain)
            raise ClientError(
                "CnameAlreadyExists",
                f"{domain} is bound to the bucket {other}.",
                hint=f"coatcheck domain remove {domain}",
            ) from None
        except TooMany:
            raise ClientError("TooManyCname", f"{bucket} has {DOMAINS_PER_BUCKET} domains already.") from None

    on_directory(data, bind)
    tell({"domain": domain, "bucket": bucket}, f"{domain} answers for the bucket {bucket}.", as_json=as_json)


@command.command("list")
@click.argument("bucket", default="")
@directory_options
def list_(bucket: str, data: Path | None, as_json: bool) -> None:
    """Domains and their buckets; of one bucket, or all."""

    async def read(engines: LocalEngines) -> Sequence[OwnDomain]:
        bucket_id = (await find_bucket(engines, bucket)).bucket_id if bucket else None
        return await engines.domains.list_domains(bucket_id)

    for domain in on_directory(data, read):
        since = datetime.fromtimestamp(domain.bound_at, UTC).isoformat().replace("+00:00", "Z")
        facts = {"domain": domain.name, "bucket": domain.bucket, "since": since}
        tell(facts, f"{domain.name}  {domain.bucket}  {since}", as_json=as_json)


@command.command("remove")
@click.argument("name", metavar="files.example.com")
@directory_options
def remove(name: str, data: Path | None, as_json: bool) -> None:
    """Take a domain away from its bucket: requests to it are refused from the next one on."""
    domain = _read_name(name)

    async def unbind(engines: LocalEngines) -> str:
        bound_to = await engines.domains.find_domain(domain)
        bucket = None if bound_to is None else await engines.catalog.find_bucket(bound_to)
        if bucket is None:
            raise NotFound("NoSuchCname", f"{domain} is bound to no bucket.")
        try:
            await engines.domains.unbind_domain(domain, bucket.bucket_id)
        except Gone:
            raise NotFound("NoSuchCname", f"{domain} is bound to no bucket.") from None
        return bucket.name

    bucket = on_directory(data, unbind)
    tell({"domain": domain, "bucket": bucket}, f"{domain} no longer answers for {bucket}.", as_json=as_json)


async def find_bucket(engines: LocalEngines, name: str) -> Bucket:
    bucket = await engines.catalog.find_bucket(name)
    if bucket is None:
        raise NotFound("NoSuchBucket", f"There is no bucket {name!r}.", hint=f"coatcheck mb oss://{name}")
    return bucket


def _read_name(text: str) -> str:
    name = text.lower().removesuffix(".")
    if not is_domain_name(name):
        raise click.UsageError(f"{text!r} is not a host name like files.example.com.")
    return name
