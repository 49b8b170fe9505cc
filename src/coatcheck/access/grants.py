"""ACLs of grants, which S3 has beside the canned words: who is given what, kept as text in the place of the word.

What grants give is S3's reading of them, in both dialects: READ of a bucket is to list it, and WRITE to change what is
in it; READ of an object is to read it. A bucket's grant of READ opens no object in it, where a canned word does. To
change an object that has grants of its own, both ACLs have to give WRITE: the bucket's, since S3 looks at that alone,
and the object's, since OSS looks at that.

Source: S3 reference, section 11.4; Amazon S3 user guide, "Access control list overview".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.identity.caller import Caller

from .actions import Action

ALL_USERS: Final = "AllUsers"
AUTHENTICATED_USERS: Final = "AuthenticatedUsers"
LOG_DELIVERY: Final = "LogDelivery"
GROUPS: Final = (ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY)

READ: Final = "READ"
WRITE: Final = "WRITE"
READ_ACP: Final = "READ_ACP"
WRITE_ACP: Final = "WRITE_ACP"
FULL_CONTROL: Final = "FULL_CONTROL"
PERMISSIONS: Final = (READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL)

AUTHENTICATED_READ: Final = "authenticated-read"  # words that conditions of policies see, beside those of OSS
TO_SOME: Final = "grants"


class AclGrant(NamedTuple):
    """One grant. `grantee`: the uid of an account or a user, or one of GROUPS; `permission`: one of PERMISSIONS."""

    grantee: str
    permission: str


Grants = tuple[AclGrant, ...]

CANNED: Final[dict[str, Grants]] = {
    "private": (),
    "public-read": (AclGrant(ALL_USERS, READ),),
    "public-read-write": (AclGrant(ALL_USERS, READ), AclGrant(ALL_USERS, WRITE)),
}
_OF_BUCKETS: Final = {
    Action.LIST_OBJECTS: READ,
    Action.LIST_OBJECT_VERSIONS: READ,
    Action.LIST_MULTIPART_UPLOADS: READ,
    Action.PUT_OBJECT: WRITE,
    Action.DELETE_OBJECT: WRITE,
    Action.DELETE_OBJECTS: WRITE,
    Action.SEAL_APPEND_OBJECT: WRITE,
    Action.ABORT_MULTIPART_UPLOAD: WRITE,
    Action.LIST_PARTS: WRITE,
    Action.GET_BUCKET_ACL: READ_ACP,
    Action.PUT_BUCKET_ACL: WRITE_ACP,
}
_OF_OBJECTS: Final = {Action.GET_OBJECT: READ, Action.GET_OBJECT_ACL: READ_ACP, Action.PUT_OBJECT_ACL: WRITE_ACP}


def is_grants(acl: str) -> bool:
    """Whether an ACL is grants, and not a word."""
    return acl.startswith("{")


def keep_grants(grants: Iterable[AclGrant], owner: str) -> str:
    """The ACL to keep for something of that owner: a canned word where one says the same, else the grants."""
    kept = tuple(grants)
    for word in CANNED:
        if set(kept) == set(canned_grants(word, owner)):
            return word
    return json.dumps({"v": 1, "grants": kept}, separators=(",", ":"))


@lru_cache(maxsize=512)
def read_grants(acl: str) -> Grants:
    """Of an ACL that is grants, in the order in which they were put."""
    return tuple([AclGrant(*pair) for pair in json.loads(acl)["grants"]])


def canned_grants(word: str, owner: str) -> Grants:
    """What a canned word stands for: the owner may do all, and everybody what it says."""
    return (AclGrant(owner, FULL_CONTROL), *CANNED.get(word, ()))


def is_public(acl: str) -> bool:
    """Whether grants give anything to everybody, or to everybody who signs."""
    return any(grant.grantee in (ALL_USERS, AUTHENTICATED_USERS) for grant in read_grants(acl))


def nearest_word(acl: str) -> str:
    """The canned word that says the same of everybody, for the dialect that has no others. What is given to some isn't
    said."""
    if not is_grants(acl):
        return acl
    given = given_to(acl, ALL_USERS)
    if WRITE in given:
        return "public-read-write"
    return "public-read" if READ in given else "private"


def words_of(acl: str, insiders: Iterable[str]) -> tuple[str, ...]:
    """What conditions of policies see of grants that something is to get: each word by itself has to be allowed.

    Args:
        insiders: uids whose grants open nothing: the owner's, and the writer's.
    """
    others = {grant.grantee for grant in read_grants(acl)} - {*insiders, LOG_DELIVERY}
    words = [word] if (word := nearest_word(acl)) != "private" else []
    if AUTHENTICATED_USERS in others:
        words.append(AUTHENTICATED_READ)
    if others - {AUTHENTICATED_USERS, ALL_USERS} or (others and not words):
        words.append(TO_SOME)
    return tuple(words) or ("private",)


@lru_cache(maxsize=512)
def given_to(acl: str, grantee: str) -> frozenset[str]:
    """What grants give to one grantee; of FULL_CONTROL, all of PERMISSIONS."""
    given = {grant.permission for grant in read_grants(acl) if grant.grantee == grantee}
    return frozenset(PERMISSIONS) if FULL_CONTROL in given else frozenset(given)


def bucket_gives(acl: str, caller: Caller, action: Action, *, allowed_by_own: bool) -> bool:
    """Whether the grants of a bucket's ACL let the caller do that in it.

    Args:
        allowed_by_own: the caller is an account itself, or their own policies allow it.
    """
    return _gives(acl, caller, _OF_BUCKETS.get(action), allowed_by_own=allowed_by_own)


def object_gives(acl: str, caller: Caller, action: Action, *, allowed_by_own: bool) -> bool:
    """The same of an object's. WRITE is not enough for anything: the bucket's ACL has to give it, too."""
    needed = _OF_BUCKETS.get(action) or _OF_OBJECTS.get(action)
    return _gives(acl, caller, needed, allowed_by_own=allowed_by_own)


def changes(action: Action) -> bool:
    """Whether both ACLs have to give it, where an object has one of its own."""
    return _OF_BUCKETS.get(action) == WRITE


def _gives(acl: str, caller: Caller, needed: str | None, *, allowed_by_own: bool) -> bool:
    if needed is None:
        return False
    if needed in given_to(acl, ALL_USERS):
        return True
    if caller.anonymous:
        return False
    if needed in given_to(acl, AUTHENTICATED_USERS) or (allowed_by_own and needed in given_to(acl, caller.account)):
        return True
    principal = caller.principal
    return principal is not None and not principal.session and needed in given_to(acl, principal.uid)
