"""The key that `share` signs with on the server's own machine: not the root key, so that its links can be ended.

A link can't be taken back, but its key can be disabled. If that were the root key, every other link and every program
would end with it. So the first `share` makes a key of the same account and keeps it beside the root key's file.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from coatcheck.client.errors import ClientError
from coatcheck.client.profile import Profile
from coatcheck.engines.local import LocalEngines
from coatcheck.ports.keyring import AccessKey
from coatcheck.root_credentials import SHARE_KEY_FILE
from coatcheck.signing.credentials import Credentials

from .directory import new_key, on_directory

_REFUSED: Final = ("InvalidAccessKeyId", "UserDisable", "AccessKeyDisabled")


def with_share_key(profile: Profile) -> Profile:
    """The profile, with that key in place of the root key; as it is, where its key is another. Raises: ClientError."""
    if profile.root_of is None or not (profile.root_of / "catalog.sqlite").exists():
        return profile
    file = profile.root_of / SHARE_KEY_FILE
    if not file.exists():
        _make(profile.root_of, file)
    try:
        facts = json.loads(file.read_text("utf-8"))
        credentials = Credentials(str(facts["access_key_id"]), str(facts["access_key_secret"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise ClientError("InvalidCredentials", f"{file} can't be read.", hint=f"remove it: {_NEW}") from None
    return replace(profile, credentials=credentials)


_NEW: Final = "the next share makes a new one"


def explain_refusal(error: ClientError, profile: Profile) -> ClientError:
    """A key that was disabled, in words."""
    if profile.root_of is not None and error.code in _REFUSED:
        key_id = profile.credentials.access_key_id
        error.hint = (
            f"share's key {key_id} is disabled or deleted; coatcheck key enable {key_id}, or remove "
            f"{profile.root_of / SHARE_KEY_FILE}: {_NEW}"
        )
    return error


def _make(data: Path, file: Path) -> None:
    access_key_id, secret = new_key()

    async def work(engines: LocalEngines) -> None:
        await engines.keyring.add_key(AccessKey(access_key_id, secret, await engines.keyring.root_account()))

    on_directory(data, work)
    text = json.dumps({"access_key_id": access_key_id, "access_key_secret": secret}, indent=2)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(f"{text}\n")
