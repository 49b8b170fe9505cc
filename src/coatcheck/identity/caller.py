"""Who asks: nobody in particular, or the holder of an access key. A Caller exists only after its signature held."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.ports.keyring import Principal


class Caller(NamedTuple):
    """The one who asks.

    Attributes:
        account: uid of the account behind the access key; "" for anonymous.
        access_key_id: "" for anonymous.
        by_link: the signature came in the URL.
        signed_headers: the additional headers the signer listed, lower case; only meaningful for a V4 link.
        principal: the user or the session of a role that the key belongs to; None for a key of the account itself,
            and for anonymous.
    """

    account: str = ""
    access_key_id: str = ""
    by_link: bool = False
    signed_headers: frozenset[str] = frozenset()
    principal: Principal | None = None

    @property
    def anonymous(self) -> bool:
        return not self.access_key_id

    @property
    def names(self) -> tuple[str, ...]:
        """By what a bucket policy or a trust policy can mean the caller, the closest first, the account last."""
        if self.principal is not None:
            return (*self.principal.names(self.account), self.account)
        return (self.account,) if self.account else ()

    @property
    def arn(self) -> str:
        """RAM's name of the caller; "" for anonymous."""
        if self.principal is not None:
            return self.principal.arn(self.account)
        return f"acs:ram::{self.account}:root" if self.account else ""


ANONYMOUS = Caller()
