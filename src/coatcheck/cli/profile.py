"""`coatcheck profile`: servers and their keys, under names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError
from coatcheck.client.listing import list_buckets
from coatcheck.client.profile import LOCAL_REGION, Options, config_file, read_endpoint, read_profile, read_stored_all
from coatcheck.client.profile_file import remove_profile, write_profile

from .options import json_option
from .terminal import print_field, print_json, print_line, say, warn


@click.group("profile")
def command() -> None:
    """Servers and their access keys, under names that --profile takes; in ~/.config/coatcheck/config.toml.

    Every command takes --json.
    """


def _file() -> Path:
    return config_file(os.environ, Path.home())


@command.command("set")
@click.argument("name", default="default")
@click.option("--endpoint", metavar="URL", help="Server, e.g. https://files.example.com; asked for if not given.")
@click.option("--region", metavar="ID", help="Region id, e.g. cn-hangzhou.")
@click.option("--access-key-id", metavar="ID", help="Its secret is asked for, or read from standard input.")
@click.option("--link-endpoint", metavar="URL", help="The endpoint that `share` puts into links.")
@click.option("--path-style", is_flag=True, default=None, help="Bucket in the path, not in the host name.")
@json_option
def set_(name: str, as_json: bool, **given: Any) -> None:
    """Make a profile, or change what is given of it; asks for what is missing. The key is tried before it is kept."""
    facts = {**read_stored_all(_file()).get(name, {}), **{key: value for key, value in given.items() if value}}
    if given["access_key_id"]:
        facts.pop("access_key_secret", None)
    for field, question, usual in (
        ("endpoint", "Endpoint", "http://127.0.0.1:8000"),
        ("region", "Region", LOCAL_REGION),
        ("access_key_id", "Access key id", None),
    ):
        if field not in facts:
            facts[field] = _ask(question, usual)
    if "access_key_secret" not in facts:
        facts["access_key_secret"] = _ask_secret()
    facts["endpoint"] = read_endpoint(facts["endpoint"])
    write_profile(_file(), name, facts)
    _try(name, as_json)
    shown = {key: value for key, value in facts.items() if "secret" not in key}
    if as_json:
        print_json({"profile": name, **shown})
    else:
        say(f"Kept as [profile.{name}] in {_file()}. Use it with: --profile {name}")


def _ask(question: str, usual: str | None) -> str:
    if not sys.stdin.isatty():
        if usual is not None:
            return usual
        raise click.UsageError(f"Give it: --{question.lower().replace(' ', '-')}")
    return str(click.prompt(question, default=usual, err=True))


def _ask_secret() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Access key secret", hide_input=True, err=True))
    secret = sys.stdin.readline().strip()
    if not secret:
        raise click.UsageError("Write the secret to standard input.")
    return secret


def _try(name: str, as_json: bool) -> None:
    """Ask the server for one bucket: a mistyped key is seen at once. It is kept all the same."""
    profile = read_profile(Options(profile=name), {**os.environ, "OSS_ENDPOINT": "", "OSS_REGION": ""}, Path.home())
    try:
        with Connection(profile) as connection:
            next(list_buckets(connection), None)
    except ClientError as error:
        if not as_json and error.code != "AccessDenied":
            warn(f"the server was tried with it: {error.message}")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the profiles. Secrets are never shown."""
    for name, facts in read_stored_all(_file()).items():
        if as_json:
            print_json({"profile": name, **{key: str(value) for key, value in facts.items() if _is_shown(key)}})
        else:
            print_line(f"{name}  {facts.get('endpoint', '')}  {facts.get('access_key_id', '')}")


@command.command("show")
@click.argument("name", default="default")
@json_option
def show(name: str, as_json: bool) -> None:
    """What a profile holds; its secret is never shown."""
    facts = read_stored_all(_file()).get(name)
    if facts is None:
        raise ClientError("NoSuchProfile", f"{_file()} has no [profile.{name}].", hint="see: coatcheck profile list")
    shown = {key: str(value) for key, value in facts.items() if _is_shown(key)}
    if as_json:
        click.echo(json.dumps({"profile": name, **shown}))
        return
    for key, value in shown.items():
        print_field(key, value)


@command.command("remove")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Remove a profile, with its key."""
    if not remove_profile(_file(), name):
        raise ClientError("NoSuchProfile", f"{_file()} has no [profile.{name}].", hint="see: coatcheck profile list")
    if as_json:
        print_json({"removed": name})
    else:
        say(f"Removed [profile.{name}].")


def _is_shown(name: str) -> bool:
    return name not in ("access_key_secret", "security_token")
