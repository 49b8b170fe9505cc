"""Sessions: what a security token holds, and the temporary key it stands for. Nothing of it is stored.

A token is sealed by the keyring, so nobody else can make, read or change one. It names the role by its uid, or the key
whose holder asked for it: what that one may do is looked up at each use, and a session ends with its role or key.
"""

from __future__ import annotations

import json
import secrets
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.errors import INVALID_SECURITY_TOKEN, SECURITY_TOKEN_EXPIRED, TOKEN_OF_ANOTHER_KEY
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, SESSION_MAX_S
from coatcheck.core.times import write_iso
from coatcheck.ports.keyring import AccessKey, KeyUse, Principal, Role

TEMPORARY: Final = "STS."  # what the ids of temporary keys begin with


class Session(NamedTuple):
    """The content of a token.

    Attributes:
        role: uid; "" for the session of a key.
        name: of the session, of a role.
        policy: the session policy's text; None: none.
        expires_s: Unix seconds.
        base_key: the id of the access key that it is a session of; "" for that of a role.
    """

    access_key_id: str
    access_key_secret: str
    role: str
    name: str
    policy: str | None
    expires_s: int
    base_key: str = ""


def new_session(role: Role, name: str, policy: str | None, expires_s: int) -> Session:
    """A session of a role, with a fresh temporary key."""
    return Session(*_new_key(), role.uid, name, policy, expires_s)


def new_key_session(base_key: str, expires_s: int) -> Session:
    """A session of a key, with a fresh temporary one."""
    return Session(*_new_key(), "", "", None, expires_s, base_key)


def _new_key() -> tuple[str, str]:
    return f"{TEMPORARY}{secrets.token_hex(12)}", secrets.token_urlsafe(32)


def write_session(session: Session) -> str:
    """The text to be sealed."""
    return json.dumps(session, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1024)
def read_session(text: str) -> Session:
    """What `write_session` wrote."""
    return Session(*json.loads(text))


def find_holder(keyring: KeyUse, token: str) -> tuple[str, str]:
    """The uid of the role, or the id of the key, whose session a token may be of; "" for what it isn't of. Nothing of
    it is checked."""
    text = keyring.open_token(token)
    if text is None:
        return "", ""
    session = read_session(text)
    return session.role, session.base_key


class Holder(NamedTuple):
    """What was found of those that `find_holder` names."""

    role: Role | None
    key: AccessKey | None


def make_temporary_key(keyring: KeyUse, access_key_id: str, token: str, holder: Holder, now: float) -> AccessKey:
    """The key of a session, as good as any while the session lasts.

    Raises:
        OssError: INVALID_SECURITY_TOKEN (not ours, of the future, or its role or key is gone), TOKEN_OF_ANOTHER_KEY,
            SECURITY_TOKEN_EXPIRED.
    """
    text = keyring.open_token(token)
    if text is None:
        raise INVALID_SECURITY_TOKEN()
    session = read_session(text)
    if session.access_key_id != access_key_id:
        raise TOKEN_OF_ANOTHER_KEY(OSSAccessKeyId=access_key_id)
    if session.expires_s > now + SESSION_MAX_S + CLOCK_SKEW_MAX_S:  # issued by a clock that has gone back since
        raise INVALID_SECURITY_TOKEN("The security token you provided is invalid: it was issued in the future.")
    if now > session.expires_s:
        raise SECURITY_TOKEN_EXPIRED(
            SecurityToken=token, Expires=write_iso(session.expires_s), ServerTime=write_iso(int(now))
        )
    if session.base_key:
        return _key_of_key(session, holder.key)
    role = holder.role
    if role is None:
        raise INVALID_SECURITY_TOKEN("The security token you provided is invalid: its role is no longer there.")
    principal = Principal(role.uid, role.name, role.policies, session.name, session.policy)
    return AccessKey(
        access_key_id, session.access_key_secret, role.account, principal=principal, suspended=role.suspended
    )


def _key_of_key(session: Session, base: AccessKey | None) -> AccessKey:
    """Raises: OssError INVALID_SECURITY_TOKEN."""
    if base is None or not base.enabled:
        raise INVALID_SECURITY_TOKEN("The security token you provided is invalid: its key is no longer in use.")
    return replace(base, access_key_id=session.access_key_id, access_key_secret=session.access_key_secret)
