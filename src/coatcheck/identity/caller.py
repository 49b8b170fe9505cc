"""Who asks: nobody in particular, or the holder of an access key. A Caller exists only after its signature held."""

from __future__ import annotations

from coatcheck.core.link_ids import name_link
from coatcheck.core.record import Record
from coatcheck.ports.keyring import Principal
from coatcheck.ports.links import Limits


class Caller(Record, frozen=True):
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
        ticket: the id of the ticket that they came by; "" for all others.
        part: of a ticket for several objects, which: its uses are counted apart; "" for all others.
    """

    account: str = ""
    access_key_id: str = ""
    by_link: bool = False
    signed_headers: frozenset[str] = frozenset()
    principal: Principal | None = None
    signature: str = ""
    limits: Limits | None = None
    ticket: str = ""
    part: str = ""

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
        return self.ticket or make_link_id(self.access_key_id, self.signature)

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


def make_link_id(access_key_id: str, signature: str) -> str:
    """The id of the link with that signature."""
    return name_link(f"{access_key_id}\0{signature}")


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
