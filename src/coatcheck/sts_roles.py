"""What STS does, whichever protocol asks: who may assume a role, and the temporary key that it gives.

Source: STS API reference, AssumeRole; AWS STS API reference, GetSessionToken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from coatcheck.access.facts import AccessFacts, Asked, read_request_facts
from coatcheck.access.policy import Kind, PolicyFault, Resource, read_policy
from coatcheck.access.verdict import Verdict, trusts, weigh
from coatcheck.core.errors import (
    STS_INVALID_DURATION,
    STS_INVALID_POLICY,
    STS_INVALID_ROLE_ARN,
    STS_INVALID_SESSION_NAME,
    STS_MISSING_ROLE_ARN,
    STS_MISSING_SESSION_NAME,
    STS_NO_PERMISSION,
    STS_NO_ROLE,
    STS_PARAMETER_TWICE,
    STS_POLICY_TOO_LARGE,
)
from coatcheck.core.limits import SESSION_DEFAULT_S, SESSION_MAX_S, SESSION_MIN_S, STS_FORM_MAX_BYTES
from coatcheck.core.names import is_identity_name
from coatcheck.core.times import write_iso
from coatcheck.identity.caller import Caller
from coatcheck.identity.session import TEMPORARY, Session, new_key_session, new_session, write_session
from coatcheck.ports.keyring import KeyUse
from coatcheck.wire.request import BodyFailed, Request

_SESSION_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@-_")
_SESSION_NAME_MIN_CHARS, _SESSION_NAME_MAX_CHARS = 2, 64


class TemporaryKey(Struct, frozen=True):
    """`expiration`: ISO 8601, in UTC."""

    access_key_id: str
    access_key_secret: str
    security_token: str
    expiration: str

    def __repr__(self) -> str:
        return f"TemporaryKey({self.access_key_id}, secret hidden)"


class Assumed(Struct, frozen=True):
    """A temporary key, and whose it is. `role_id`: "UID:SESSION"."""

    arn: str
    role_id: str
    key: TemporaryKey


async def assume_role(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> Assumed:
    """AssumeRole: a temporary key for somebody the role trusts.

    Args:
        given: RoleArn, RoleSessionName, DurationSeconds, Policy.
    Raises: OssError, of STS's rows.
    """
    account, name = _read_role_arn(given.get("RoleArn", ""))
    session_name = _read_session_name(given.get("RoleSessionName", ""))
    duration_s = _read_duration(given.get("DurationSeconds", ""))
    policy = _read_session_policy(given.get("Policy", ""))
    role = await keyring.find_role(account, name)
    if role is None or role.suspended:
        _check_permission(caller, account, name, request, now)  # who may not assume it needn't know whether it is there
        raise STS_NO_ROLE(f"The role not exists: acs:ram::{account}:role/{name}.")
    _check_permission(caller, account, role.name, request, now)
    if not trusts(role.trust, caller, Asked(caller, AccessFacts(request=read_request_facts(request), now=now))):
        raise STS_NO_PERMISSION()
    if duration_s > role.session_max_s:
        raise STS_INVALID_DURATION(f"The role's sessions last {role.session_max_s} seconds at most.")
    session = new_session(role, session_name, policy, int(now) + duration_s)
    return Assumed(
        f"acs:sts::{role.account}:assumed-role/{role.name}/{session_name}",
        f"{role.uid}:{session_name}",
        _seal(session, keyring),
    )


def get_session_token(caller: Caller, given: Mapping[str, str], keyring: KeyUse, now: float) -> TemporaryKey:
    """GetSessionToken, which AWS alone has: a temporary key with the caller's own rights.

    Args:
        given: DurationSeconds.
    Raises: OssError, of STS's rows.
    """
    if "SerialNumber" in given or "TokenCode" in given:
        raise STS_NO_PERMISSION("There are no MFA devices here.")
    if caller.access_key_id.startswith(TEMPORARY):
        raise STS_NO_PERMISSION("Cannot call GetSessionToken with session credentials")
    duration_s = _read_duration(given.get("DurationSeconds", ""), SESSION_MAX_S)
    return _seal(new_key_session(caller.access_key_id, int(now) + duration_s), keyring)


def _seal(session: Session, keyring: KeyUse) -> TemporaryKey:
    return TemporaryKey(
        session.access_key_id,
        session.access_key_secret,
        keyring.seal_token(write_session(session)),
        write_iso(session.expires_s).replace(".000", ""),
    )


async def read_form_body(request: Request) -> bytes:
    """Raises: OssError STS_PARAMETER_TWICE for a body that no request needs, or that broke off."""
    body = bytearray()  # not a list: a body that arrives by single bytes would take forty times its size
    try:
        async for chunk in request.body.chunks():
            body += chunk
            if len(body) > STS_FORM_MAX_BYTES:
                raise STS_PARAMETER_TWICE(f"The body is larger than {STS_FORM_MAX_BYTES} bytes.")
    except BodyFailed:
        raise STS_PARAMETER_TWICE("The body broke off.") from None
    return bytes(body)


def _check_permission(caller: Caller, account: str, role: str, request: Request, now: float) -> None:
    """Users and sessions need sts:AssumeRole from their own policies; a root key needs the role's trust alone."""
    principal = caller.principal
    if principal is None:
        return
    resource = Resource("", account, f"role/{role}", "ram")
    asked = Asked(caller, AccessFacts(request=read_request_facts(request), now=now))
    ceilings = () if principal.session_policy is None else ((principal.session_policy,),)
    for texts in (*ceilings, principal.policies):
        if weigh(texts, "sts:AssumeRole", resource, asked) is not Verdict.ALLOW:
            raise STS_NO_PERMISSION()


def _read_role_arn(text: str) -> tuple[str, str]:
    """ "acs:ram::UID:role/NAME" -> (uid, name)."""
    if not text:
        raise STS_MISSING_ROLE_ARN()
    parts = text.split(":")
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 5 or parts[:3] != ["acs", "ram", ""] or kind != "role" or not is_identity_name(name):
        raise STS_INVALID_ROLE_ARN()
    if not (parts[3].isascii() and parts[3].isdigit()):
        raise STS_INVALID_ROLE_ARN()
    return parts[3], name


def _read_session_name(text: str) -> str:
    if not text:
        raise STS_MISSING_SESSION_NAME()
    if not _SESSION_NAME_MIN_CHARS <= len(text) <= _SESSION_NAME_MAX_CHARS or not _SESSION_NAME_CHARACTERS.issuperset(
        text
    ):
        raise STS_INVALID_SESSION_NAME()
    return text


def _read_duration(text: str, default_s: int = SESSION_DEFAULT_S) -> int:
    if not text:
        return default_s
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and SESSION_MIN_S <= int(text) <= SESSION_MAX_S):
        raise STS_INVALID_DURATION()
    return int(text)


def _read_session_policy(text: str) -> str | None:
    if not text:
        return None
    if len(text.encode("utf-8", "surrogateescape")) > Kind.SESSION.most_bytes:
        raise STS_POLICY_TOO_LARGE()
    try:
        text.encode()
        read_policy(text, Kind.SESSION)
    except UnicodeEncodeError:
        raise STS_INVALID_POLICY(f"{STS_INVALID_POLICY.message} It is not UTF-8.") from None
    except PolicyFault as fault:
        raise STS_INVALID_POLICY(f"{STS_INVALID_POLICY.message} {fault}.") from None
    return text
