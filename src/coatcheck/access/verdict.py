"""What policies say of one request: yes, no, or nothing.

Statements are compiled once for a text and sorted by action once for the texts that somebody holds together; what
remains for a request are a few comparisons of strings.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from coatcheck.identity.caller import Caller

from .facts import Asked
from .patterns import read_pattern
from .policy import Kind, Policy, Resource, Statement, read_policy


class Verdict(Enum):
    """What policies say. `NOTHING` is no yes: without an Allow it is a no."""

    ALLOW = "Allow"
    DENY = "Deny"
    NOTHING = "nothing"


def weigh(texts: tuple[str, ...], action: str, resource: Resource, asked: Asked) -> Verdict:
    """What identity policies, or the one of a session, say together: any Deny beats every Allow."""
    denying, allowing = _about(texts, action)
    for statement in denying:
        if statement.fits(resource, asked):
            return Verdict.DENY
    for statement in allowing:
        if statement.fits(resource, asked):
            return Verdict.ALLOW
    return Verdict.NOTHING


def mentions(texts: tuple[str, ...], action: str) -> bool:
    """Whether any statement allows the action at all, wherever and under whatever condition."""
    return bool(_about(texts, action)[1])


@lru_cache(maxsize=1024)
def _about(texts: tuple[str, ...], action: str) -> tuple[Policy, Policy]:
    """The statements that are about an action: those that deny, those that allow."""
    folded = action.lower()
    about = [s for text in texts for s in compiled(text) if s.names_action(folded)]
    return tuple(s for s in about if not s.allows), tuple(s for s in about if s.allows)


@lru_cache(maxsize=256)
def compiled(text: str) -> Policy:
    """The statements of an identity or session policy that was checked when it was stored."""
    return read_policy(text, Kind.IDENTITY, stored=True)


class Shared(Enum):
    """What a bucket policy says to a caller."""

    DENY = "Deny"
    NOTHING = "nothing"
    TO_ACCOUNT = "Allow, to the caller's account"  # whose users need the right from their account, too
    TO_CALLER = "Allow, to the caller or to everybody"


def weigh_shared(text: str, action: str, resource: Resource, asked: Asked, *, public_counts: bool) -> Shared:
    """What a bucket policy says.

    Args:
        public_counts: False leaves out what it allows to everybody ("Block Public Access").
    """
    denying, allowing = _shared_about(text, action)
    caller = asked.caller
    for statement in denying:
        if (statement.everybody or _closest_name(statement, caller)) and statement.fits(resource, asked):
            return Shared.DENY
    best = Shared.NOTHING
    for statement in allowing:
        public = statement.everybody and (public_counts or statement.narrowed)
        name = None if public else _closest_name(statement, caller)
        if (public or name) and statement.fits(resource, asked):
            if public or name != caller.account or caller.principal is None:
                return Shared.TO_CALLER
            best = Shared.TO_ACCOUNT
    return best


def mentions_shared(text: str, action: str) -> bool:
    """As `mentions`, of a bucket policy."""
    return bool(_shared_about(text, action)[1])


@lru_cache(maxsize=1024)
def _shared_about(text: str, action: str) -> tuple[Policy, Policy]:
    folded = action.lower()
    about = [s for s in compiled_shared(text) if s.names_action(folded)]
    return tuple(s for s in about if not s.allows), tuple(s for s in about if s.allows)


@lru_cache(maxsize=256)
def compiled_shared(text: str) -> Policy:
    """The statements of a bucket policy that was checked when it was stored."""
    return read_policy(text, Kind.BUCKET, stored=True)


def _closest_name(statement: Statement, caller: Caller) -> str | None:
    """The name by which a statement means this caller, the closest one; None if it means others, or everybody."""
    if statement.principals:
        for name in caller.names:
            for pattern in statement.principals:
                if pattern == name or ("*" in pattern and read_pattern(pattern)(name)):
                    return name
    return None


def is_public(text: str) -> bool:
    """Whether a bucket policy allows something to everybody without a condition that narrows it to a known few."""
    return any(s.allows and s.everybody and not s.narrowed for s in compiled_shared(text))


def trusts_service(text: str, service: str) -> bool:
    """Whether a role's trust policy lets a service of Alibaba Cloud, such as "oss.aliyuncs.com", assume it."""
    statements = [s for s in read_policy(text, Kind.TRUST, stored=True) if s.names_action("sts:assumerole")]
    meant = [s for s in statements if service in s.principals]
    return bool(meant) and all(statement.allows for statement in meant)


def trusts(text: str, caller: Caller, asked: Asked) -> bool:
    """Whether a role's trust policy lets the caller assume it."""
    statements = [s for s in read_policy(text, Kind.TRUST, stored=True) if s.names_action("sts:assumerole")]
    meant = [s for s in statements if _closest_name(s, caller) is not None and s.fits(Resource("", "", ""), asked)]
    return bool(meant) and all(statement.allows for statement in meant)
