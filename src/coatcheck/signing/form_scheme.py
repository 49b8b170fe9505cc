"""What a PostObject form says of itself: whose key signed its policy, and when. Nothing is believed before `verify.py`.

One field of a signature makes all of them mandatory; a form with none is anonymous. Source: signing reference,
section 4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from coatcheck.core.errors import (
    POST_CREDENTIAL_INVALID,
    POST_FIELD_MISSING,
    REQUEST_EXPIRED,
    REQUEST_NOT_YET_VALID,
    SIGNATURE_DOES_NOT_MATCH,
    UNSUPPORTED_SIGNATURE,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, POST_POLICY_MAX_AGE_S
from coatcheck.core.times import read_basic_iso, write_iso
from coatcheck.wire.target import Target

from . import v1, v4
from .claim_parts import NO_REGION, check_id, is_scope_date, split_credential
from .scheme import Scheme, SignedText
from .v4 import ALGORITHM, PRODUCT, TERMINATOR, Scope

_V4_FIELDS: Final = ("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-signature", "policy")
_REGION_EC: Final = "0002-00000715"
_V1_FIELDS: Final = ("OSSAccessKeyId", "Signature", "policy")


class FormClaim(Struct, frozen=True):
    """The signature of a form.

    Attributes:
        policy: the field's base64 text, which is what is signed.
        scope, signed_at_s: of a V4 signature; None for V1.
    """

    scheme: Scheme[Mapping[str, str], FormClaim]
    access_key_id: str
    policy: str
    signature: str
    security_token: str | None
    scope: Scope | None = None
    signed_at_s: int | None = None

    @property
    def region(self) -> str | None:
        return None if self.scope is None else self.scope.region

    @property
    def additional_headers(self) -> tuple[str, ...]:
        return ()

    def __repr__(self) -> str:
        return f"FormClaim({self.access_key_id}, signature hidden)"


def _check_v4_scope(claim: FormClaim, regions: Collection[str], target: Target) -> None:
    scope = claim.scope
    assert scope is not None  # of a V4 claim it never is
    if scope.region not in regions or target.region not in (None, scope.region):
        raise _bad_credential(NO_REGION, claim, _REGION_EC)
    if scope.product != PRODUCT:
        raise _bad_credential("The signing product in credential is invalid.", claim, "0002-00000710")


def _check_v4(claim: FormClaim, now: float, _: Target) -> None:
    """The date, from which a form has a week at most."""
    check_id(claim.access_key_id)
    start_s = claim.signed_at_s
    assert start_s is not None  # of a V4 claim it never is
    if now < start_s - CLOCK_SKEW_MAX_S:
        raise REQUEST_NOT_YET_VALID(RequestTime=write_iso(start_s), ServerTime=write_iso(int(now)))
    if now > start_s + POST_POLICY_MAX_AGE_S:
        raise REQUEST_EXPIRED(Expires=write_iso(start_s + POST_POLICY_MAX_AGE_S), ServerTime=write_iso(int(now)))


def _check_v1(claim: FormClaim, _: float, __: Target) -> None:
    """V1 names no date; when a form ends, its policy says."""
    check_id(claim.access_key_id)


def _read_v1(fields: Mapping[str, str]) -> FormClaim | None:
    if fields.keys().isdisjoint(name.lower() for name in _V1_FIELDS):
        return None
    access_key_id, signature, policy = (_required(fields, name) for name in _V1_FIELDS)
    return FormClaim(FORM_V1, access_key_id, policy, signature, fields.get("x-oss-security-token") or None)


def _read_v4(fields: Mapping[str, str]) -> FormClaim | None:
    if fields.keys().isdisjoint(("x-oss-signature-version", "x-oss-credential", "x-oss-signature")):
        return None
    version, credential, timestamp, signature, policy = (_required(fields, name) for name in _V4_FIELDS)
    if version != ALGORITHM:
        raise UNSUPPORTED_SIGNATURE(ArgumentName="x-oss-signature-version", ArgumentValue=version[:64])
    parts = split_credential(credential)
    if parts is None or parts[2] != TERMINATOR:
        raise POST_CREDENTIAL_INVALID(ArgumentName="x-oss-credential", ArgumentValue=credential[:512])
    access_key_id, scope, _ = parts
    if not scope.region:
        raise POST_CREDENTIAL_INVALID(
            NO_REGION, ec=_REGION_EC, ArgumentName="x-oss-credential", ArgumentValue=credential[:512]
        )
    signed_at_s = read_basic_iso(timestamp)
    if signed_at_s is None or not is_scope_date(scope.date) or not timestamp.startswith(scope.date):
        raise POST_CREDENTIAL_INVALID(
            "The signing date in credential is invalid: it must be the day of x-oss-date, such as 20260305T070809Z.",
            ec="0002-00000709",
            ArgumentName="x-oss-credential",
            ArgumentValue=credential[:512],
        )
    token = fields.get("x-oss-security-token") or None
    return FormClaim(FORM_V4, access_key_id, policy, signature, token, scope, signed_at_s)


def _required(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name.lower())
    if value:
        return value
    message = POST_FIELD_MISSING.message.replace("field", f"'{name}'", 1)
    raise POST_FIELD_MISSING(message, ec="0002-00000706", ArgumentName=name, ArgumentValue="")


def _bad_credential(message: str, claim: FormClaim, ec: str) -> OssError:
    value = f"{claim.access_key_id}/{claim.scope}"
    return POST_CREDENTIAL_INVALID(message, ec=ec, ArgumentName="x-oss-credential", ArgumentValue=value)


def _texts(claim: FormClaim, _: Mapping[str, str], __: Target) -> tuple[str, ...]:
    return (claim.policy,)


def _write(claim: FormClaim, _: Mapping[str, str], __: Target) -> SignedText:
    return SignedText(claim.policy)


def _sign_v4(claim: FormClaim, text: str, secret: str) -> str:
    assert claim.scope is not None
    return v4.sign(v4.signing_key(secret, claim.scope), text)


def _sign_v1(_: FormClaim, text: str, secret: str) -> str:
    return v1.sign(secret, text)


def _mismatch(claim: FormClaim, _: Mapping[str, str], __: Target) -> OssError:
    return SIGNATURE_DOES_NOT_MATCH(
        ec="0002-00000705",
        OSSAccessKeyId=claim.access_key_id,
        SignatureProvided=claim.signature,
        StringToSign=claim.policy,
    )


FORM_V4: Final = Scheme(
    "V4",
    "form",
    True,
    _read_v4,
    _check_v4,
    _texts,
    _write,
    _sign_v4,
    _mismatch,
    check_scope=_check_v4_scope,
    signature_chars=64,
)
FORM_V1: Final = Scheme(
    "V1", "form", True, _read_v1, _check_v1, _texts, _write, _sign_v1, _mismatch, signature_chars=28
)
