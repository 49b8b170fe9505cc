"""What a caller may do to links: the `coatcheck:` actions of RAM policies, on acs:coatcheck:*:UID:link/BUCKET/KEY.

Bucket policies and ACLs say nothing of links: having a link, or a bucket open to everybody, gives nobody a say in who
else may use one. Only this module builds a LinkGrant.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from coatcheck.core.errors import LINK_FORBIDDEN
from coatcheck.identity.caller import Caller
from coatcheck.ports.keyring import AccessKey

from .facts import AccessFacts, Asked, RequestFacts
from .policy import Resource
from .verdict import Verdict, weigh


class LinkAction(Enum):
    """The rights there are."""

    CREATE = "coatcheck:CreateLink"  # register and limit links, ask for registration, take that back
    CANCEL = "coatcheck:CancelLink"
    LIST = "coatcheck:ListLinks"
    READ_AUDIT = "coatcheck:ReadLinkAudit"


class Place(NamedTuple):
    """Which links: of an account's buckets, of one bucket, below a prefix or of one object.

    Attributes:
        owner: uid of the account that owns the bucket.
        bucket: "" for all of the account.
    """

    owner: str
    bucket: str = ""
    key: str = ""

    @property
    def resource(self) -> Resource:
        return Resource("*", self.owner, f"link/{self.bucket}/{self.key}" if self.bucket else "link/*", "coatcheck")


class LinkGrant(NamedTuple):
    """The proof that a decision was made."""

    action: LinkAction
    place: Place


def may(caller: Caller, action: LinkAction, place: Place, request: RequestFacts, now: float) -> bool:
    """Whether the caller's account and policies allow it; the account's own key may do all to its buckets' links."""
    if caller.anonymous or caller.by_link or caller.account != place.owner:
        return False
    principal = caller.principal
    if principal is None:
        return True
    asked = Asked(caller, AccessFacts(request=request, now=now))
    for policies in ((principal.session_policy,) if principal.session_policy is not None else (), principal.policies):
        if policies and weigh(policies, action.value, place.resource, asked) is not Verdict.ALLOW:
            return False
    return bool(principal.policies)


def decide_link(caller: Caller, action: LinkAction, place: Place, request: RequestFacts, now: float) -> LinkGrant:
    """Raises: OssError LINK_FORBIDDEN."""
    if not may(caller, action, place, request, now):
        raise LINK_FORBIDDEN(f"This needs the right {action.value} on {place.resource.name}.")
    return LinkGrant(action, place)


def decide_own_key(caller: Caller, key: AccessKey, action: LinkAction) -> LinkGrant:
    """Whose key signed a link may cancel it: the same user, or the account that the key belongs to.

    Raises: OssError LINK_FORBIDDEN.
    """
    holder, principal = key.principal, caller.principal
    same = principal is None or (
        holder is not None and not holder.session and not principal.session and principal.uid == holder.uid
    )
    if caller.anonymous or caller.by_link or caller.account != key.account or not same:
        raise LINK_FORBIDDEN("The access key that signed it is not yours.")
    return LinkGrant(action, Place(key.account))
