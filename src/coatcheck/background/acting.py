"""Author -> Caller: who a piece of background work is done as, looked up anew each time.

A user or role that is gone, or whose account was disabled, does nothing any more; what its policies say now decides.
Conditions of policies see a request of the server's own: without an address, and as safe as TLS, since nothing of it
leaves the process.

A role that a configuration names is assumed for OSS: its trust policy has to name the service, and whoever set the
configuration up has to be allowed to pass it on, so that nobody gets more rights than they have by naming a role.
Source: RAM, PassRole; OSS, the roles of inventories.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from coatcheck.access.facts import AccessFacts, Asked, RequestFacts
from coatcheck.access.policy import Resource
from coatcheck.access.verdict import Verdict, trusts_service, weigh
from coatcheck.core.author import Author
from coatcheck.identity import acting
from coatcheck.identity.acting import Identities as Identities
from coatcheck.identity.acting import NoAuthor
from coatcheck.identity.caller import Caller
from coatcheck.operations.context import Context, Ports
from coatcheck.ports.keyring import Role

from .notices import Stopped

SERVICE: Final = "oss.aliyuncs.com"  # named by the trust policy of a role that the server may assume
_REQUEST: Final = RequestFacts(secure=True)
_ROLE: Final = "acs:ram::"


async def act_as(author: Author | None, identities: Identities) -> Caller:
    """The caller that the work is done as. Raises: Stopped."""
    try:
        return await acting.act_as(author, identities)
    except NoAuthor as reason:
        raise Stopped(str(reason)) from None


async def assume(arn: str, author: Caller, identities: Identities, *, session: str, now: float) -> Caller:
    """The caller in the role that a configuration names. Raises: Stopped."""
    account, slash, name = arn.removeprefix(_ROLE).partition(":role/")
    if not arn.startswith(_ROLE) or not slash:
        raise Stopped(f"its role isn't written acs:ram::UID:role/NAME: {arn[:128]!a}")
    role = await identities.find_role(account, name) if account == author.account else None
    if role is None:
        raise Stopped(f"the role {arn[:128]!a} is not there, in the account of who set it up")
    if not trusts_service(role.trust, SERVICE):
        raise Stopped(f"the trust policy of the role {role.name} does not name the service {SERVICE}")
    if not _may_pass(author, role, now):
        raise Stopped(f"who set it up may not pass the role {role.name} on (ram:PassRole)")
    return _in_session(role, session, None)


def context_of(ports: Ports, caller: Caller, now: float, *, prefix: str = "") -> Context:
    """What operations of the work are handed.

    Args:
        prefix: of a listing, for conditions of policies.
    """
    return Context(ports, caller, now, replace(_REQUEST, prefix=prefix) if prefix else _REQUEST)


def _in_session(role: Role, session: str, policy: str | None) -> Caller:
    try:
        return acting.in_session(role, session, policy)
    except NoAuthor as reason:
        raise Stopped(str(reason)) from None


def _may_pass(author: Caller, role: Role, now: float) -> bool:
    """The account itself may; a user or session needs ram:PassRole, from its own policies."""
    principal = author.principal
    if principal is None:
        return True
    ceilings = () if principal.session_policy is None else ((principal.session_policy,),)
    asked = Asked(author, AccessFacts(request=_REQUEST, now=now))
    resource = Resource("", role.account, f"role/{role.name}", "ram")
    return all(
        weigh(texts, "ram:PassRole", resource, asked) is Verdict.ALLOW for texts in (*ceilings, principal.policies)
    )
