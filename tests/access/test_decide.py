"""Every action by every kind of caller by every bucket ACL by every object ACL, against docs/permissions.md."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from coatcheck.access.acl import BUCKET_ACLS, OBJECT_ACLS
from coatcheck.access.actions import Action
from coatcheck.access.decide import AccessFacts, Grant, decide
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.operations.table import ROWS

OWNER_UID = "1000000000000001"
CALLERS = {
    "owner": Caller(OWNER_UID, "OwnerKey"),
    "owner's link": Caller(OWNER_UID, "OwnerKey", by_link=True),
    "stranger": Caller("2000000000000002", "StrangerKey"),
    "stranger's link": Caller("2000000000000002", "StrangerKey", by_link=True),
    "anybody": ANONYMOUS,
}

DOCUMENT = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the rows of the table under a heading of the document."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


NEEDS = {row[0]: row[1] for row in table("Actions")}
GIVEN = {(row[0], row[1]): {"read": row[2], "write": row[3]} for row in table("What ACLs give")}
BUCKET, OBJECT, ANYBODY, STRANGER = ((row[1], row[2]) for row in table("How a no is told"))


def documented(action: Action, caller: Caller, bucket_acl: str, object_acl: str) -> tuple[str, str] | None:
    """The message and EC of the refusal that the document promises; None where it promises a yes."""
    need = NEEDS[action.action_name]
    if caller.account == OWNER_UID or (need == "key" and not caller.anonymous):
        return None
    if need in ("key", "owner"):
        return ANYBODY if caller.anonymous else STRANGER
    return {"yes": None, "no: bucket": BUCKET, "no: object": OBJECT}[GIVEN[bucket_acl, object_acl][need]]


def decided(action: Action, caller: Caller, facts: AccessFacts) -> tuple[str, str] | None:
    try:
        grant = decide(caller, action, facts)
    except OssError as refusal:
        return (refusal.message, refusal.ec) if (refusal.code, refusal.status) == ("AccessDenied", 403) else ("", "")
    return None if grant == Grant(action) else ("", "")


def facts_of(action: Action, bucket_acl: str, object_acl: str) -> AccessFacts:
    if action in (Action.LIST_BUCKETS, Action.PUT_BUCKET):
        return AccessFacts()
    return AccessFacts(OWNER_UID, bucket_acl, object_acl if action.on_object else "default")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("action", list(Action), ids=lambda action: str(action.name))
def test_what_is_decided_is_what_is_documented(action: Action, caller: str) -> None:
    for bucket_acl, object_acl in product(BUCKET_ACLS, OBJECT_ACLS):
        facts = facts_of(action, bucket_acl, object_acl)
        expected = documented(action, CALLERS[caller], bucket_acl, facts.object_acl)
        assert decided(action, CALLERS[caller], facts) == expected, (bucket_acl, object_acl)


def test_the_document_knows_every_action_and_every_combination_of_acls() -> None:
    assert set(NEEDS) == {action.action_name for action in Action}
    assert set(GIVEN) == set(product(BUCKET_ACLS, OBJECT_ACLS))


def test_the_document_names_the_operations_of_every_action() -> None:
    documented = {
        (name.strip(), action) for action, _, operations in table("Actions") for name in operations.split(",")
    }
    built = {(row.name.title().replace("_", ""), row.action.action_name) for row in ROWS}
    assert documented == built


def test_a_private_bucket_is_closed_to_all_but_its_owner() -> None:
    """The heart of it, once more without the document."""
    for action in Action:
        if action in (Action.LIST_BUCKETS, Action.PUT_BUCKET):
            continue
        facts = AccessFacts(OWNER_UID, "private", "default")
        assert decided(action, CALLERS["owner"], facts) is None
        assert decided(action, CALLERS["stranger"], facts) is not None
        assert decided(action, CALLERS["anybody"], facts) is not None


def test_no_acl_gives_anybody_a_configuration() -> None:
    for action in Action:
        if action.action_name.endswith(("Acl", "Info", "Location", "oss:DeleteBucket")):
            facts = AccessFacts(OWNER_UID, "public-read-write", "public-read-write")
            assert decided(action, CALLERS["stranger"], facts) is not None
            assert decided(action, CALLERS["anybody"], facts) is not None


def test_an_acl_that_nobody_knows_gives_nothing() -> None:
    assert decided(Action.GET_OBJECT, ANONYMOUS, AccessFacts(OWNER_UID, "public", "default")) is not None
    assert decided(Action.GET_OBJECT, ANONYMOUS, AccessFacts(OWNER_UID, "public-read", "")) is not None
