"""One link to sign: all that is known of it before its signature."""

from __future__ import annotations

from typing import NamedTuple

from .options import Where
from .signed_headers import SignedHeaders
from .url_parts import Pieces


class Draft(NamedTuple):
    """One link to sign.

    Attributes:
        base: its URL up to the key, with a slash at its end.
        now_s, age_s: the Unix second it is signed at, and how many seconds it lives from then.
        own: the caller's own parameters.
        signed: the headers that must be sent with it.
    """

    method: str
    where: Where
    base: str
    now_s: int
    age_s: int
    own: Pieces
    signed: SignedHeaders
