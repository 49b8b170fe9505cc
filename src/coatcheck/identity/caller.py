"""Who asks: nobody in particular, or the holder of an access key. A Caller exists only after its signature held."""

from __future__ import annotations

from typing import NamedTuple


class Caller(NamedTuple):
    """The one who asks.

    Attributes:
        account: uid of the account behind the access key; "" for anonymous.
        access_key_id: "" for anonymous.
        by_link: the signature came in the URL.
        signed_headers: the additional headers the signer listed, lower case; only meaningful for a V4 link.
    """

    account: str = ""
    access_key_id: str = ""
    by_link: bool = False
    signed_headers: frozenset[str] = frozenset()

    @property
    def anonymous(self) -> bool:
        return not self.access_key_id


ANONYMOUS = Caller()
