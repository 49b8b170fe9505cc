"""Caller + action + facts -> Grant, or a refusal. Deny unless something allows.

The rules, in order:

1. The holder of the bucket owner's root key may do everything with it.
2. Else the ACL speaks: the object's own if it has one, otherwise the bucket's. It can give reading (and listing) or
   reading and writing to everybody, and nothing else to anybody.
3. Else no. A caller without the right to read learns nothing of what exists.

Only this module builds a Grant, so an operation can't run without having been decided on.
"""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.core.errors import (
    ACCESS_DENIED,
    ANONYMOUS_FORBIDDEN,
    DENIED_BY_BUCKET_ACL,
    DENIED_BY_OBJECT_ACL,
    OssError,
)
from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord

from .acl import DEFAULT, allows_everybody
from .actions import AclRight, Action


class AccessFacts(NamedTuple):
    """What a decision is made from.

    Attributes:
        owner: uid of the bucket's owner; None where no bucket is concerned.
        bucket_acl: of the bucket.
        object_acl: of the object, "default" where it has none or there is no object.
    """

    owner: str | None = None
    bucket_acl: str = "private"
    object_acl: str = DEFAULT


def facts_of(bucket: Bucket | None, found: ObjectRecord | None) -> AccessFacts:
    """The facts of an address: its bucket, where it has one, and the object that was found there, if any."""
    if bucket is None:
        return AccessFacts()
    return AccessFacts(bucket.owner, bucket.acl, DEFAULT if found is None else found.acl)


def owns(caller: Caller, bucket: Bucket) -> bool:
    """Whether the decision is known without looking at the object: the caller may do anything with the bucket."""
    return not caller.anonymous and caller.account == bucket.owner


class Grant(NamedTuple):
    """The proof that a decision was made, and for what."""

    action: Action


def decide(caller: Caller, action: Action, facts: AccessFacts) -> Grant:
    """See the module. Raises: OssError ANONYMOUS_FORBIDDEN, ACCESS_DENIED or one of the ACL faults."""
    if not caller.anonymous and facts.owner in (None, caller.account):
        return Grant(action)
    acl = facts.bucket_acl if facts.object_acl == DEFAULT else facts.object_acl
    if facts.owner is not None and allows_everybody(acl, action.acl_right):
        return Grant(action)
    raise _refusal(caller, action, facts)


def _refusal(caller: Caller, action: Action, facts: AccessFacts) -> OssError:
    if action.acl_right is AclRight.NOTHING:
        return ANONYMOUS_FORBIDDEN() if caller.anonymous else ACCESS_DENIED()
    if facts.object_acl != DEFAULT:
        return DENIED_BY_OBJECT_ACL()
    return DENIED_BY_BUCKET_ACL()
