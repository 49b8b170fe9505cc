"""Claim + secret + now -> nothing, or one fault. The only comparison of signatures in this project is here.

Four questions, asked in this order: `check_scope` before the bucket is looked for; `check_claim` needs no key and comes
before the look-up, so that an expired link is refused as expired whoever signed it; `check_token` needs to know what
kind of key it is; `verify` needs the secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any

from coatcheck.core.errors import UNKNOWN_ACCESS_KEY_ID
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .form_scheme import FormClaim
from .rpc import RpcClaim
from .scheme import Claim, SignedText


def check_scope(claim: Claim, *, regions: Collection[str], target: Target) -> None:
    """Whether a claim was signed for here.

    Args:
        regions: the regions a scope may name; where the address stands for one (`target.region`), only that.
    Raises:
        OssError: a scope not ours.
    """
    claim.scheme.check_scope(claim, regions, target)


def check_claim(claim: Claim, *, now: float, target: Target) -> None:
    """Everything else about a claim that needs no key: how its id is written, and its time.

    Args:
        now: Unix seconds.
    Raises:
        OssError: ACCESS_KEY_ID_CHARACTERS, REQUEST_NOT_YET_VALID, REQUEST_EXPIRED, REQUEST_TIME_TOO_SKEWED,
            V1_URL_ON_BUCKET, STS_TIME_EXPIRED.
    """
    claim.scheme.check(claim, now, target)


def check_token(access_key_id: str, token: str | None, *, is_sts_key: bool) -> None:
    """A temporary key comes with a token, an ordinary one without. Whether the token is right is the keyring's to say.

    Raises:
        OssError: UNKNOWN_ACCESS_KEY_ID, as OSS answers both.
    """
    if is_sts_key and token is None:
        raise UNKNOWN_ACCESS_KEY_ID(ec="0002-00000003", OSSAccessKeyId=access_key_id)
    if not is_sts_key and token is not None:
        raise UNKNOWN_ACCESS_KEY_ID(ec="0002-00000002", OSSAccessKeyId=access_key_id)


def verify(claim: Claim, arrived: Any, target: Target, secret: str) -> str:
    """Return if `secret` signed what arrived: the text that it signed. The texts are built from what arrived.

    Args:
        arrived: what the claim was read from: the request, for most.
    Raises:
        OssError: SIGNATURE_DOES_NOT_MATCH, with the texts we signed, so that a caller can compare them with theirs;
            or INVALID_ARGUMENT for a source address restriction that cannot be read.
    """
    scheme, text = claim.scheme, find_signed_text(claim, arrived, target, secret)
    if text is not None:
        return text
    raise scheme.mismatch(claim, arrived, target)


def find_signed_text(claim: Claim, arrived: Any, target: Target, secret: str) -> str | None:
    """As `verify`, for whoever tries several readings: None where it refuses a signature.

    Raises: OssError INVALID_ARGUMENT for a source address restriction that cannot be read.
    """
    scheme, signature = claim.scheme, claim.signature
    for text in scheme.texts(claim, arrived, target):
        if is_same(scheme.sign(claim, text, secret), signature):
            return text
    for text in scheme.odd_texts(claim, arrived, target):
        if is_same(scheme.sign(claim, text, secret), signature):
            return text
    return None


def is_signed(claim: Claim, text: str, signature: str, secret: str) -> bool:
    """Whether a secret gives a signature to a text that `verify` returned; `claim` is it, or what is left of it."""
    return is_same(claim.scheme.sign(claim, text, secret), signature)


def verify_form(claim: FormClaim, secret: str) -> None:
    """Return if `secret` signed the form's policy. Raises: OssError SIGNATURE_DOES_NOT_MATCH."""
    verify(claim, {}, Target(), secret)


def verify_rpc(claim: RpcClaim, secret: str) -> None:
    """Return if `secret` signed this RPC request. Raises: OssError STS_SIGNATURE_DOES_NOT_MATCH, with the text."""
    verify(claim, None, Target(), secret)


def signed_text(claim: Claim, request: Request, target: Target) -> SignedText:
    """What `claim` must have signed if it is about this request."""
    return claim.scheme.write(claim, request, target)


def is_same(ours: str, theirs: str) -> bool:
    """The one comparison of signatures, in a time that doesn't depend on where they differ."""
    return theirs.isascii() and hmac.compare_digest(ours, theirs)
