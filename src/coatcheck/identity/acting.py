"""Author -> Caller: who something is done as that was set up earlier, looked up anew each time.

A user or role that is gone, or whose account was disabled, does nothing any more; what its policies say now decides.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from coatcheck.core.author import Author
from coatcheck.ports.keyring import AccessKey, Holder, Principal, Role
from coatcheck.ports.snapshot import Lookup, Snapshot

from .caller import Caller


class NoAuthor(Exception):
    """Nothing is done for that author any more; the message says why."""


class Identities(Protocol):
    """What is asked of a keyring."""

    async def find_holder(self, account: str, user: str = "") -> Holder | None: ...

    async def find_role(self, account: str, name: str) -> Role | None: ...

    async def find_role_by_uid(self, uid: str) -> Role | None: ...


class Keys(Identities, Protocol):
    async def find_key(self, access_key_id: str) -> AccessKey | None: ...


async def act_as(author: Author | None, identities: Identities) -> Caller:
    """The caller that the work is done as. Raises: NoAuthor."""
    if author is None:
        raise NoAuthor("nobody knows who set it up; set it up again")
    if author.role:
        role = await identities.find_role_by_uid(author.role)
        if role is None or role.account != author.account:
            raise NoAuthor("the role whose session set it up is no longer there")
        return in_session(role, author.session, author.session_policy)
    holder = await identities.find_holder(author.account, author.user)
    if holder is None:
        raise NoAuthor(f"the {'user' if author.user else 'account'} who set it up is no longer there")
    if holder.suspended:
        raise NoAuthor("the account of who set it up is disabled")
    return Caller(author.account, principal=holder.principal)


async def act_by_key(author: Author, access_key_id: str, keys: Keys) -> Caller:
    """As `act_as`, for what ends with the key too that it was set up with; a session's ends with the session.

    Raises: NoAuthor.
    """
    if not author.role:
        key = await keys.find_key(access_key_id)
        if key is None or not key.enabled or key.account != author.account:
            raise NoAuthor("the access key that made it is disabled or gone")
    return replace(await act_as(author, keys), access_key_id=access_key_id)


def as_of_now(caller: Caller, snapshot: Snapshot) -> Caller:
    """Who asked with a signature, with what their policies say now.

    Args:
        snapshot: of a lookup that has the parts of `ask_for_caller`.
    Raises: NoAuthor, if their key would be refused now. That a session is over by its time is no reason.
    """
    principal = caller.principal
    if caller.anonymous:
        return caller
    if principal is not None and principal.session:
        role = snapshot.role()
        if role is None or role.account != caller.account:
            raise NoAuthor("the role of the session is no longer there")
        of_now = in_session(role, principal.session, principal.session_policy).principal
        return replace(caller, principal=of_now)
    key = snapshot.access_key()
    if key is None or not key.enabled or key.account != caller.account or key.suspended:
        raise NoAuthor("the access key is disabled or gone")
    return replace(caller, principal=key.principal)


def ask_for_caller(caller: Caller) -> Lookup:
    """What has to be known of whoever has asked before."""
    principal = caller.principal
    if principal is not None and principal.session:
        return Lookup(role_uid=principal.uid)
    return Lookup(access_key_id=caller.access_key_id)


def in_session(role: Role, session: str, policy: str | None) -> Caller:
    """The caller in a session of a role. Raises: NoAuthor."""
    if role.suspended:
        raise NoAuthor(f"the account of the role {role.name} is disabled")
    return Caller(role.account, principal=Principal(role.uid, role.name, role.policies, session, policy))
