"""`coatcheck accept-key`: another key in the place of one that is lost."""

from __future__ import annotations

import os
from pathlib import Path

import click

from coatcheck.client.errors import ClientError

from .directory import data_directory, directory_options, failures, need_directory, store_url, tell

_LOST = {
    "secret": "access keys that it doesn't open, and all sessions",
    "encryption": "objects that were encrypted with another: they answer 500 until their key is back",
    "root": "links signed with another",
    "callback": "applications that know another: they refuse callbacks until they know this one",
    "tls": "clients that trust another: they refuse connections until they trust this one",
}


@click.command("accept-key")
@click.argument("name", type=click.Choice(list(_LOST)), metavar="secret|encryption|root|callback|tls")
@click.option("--yes", is_flag=True, help="For secret: delete the access keys that it doesn't open.")
@directory_options
def command(name: str, yes: bool, data: Path | None, as_json: bool) -> None:
    """Let a server start with another key than the one its data directory needs, which is lost.

    Takes the key that is there now, in its file or in the environment, or makes one. First look for the old one in a
    backup: what depends on it is lost with it. No server may be running.
    """
    url = store_url()
    if url and name == "root":
        from coatcheck.engines.postgres.store import forget_root_key

        with failures():
            forget_root_key(url)
            deleted = 0
    else:
        place = need_directory(data_directory(data))
        with failures():
            deleted = _accept(place, name, yes)
    facts = {"accepted": name, "access_keys_deleted": deleted}
    line = f"From now on the {name} key that is there counts. Lost: {_LOST[name]}."
    tell(facts, line, as_json=as_json)


def _accept(data: Path, name: str, yes: bool) -> int:
    """How many access keys were deleted."""
    from coatcheck.engines import accepting
    from coatcheck.engines.needed_keys import note_root_key
    from coatcheck.root_credentials import find_root_credentials

    match name:
        case "secret":
            try:
                return accepting.accept_secret_key(data, drop_access_keys=yes)
            except accepting.WouldLose as error:
                raise ClientError(
                    "WouldLoseKeys",
                    f"{error.args[0]} access keys can't be opened with this secret key, and would be deleted.",
                    hint="restore the old secret key, or say --yes",
                ) from None
        case "encryption":
            accepting.accept_master_keys(data)
        case "root":
            note_root_key(data, find_root_credentials(data, os.environ).access_key_id)
        case _:
            accepting.accept_later_key(data, name)
    return 0
