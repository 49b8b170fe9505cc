"""`coatcheck key`: access keys of accounts and of users."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from coatcheck.client.errors import ClientError
from coatcheck.core.names import is_access_key_id
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.catalog import Gone
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.root_credentials import FILE_NAME

from .directory import (
    account_option,
    data_directory,
    directory_options,
    find_account,
    find_user_uid,
    new_key,
    on_directory,
    print_rows,
    tell,
)

_SECRET_MIN_CHARS = 8


@click.group("key")
def command() -> None:
    """Access keys. A user's key may do what the user's policies allow, an account's own all the account may.

    Every command takes --data DIR and --json, works while the server runs, and counts from the next request on: to
    rotate a key, create a second one, and delete the first when its last link has ended.
    """


def _user_option(function: Any) -> Any:
    return click.option("--user", default="", metavar="NAME", help="For this user; else for the account itself.")(
        function
    )


@command.command("create")
@account_option
@_user_option
@directory_options
def create(account: str, user: str, data: Path | None, as_json: bool) -> None:
    """Make a key. Its secret is shown this once."""
    access_key_id, access_key_secret = new_key()
    facts = _add(access_key_id, access_key_secret, account, user, data)
    line = f"OSS_ACCESS_KEY_ID={access_key_id}\nOSS_ACCESS_KEY_SECRET={access_key_secret}"
    tell(facts | {"access_key_secret": access_key_secret}, line, as_json=as_json)


@command.command("import")
@click.argument("access_key_id", metavar="ID")
@click.argument("access_key_secret", metavar="[SECRET]", default="")
@account_option
@_user_option
@directory_options
def import_(
    access_key_id: str, access_key_secret: str, account: str, user: str, data: Path | None, as_json: bool
) -> None:
    """Store a key of another server, with its id and secret.

    Without SECRET it is asked for, or read from standard input: every user of a machine can read its command lines.
    """
    if not is_access_key_id(access_key_id) or access_key_id.startswith("STS."):
        raise click.UsageError("An access key id has letters, digits, '.', '_' and '=', and doesn't begin with STS.")
    secret = access_key_secret or _ask_secret()
    if len(secret) < _SECRET_MIN_CHARS or not secret.isprintable():
        raise click.UsageError(f"A secret has {_SECRET_MIN_CHARS} characters or more.")
    facts = _add(access_key_id, secret, account, user, data)
    tell(facts, f"Imported key {access_key_id}.", as_json=as_json)


def _ask_secret() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True, err=True))
    return sys.stdin.readline().strip()


def _add(access_key_id: str, secret: str, account: str, user: str, data: Path | None) -> dict[str, Any]:
    async def work(engines: LocalEngines) -> dict[str, Any]:
        uid = (await find_account(engines, account)).uid
        principal = Principal(await find_user_uid(engines, uid, user), user) if user else None
        await engines.keyring.add_key(AccessKey(access_key_id, secret, uid, principal=principal))
        return {"access_key_id": access_key_id, "account": uid, "user": user or None}

    return on_directory(data, work)


@command.command("list")
@account_option
@_user_option
@directory_options
def list_(account: str, user: str, data: Path | None, as_json: bool) -> None:
    """List keys, with the hour they were last used; first the root key that the server made at its first start."""

    async def work(engines: LocalEngines) -> list[AccessKey]:
        uid = (await find_account(engines, account)).uid if account else ""
        keys = await engines.keyring.list_keys()
        root = read_root_key_id(data_directory(data))
        if root is not None:
            keys = [AccessKey(root, "", await engines.keyring.root_account()), *keys]
        return [
            key
            for key in keys
            if uid in ("", key.account) and (not user or (key.principal is not None and key.principal.name == user))
        ]

    keys = on_directory(data, work)
    if as_json:
        for key in keys:
            click.echo(json.dumps(_facts(key), ensure_ascii=False))
        return
    print_rows(
        (
            key.access_key_id,
            key.account,
            f"user {key.principal.name}" if key.principal else "root",
            "enabled" if key.enabled else "disabled",
            _write_use(key),
        )
        for key in keys
    )


def _write_use(key: AccessKey) -> str:
    """Of the root key, which has no secret here, nobody notes it."""
    if not key.access_key_secret:
        return f"the server's own, {FILE_NAME}"
    return f"used {_write_moment(key.last_used_at)}" if key.last_used_at else "never used"


def _facts(key: AccessKey) -> dict[str, Any]:
    return {
        "access_key_id": key.access_key_id,
        "account": key.account,
        "user": key.principal.name if key.principal else None,
        "enabled": key.enabled,
        "last_used": _write_moment(key.last_used_at) if key.last_used_at else None,
    }


def _write_moment(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@command.command("disable")
@click.argument("access_key_id", metavar="ID")
@directory_options
def disable(access_key_id: str, data: Path | None, as_json: bool) -> None:
    """Refuse a key, and every link signed with it, until it is enabled again."""
    _set_enabled(access_key_id, False, data, as_json)


@command.command("enable")
@click.argument("access_key_id", metavar="ID")
@directory_options
def enable(access_key_id: str, data: Path | None, as_json: bool) -> None:
    """Undo `disable`: links signed with the key work again, if they haven't expired."""
    _set_enabled(access_key_id, True, data, as_json)


def _set_enabled(access_key_id: str, enabled: bool, data: Path | None, as_json: bool) -> None:
    async def work(engines: LocalEngines) -> AccessKey:
        key = await _find(engines, access_key_id, data_directory(data))
        await engines.keyring.set_key_enabled(access_key_id, enabled)
        return replace(key, enabled=enabled)

    key = on_directory(data, work)
    tell(_facts(key), f"Key {access_key_id} is {'enabled' if enabled else 'disabled'}.", as_json=as_json)


@command.command("delete")
@click.argument("access_key_id", metavar="ID")
@directory_options
def delete(access_key_id: str, data: Path | None, as_json: bool) -> None:
    """Delete a key: links signed with it no longer work."""

    async def work(engines: LocalEngines) -> None:
        await _find(engines, access_key_id, data_directory(data))
        await engines.keyring.remove_key(access_key_id)

    on_directory(data, work)
    tell({"deleted": access_key_id}, f"Deleted key {access_key_id}.", as_json=as_json)


async def _find(engines: LocalEngines, access_key_id: str, data: Path) -> AccessKey:
    key = await engines.keyring.find_key(access_key_id)
    if key is None and access_key_id == read_root_key_id(data):
        raise ClientError(
            "RootKey",
            f"{access_key_id} is the server's root key, from {FILE_NAME}: all else hangs on it.",
            hint="to have another, stop the server and see: coatcheck accept-key --help; links of share have a key of "
            "their own, see: coatcheck key list",
        )
    if key is None:
        raise Gone(f"key {access_key_id}")
    return key


def read_root_key_id(data: Path) -> str | None:
    """Of the key that the server made at its first start; None where there is none, as with one of the environment."""
    try:
        facts = json.loads((data / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return str(facts["access_key_id"]) if isinstance(facts, dict) and "access_key_id" in facts else None
