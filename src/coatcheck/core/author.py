"""Who set up what is done later, without them: remembered beside a configuration, never shown."""

from __future__ import annotations

from msgspec import Struct


class Author(Struct, frozen=True):
    """An identity, not a key: what it may do is looked up anew each time that something is done for it.

    Attributes:
        account: uid of the account.
        user: uid of the account's user; "" for none.
        role: uid of the role whose session it was; "" for none. A role made again under its name is another one.
        session: the session's name.
        session_policy: what narrowed the session, and goes on narrowing what is done for it; None: nothing did.
        at: when it was set up, Unix seconds.
    """

    account: str
    user: str = ""
    role: str = ""
    session: str = ""
    session_policy: str | None = None
    at: int = 0
