"""ALIAS/BUCKET/KEY, as in `mc`: the name of a profile in the place of "oss://".

Nothing is guessed: where a file or folder has the profile's name too, the command is refused, and says how either is
written. One command works with one server, so all its addresses name the same.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from coatcheck.client.profile import Options, config_file, read_stored_all

_SERVERS: Final = "coatcheck.servers"  # in the context: the profiles that addresses named, "" where one has none


def read_alias(text: str, context: click.Context | None, *, may_be_file: bool) -> str:
    """ "home/photos/a.jpg" -> "oss://photos/a.jpg" where "home" is a profile; any other text stays as it is.

    Which profile it was is remembered in the context, for `apply_alias`.

    Raises: UsageError; NotConfigured: the profile file can't be read.
    """
    if context is None or context.resilient_parsing:
        return text
    name, slash, rest = text.partition("/")
    if text.startswith("oss://"):
        name, rest = "", text.removeprefix("oss://")
    elif not slash or name not in _profiles():
        return text
    elif may_be_file and os.path.lexists(name):
        raise click.UsageError(
            f"{name} is a profile, and there is a file or folder of this name. "
            f"Write ./{text} for what is here, or oss://{rest} with --profile {name}.",
            context,
        )
    servers = context.meta.setdefault(_SERVERS, set())
    servers.add(name)
    if len(servers) > 1:
        raise click.UsageError("One command works with one server: give all addresses the same alias.", context)
    return f"oss://{rest}"


def apply_alias(where: Options) -> Options:
    """With the profile that the command's addresses named: its endpoint goes before the environment's, as its key does.

    Raises: UsageError.
    """
    context = click.get_current_context()
    (name,) = context.meta.get(_SERVERS, ("",))
    if not name:
        return where
    if where.profile not in (None, name):
        raise click.UsageError(f"The addresses name the profile {name}, and --profile another.", context)
    stored = _profiles()[name]
    endpoint, region = where.endpoint or stored.get("endpoint"), where.region or stored.get("region")
    return Options(endpoint, region, name, where.data, where.path_style)


def _profiles() -> dict[str, dict[str, Any]]:
    return read_stored_all(config_file(os.environ, Path.home()))
