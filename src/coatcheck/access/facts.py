"""What a decision is made from. Values only: whoever decides again for another resource makes other facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec.structs import replace

from coatcheck.core.limits import CONDITION_TEXT_MAX_CHARS
from coatcheck.core.record import Record
from coatcheck.identity.caller import Caller
from coatcheck.ports.access_point import AccessPoint
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord

from .actions import Action
from .grants import is_grants


class RequestFacts(Record, frozen=True):
    """What conditions see of a request besides its resource, whatever dialect it came in.

    Attributes:
        client: the address of who asks; "" when unknown.
        secure: the client speaks TLS.
        user_agent: what the client calls itself, cut to what is looked at; None if it doesn't say.
        prefix, delimiter: of a listing, cut likewise (listings refuse longer ones); "" if it names none.
    """

    client: str = ""
    secure: bool = False
    user_agent: str | None = None
    prefix: str = ""
    delimiter: str = ""


NO_REQUEST: Final = RequestFacts()


class HttpRequest(Protocol):
    """A request of any dialect over HTTP, as far as `read_request_facts` looks at it."""

    @property
    def client(self) -> str: ...
    @property
    def secure(self) -> bool: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def query(self) -> HttpQuery: ...


class HttpQuery(Protocol):
    @property
    def first(self) -> Mapping[str, str]: ...


def read_request_facts(request: HttpRequest) -> RequestFacts:
    """What is said in the headers and parameters that all dialects have."""
    facts, first = read_bare_facts(request), request.query.first
    if "prefix" not in first and "delimiter" not in first:
        return facts
    prefix, delimiter = [first.get(name, "")[:CONDITION_TEXT_MAX_CHARS] for name in ("prefix", "delimiter")]
    return replace(facts, prefix=prefix, delimiter=delimiter)


def read_bare_facts(request: HttpRequest) -> RequestFacts:
    """The same of a request whose query says nothing of the kind; it isn't read."""
    agent = request.headers.get("user-agent")
    if agent is not None and len(agent) > CONDITION_TEXT_MAX_CHARS:
        agent = agent[:CONDITION_TEXT_MAX_CHARS]
    return RequestFacts(request.client, request.secure, agent)


class AccessFacts(Record, frozen=True):
    """The resource, and the request that is about it.

    Attributes:
        bucket: None at service level and for a bucket that is to be made.
        key: None for the bucket itself.
        found: the object, or the version that is meant; None where there is none, or where nobody needed to look.
        versioned: a version is named.
        request, now: for conditions on where it comes from and what a listing names; Unix seconds.
        new_bucket, region: of a bucket that is to be made.
        acl: that the object or bucket is to get, as it was sent, by whatever way; None if none is asked for.
        grants: the same where it is grants, as `grants.py` writes them; "" for none.
        tags: that the object is to get; None while only the operation can know, which then decides again.
        point: the access point that the request came to the bucket through; None if it named the bucket.
    """

    bucket: Bucket | None = None
    key: str | None = None
    found: ObjectRecord | None = None
    versioned: bool = False
    request: RequestFacts = NO_REQUEST
    now: float = 0.0
    new_bucket: str = ""
    region: str = ""
    acl: str | None = None
    tags: tuple[tuple[str, str], ...] | None = ()
    point: AccessPoint | None = None
    grants: str = ""

    def to_get(self, acl: str) -> AccessFacts:
        """The same where that ACL is to be got. It was read: what was sent may look like grants, and be none."""
        return replace(self, acl=None, grants=acl) if is_grants(acl) else replace(self, acl=acl, grants="")

    @property
    def bucket_tags(self) -> tuple[tuple[str, str], ...]:
        return () if self.bucket is None else self.bucket.tags

    @property
    def point_arn(self) -> str | None:
        if self.point is None or self.bucket is None:
            return None
        return self.point.arn(self.bucket.region, self.bucket.owner)

    @property
    def ignores_public_policy(self) -> bool:
        """Whether what a policy allows to everybody counts as absent, on the way that the request took."""
        blocked = self.bucket is not None and self.bucket.ignores_public_policy
        return blocked or (self.point is not None and self.point.blocks_public_access)

    @property
    def refuses_public_acls(self) -> bool:
        """Whether no ACL may open anything to everybody, on the way that the request took."""
        blocked = self.bucket is not None and self.bucket.refuses_public_acls
        return blocked or (self.point is not None and self.point.blocks_public_access)


class Decision(Record, frozen=True):
    """What was weighed, to be weighed again later."""

    caller: Caller
    action: Action
    facts: AccessFacts


class Asked(Record, frozen=True):
    """Who asks for what, as conditions see it."""

    caller: Caller
    facts: AccessFacts
