"""`coatcheck quota`: how much an account or a bucket may hold, and what it holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from coatcheck.engines.local import LocalEngines
from coatcheck.ports.quota import QUOTA, UNLIMITED, Quota, Usage, read_bucket_quota, write_quota

from .directory import directory_options, find_account, on_directory, tell
from .domain import find_bucket

_UNITS: Final = {"": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4}
_MOST: Final = 2**62


class _Held(Struct, frozen=True):
    """Of an account or a bucket: what it may hold, and does."""

    what: str
    name: str
    quota: Quota
    usage: Usage


def _amount(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A number, of bytes with or without a unit; "none" for any number, as -1."""
    if value is None or value == "none":
        return None if value is None else -1
    units = _UNITS if parameter.name == "size" else {"": 1}
    found = re.fullmatch("([0-9]{1,19}) *([a-z]*)", value.strip().lower(), re.ASCII)
    if found is None or found[2] not in units or int(found[1]) * units[found[2]] > _MOST:
        raise click.BadParameter(f"{value!r} is no amount; 500, 10GiB and none are", context, parameter)
    return int(found[1]) * units[found[2]]


@click.group("quota")
def command() -> None:
    """How much an account, or a bucket, may hold: bytes of all versions and parts, and objects.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on.
    """


@command.command("set")
@click.option("--bucket", default="", metavar="NAME", help="Of this bucket.")
@click.option("--account", default="", metavar="UID|NAME", help="Of all buckets of this account together.")
@click.option("--bytes", "size", callback=_amount, metavar="AMOUNT", help="500, 20MiB, 10GiB ...; none for any.")
@click.option("--objects", callback=_amount, metavar="N", help="Versions but for delete markers; none for any.")
@directory_options
def set_(bucket: str, account: str, size: int | None, objects: int | None, data: Path | None, as_json: bool) -> None:
    """Set what may be held; what isn't given stays as it is. More that is there already stays, and can be deleted."""
    if bool(bucket) == bool(account) or (size is None and objects is None):
        raise click.UsageError("Say --bucket or --account, and --bytes, --objects or both.")

    async def work(engines: LocalEngines) -> _Held:
        if bucket:
            found = await find_bucket(engines, bucket)
            old = read_bucket_quota(found.configuration(QUOTA))
            new = _changed(old, size, objects)
            document = None if new == UNLIMITED else write_quota(new)
            await engines.catalog.set_configuration(found.bucket_id, QUOTA, document)
        else:
            uid = (await find_account(engines, account)).uid
            old, _ = await engines.catalog.find_account_usage(uid)
            await engines.catalog.set_account_quota(uid, _changed(old, size, objects))
        return await _find(engines, bucket, account)

    _print(on_directory(data, work), as_json=as_json)


@command.command("show")
@click.option("--bucket", default="", metavar="NAME", help="Of this bucket.")
@click.option("--account", default="", metavar="UID|NAME", help="Of this account; else the one that owns the server.")
@directory_options
def show(bucket: str, account: str, data: Path | None, as_json: bool) -> None:
    """Say what may be held, and what is."""

    async def work(engines: LocalEngines) -> _Held:
        return await _find(engines, bucket, account)

    _print(on_directory(data, work), as_json=as_json)


def _changed(old: Quota, size: int | None, objects: int | None) -> Quota:
    def choose(given: int | None, kept: int | None) -> int | None:
        return kept if given is None else None if given < 0 else given

    return Quota(choose(size, old.size), choose(objects, old.objects))


async def _find(engines: LocalEngines, bucket: str, account: str) -> _Held:
    """Raises: Gone."""
    if bucket:
        found = await find_bucket(engines, bucket)
        quota = read_bucket_quota(found.configuration(QUOTA))
        return _Held("bucket", bucket, quota, await engines.catalog.find_usage(found.bucket_id))
    owner = await find_account(engines, account)
    return _Held("account", owner.uid, *await engines.catalog.find_account_usage(owner.uid))


def _print(held: _Held, *, as_json: bool) -> None:
    quota, usage = held.quota, held.usage
    facts = {
        held.what: held.name,
        "quota_bytes": quota.size,
        "quota_objects": quota.objects,
        "bytes": usage.size,
        "objects": usage.objects,
    }
    line = (
        f"{held.what} {held.name}: {usage.size} of {_write(quota.size)} bytes,"
        f" {usage.objects} of {_write(quota.objects)} objects"
    )
    tell(facts, line, as_json=as_json)


def _write(most: int | None) -> str:
    return "any number of" if most is None else str(most)
