"""Who asks: nobody in particular, or the holder of an access key. A Caller exists only after its signature held."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from typing import Final, NamedTuple

from coatcheck.ports.keyring import Principal
from coatcheck.ports.links import Limits

_LINK_ID_BYTES: Final = 15  # 24 letters of base32, without padding


class Caller(NamedTuple):
    """The one who asks.

    Attributes:
        account: uid of the account behind the access key; "" for anonymous.
        access_key_id: "" for anonymous, and for work in the background, which no key has signed.
        by_link: the signature came in the URL or in a form, so whoever was handed it may be asking.
        signed_headers: lower-case names: the additional headers that a V4 signer listed, or the fields that the policy
            of a form names.
        principal: the user or the session of a role that the key belongs to; None for a key of the account itself,
            and for anonymous.
        signature: of a link, as it was verified; whoever knows it has the link, so nobody writes it down.
        limits: what the link may do less than its signature says; None for one that the register doesn't limit.
    """

    account: str = ""
    access_key_id: str = ""
    by_link: bool = False
    signed_headers: frozenset[str] = frozenset()
    principal: Principal | None = None
    signature: str = ""
    limits: Limits | None = None

    def __repr__(self) -> str:
        return f"Caller({self.arn or 'anonymous'}, {self.access_key_id}, by_link={self.by_link}, signature hidden)"

    @property
    def anonymous(self) -> bool:
        return not self.account

    @property
    def link(self) -> str:
        """The id of the link that the caller came by, which nobody can make the link from; "" without one."""
        if not self.by_link:
            return ""
        digest = hashlib.sha256(f"{self.access_key_id}\0{self.signature}".encode()).digest()
        return f"lk_{b32encode(digest[:_LINK_ID_BYTES]).decode().lower()}"

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


class UsedLink:
    """A link whose signature held. (A plain class: mypyc makes one in a tenth of a named tuple's time.)

    Attributes:
        bucket: its name, whatever it was addressed by.
        signed_at_s: Unix seconds; None where it doesn't say.
    """

    __slots__ = ("bucket", "caller", "key", "signed_at_s")

    caller: Caller
    bucket: str
    key: str
    signed_at_s: int | None

    def __init__(self, caller: Caller, bucket: str, key: str, signed_at_s: int | None) -> None:
        self.caller = caller
        self.bucket = bucket
        self.key = key
        self.signed_at_s = signed_at_s


ANONYMOUS = Caller()
