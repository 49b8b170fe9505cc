"""The verbs on accounts, users, roles, policies and keys, on a data directory without a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.ports.keyring import AccessKey, Role

from .conftest import call

READING = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}'


@pytest.fixture(autouse=True)
def place(work: Path) -> Path:
    prepare_local(work / "coatcheck-data").close()
    return work / "coatcheck-data"


def told(*words: str, **options: object) -> dict[str, Any]:
    """What a command says under --json."""
    result = call(*words, "--json", **options)
    assert result.exit_code == 0, result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def listed(*words: str) -> list[dict[str, Any]]:
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(*words: str, **options: object) -> tuple[int, str, str]:
    """Exit code, code and message."""
    result = call(*words, "--json", **options)
    error = json.loads(result.stderr.splitlines()[-1])
    return result.exit_code, error["error"]["code"], error["error"]["message"]


def find_key(place: Path, access_key_id: str) -> AccessKey | None:
    with open_local(place) as engines:
        return asyncio.run(engines.keyring.find_key(access_key_id))


def find_role(place: Path, account: str, name: str) -> Role | None:
    with open_local(place) as engines:
        return asyncio.run(engines.keyring.find_role(account, name))


def test_an_account_comes_with_a_root_key(place: Path) -> None:
    made = told("account", "create", "acme")
    assert len(made["uid"]) == 16
    assert made["uid"].isdigit()
    key = find_key(place, made["access_key_id"])
    assert key == AccessKey(made["access_key_id"], made["access_key_secret"], made["uid"])
    assert [(a["name"], a["root"]) for a in listed("account", "list")] == [("root", True), ("acme", False)]


def test_an_account_can_bring_its_uid_and_go_again() -> None:
    assert told("account", "create", "acme", "--uid", "1234567890123456", "--no-key") == {
        "uid": "1234567890123456",
        "name": "acme",
    }
    assert refused("account", "create", "acme") == (1, "AlreadyThere", "There is one already: account acme.")
    assert told("account", "disable", "acme") == {"uid": "1234567890123456", "enabled": False}
    assert told("account", "enable", "1234567890123456") == {"uid": "1234567890123456", "enabled": True}
    assert told("account", "delete", "acme") == {"deleted": "1234567890123456"}
    assert refused("account", "delete", "acme")[:2] == (3, "NotThere")


def test_the_account_of_the_server_stays() -> None:
    assert refused("account", "disable", "root")[0] == 1
    assert refused("account", "delete", "root")[2] == "The account that owns the server stays, and stays enabled."


def test_a_users_key_has_the_users_policies(place: Path) -> None:
    user = told("user", "create", "alice")
    key = told("key", "create", "--user", "alice")
    assert told("policy", "create", "reading", "-", input=READING)["policy"] == "reading"
    assert told("policy", "attach", "reading", "--user", "alice")["attached"]
    assert told("user", "attach", "alice", "aliyunossreadonlyaccess")["attached"]
    found = find_key(place, key["access_key_id"])
    assert found is not None
    assert found.principal is not None
    assert (found.principal.uid, found.principal.name) == (user["uid"], "alice")
    assert found.principal.policies[1] == READING
    assert "oss:List*" in found.principal.policies[0]
    assert listed("user", "list")[0]["policies"] == ["AliyunOSSReadOnlyAccess", "reading"]
    told("policy", "detach", "reading", "--user", "Alice")
    told("user", "detach", "alice", "AliyunOSSReadOnlyAccess")
    found = find_key(place, key["access_key_id"])
    assert found is not None
    assert found.principal is not None
    assert found.principal.policies == ()


def test_a_deleted_user_takes_its_keys_along(place: Path) -> None:
    told("user", "create", "alice")
    key = told("key", "create", "--user", "alice")
    told("user", "delete", "alice")
    assert find_key(place, key["access_key_id"]) is None
    assert refused("user", "delete", "alice") == (3, "NotThere", "There is no such thing: user alice.")


def test_names_are_the_accounts_own() -> None:
    told("account", "create", "acme")
    told("user", "create", "alice")
    told("user", "create", "alice", "--account", "acme")
    assert refused("user", "create", "ALICE", "--account", "acme")[1] == "AlreadyThere"
    assert len(listed("user", "list")) == len(listed("user", "list", "--account", "acme")) == 1
    assert refused("user", "create", "bob", "--account", "nobody")[:2] == (3, "NotThere")
    assert refused("user", "create", "a b")[:2] == (2, "Usage")


def test_keys_are_imported_switched_and_deleted(place: Path) -> None:
    facts = told("key", "import", "LTAI5tBroughtAlong", input="a-secret-of-its-own\n")
    assert facts["access_key_id"] == "LTAI5tBroughtAlong"
    key = find_key(place, "LTAI5tBroughtAlong")
    assert key is not None
    assert (key.access_key_secret, key.principal) == ("a-secret-of-its-own", None)
    assert refused("key", "import", "LTAI5tBroughtAlong", "another-secret")[1] == "AlreadyThere"
    assert told("key", "disable", "LTAI5tBroughtAlong")["enabled"] is False
    key = find_key(place, "LTAI5tBroughtAlong")
    assert key is not None
    assert not key.enabled
    assert told("key", "enable", "LTAI5tBroughtAlong")["enabled"] is True
    assert [key["last_used"] for key in listed("key", "list")] == [None]
    told("key", "delete", "LTAI5tBroughtAlong")
    assert refused("key", "disable", "LTAI5tBroughtAlong")[:2] == (3, "NotThere")
    assert refused("key", "delete", "LTAI5tBroughtAlong")[:2] == (3, "NotThere")


@pytest.mark.parametrize(
    ("access_key_id", "secret"), [("a/b", "long-enough"), ("STS.mine", "long-enough"), ("id", "short")]
)
def test_a_key_that_could_not_sign_is_not_imported(access_key_id: str, secret: str) -> None:
    assert refused("key", "import", access_key_id, secret)[:2] == (2, "Usage")


def test_a_policy_that_does_not_parse_is_refused_with_the_place() -> None:
    broken = READING.replace("Allow", "Alow")
    code, name, message = refused("policy", "create", "reading", "-", input=broken)
    assert (code, name) == (1, "InvalidPolicy")
    assert message.endswith("Statement[0].Effect: must be Allow or Deny.")
    assert listed("policy", "list")[0]["type"] == "System"
    assert refused("policy", "check", "-", input="{")[2].endswith(
        "line 1, column 2: not JSON: Expecting property name enclosed in double quotes."
    )
    assert told("policy", "check", "-", input=READING)["valid"]


def test_a_policy_of_minio_is_translated_and_can_be_stored() -> None:
    theirs = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "%s"}]}'
    text = theirs % "arn:aws:s3:::photos/*"
    statement = {"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": ["acs:oss:*:*:photos/*"]}
    facts = told("policy", "translate", "-", input=text)
    assert (facts["kind"], facts["document"]) == ("policy", {"Version": "1", "Statement": [statement]})
    ours = call("policy", "translate", "-", input=text)
    assert told("policy", "create", "reading", "-", input=ours.stdout)["policy"] == "reading"
    code, name, message = refused("policy", "translate", "-", input=theirs % "photos/${jwt:sub}")
    assert (code, name) == (1, "InvalidPolicy")
    assert "Statement[0].Resource" in message
    assert "Principal is missing" in refused("policy", "translate", "-", "--kind", "bucket", input=text)[2]


def test_a_policy_in_use_stays_and_system_policies_always_do() -> None:
    told("policy", "create", "reading", "-", input=READING)
    assert refused("policy", "create", "Reading", "-", input=READING)[1] == "AlreadyThere"
    assert refused("policy", "create", "AliyunOSSFullAccess", "-", input=READING)[1] == "AlreadyThere"
    told("user", "create", "alice")
    told("user", "attach", "alice", "reading")
    told("user", "attach", "alice", "reading")
    assert refused("policy", "delete", "reading")[1] == "NotEmpty"
    told("user", "detach", "alice", "reading")
    assert refused("user", "detach", "alice", "reading")[1] == "NotThere"
    told("policy", "delete", "reading")
    assert refused("policy", "update", "reading", "-", input=READING)[1] == "NotThere"
    assert refused("user", "attach", "alice", "reading")[1] == "NotThere"
    assert refused("policy", "delete", "AliyunOSSFullAccess")[1] == "NotThere"
    assert "oss:*" in told("policy", "show", "AliyunOSSFullAccess")["document"]
    assert refused("policy", "show", "nothing")[1] == "NotThere"


def test_a_role_trusts_its_own_account_unless_told_otherwise(place: Path) -> None:
    made = told("role", "create", "reader")
    account = made["account"]
    assert made["arn"] == f"acs:ram::{account}:role/reader"
    role = find_role(place, account, "Reader")
    assert role is not None
    assert json.loads(role.trust)["Statement"][0]["Principal"] == {"RAM": [f"acs:ram::{account}:root"]}
    told("role", "attach", "reader", "AliyunOSSReadOnlyAccess")
    told("role", "update", "reader", "--trust-account", "1234567890123456", "--max-session", "900")
    changed = find_role(place, account, "reader")
    assert changed is not None
    assert (changed.uid, changed.session_max_s, len(changed.policies)) == (role.uid, 900, 1)
    assert "1234567890123456" in changed.trust
    assert listed("role", "list")[0]["policies"] == ["AliyunOSSReadOnlyAccess"]
    told("role", "delete", "reader")
    assert find_role(place, account, "reader") is None
    assert refused("role", "delete", "reader")[1] == "NotThere"


def test_a_person_reads_columns() -> None:
    call("user", "create", "alice")
    lines = call("user", "list").stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].split()[1:] == ["alice", "no", "policies"]
    assert call("policy", "attach", "x").exit_code == 2
