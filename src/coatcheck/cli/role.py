"""`coatcheck role`: what users and accounts may become for a while, with temporary keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from coatcheck.access.policy import Kind
from coatcheck.core.limits import SESSION_MAX_S, SESSION_MIN_S
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.keyring import Role

from .attaching import attach_command, detach_command
from .directory import (
    account_option,
    directory_options,
    find_account,
    name_argument,
    new_uid,
    on_directory,
    print_rows,
    read_document,
    tell,
)


@click.group("role")
def command() -> None:
    """Roles: AssumeRole gives whom a role trusts a temporary key that may do what the role's policies allow.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on.
    """


def _role_options(function: Any) -> Any:
    function = click.option(
        "--max-session",
        "session_max_s",
        type=click.IntRange(SESSION_MIN_S, SESSION_MAX_S),
        default=SESSION_MAX_S,
        show_default=True,
        metavar="SECONDS",
        help="The longest that a session may last.",
    )(function)
    function = click.option(
        "--trust-account", "trusted", multiple=True, metavar="UID", help="Trust this account; may be repeated."
    )(function)
    return click.option(
        "--trust",
        "file",
        type=click.File("r", encoding="utf-8"),
        metavar="FILE|-",
        help="Trust policy, JSON; else the role trusts its own account.",
    )(function)


@command.command("create")
@name_argument("name")
@_role_options
@account_option
@directory_options
def create(
    name: str,
    file: Any,
    trusted: tuple[str, ...],
    session_max_s: int,
    account: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Make a role, and print its ARN. Give it rights with `coatcheck role attach NAME POLICY`."""
    _put(name, file, trusted, session_max_s, account, data, as_json, replace=False)


@command.command("update")
@name_argument("name")
@_role_options
@account_option
@directory_options
def update(
    name: str,
    file: Any,
    trusted: tuple[str, ...],
    session_max_s: int,
    account: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Replace whom a role trusts and how long its sessions may last. Sessions that run go on."""
    _put(name, file, trusted, session_max_s, account, data, as_json, replace=True)


def _put(
    name: str,
    file: Any,
    trusted: tuple[str, ...],
    session_max_s: int,
    account: str,
    data: Path | None,
    as_json: bool,
    *,
    replace: bool,
) -> None:
    if file is not None and trusted:
        raise click.UsageError("Give either --trust or --trust-account.")
    if not all(uid.isascii() and uid.isdigit() for uid in trusted):
        raise click.UsageError("--trust-account takes a uid.")
    given = None if file is None else read_document(file, Kind.TRUST)

    async def work(engines: LocalEngines) -> Role:
        uid = (await find_account(engines, account)).uid
        role = Role(new_uid("3"), uid, name, given or _trust(trusted or (uid,)), (), session_max_s)
        await engines.identities.put_role(role, replace=replace)
        return role

    role = on_directory(data, work)
    facts = {"arn": role.arn, "name": name, "account": role.account, "max_session_s": session_max_s}
    tell(facts, role.arn, as_json=as_json)


def _trust(accounts: tuple[str, ...]) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{uid}:root" for uid in accounts]},
    }
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)


@command.command("list")
@account_option
@directory_options
def list_(account: str, data: Path | None, as_json: bool) -> None:
    """List the roles of an account, with their policies."""
    for role, policies in _all(account, data):
        facts = {
            "arn": role.arn,
            "name": role.name,
            "account": role.account,
            "max_session_s": role.session_max_s,
            "policies": list(policies),
            "trust": role.trust,
        }
        if as_json:
            tell(facts, "", as_json=True)
        else:
            print_rows([(role.arn, ", ".join(policies) or "no policies")])


def _all(account: str, data: Path | None) -> list[tuple[Role, tuple[str, ...]]]:
    async def work(engines: LocalEngines) -> list[tuple[Role, tuple[str, ...]]]:
        return list(await engines.identities.list_roles((await find_account(engines, account)).uid))

    return on_directory(data, work)


@command.command("delete")
@name_argument("name")
@account_option
@directory_options
def delete(name: str, account: str, data: Path | None, as_json: bool) -> None:
    """Delete a role: its sessions end, and links signed in them no longer work."""

    async def work(engines: LocalEngines) -> None:
        await engines.identities.remove_role((await find_account(engines, account)).uid, name)

    on_directory(data, work)
    tell({"deleted": name}, f"Deleted role {name}.", as_json=as_json)


command.add_command(attach_command("role"))
command.add_command(detach_command("role"))
