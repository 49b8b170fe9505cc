"""By which scheme a request is signed, and what it says of itself. Nothing is believed until `verify.py` agrees.

What no scheme can read is refused with the row that OSS's documents give for it (signing reference, sections 0 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from coatcheck.core.errors import (
    QUERY_AUTHORIZATION_INVALID,
    TWO_SIGNATURES,
    UNSUPPORTED_SIGNATURE,
    OssError,
)
from coatcheck.wire.request import Request

from . import schemes
from .claim_parts import bad_header
from .form_scheme import FormClaim
from .rpc import Pair, RpcClaim, RpcRequest
from .scheme import Claim
from .v4 import ALGORITHM

_FOREIGN_WORDS: Final = ("AWS4-HMAC-SHA256", "AWS")


def read_claim(request: Request) -> Claim | None:
    """The claim of a request, or None if it makes none (anonymous).

    Raises:
        OssError: two signatures at once, a scheme we don't speak, or a claim that cannot be read.
    """
    table, first = schemes.TABLE, request.query.first
    authorization = request.headers.get("authorization")
    if authorization is None:
        if not first:
            return None
        for read in table.link_readers:
            claim = read(request)
            if claim is not None:
                return claim
            if table.marks.isdisjoint(first):  # asked after the first row, since most links are its
                return None
        raise _unknown_link(first)
    if not table.marks.isdisjoint(first):
        raise TWO_SIGNATURES()
    for read in table.header_readers:
        claim = read(request)
        if claim is not None:
            return claim
    raise _unknown_header(authorization)


def read_form_claim(fields: Mapping[str, str]) -> FormClaim | None:
    """The claim of a form, or None if it makes none.

    Args:
        fields: names in lower case.
    Raises: OssError.
    """
    for scheme in schemes.TABLE.forms:
        claim: FormClaim | None = scheme.read(fields)
        if claim is not None:
            return claim
    return None


def read_rpc_claim(request: Request, parameters: Sequence[Pair], body: bytes) -> RpcClaim:
    """The claim of an RPC request.

    Args:
        parameters: of query and form together, each name once.
    Raises:
        OssError: STS_MISSING_PARAMETER, STS_INCOMPLETE_SIGNATURE, STS_TIME_EXPIRED for a time that is none.
    """
    arrived = RpcRequest(request, parameters, body)
    for scheme in schemes.TABLE.rpc:
        claim: RpcClaim | None = scheme.read(arrived)
        if claim is not None:
            return claim
    raise AssertionError("the last row takes what is left")


def _unknown_link(first: Mapping[str, str]) -> OssError:
    """What to say of a URL that is signed, if at all, in no way we speak."""
    version = first.get("x-oss-signature-version")
    if version is not None:
        return UNSUPPORTED_SIGNATURE(ec="0002-00000066", ArgumentName="x-oss-signature-version", ArgumentValue=version)
    if not schemes.FOREIGN.isdisjoint(first):
        return UNSUPPORTED_SIGNATURE()
    return QUERY_AUTHORIZATION_INVALID(
        f"x-oss-signature-version is missing from the URL; it must be {ALGORITHM}.",
        ArgumentName="x-oss-signature-version",
    )


def _unknown_header(authorization: str) -> OssError:
    word = authorization.partition(" ")[0]
    if word in _FOREIGN_WORDS:
        return UNSUPPORTED_SIGNATURE(Authorization=authorization)
    if not word:
        return bad_header(authorization, "Authorization header value is empty.", "")
    return bad_header(authorization, "Authorization header is invalid.", "0002-00000061")
