"""`coatcheck account`: who owns buckets."""

from __future__ import annotations

from pathlib import Path

import click

from coatcheck.clock import wall_clock
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.catalog import Gone
from coatcheck.ports.identities import Account
from coatcheck.ports.keyring import AccessKey

from .directory import directory_options, find_account, name_argument, new_key, new_uid, on_directory, print_rows, tell


@click.group("account")
def command() -> None:
    """Accounts: each has a uid, its own root keys and its own buckets.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on.
    """


@command.command("create")
@name_argument("name")
@click.option("--uid", default="", metavar="DIGITS", help="16 digits, to bring along a uid; else a random one.")
@click.option("--no-key", is_flag=True, help="Make no root key.")
@directory_options
def create(name: str, uid: str, no_key: bool, data: Path | None, as_json: bool) -> None:
    """Make an account, and a root key for it, whose secret is shown this once."""
    if uid and not (len(uid) == 16 and uid.isascii() and uid.isdigit()):
        raise click.UsageError("A uid has 16 digits.")
    account = Account(uid or new_uid("1", 16), name, root=False, enabled=True, created_at=int(wall_clock()))
    access_key_id, access_key_secret = new_key()

    async def work(engines: LocalEngines) -> None:
        await engines.identities.add_account(account)
        if not no_key:
            await engines.keyring.add_key(AccessKey(access_key_id, access_key_secret, account.uid))

    on_directory(data, work)
    facts = {"uid": account.uid, "name": name}
    line = f"Made account {name}, uid {account.uid}."
    if not no_key:
        facts |= {"access_key_id": access_key_id, "access_key_secret": access_key_secret}
        line += (
            " Its root key, whose secret is shown this once:\n"
            f"OSS_ACCESS_KEY_ID={access_key_id}\nOSS_ACCESS_KEY_SECRET={access_key_secret}"
        )
    tell(facts, line, as_json=as_json)


@command.command("list")
@directory_options
def list_(data: Path | None, as_json: bool) -> None:
    """List accounts; the first owns the server."""

    async def work(engines: LocalEngines) -> list[Account]:
        return list(await engines.identities.list_accounts())

    accounts = on_directory(data, work)
    if as_json:
        for a in accounts:
            tell({"uid": a.uid, "name": a.name, "root": a.root, "enabled": a.enabled}, "", as_json=True)
        return
    print_rows((a.uid, a.name, "enabled" if a.enabled else "disabled", "root" if a.root else "") for a in accounts)


@command.command("disable")
@click.argument("account", metavar="UID|NAME")
@directory_options
def disable(account: str, data: Path | None, as_json: bool) -> None:
    """Refuse all keys of an account, and all requests for its buckets."""
    _set_enabled(account, False, data, as_json)


@command.command("enable")
@click.argument("account", metavar="UID|NAME")
@directory_options
def enable(account: str, data: Path | None, as_json: bool) -> None:
    """Undo `disable`."""
    _set_enabled(account, True, data, as_json)


@command.command("delete")
@click.argument("account", metavar="UID|NAME")
@directory_options
def delete(account: str, data: Path | None, as_json: bool) -> None:
    """Delete an account that has no buckets, with its keys, users, roles and policies."""

    async def work(engines: LocalEngines) -> str:
        uid = (await _find_other(engines, account)).uid
        await engines.identities.remove_account(uid)
        return uid

    uid = on_directory(data, work)
    tell({"deleted": uid}, f"Deleted account {account}.", as_json=as_json)


def _set_enabled(account: str, enabled: bool, data: Path | None, as_json: bool) -> None:
    async def work(engines: LocalEngines) -> str:
        uid = (await _find_other(engines, account)).uid
        await engines.identities.set_account_enabled(uid, enabled)
        return uid

    uid = on_directory(data, work)
    state = "enabled" if enabled else "disabled"
    tell({"uid": uid, "enabled": enabled}, f"Account {account} is {state}.", as_json=as_json)


async def _find_other(engines: LocalEngines, text: str) -> Account:
    """An account that isn't the server's own."""
    if not text:
        raise Gone("account without a name")
    found = await find_account(engines, text)
    if found.root:
        raise click.ClickException("The account that owns the server stays, and stays enabled.")
    return found
