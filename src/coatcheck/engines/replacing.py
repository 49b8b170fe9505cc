"""What may be made anew, and what may only be replaced: the same for every engine."""

from __future__ import annotations

from ..ports.catalog import AlreadyThere, Gone


def check_known(known: object, replace: bool, what: str) -> None:
    """Something is replaced if it is there, and made if it isn't.

    Args:
        known: what is there; what is false, as None, if it isn't.
    Raises: AlreadyThere, Gone.
    """
    if known and not replace:
        raise AlreadyThere(what)
    if replace and not known:
        raise Gone(what)
