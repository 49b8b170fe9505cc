"""`coatcheck user`: who may use an account's buckets without being the account."""

from __future__ import annotations

from pathlib import Path

import click

from coatcheck.clock import wall_clock
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.identities import User

from .attaching import attach_command, detach_command
from .directory import (
    account_option,
    directory_options,
    find_account,
    name_argument,
    new_uid,
    on_directory,
    print_rows,
    tell,
)


@click.group("user")
def command() -> None:
    """Users of an account. They may do what the policies attached to them allow, and nothing else.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on.
    """


@command.command("create")
@name_argument("name")
@account_option
@directory_options
def create(name: str, account: str, data: Path | None, as_json: bool) -> None:
    """Make a user. Give it keys with `coatcheck key create --user NAME`."""

    async def work(engines: LocalEngines) -> User:
        owner = await find_account(engines, account)
        user = User(new_uid("2"), owner.uid, name, int(wall_clock()))
        await engines.identities.add_user(user)
        return user

    user = on_directory(data, work)
    facts = {"uid": user.uid, "name": name, "account": user.account}
    tell(facts, f"Made user {name}, uid {user.uid}, of account {user.account}.", as_json=as_json)


@command.command("list")
@account_option
@directory_options
def list_(account: str, data: Path | None, as_json: bool) -> None:
    """List the users of an account, with their policies."""

    async def work(engines: LocalEngines) -> list[User]:
        return list(await engines.identities.list_users((await find_account(engines, account)).uid))

    users = on_directory(data, work)
    if as_json:
        for u in users:
            facts = {"uid": u.uid, "name": u.name, "account": u.account, "policies": list(u.policies)}
            tell(facts, "", as_json=True)
        return
    print_rows((u.uid, u.name, ", ".join(u.policies) or "no policies") for u in users)


@command.command("delete")
@name_argument("name")
@account_option
@directory_options
def delete(name: str, account: str, data: Path | None, as_json: bool) -> None:
    """Delete a user with its keys: links that they signed no longer work."""

    async def work(engines: LocalEngines) -> None:
        await engines.identities.remove_user((await find_account(engines, account)).uid, name)

    on_directory(data, work)
    tell({"deleted": name}, f"Deleted user {name}, and its keys.", as_json=as_json)


command.add_command(attach_command("user"))
command.add_command(detach_command("user"))
