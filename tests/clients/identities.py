"""The verbs on identities, run on a live server's data directory by another process than its workers: this one."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any, Final

from click.testing import CliRunner

from coatcheck import Presigner
from coatcheck.cli import main

from ..builders import REGION
from ..server_process import ServerProcess

_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True)
class Signer:
    """A user (or an account) with a key of its own."""

    name: str
    uid: str
    access_key_id: str
    access_key_secret: str

    def presigner(self, server: ServerProcess) -> Presigner:
        return Presigner(self.access_key_id, self.access_key_secret, region=REGION, endpoint=server.endpoint)


def coatcheck(server: ServerProcess, *words: str, given: str | None = None) -> dict[str, Any]:
    """What a verb says under --json; it must succeed."""
    line = [*words, "--data", str(server.data), "--json"]
    result = CliRunner().invoke(main, line, input=given, env=dict(server.store))
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.stdout.splitlines()[0])
    return facts


def a_user(server: ServerProcess, *policies: str) -> Signer:
    """A user of the server's own account, with those policies and a key."""
    name = f"user-{next(_NUMBERS)}"
    uid = coatcheck(server, "user", "create", name)["uid"]
    for policy in policies:
        coatcheck(server, "user", "attach", name, policy)
    key = coatcheck(server, "key", "create", "--user", name)
    return Signer(name, uid, key["access_key_id"], key["access_key_secret"])


def an_account(server: ServerProcess) -> Signer:
    name = f"account-{next(_NUMBERS)}"
    made = coatcheck(server, "account", "create", name)
    return Signer(name, made["uid"], made["access_key_id"], made["access_key_secret"])


def a_policy(server: ServerProcess, document: dict[str, Any]) -> str:
    """The name of a policy with that document."""
    name = f"policy-{next(_NUMBERS)}"
    coatcheck(server, "policy", "create", name, "-", given=json.dumps(document))
    return name
