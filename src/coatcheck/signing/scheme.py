"""What every signature scheme does, as a row; the rows are in `schemes.py`, and a claim knows its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from coatcheck.core.errors import OssError
from coatcheck.wire.query import Query
from coatcheck.wire.target import Target

Place = Literal["link", "header", "form", "rpc"]
Dialect = Literal["OSS", "S3"]
Arrived = TypeVar("Arrived")
Made = TypeVar("Made")


class Claim(Protocol):
    """What a request says of itself, whichever its scheme. Nothing of it is believed until `verify.py` agrees."""

    @property
    def scheme(self) -> Scheme[Any, Any]: ...
    @property
    def access_key_id(self) -> str: ...
    @property
    def signature(self) -> str:
        """In the one way of writing it that can be right, however it was sent."""

    @property
    def security_token(self) -> str | None: ...
    @property
    def region(self) -> str | None:
        """The one it is signed for; None where the scheme names none."""

    @property
    def additional_headers(self) -> tuple[str, ...]:
        """Lower-case names of the headers that are signed by choice, sorted."""

    @property
    def signed_at_s(self) -> int | None:
        """Unix seconds; None where the scheme doesn't say."""


SignersNow = Callable[[Claim, float], float]
"""What the clock of whoever signed says now (claim, now by ours), Unix seconds. A server takes all clocks for one."""


def one_clock(_: Claim, now: float) -> float:
    return now


class SignedText(Struct, frozen=True):
    """What a signature covers: the string to sign and, for V4, the canonical request it stands for."""

    string_to_sign: str
    canonical_request: str | None = None


class Glance(Struct, frozen=True):
    """What a link says without being whole; None where it doesn't.

    Attributes:
        starts_at_s, expires_at_s: Unix seconds.
    """

    access_key_id: str | None = None
    region: str | None = None
    starts_at_s: int | None = None
    expires_at_s: int | None = None
    required_headers: tuple[str, ...] = ()


class Lasting(NamedTuple):
    """What stays of the claim of a link that has verified, for when the link is used again.

    Attributes:
        common: the claim without its time and its signature, so that links of one signer may share it.
        end_s: Unix seconds; the last moment at which `check` accepts it. `lasts_s`: how long before that it begins to.
    """

    common: Claim
    end_s: int
    lasts_s: float


def _any_scope(*_: object) -> None:
    """For schemes that name no scope."""


def _none_odd(*_: object) -> tuple[str, ...]:
    return ()


def _see_nothing(_: Query) -> None:
    return None


class Scheme(Struct, Generic[Arrived, Made], frozen=True, eq=False):
    """One row. `Arrived` is what a claim is read from: a request, the fields of a form, the parts of an RPC request.

    Attributes:
        version: "V4", "V1" and so on, as people call it.
        place: where the signature stands; rows of one place are asked in the table's order.
        is_link: whoever has the address, or the form, can use it, and needs no key.
        marks: of a link, the parameters any of which shows that somebody meant to sign.
        read: the claim of what arrived, None if it isn't signed so; an OssError where it can't be read.
        check: what else needs no key: how its id is written, and the time (claim, now in Unix seconds, target); an
            OssError.
        texts: the strings, any of which must have been signed; most often one.
        odd_texts: those that some signers sign instead, just as full a commitment; asked for when no other held.
        check_scope: that it was signed for here (claim, regions served, target); an OssError.
        write: the likeliest of all in full.
        sign: the signature that a secret gives to a string (claim, string, secret).
        mismatch: the refusal of another signature; it has the text, never our signature.
        signature_chars: the length of a whole signature.
        keep: of a link, what stays of its claim; None for what isn't remembered.
        glance: of a link, what can be said of it even where it can't be read; None if it isn't signed so.
        dialect: whose it is.
    """

    version: str
    place: Place
    is_link: bool
    read: Callable[[Arrived], Made | None]
    check: Callable[[Made, float, Target], None]
    texts: Callable[[Made, Arrived, Target], Iterable[str]]
    write: Callable[[Made, Arrived, Target], SignedText]
    sign: Callable[[Made, str, str], str]
    mismatch: Callable[[Made, Arrived, Target], OssError]
    odd_texts: Callable[[Made, Arrived, Target], Iterable[str]] = _none_odd
    check_scope: Callable[[Made, Collection[str], Target], None] = _any_scope
    marks: frozenset[str] = frozenset()
    signature_chars: int = 0
    keep: Callable[[Made], Lasting] | None = None
    glance: Callable[[Query], Glance | None] = _see_nothing
    dialect: Dialect = "OSS"

    def __repr__(self) -> str:
        return f"Scheme({self.dialect} {self.version} {self.place})"
