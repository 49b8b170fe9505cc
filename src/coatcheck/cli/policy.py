"""`coatcheck policy`: what users and roles may do, in RAM's grammar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from coatcheck.access.policy import Kind
from coatcheck.clock import wall_clock
from coatcheck.core.system_policies import SYSTEM_POLICIES
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.catalog import Gone
from coatcheck.ports.identities import StoredPolicy

from .attaching import Holder, change
from .directory import (
    account_option,
    directory_options,
    find_account,
    name_argument,
    on_directory,
    print_rows,
    read_document,
    tell,
    translate_document,
)

_KINDS = {"policy": Kind.IDENTITY, "trust": Kind.TRUST, "bucket": Kind.BUCKET}


@click.group("policy")
def command() -> None:
    """Policies: JSON documents in RAM's grammar, Version "1". A Deny beats every Allow; what nothing allows is refused.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on.
    """


def _file_argument(function: Any) -> Any:
    return click.argument("file", metavar="FILE|-", type=click.File("r", encoding="utf-8"))(function)


@command.command("create")
@name_argument("name")
@_file_argument
@account_option
@directory_options
def create(name: str, file: Any, account: str, data: Path | None, as_json: bool) -> None:
    """Store a policy under a name; "-" reads standard input. What doesn't parse is refused, with the place."""
    _put(name, read_document(file, Kind.IDENTITY), account, data, as_json, replace=False)


@command.command("update")
@name_argument("name")
@_file_argument
@account_option
@directory_options
def update(name: str, file: Any, account: str, data: Path | None, as_json: bool) -> None:
    """Replace a policy's document, for all who have it."""
    _put(name, read_document(file, Kind.IDENTITY), account, data, as_json, replace=True)


def _put(name: str, document: str, account: str, data: Path | None, as_json: bool, *, replace: bool) -> None:
    async def work(engines: LocalEngines) -> str:
        uid = (await find_account(engines, account)).uid
        policy = StoredPolicy(uid, name, document, int(wall_clock()))
        await engines.identities.put_policy(policy, replace=replace)
        return uid

    uid = on_directory(data, work)
    line = f"{'Replaced' if replace else 'Stored'} policy {name}."
    tell({"policy": name, "account": uid}, line, as_json=as_json)


@command.command("list")
@account_option
@directory_options
def list_(account: str, data: Path | None, as_json: bool) -> None:
    """List the account's policies, and those that every server has."""
    policies = _all(account, data)
    if as_json:
        for policy in policies:
            tell({"policy": policy.name, "type": _type(policy)}, "", as_json=True)
        return
    print_rows((_type(policy), policy.name) for policy in policies)


@command.command("show")
@name_argument("name")
@account_option
@directory_options
def show(name: str, account: str, data: Path | None, as_json: bool) -> None:
    """Print a policy's document as it was given."""
    for policy in _all(account, data):
        if policy.name.lower() == name.lower():
            facts = {"policy": policy.name, "type": _type(policy), "document": policy.document}
            tell(facts, policy.document.rstrip("\n"), as_json=as_json)
            return
    on_directory(data, lambda _: _missing(name))


async def _missing(name: str) -> None:
    raise Gone(f"policy {name}")


def _all(account: str, data: Path | None) -> list[StoredPolicy]:
    async def work(engines: LocalEngines) -> list[StoredPolicy]:
        return list(await engines.identities.list_policies((await find_account(engines, account)).uid))

    return [*on_directory(data, work), *(StoredPolicy("", name, text) for name, text in SYSTEM_POLICIES.items())]


def _type(policy: StoredPolicy) -> str:
    return "Custom" if policy.account else "System"


@command.command("delete")
@name_argument("name")
@account_option
@directory_options
def delete(name: str, account: str, data: Path | None, as_json: bool) -> None:
    """Delete a policy that nobody has attached."""

    async def work(engines: LocalEngines) -> None:
        await engines.identities.remove_policy((await find_account(engines, account)).uid, name)

    on_directory(data, work)
    tell({"deleted": name}, f"Deleted policy {name}.", as_json=as_json)


@command.command("check")
@_file_argument
@click.option("--kind", type=click.Choice(list(_KINDS)), default="policy", show_default=True, help="What it is for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; errors too.")
def check(file: Any, kind: str, as_json: bool) -> None:
    """Say whether a policy parses, and where it doesn't. Nothing is stored."""
    read_document(file, _KINDS[kind])
    tell({"file": file.name, "valid": True}, f"{file.name} is a policy.", as_json=as_json)


@command.command("translate")
@_file_argument
@click.option(
    "--kind", type=click.Choice(["policy", "bucket"]), default="policy", show_default=True, help="What it is for."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON with facts about it; errors too.")
def translate(file: Any, kind: str, as_json: bool) -> None:
    """Print a policy of AWS or MinIO in RAM's grammar. What has no counterpart is refused, with the place."""
    document = json.loads(translate_document(file, _KINDS[kind]))
    text = json.dumps(document, ensure_ascii=False, indent=2)
    tell({"file": file.name, "kind": kind, "document": document}, text, as_json=as_json)


def _holder_options(function: Any) -> Any:
    function = click.option("--role", default="", metavar="NAME", help="The role.")(function)
    return click.option("--user", default="", metavar="NAME", help="The user.")(function)


@command.command("attach")
@name_argument("policy", "POLICY")
@_holder_options
@account_option
@directory_options
def attach(policy: str, user: str, role: str, account: str, data: Path | None, as_json: bool) -> None:
    """Attach a policy to a user or a role."""
    holder, name = _read_holder(user, role)
    change(policy, holder, name, account, data, as_json, attached=True)


@command.command("detach")
@name_argument("policy", "POLICY")
@_holder_options
@account_option
@directory_options
def detach(policy: str, user: str, role: str, account: str, data: Path | None, as_json: bool) -> None:
    """Take a policy from a user or a role: what only it allowed is refused from the next request on."""
    holder, name = _read_holder(user, role)
    change(policy, holder, name, account, data, as_json, attached=False)


def _read_holder(user: str, role: str) -> tuple[Holder, str]:
    if bool(user) == bool(role):
        raise click.UsageError("Name either --user or --role.")
    return ("user", user) if user else ("role", role)
