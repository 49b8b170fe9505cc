"""Caller + action + facts -> Grant, or a refusal. Deny unless something allows.

The rules, in order; docs/permissions.md has them as the table that the tests run through:

0. Nothing of an account that was disabled is for anybody.
   Nobody in particular can be given more than an ACL could: configuring is for those who sign.
1. The bucket owner's own key may do everything, unless the bucket's policy denies it; the policy itself it may always
   read, replace and remove, so that nobody locks themselves out.
2. A session's own policy is a ceiling: what it doesn't allow is refused whatever else is said.
3. A Deny, of the bucket's policy or of the caller's own policies, beats every Allow.
4. An Allow of the caller's own policies is enough at home, in buckets of the caller's account.
5. An Allow of the bucket's policy is enough for those it names, and for everybody where it names everybody. Where it
   names an account, that account's users need the right from their own policies, too.
6. Else the ACL speaks: the object's own if it has one, otherwise the bucket's. A canned word can give reading (and
   listing) or reading and writing to everybody, and nothing else to anybody; what grants give is told in `grants.py`.
   What they give to an account, its users get if their own policies allow it, too.
7. Else no. A caller without the right to read learns nothing of what exists.

Through an access point nobody in particular gets anything, neither do ACLs give anything, nor does it help to own the
bucket: the bucket's policy has to allow it (which is how its owner delegates to the point), and so has the point's. A
Deny of either, or of the caller's own policies, is a no.

While public access is blocked, for a bucket or for its owner's account, ACLs and policies that open it to everybody
count as absent.

Only this module builds a Grant, so an operation can't run without having been decided on.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from coatcheck.core.errors import (
    ACCESS_DENIED,
    ANONYMOUS_FORBIDDEN,
    DENIED_BY_ACCESS_POINT,
    DENIED_BY_AUTHORIZER,
    DENIED_BY_BUCKET_ACL,
    DENIED_BY_OBJECT_ACL,
    DENIED_BY_POLICY,
    LIST_BUCKETS_FORBIDDEN,
    OUTSIDE_OF_NETWORK,
    USER_DISABLE,
    Fault,
    OssError,
)
from coatcheck.core.record import Record
from coatcheck.identity.caller import Caller
from coatcheck.ports.access_point import INTERNET, AccessPoint
from coatcheck.ports.bucket import NO_ACLS, Bucket, read_ownership
from coatcheck.ports.keyring import Principal

from .acl import DEFAULT, allows_everybody
from .actions import AclRight, Action
from .facts import AccessFacts, Asked
from .grants import bucket_gives, changes, is_grants, is_public, object_gives, words_of
from .policy import Resource
from .verdict import Shared, Verdict, mentions, mentions_shared, weigh, weigh_shared

_NEVER_LOST: Final = frozenset(
    {
        Action.GET_BUCKET_POLICY,
        Action.PUT_BUCKET_POLICY,
        Action.DELETE_BUCKET_POLICY,
        Action.GET_BUCKET_POLICY_STATUS,
    }
)


_DELETE_OBJECTS: Final = Action.DELETE_OBJECTS  # looking into an Enum takes time
_DELETING: Final = (Action.DELETE_OBJECT.action_name, Action.DELETE_OBJECT.version_name)


class Grant(Record, frozen=True):
    """The proof that a decision was made: what may be done, and to what. Operations act on what it names.

    Attributes:
        bucket: None at service level and for a bucket that is to be made.
        key: None for the bucket itself.
    """

    action: Action
    bucket: Bucket | None = None
    key: str | None = None

    def need(self, *actions: Action) -> None:
        """Every operation begins with it. Raises: TypeError, when this is a grant for something else: the mistake is
        in the code, not in the request."""
        if self.action not in actions:
            raise TypeError(f"a grant for {self.action.name} is none for {actions[0].name}")

    @property
    def this_bucket(self) -> Bucket:
        """The bucket, for operations on what is in one or on itself."""
        assert self.bucket is not None
        return self.bucket

    @property
    def this_key(self) -> str:
        """The key, for operations on an object."""
        assert self.key is not None
        return self.key


def owns(caller: Caller, bucket: Bucket) -> bool:
    """Whether the decision is known without looking at the object: the caller may do anything with the bucket."""
    return caller.principal is None and caller.account == bucket.owner and bucket.policy is None


def decide(caller: Caller, action: Action, facts: AccessFacts) -> Grant:
    """See the module.

    Raises:
        OssError: AccessDenied, in the words of the rule that said no; USER_DISABLE for what a disabled account owns.
    """
    bucket: Bucket | None = facts.bucket
    if bucket is not None and bucket.owner_suspended:
        raise USER_DISABLE(BucketName=bucket.name)
    if facts.grants:
        return _decide_on_grants(caller, action, facts)
    if facts.point is not None:
        return _decide_through_point(caller, action, facts, facts.point)
    if caller.principal is None and not caller.anonymous:
        if bucket is None:
            return Grant(action, bucket, facts.key)
        if caller.account == bucket.owner and (bucket.policy is None or action in _NEVER_LOST):
            return Grant(action, bucket, facts.key)
    if bucket is not None:
        if action is _DELETE_OBJECTS:
            return _decide_before_each_key(caller, bucket, facts)
        if caller.principal is None and bucket.policy is None and _acl_allows(caller, action, bucket, facts):
            return Grant(action, bucket, facts.key)  # rule 6: no policy says anything about this caller
    return _weigh(caller, action, facts)


def _decide_on_grants(caller: Caller, action: Action, facts: AccessFacts) -> Grant:
    """Conditions see one ACL, so each word that the grants are like is decided on."""
    insiders = [caller.account] if facts.bucket is None else [caller.account, facts.bucket.owner]
    made = [decide(caller, action, facts.to_get(word)) for word in words_of(facts.grants, insiders)]
    return made[0]


def _weigh(caller: Caller, action: Action, facts: AccessFacts) -> Grant:
    """Rules 1 to 7 for everybody who isn't a root key with nothing in its way."""
    principal = caller.principal
    bucket: Bucket | None = facts.bucket
    could_be_given = action.acl_right is not AclRight.NOTHING or not caller.anonymous
    if not could_be_given and (bucket is None or not _acl_allows(caller, action, bucket, facts)):
        raise ANONYMOUS_FORBIDDEN()
    name = _name_of(action, facts)
    asked, resource = Asked(caller, facts), _resource(caller, facts)
    own, shared = Verdict.NOTHING, Shared.NOTHING
    if principal is not None:
        own = _weigh_own(principal, name, resource, asked)
    if bucket is None:
        if own is Verdict.ALLOW:
            return Grant(action, bucket, facts.key)
        raise _refusal(asked, action, name)
    if bucket.policy is not None:
        shared = weigh_shared(bucket.policy, name, resource, asked, public_counts=not bucket.ignores_public_policy)
        if shared is Shared.DENY:
            raise _denied(DENIED_BY_POLICY, asked, name, "ResourceBasedPolicy", "ExplicitDeny")
    allowed_by_own = principal is None or own is Verdict.ALLOW
    if (
        (caller.account == bucket.owner and allowed_by_own)
        or shared is Shared.TO_CALLER
        or (shared is Shared.TO_ACCOUNT and allowed_by_own)
        or _acl_allows(caller, action, bucket, facts, allowed_by_own=allowed_by_own)
    ):
        return Grant(action, bucket, facts.key)
    raise _refusal(asked, action, name)


def _name_of(action: Action, facts: AccessFacts) -> str:
    """The right that is needed."""
    return action.version_name if facts.versioned else action.action_name


def _weigh_own(principal: Principal, name: str, resource: Resource, asked: Asked) -> Verdict:
    """Rules 2 and 3, as far as the caller's own policies go. Raises: OssError."""
    ceiling = principal.session_policy
    if ceiling is not None and weigh((ceiling,), name, resource, asked) is not Verdict.ALLOW:
        raise _denied(DENIED_BY_AUTHORIZER, asked, name, "SessionPolicy", "ImplicitDeny")
    own = weigh(principal.policies, name, resource, asked)
    if own is Verdict.DENY:
        raise _denied(DENIED_BY_POLICY, asked, name, "AccountLevelIdentityBasedPolicy", "ExplicitDeny")
    return own


def _decide_through_point(caller: Caller, action: Action, facts: AccessFacts, point: AccessPoint) -> Grant:
    """The bucket's policy delegates to the point, and the point's allows."""
    bucket = facts.bucket
    assert bucket is not None
    if caller.anonymous:
        raise ANONYMOUS_FORBIDDEN()
    if point.network_origin != INTERNET:
        raise OUTSIDE_OF_NETWORK()
    name = _name_of(action, facts)
    asked, resource, at_point = Asked(caller, facts), _resource(caller, facts), _point_resource(bucket, facts, point)
    if action is _DELETE_OBJECTS:
        if all(text is not None and _mentions_deleting(text) for text in (bucket.policy, point.policy)):
            return Grant(action, bucket, facts.key)  # each key is decided on by the operation
        raise _denied(DENIED_BY_ACCESS_POINT, asked, name, "ResourceBasedPolicy", "ImplicitDeny")
    own = Verdict.NOTHING
    if caller.principal is not None:
        own = _weigh_own(caller.principal, name, resource, asked)
        if weigh(caller.principal.policies, name, at_point, asked) is Verdict.DENY:
            raise _denied(DENIED_BY_POLICY, asked, name, "AccountLevelIdentityBasedPolicy", "ExplicitDeny")
    said = (
        _weigh_text(bucket.policy, name, resource, asked, public_counts=not bucket.ignores_public_policy),
        _weigh_text(point.policy, name, at_point, asked, public_counts=not facts.ignores_public_policy),
    )
    if Shared.DENY in said:
        raise _denied(DENIED_BY_ACCESS_POINT, asked, name, "ResourceBasedPolicy", "ExplicitDeny")
    allowed_by_own = caller.principal is None or own is Verdict.ALLOW
    if all(each is Shared.TO_CALLER or (each is Shared.TO_ACCOUNT and allowed_by_own) for each in said):
        return Grant(action, bucket, facts.key)
    raise _denied(DENIED_BY_ACCESS_POINT, asked, name, "ResourceBasedPolicy", "ImplicitDeny")


def _weigh_text(text: str | None, name: str, resource: Resource, asked: Asked, *, public_counts: bool) -> Shared:
    return Shared.NOTHING if text is None else weigh_shared(text, name, resource, asked, public_counts=public_counts)


def _mentions_deleting(text: str) -> bool:
    return any(mentions_shared(text, name) for name in _DELETING)


def _point_resource(bucket: Bucket, facts: AccessFacts, point: AccessPoint) -> Resource:
    name = f"accesspoint/{point.name}"
    return Resource(bucket.region, bucket.owner, name if facts.key is None else f"{name}/object/{facts.key}")


def _decide_before_each_key(caller: Caller, bucket: Bucket, facts: AccessFacts) -> Grant:
    """May the caller be listened to who wants to delete many? Each key is decided on by the operation, when it is
    known; whom nothing could allow any of them needn't be let so far."""
    action, names = Action.DELETE_OBJECTS, _DELETING
    principal, policy = caller.principal, bucket.policy
    may_be_allowed = principal is None or any(mentions(principal.policies, name) for name in names)
    if (
        _acl_allows(caller, action, bucket, facts, allowed_by_own=may_be_allowed)
        or (policy is not None and _mentions_deleting(policy))
        or (caller.account == bucket.owner and may_be_allowed)
    ):
        return Grant(action, bucket, facts.key)
    raise _refusal(Asked(caller, facts), action, names[0])


def _resource(caller: Caller, facts: AccessFacts) -> Resource:
    bucket = facts.bucket
    if bucket is None:
        return Resource(facts.region, caller.account, facts.new_bucket or "*")
    return Resource(bucket.region, bucket.owner, bucket.name if facts.key is None else f"{bucket.name}/{facts.key}")


def _acl_allows(
    caller: Caller, action: Action, bucket: Bucket, facts: AccessFacts, *, allowed_by_own: bool = True
) -> bool:
    """By the object's own ACL, unless it leaves it to the bucket or there is no object."""
    found = facts.found
    of_bucket = found is None or found.acl == DEFAULT or not action.on_object
    acl = bucket.acl if found is None or of_bucket else found.acl
    if not is_grants(acl):
        return not bucket.ignores_public_acls and allows_everybody(acl, action.acl_right)
    if not _counts(acl, bucket):
        return False
    if of_bucket:
        deletes_version = facts.versioned and action is Action.DELETE_OBJECT  # which S3 leaves to the owner
        return not deletes_version and bucket_gives(acl, caller, action, allowed_by_own=allowed_by_own)
    given = object_gives(acl, caller, action, allowed_by_own=allowed_by_own)
    if not given or not changes(action):
        return given
    return _acl_allows(caller, action, bucket, replace(facts, found=None), allowed_by_own=allowed_by_own)


def _counts(acl: str, bucket: Bucket) -> bool:
    """Whether grants count in the bucket. Where public ACLs don't, one that has a public grant is none at all."""
    if bucket.ignores_public_acls and is_public(acl):
        return False
    return bucket.made(read_ownership) != NO_ACLS


# --- refusals -------------------------------------------------------------------------------------------------------


def _refusal(asked: Asked, action: Action, name: str) -> OssError:
    """Nothing allowed it."""
    caller, found = asked.caller, asked.facts.found
    if action is Action.LIST_BUCKETS:
        fault = LIST_BUCKETS_FORBIDDEN
    elif action.acl_right is AclRight.NOTHING:
        fault = ACCESS_DENIED
    elif action.on_object and found is not None and found.acl != DEFAULT:
        fault = DENIED_BY_OBJECT_ACL
    else:
        fault = DENIED_BY_BUCKET_ACL
    if caller.principal is None:
        return fault()
    return _denied(fault, asked, name, "AccountLevelIdentityBasedPolicy", "ImplicitDeny")


def _denied(fault: Fault, asked: Asked, action: str, policy_type: str, no_permission_type: str) -> OssError:
    """With AccessDeniedDetail: which kind of policy said no to whom. Source: OSS, AccessDenied by policy."""
    caller = asked.caller
    principal = caller.principal
    if principal is None:
        kind, display = ("Account", caller.account) if caller.account else ("Anonymous", "")
    else:
        kind = "AssumedRoleUser" if principal.session else "SubUser"
        display = f"{principal.uid}:{principal.session}" if principal.session else principal.uid
    error = fault()
    detail = (
        ("PolicyType", policy_type),
        ("AuthPrincipalOwnerId", caller.account),
        ("AuthPrincipalType", kind),
        ("AuthPrincipalDisplayName", display),
        ("NoPermissionType", no_permission_type),
        ("AuthAction", action),
    )
    error.nested = (("AccessDeniedDetail", detail),)
    return error
