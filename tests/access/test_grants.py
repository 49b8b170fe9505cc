"""ACLs of grants, against the table of docs/permissions.md."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.access.acl import refuse_public_acl
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts
from coatcheck.access.grants import (
    GROUPS,
    PERMISSIONS,
    AclGrant,
    canned_grants,
    is_grants,
    keep_grants,
    nearest_word,
    read_grants,
    words_of,
)
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import OWNERSHIP, PUBLIC_ACCESS_BLOCK, write_ownership, write_public_access_block

from .test_decide import WITHOUT_BUCKET, table
from .world import (
    ABROAD,
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
)

ACTIONS = [action for action in Action if action not in WITHOUT_BUCKET]
OF_BUCKET, OF_OBJECT = (
    {row[0]: {name.strip(" `") for name in row[column].split(",")} for row in table("What grants give")}
    for column in (1, 2)
)


def grants(*pairs: tuple[str, str]) -> str:
    """Never a canned word: nothing is said of the owner."""
    kept = keep_grants((AclGrant(*pair) for pair in pairs), "nobody")
    assert is_grants(kept)
    return kept


def may(caller: Caller, action: Action, about: AccessFacts) -> bool:
    try:
        return decide(caller, action, about).action is action
    except OssError as refusal:
        if refusal.code != "AccessDenied":
            raise
        return False


def given_by(named: dict[str, set[str]], permission: str) -> set[str]:
    every = set().union(*(named[each] for each in PERMISSIONS[:-1]))
    return (every if permission == "FULL_CONTROL" else named[permission]) - {"-"}


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize(
    ("grantee", "meant"), [(ABROAD, STRANGER), ("AllUsers", ANYBODY), ("AuthenticatedUsers", STRANGER)]
)
def test_a_grant_gives_what_is_documented_and_no_more(permission: str, grantee: str, meant: Caller) -> None:
    acl = grants((grantee, permission))
    for action in ACTIONS:
        about = facts(a_bucket(acl), key="a.txt" if action.on_object else None)
        assert may(meant, action, about) == (action.action_name in given_by(OF_BUCKET, permission)), action
        if action.on_object:
            about = facts(acl=acl)
            assert may(meant, action, about) == (action.action_name in given_by(OF_OBJECT, permission)), action


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_grant_to_one_gives_nothing_to_another(permission: str) -> None:
    for who in (BOB, "3000000000000003", "LogDelivery"):
        acl = grants((who, permission), (HOME, "FULL_CONTROL"))
        for action in ACTIONS:
            for about in (facts(a_bucket(acl)), facts(acl=acl)):
                assert not may(STRANGER, action, about)
                assert not may(ANYBODY, action, about)
                assert may(OWNER, action, about)


def test_users_of_an_account_need_their_own_policies_and_a_user_who_is_named_does_not() -> None:
    to_account, to_user = facts(acl=grants((ABROAD, "READ"))), facts(acl=grants((BOB, "READ")))
    assert not may(a_user(ABROAD), Action.GET_OBJECT, to_account)
    assert may(a_user(ABROAD, a_policy()), Action.GET_OBJECT, to_account)
    assert may(a_session(ABROAD, a_policy()), Action.GET_OBJECT, to_account)
    assert not may(a_session(ABROAD), Action.GET_OBJECT, to_account)
    assert may(a_user(ABROAD), Action.GET_OBJECT, to_user)
    assert not may(a_user(ABROAD, a_policy("Deny")), Action.GET_OBJECT, to_user)
    assert not may(STRANGER, Action.GET_OBJECT, to_user)
    everybody = facts(acl=grants(("AuthenticatedUsers", "READ")))
    assert may(a_user(ABROAD), Action.GET_OBJECT, everybody)
    assert may(a_user(HOME), Action.GET_OBJECT, everybody)
    assert not may(ANYBODY, Action.GET_OBJECT, everybody)
    narrowed = a_session(ABROAD, a_policy(), session_policy=a_policy(action="oss:PutObject"))
    assert not may(narrowed, Action.GET_OBJECT, everybody)


def test_a_deny_holds_over_grants() -> None:
    bucket = a_bucket(grants((ABROAD, "FULL_CONTROL"), ("AllUsers", "READ_ACP")), a_bucket_policy("Deny"))
    for caller in (STRANGER, ANYBODY):
        assert not may(caller, Action.LIST_OBJECTS, facts(bucket, key=None))
        assert not may(caller, Action.GET_BUCKET_ACL, facts(bucket, key=None))


def test_what_is_in_a_bucket_is_not_opened_by_its_grants() -> None:
    bucket = a_bucket(grants((ABROAD, "FULL_CONTROL"), ("AllUsers", "READ")))
    assert may(STRANGER, Action.LIST_OBJECTS, facts(bucket, key=None))
    assert not may(STRANGER, Action.GET_OBJECT, facts(bucket))
    assert not may(STRANGER, Action.GET_OBJECT_ACL, facts(bucket))
    assert not may(ANYBODY, Action.GET_OBJECT, AccessFacts(bucket, "a.txt"))
    assert may(STRANGER, Action.PUT_OBJECT, AccessFacts(bucket, "new.txt"))


@pytest.mark.parametrize(
    ("bucket_acl", "object_acl", "expected"),
    [
        (grants((ABROAD, "WRITE")), "default", True),
        (grants((ABROAD, "WRITE")), "private", False),
        (grants((ABROAD, "WRITE")), grants((ABROAD, "FULL_CONTROL")), True),
        (grants((ABROAD, "WRITE")), grants((ABROAD, "READ")), False),
        (grants((ABROAD, "READ")), grants((ABROAD, "FULL_CONTROL")), False),
        ("private", grants((ABROAD, "WRITE")), False),
        ("public-read-write", grants((ABROAD, "READ")), False),
        ("public-read-write", grants((ABROAD, "WRITE")), True),
    ],
)
def test_to_change_an_object_both_acls_have_to_give_it(bucket_acl: str, object_acl: str, expected: bool) -> None:
    about = facts(a_bucket(bucket_acl), acl=object_acl)
    assert may(STRANGER, Action.PUT_OBJECT, about) == expected
    assert may(STRANGER, Action.DELETE_OBJECT, about) == expected


def test_nobody_deletes_a_version_by_grants() -> None:
    about = facts(a_bucket(grants((ABROAD, "FULL_CONTROL"))), acl=grants((ABROAD, "FULL_CONTROL")), versioned=True)
    assert not may(STRANGER, Action.DELETE_OBJECT, about)
    assert may(STRANGER, Action.GET_OBJECT, about)


def test_where_public_acls_are_ignored_an_acl_with_a_public_grant_gives_nothing() -> None:
    blocked = a_bucket(owner_blocks_public_access=True)
    by_itself = replace(a_bucket(), configurations=((PUBLIC_ACCESS_BLOCK, write_public_access_block(True)),))
    for bucket in (blocked, by_itself):
        assert may(STRANGER, Action.GET_OBJECT, facts(bucket, acl=grants((ABROAD, "READ"))))
        for group in ("AllUsers", "AuthenticatedUsers"):
            assert not may(STRANGER, Action.GET_OBJECT, facts(bucket, acl=grants((group, "READ"), (ABROAD, "READ"))))
    for group in ("AllUsers", "AuthenticatedUsers"):
        with pytest.raises(OssError):
            refuse_public_acl(grants((group, "READ_ACP")), blocked=True)
    refuse_public_acl(grants((ABROAD, "FULL_CONTROL"), ("LogDelivery", "WRITE")), blocked=True)


def test_where_the_owner_is_enforced_no_grant_counts() -> None:
    enforced = replace(a_bucket(), configurations=((OWNERSHIP, write_ownership("BucketOwnerEnforced")),))
    preferred = replace(a_bucket(), configurations=((OWNERSHIP, write_ownership("BucketOwnerPreferred")),))
    acl = grants((ABROAD, "FULL_CONTROL"))
    assert not may(STRANGER, Action.GET_OBJECT, facts(enforced, acl=acl))
    assert not may(STRANGER, Action.LIST_OBJECTS, facts(replace(enforced, acl=acl), key=None))
    assert may(STRANGER, Action.GET_OBJECT, facts(preferred, acl=acl))


def test_what_a_canned_word_says_is_kept_as_that_word() -> None:
    for word in ("private", "public-read", "public-read-write"):
        assert keep_grants(reversed(canned_grants(word, HOME)), HOME) == word
    assert is_grants(keep_grants((), HOME))
    assert is_grants(keep_grants(canned_grants("private", HOME), ABROAD))


@given(st.lists(st.tuples(st.sampled_from([HOME, ABROAD, BOB, *GROUPS]), st.sampled_from(PERMISSIONS)), max_size=8))
def test_grants_come_back_as_they_were_kept_and_give_no_more_than_the_word_that_stands_for_them(
    pairs: list[tuple[str, str]],
) -> None:
    put = tuple(AclGrant(*pair) for pair in pairs)
    kept = keep_grants(put, HOME)
    shown = read_grants(kept) if is_grants(kept) else canned_grants(kept, HOME)
    assert set(shown) == set(put)
    if is_grants(kept):
        assert shown == put
    found = an_object(kept)
    for action in (Action.GET_OBJECT, Action.PUT_OBJECT):
        if may(ANYBODY, action, AccessFacts(a_bucket(), "a.txt", found)):
            assert may(ANYBODY, action, AccessFacts(a_bucket(), "a.txt", an_object(nearest_word(kept))))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(HOME, "FULL_CONTROL"), ("LogDelivery", "WRITE")], ("private",)),
        ([(ABROAD, "READ")], ("grants",)),
        ([("AllUsers", "READ"), (HOME, "READ")], ("public-read",)),
        ([("AllUsers", "READ"), (ABROAD, "WRITE_ACP")], ("public-read", "grants")),
        ([("AllUsers", "FULL_CONTROL")], ("public-read-write",)),
        ([("AllUsers", "READ_ACP")], ("grants",)),
        ([("AuthenticatedUsers", "READ")], ("authenticated-read",)),
        ([("AuthenticatedUsers", "READ"), ("AllUsers", "READ")], ("public-read", "authenticated-read")),
    ],
)
def test_conditions_see_words(pairs: list[tuple[str, str]], expected: tuple[str, ...]) -> None:
    assert words_of(grants(*pairs), (HOME,)) == expected
