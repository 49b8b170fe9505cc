"""`attach` and `detach`, as `user`, `role` and `policy` have them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from coatcheck.engines.local import LocalEngines

from .directory import account_option, directory_options, find_account, name_argument, on_directory, tell

Holder = Literal["user", "role"]


def attach_command(holder: Holder) -> click.Command:
    """`coatcheck user attach NAME POLICY`."""

    @click.command("attach", help=f"Attach a policy, the account's own or a system policy, to a {holder}.")
    @name_argument("name")
    @name_argument("policy", "POLICY")
    @account_option
    @directory_options
    def attach(name: str, policy: str, account: str, data: Path | None, as_json: bool) -> None:
        change(policy, holder, name, account, data, as_json, attached=True)

    return attach


def detach_command(holder: Holder) -> click.Command:
    """`coatcheck user detach NAME POLICY`."""

    @click.command("detach", help=f"Take a policy from a {holder}.")
    @name_argument("name")
    @name_argument("policy", "POLICY")
    @account_option
    @directory_options
    def detach(name: str, policy: str, account: str, data: Path | None, as_json: bool) -> None:
        change(policy, holder, name, account, data, as_json, attached=False)

    return detach


def change(
    policy: str, holder: Holder, name: str, account: str, data: Path | None, as_json: bool, *, attached: bool
) -> None:
    """Attach or detach, and say so."""
    user, role = (name, "") if holder == "user" else ("", name)

    async def work(engines: LocalEngines) -> None:
        uid = (await find_account(engines, account)).uid
        if attached:
            await engines.identities.attach(uid, policy, user=user, role=role)
        else:
            await engines.identities.detach(uid, policy, user=user, role=role)

    on_directory(data, work)
    did = "Attached" if attached else "Detached"
    line = f"{did} {policy} {'to' if attached else 'from'} {holder} {name}."
    tell({"policy": policy, holder: name, "attached": attached}, line, as_json=as_json)
