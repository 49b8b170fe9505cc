"""Through an access point: the table of docs/permissions.md, and what neither policy can widen."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any, Final

import pytest
from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant, decide
from coatcheck.access.facts import AccessFacts
from coatcheck.core.access_point_names import make_alias
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import Caller
from coatcheck.ports.access_point import AccessPoint
from coatcheck.ports.bucket import PUBLIC_ACCESS_BLOCK, Bucket, write_public_access_block

from .test_decide import table
from .world import ABROAD, ALICE, ANYBODY, HOME, OWNER, STRANGER, a_bucket, a_policy, a_session, a_user, an_object

ARN: Final = f"acs:oss:cn-hangzhou:{HOME}:accesspoint/ap-01"
RULES: Final = table("Through an access point")
REASONS: Final = {
    "anonymous": "Anonymous access is forbidden for this operation.",
    "policy": "Access denied by bucket policy.",
    "access point": "Access denied by access point policy.",
}
DELEGATION: Final = {"StringEquals": {"oss:DataAccessPointArn": [f"acs:oss:oss-cn-hangzhou:{HOME}:accesspoint/ap-01"]}}


def delegated(
    effect: str = "Allow", principal: Any = "*", condition: Any = DELEGATION, action: Any = "oss:*"
) -> Bucket:
    resources = ["acs:oss:*:*:photos", "acs:oss:*:*:photos/*"]
    return a_bucket(policy=a_policy(effect, action, resources, Principal=principal, Condition=condition))


def a_point(policy: str | None = None, **more: Any) -> AccessPoint:
    return AccessPoint("ap-01", make_alias("ap-01", 1), "internet", 0, policy=policy, **more)


def a_point_policy(
    effect: str = "Allow", principal: Any = "*", resource: Any = (ARN, f"{ARN}/object/*"), action: Any = "oss:*"
) -> str:
    return a_policy(effect, action, list(resource) if isinstance(resource, tuple) else resource, Principal=principal)


def ask(
    caller: Caller,
    bucket: Bucket,
    point: AccessPoint | None,
    action: Action = Action.GET_OBJECT,
    key: str | None = "a.txt",
    **more: Any,
) -> Grant:
    return decide(caller, action, AccessFacts(bucket, key, None if key is None else an_object(), point=point, **more))


def refusal(*args: Any, **more: Any) -> str:
    with pytest.raises(OssError) as refused:
        ask(*args, **more)
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)
    return refused.value.message


SHARED: Final = {"allows": "Allow", "denies": "Deny", "nothing": ""}
OWN: Final = {"allow": a_policy(), "deny": a_policy("Deny"), "nothing": ""}


def documented(who: str, own: str, bucket: str, point: str) -> str:
    """The answer of the first row that fits."""
    for row in RULES:
        fits = zip(row[:4], ("anybody" if who == "anybody" else "any other", own, bucket, point), strict=True)
        if all(cell in ("any", said) for cell, said in fits):
            return row[4]
    raise AssertionError


CALLERS: Final = {"owner": OWNER, "stranger": STRANGER, "anybody": ANYBODY}
USERS: Final = {"owner's user": HOME, "stranger's user": ABROAD}


@pytest.mark.parametrize("who", [*CALLERS, *USERS])
def test_what_is_decided_is_what_is_documented(who: str) -> None:
    for own, in_bucket, at_point in product(OWN if who in USERS else ["nothing"], SHARED, SHARED):
        caller = CALLERS.get(who) or a_user(USERS[who], *([OWN[own]] if OWN[own] else []))
        bucket = a_bucket() if in_bucket == "nothing" else delegated(SHARED[in_bucket])
        policy = None if at_point == "nothing" else a_point_policy(SHARED[at_point])
        expected = documented(who, own, in_bucket, at_point)
        case = (who, own, in_bucket, at_point)
        if expected == "yes":
            assert ask(caller, bucket, a_point(policy)).key == "a.txt", case
        else:
            assert refusal(caller, bucket, a_point(policy)) == REASONS[expected.removeprefix("no: ")], case


def test_acls_give_nothing_through_a_point() -> None:
    public = dataclasses.replace(a_bucket("public-read-write"), bucket_id=1)
    open_object = an_object("public-read-write")
    for caller in (OWNER, STRANGER, a_user(HOME, a_policy())):
        with pytest.raises(OssError):
            decide(
                caller, Action.GET_OBJECT, AccessFacts(public, "a.txt", open_object, point=a_point(a_point_policy()))
            )


def test_a_point_gives_only_what_its_own_resources_name() -> None:
    reading = a_point_policy(resource=(ARN, f"{ARN}/object/dir/*"), action=["oss:GetObject", "oss:ListObjects"])
    point, bucket = a_point(reading), delegated()
    assert ask(STRANGER, bucket, point, key="dir/a.txt")
    assert ask(STRANGER, bucket, point, Action.LIST_OBJECTS, key=None)
    for key in ("dirt/a.txt", "dir", "a.txt", "object/dir/a.txt", "accesspoint/ap-01/object/dir/a.txt"):
        assert refusal(STRANGER, bucket, point, key=key) == REASONS["access point"]
    assert refusal(STRANGER, bucket, point, Action.PUT_OBJECT, key="dir/a.txt") == REASONS["access point"]


@pytest.mark.parametrize(
    "resource",
    [
        "acs:oss:*:*:photos/*",
        "acs:oss:*:*:photos",
        f"acs:oss:cn-hangzhou:{HOME}:accesspoint/ap-0",
        f"acs:oss:cn-hangzhou:{HOME}:accesspoint/ap-012/object/*",
        f"acs:oss:cn-hangzhou:{HOME}:accesspoint/ap-01*/objects/*",
        f"acs:oss:cn-shanghai:{HOME}:accesspoint/ap-01/object/*",
        f"acs:oss:cn-hangzhou:{ABROAD}:accesspoint/ap-01/object/*",
    ],
)
def test_a_resource_of_something_else_gives_nothing(resource: str) -> None:
    assert refusal(OWNER, delegated(), a_point(a_point_policy(resource=resource))) == REASONS["access point"]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"oss:DataAccessPointArn": ARN.replace("ap-01", "ap-0")}},
        {"StringEquals": {"oss:DataAccessPointArn": f"{ARN}2"}},
        {"StringEquals": {"oss:DataAccessPointAccount": ABROAD}},
        {"StringEquals": {"oss:AccessPointNetworkOrigin": "vpc"}},
        {"StringLike": {"oss:DataAccessPointArn": f"acs:oss:*:{ABROAD}:accesspoint/*"}},
    ],
)
def test_what_was_delegated_to_another_point_is_not_given(condition: Any) -> None:
    bucket = delegated(condition=condition)
    assert refusal(STRANGER, bucket, a_point(a_point_policy())) == REASONS["access point"]


@pytest.mark.parametrize(
    "condition",
    [
        DELEGATION,
        {"StringEquals": {"oss:DataAccessPointArn": ARN}},
        {"StringLike": {"oss:DataAccessPointArn": f"acs:oss:*:{HOME}:accesspoint/*"}},
        {"StringLike": {"oss:dataaccesspointarn": f"acs:oss:oss-cn-*:{HOME}:accesspoint/ap-*"}},
        {"StringEquals": {"oss:DataAccessPointAccount": HOME}},
        {"StringEquals": {"oss:AccessPointNetworkOrigin": "internet"}},
    ],
)
def test_a_bucket_delegates_by_the_point_its_account_or_its_network(condition: Any) -> None:
    bucket = delegated(condition=condition)
    assert ask(STRANGER, bucket, a_point(a_point_policy())).key == "a.txt"
    assert refusal(STRANGER, bucket, None) != ""  # and gives nothing to those who name the bucket


def test_a_bucket_may_be_closed_to_whatever_does_not_come_through_its_point() -> None:
    condition = {"StringNotEquals": {"oss:DataAccessPointArn": ARN}}
    statements = [a_policy("Deny", Principal="*", Condition=condition), delegated().policy or ""]
    merged = '{"Version":"1","Statement":[' + ",".join(text.partition("[")[2][:-2] for text in statements) + "]}"
    bucket = a_bucket(policy=merged)
    assert refusal(OWNER, bucket, None) == REASONS["policy"]
    assert ask(OWNER, bucket, a_point(a_point_policy())).key == "a.txt"


def test_a_policy_that_names_an_account_needs_the_right_from_it_too() -> None:
    for bucket, policy in (
        (delegated(principal=ABROAD), a_point_policy()),
        (delegated(), a_point_policy(principal=ABROAD)),
    ):
        point = a_point(policy)
        assert ask(STRANGER, bucket, point)
        assert ask(a_user(ABROAD, a_policy()), bucket, point)
        assert refusal(a_user(ABROAD), bucket, point) == REASONS["access point"]
        assert refusal(OWNER, bucket, point) == REASONS["access point"]


def test_a_user_is_let_in_by_name_and_nobody_else_is() -> None:
    bucket, point = delegated(principal=ALICE), a_point(a_point_policy(principal=ALICE))
    assert ask(a_user(HOME), bucket, point)
    for caller in (OWNER, STRANGER, a_user(ABROAD, a_policy())):
        assert refusal(caller, bucket, point) == REASONS["access point"]


def test_the_policy_of_a_session_is_a_ceiling_here_too() -> None:
    bucket, point = delegated(), a_point(a_point_policy())
    assert ask(a_session(HOME, session_policy=a_policy()), bucket, point)
    elsewhere = a_session(HOME, session_policy=a_policy(resource="acs:oss:*:*:other/*"))
    assert refusal(elsewhere, bucket, point) == "Access denied by authorizer's policy."


def test_a_callers_own_deny_may_name_the_point() -> None:
    denied = a_user(HOME, a_policy(), a_policy("Deny", resource=f"{ARN}/object/a*"))
    bucket, point = delegated(), a_point(a_point_policy())
    assert refusal(denied, bucket, point) == REASONS["policy"]
    assert ask(denied, bucket, point, key="b.txt")


def blocked(bucket: Bucket) -> Bucket:
    return bucket.with_configuration(PUBLIC_ACCESS_BLOCK, write_public_access_block(True))


def test_while_public_access_is_blocked_what_a_point_gives_everybody_counts_as_absent() -> None:
    named = a_point_policy(principal=[ABROAD])
    shut = a_point(a_point_policy(), blocks_public_access=True)
    assert refusal(STRANGER, delegated(), shut) == REASONS["access point"]
    assert ask(STRANGER, delegated(), replace(shut, policy=named))
    for bucket in (blocked(delegated(principal=ABROAD)), a_bucket_of_a_blocked_account()):
        assert refusal(STRANGER, bucket, a_point(a_point_policy())) == REASONS["access point"]
        assert ask(STRANGER, bucket, a_point(named))
    assert refusal(STRANGER, blocked(delegated()), a_point(named)) == REASONS["access point"]


def a_bucket_of_a_blocked_account() -> Bucket:
    return dataclasses.replace(delegated(principal=ABROAD), owner_blocks_public_access=True)


def test_a_point_of_a_vpc_lets_nobody_in() -> None:
    point = replace(a_point(a_point_policy()), network_origin="vpc", vpc_id="vpc-a")
    bucket = delegated(condition={"StringEquals": {"oss:AccessPointNetworkOrigin": "vpc"}})
    for caller in (OWNER, STRANGER, a_user(HOME, a_policy())):
        assert "from its VPC only" in refusal(caller, bucket, point)


def test_deleting_many_is_listened_to_where_both_policies_allow_some() -> None:
    deleting = a_point_policy(action="oss:DeleteObject")
    assert ask(STRANGER, delegated(), a_point(deleting), Action.DELETE_OBJECTS, key=None)
    for bucket, policy in (
        (delegated(action="oss:GetObject"), deleting),
        (delegated(), a_point_policy(action="oss:GetObject")),
        (a_bucket("public-read-write"), deleting),
    ):
        assert refusal(STRANGER, bucket, a_point(policy), Action.DELETE_OBJECTS, key=None) == REASONS["access point"]
    assert "Anonymous" in refusal(ANYBODY, delegated(), a_point(deleting), Action.DELETE_OBJECTS, key=None)


def test_a_disabled_accounts_bucket_is_for_nobody_through_a_point_either() -> None:
    bucket = dataclasses.replace(delegated(), owner_suspended=True)
    with pytest.raises(OssError) as refused:
        ask(OWNER, bucket, a_point(a_point_policy()))
    assert refused.value.code == "UserDisable"
