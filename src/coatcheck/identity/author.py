"""Caller -> the author to be remembered of what they set up."""

from __future__ import annotations

from coatcheck.core.author import Author

from .caller import Caller


def author_of(caller: Caller, now: float) -> Author:
    """Whoever signs for an identity acts as it: the key, or the link, isn't remembered.

    Args:
        caller: not anonymous.
        now: Unix seconds.
    """
    principal = caller.principal
    if principal is None:
        return Author(caller.account, at=int(now))
    if not principal.session:
        return Author(caller.account, user=principal.uid, at=int(now))
    return Author(
        caller.account,
        role=principal.uid,
        session=principal.session,
        session_policy=principal.session_policy,
        at=int(now),
    )
