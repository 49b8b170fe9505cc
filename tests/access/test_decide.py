"""Every action by every kind of caller by every ACL by every kind of policy, against docs/permissions.md."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from msgspec import structs

from coatcheck.access.acl import BUCKET_ACLS, OBJECT_ACLS
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide, owns
from coatcheck.access.facts import AccessFacts
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import Caller
from coatcheck.oss.table import ROWS
from coatcheck.ports.bucket import PUBLIC_ACCESS_BLOCK, write_public_access_block

from ..each import each
from .world import (
    ABROAD,
    ALICE,
    ANYBODY,
    BOB,
    HOME,
    OWNER,
    STRANGER,
    a_bucket,
    a_bucket_policy,
    a_policy,
    a_session,
    a_user,
    an_object,
    facts,
    policies,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the rows of the first table under a heading of the document."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = section.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows[2:]


ORDER = table("In which order")
NEEDS = {row[0]: row[1] for row in table("Actions")}
GIVEN = {(row[0], row[1]): {"read": row[2], "write": row[3]} for row in table("What ACLs give")}
NO = {row[0]: (row[1], row[2].strip("-")) for row in table("What a refusal says")}

OWN_POLICIES = {
    "none": (),
    "allow": (a_policy(),),
    "deny": (a_policy(), a_policy("Deny")),
}
BUCKET_POLICIES = {
    "none": None,
    "denies": a_bucket_policy("Deny"),
    "allows the caller": a_bucket_policy(principal=[ALICE, BOB, "arn:sts::*:assumed-role/reader/*"]),
    "allows the account": a_bucket_policy(principal=[HOME, ABROAD]),
    "allows everybody": a_bucket_policy(),
}
WITHOUT_BUCKET = {
    Action.DESCRIBE_REGIONS,
    Action.LIST_BUCKETS,
    Action.PUT_BUCKET,
    Action.GET_PUBLIC_ACCESS_BLOCK,
    Action.PUT_PUBLIC_ACCESS_BLOCK,
    Action.DELETE_PUBLIC_ACCESS_BLOCK,
}
ABOUT_POLICY = {action for action in Action if "BucketPolicy" in action.action_name}


def callers(own: str) -> dict[str, list[Caller]]:
    """Of each kind; those without policies only where none are asked for."""
    texts = OWN_POLICIES[own]
    kinds = {
        "owner's user": [a_user(HOME, *texts), a_session(HOME, *texts)],
        "stranger's user": [a_user(ABROAD, *texts), a_session(ABROAD, *texts)],
    }
    roots = {"owner": [OWNER, structs.replace(OWNER, by_link=True)], "stranger": [STRANGER], "anybody": [ANYBODY]}
    return kinds if own != "none" else kinds | roots


def documented(kind: str, own: str, bucket_policy: str, acl: str) -> str:
    """The answer of the first row that fits."""
    for row in ORDER:
        wanted = zip(row, (kind, own, bucket_policy, acl), strict=False)
        if all(cell in ("any", is_) for cell, is_ in wanted):
            return row[4]
    raise AssertionError("the last row fits everything")


def decided(action: Action, caller: Caller, about: AccessFacts) -> tuple[str, str] | None:
    try:
        grant = decide(caller, action, about)
    except OssError as refusal:
        return (refusal.message, refusal.ec) if (refusal.code, refusal.status) == ("AccessDenied", 403) else ("", "")
    return None if grant.action is action else ("", "")


def told(action: Action, caller: Caller, bucket_acl: str, object_acl: str) -> tuple[str, str]:
    """How the document says that nothing allows it."""
    need = NEEDS[action.action_name]
    if need == "-":
        if caller.anonymous:
            return NO["anybody, where no ACL could give it"]
        return NO["listing buckets" if action is Action.LIST_BUCKETS else "anybody else, where no ACL could give it"]
    return NO[GIVEN[bucket_acl, object_acl][need].removeprefix("no: ")]


@each([a for a in Action if a not in WITHOUT_BUCKET], BUCKET_POLICIES, OWN_POLICIES, name="{0.name}, {1}, {2}".format)
def test_what_is_decided_is_what_is_documented(action: Action, bucket_policy: str, own: str) -> None:
    for (kind, people), bucket_acl, object_acl in product(callers(own).items(), BUCKET_ACLS, OBJECT_ACLS):
        counted = object_acl if action.on_object else "default"
        about = facts(a_bucket(bucket_acl, BUCKET_POLICIES[bucket_policy]), "a.txt" if action.on_object else None)
        about = structs.replace(about, found=an_object(object_acl) if action.on_object else None)
        gives = GIVEN[bucket_acl, counted].get(NEEDS[action.action_name], "no") == "yes"
        for caller in people:
            meant = "none" if bucket_policy == "allows the caller" and caller.principal is None else bucket_policy
            answer = documented(kind, own, meant, "gives it" if gives else "doesn't")
            if (kind == "owner" and action in ABOUT_POLICY) or (action is Action.DELETE_OBJECTS and answer != "yes"):
                continue  # the two exceptions that the document tells below its table; tested below
            if kind == "anybody" and NEEDS[action.action_name] == "-":
                answer = "no: nothing allows it"
            expected = None if answer == "yes" else NO["policy"]
            if answer == "no: nothing allows it":
                expected = told(action, caller, bucket_acl, counted)
            assert decided(action, caller, about) == expected, (kind, bucket_acl, object_acl)


@each(WITHOUT_BUCKET, name=lambda action: str(action.name))
def test_without_a_bucket_a_root_key_may_and_a_user_what_its_policies_allow(action: Action) -> None:
    about = AccessFacts(new_bucket="fresh" if action is Action.PUT_BUCKET else "", region="cn-hangzhou")
    for caller in (OWNER, STRANGER, a_user(HOME, a_policy()), a_session(ABROAD, a_policy())):
        assert decided(action, caller, about) is None
    for caller in (a_user(), a_session(), a_user(HOME, a_policy(action="oss:GetObject"))):
        assert decided(action, caller, about) == told(action, caller, "private", "default")
    assert decided(action, a_user(HOME, *OWN_POLICIES["deny"]), about) == NO["policy"]
    assert decided(action, ANYBODY, about) == NO["anybody, where no ACL could give it"]


def test_the_document_knows_every_action_and_every_combination_of_acls() -> None:
    assert set(NEEDS) == {action.action_name for action in Action}
    assert set(GIVEN) == set(product(BUCKET_ACLS, OBJECT_ACLS))
    for action in Action:
        assert NEEDS[action.action_name] == action.acl_right.value.replace("nothing", "-")


def test_the_document_names_the_operations_of_every_action() -> None:
    documented = {
        (name.strip(), action) for action, _, operations in table("Actions") for name in operations.split(",")
    }
    built = {(row.name.title().replace("_", ""), row.action.action_name) for row in ROWS}
    by_header = {("x-oss-bypass-governance-retention: true", "oss:BypassGovernanceRetention")}
    assert documented == built | by_header


def test_a_private_bucket_is_closed_to_all_but_its_owner() -> None:
    """The heart of it, once more without the document."""
    for action in set(Action) - WITHOUT_BUCKET:
        about = facts(a_bucket())
        assert decided(action, OWNER, about) is None
        for caller in (STRANGER, ANYBODY, a_user(HOME), a_user(ABROAD, a_policy()), a_session(HOME)):
            assert decided(action, caller, about) is not None


def test_no_acl_gives_anybody_a_configuration() -> None:
    about = facts(a_bucket("public-read-write"), acl="public-read-write")
    for action in Action:
        if "Bucket" in action.action_name or action.action_name.endswith("Acl"):
            assert decided(action, STRANGER, about) is not None
            assert decided(action, ANYBODY, about) is not None


def test_an_acl_that_nobody_knows_gives_nothing() -> None:
    assert decided(Action.GET_OBJECT, ANYBODY, facts(a_bucket("public"))) is not None
    assert decided(Action.GET_OBJECT, ANYBODY, facts(a_bucket("public-read"), acl="")) is not None


def test_nobody_is_locked_out_of_their_own_bucket_policy() -> None:
    about = facts(a_bucket(policy=a_bucket_policy("Deny")), key=None)
    for action in ABOUT_POLICY:
        assert decided(action, OWNER, about) is None
        assert decided(action, a_user(HOME, a_policy()), about) == NO["policy"]
    assert decided(Action.GET_OBJECT, OWNER, facts(about.bucket)) == NO["policy"]
    assert decided(Action.DELETE_BUCKET, OWNER, about) == NO["policy"]


def test_only_the_owners_root_key_needs_no_look_at_the_object() -> None:
    assert owns(OWNER, a_bucket())
    assert not owns(OWNER, a_bucket(policy=a_bucket_policy("Deny")))
    assert not any(owns(caller, a_bucket()) for caller in (STRANGER, ANYBODY, a_user(HOME, a_policy()), a_session()))


def test_who_wants_to_delete_many_is_listened_to_if_any_key_might_be_allowed() -> None:
    about = facts(a_bucket(), key=None)
    one = a_policy(action="oss:DeleteObject", resource="acs:oss:*:*:photos/one")
    assert decided(Action.DELETE_OBJECTS, a_user(HOME, one), about) is None
    assert decided(Action.DELETE_OBJECT, a_user(HOME, one), facts(key="one")) is None
    assert decided(Action.DELETE_OBJECT, a_user(HOME, one), facts(key="two")) is not None
    assert decided(Action.DELETE_OBJECTS, a_user(HOME, a_policy(action="oss:Get*")), about) is not None
    assert decided(Action.DELETE_OBJECTS, STRANGER, facts(a_bucket(policy=a_bucket_policy()), key=None)) is None


# --- sessions ---


def test_nobody_in_particular_is_given_a_configuration_by_a_policy() -> None:
    about = facts(a_bucket("public-read-write", a_bucket_policy()), key=None)
    for action in set(Action) - WITHOUT_BUCKET:
        could = action.acl_right.value != "nothing"
        assert (decided(action, ANYBODY, about) is None) == could, action
        assert decided(action, STRANGER, about) is None


def test_a_session_policy_only_narrows() -> None:
    reading = a_policy(action="oss:Get*")
    narrowed = a_session(HOME, a_policy(), session_policy=reading)
    assert decided(Action.GET_OBJECT, narrowed, facts()) is None
    assert decided(Action.PUT_OBJECT, narrowed, facts()) == NO["a session's own policy doesn't allow it"]
    widened = a_session(HOME, reading, session_policy=a_policy())
    assert decided(Action.GET_OBJECT, widened, facts()) is None
    assert decided(Action.PUT_OBJECT, widened, facts()) == NO["bucket"]


def test_a_session_policy_holds_whatever_else_would_allow() -> None:
    narrowed = a_session(HOME, a_policy(), session_policy=a_policy(action="oss:GetObject"))
    everybodys = facts(a_bucket("public-read-write", a_bucket_policy()))
    assert decided(Action.PUT_OBJECT, narrowed, everybodys) == NO["a session's own policy doesn't allow it"]


# --- versions ---


def test_a_version_is_a_right_of_its_own() -> None:
    current = a_user(HOME, a_policy(action="oss:GetObject"))
    assert decided(Action.GET_OBJECT, current, facts()) is None
    assert decided(Action.GET_OBJECT, current, facts(versioned=True)) is not None
    versions = a_user(HOME, a_policy(action=["oss:GetObjectVersion", "oss:DeleteObjectVersion"]))
    assert decided(Action.GET_OBJECT, versions, facts(versioned=True)) is None
    assert decided(Action.DELETE_OBJECT, versions, facts(versioned=True)) is None
    assert decided(Action.GET_OBJECT, versions, facts()) is not None


# --- public access blocked ---


@pytest.mark.parametrize("how", ["bucket", "account"])
def test_what_opens_it_to_everybody_counts_as_absent_while_that_is_blocked(how: str) -> None:
    def blocked(policy: str | None = None) -> AccessFacts:
        bucket = a_bucket("public-read-write", policy, owner_blocks_public_access=how == "account")
        if how == "bucket":
            bucket = replace(
                bucket, configurations=(*bucket.configurations, (PUBLIC_ACCESS_BLOCK, write_public_access_block(True)))
            )
        return facts(bucket, acl="public-read-write")

    for action in (Action.GET_OBJECT, Action.PUT_OBJECT):
        for caller in (ANYBODY, STRANGER, a_user(HOME)):
            assert decided(action, caller, blocked()) is not None
            assert decided(action, caller, blocked(a_bucket_policy())) is not None
        assert decided(action, STRANGER, blocked(a_bucket_policy(principal=[ABROAD]))) is None
        assert decided(action, OWNER, blocked()) is None
        assert decided(action, a_user(HOME, a_policy()), blocked()) is None
        assert decided(action, OWNER, blocked(a_bucket_policy("Deny"))) == NO["policy"]


def test_everybody_of_a_known_network_is_not_everybody() -> None:
    narrow = a_bucket_policy(Condition={"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}})
    wide = a_bucket_policy(Condition={"IpAddress": {"acs:SourceIp": "0.0.0.0/0"}})
    for policy, expected in ((narrow, True), (wide, False)):
        bucket = a_bucket(policy=policy, owner_blocks_public_access=True)
        about = facts(bucket)
        about = structs.replace(about, request=structs.replace(about.request, client="192.0.2.7"))
        assert (decided(Action.GET_OBJECT, ANYBODY, about) is None) == expected


# --- how a no is told ---


def test_a_user_is_told_which_policy_said_no() -> None:
    with pytest.raises(OssError) as refusal:
        decide(a_user(HOME, *OWN_POLICIES["deny"]), Action.GET_OBJECT, facts())
    ((name, detail),) = refusal.value.nested
    assert name == "AccessDeniedDetail"
    assert detail == (
        ("PolicyType", "AccountLevelIdentityBasedPolicy"),
        ("AuthPrincipalOwnerId", HOME),
        ("AuthPrincipalType", "SubUser"),
        ("AuthPrincipalDisplayName", ALICE),
        ("NoPermissionType", "ExplicitDeny"),
        ("AuthAction", "oss:GetObject"),
    )
    with pytest.raises(OssError) as refusal:
        decide(a_session(HOME), Action.GET_OBJECT, facts(versioned=True))
    assert dict(refusal.value.nested[0][1]) == {
        "PolicyType": "AccountLevelIdentityBasedPolicy",
        "AuthPrincipalOwnerId": HOME,
        "AuthPrincipalType": "AssumedRoleUser",
        "AuthPrincipalDisplayName": "301234567890123456:tuesday",
        "NoPermissionType": "ImplicitDeny",
        "AuthAction": "oss:GetObjectVersion",
    }


def test_two_policies_of_one_holder_count_together() -> None:
    reading, writing = a_policy(action="oss:Get*"), a_policy(action="oss:Put*")
    both = a_user(HOME, reading, writing)
    assert decided(Action.GET_OBJECT, both, facts()) is None
    assert decided(Action.PUT_OBJECT, both, facts()) is None
    assert decided(Action.DELETE_OBJECT, both, facts()) is not None
    one_key_less = policies(
        {"Effect": "Allow", "Action": "oss:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:photos/a.txt"},
    )
    assert decided(Action.GET_OBJECT, a_user(HOME, reading, one_key_less), facts()) == NO["policy"]
    assert decided(Action.GET_OBJECT, a_user(HOME, reading, one_key_less), facts(key="b")) is None
