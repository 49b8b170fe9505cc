"""What an S3 form says of itself: whose key signed its policy, and when. Nothing is believed before `verify.py`.

Both versions sign the base64 text of the policy alone; so every field must be covered by one of its conditions, but for
those that carry the signature, and the file (`check_covered`). Source: S3 reference, sections 6 and 9.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from coatcheck.core.errors import POST_CREDENTIAL_INVALID, POST_FIELD_MISSING, UNSUPPORTED_SIGNATURE, OssError
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, POST_POLICY_MAX_AGE_S
from coatcheck.core.s3_errors import S3_EXPIRED, S3_EXTRA_FIELDS, S3_NOT_YET_VALID, S3_OTHER_DIALECT, S3_TWO_SIGNATURES
from coatcheck.core.times import read_basic_iso, write_iso
from coatcheck.wire.target import Target

from . import s3_v4, v1
from .form_scheme import FormClaim
from .post_policy import PostPolicy
from .s3_v4_scheme import check_s3_id, check_s3_region, read_credential, s3_mismatch
from .scheme import Scheme, SignedText
from .v4 import sign

_V4_MARKS: Final = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-signature"})
_V2_MARK: Final = "awsaccesskeyid"
_OSS_MARKS: Final = frozenset({"ossaccesskeyid", "x-oss-signature-version", "x-oss-credential", "x-oss-signature"})
_UNCOVERED: Final = frozenset({"x-amz-signature", "signature", "policy", _V2_MARK})
SIGNING_FIELDS: Final = _V4_MARKS | {"x-amz-date", "x-amz-security-token"}
_IGNORED: Final = "x-ignore-"
_SHOWN_NAMES: Final = 5


def is_s3_form(fields: Mapping[str, str]) -> bool:
    """Whether a form shows a signature of S3, readable or not. Names in lower case."""
    return _V2_MARK in fields or not _V4_MARKS.isdisjoint(fields)


def is_oss_form(fields: Mapping[str, str]) -> bool:
    """Whether it shows one of OSS."""
    return not _OSS_MARKS.isdisjoint(fields)


def read_s3_form_claim(fields: Mapping[str, str]) -> FormClaim | None:
    """The claim of a form, or None if it makes none.

    Args:
        fields: names in lower case.
    Raises: OssError: two signatures at once, a field of OSS's, or a claim that cannot be read.
    """
    if not is_s3_form(fields):
        return None
    if _V2_MARK in fields and not _V4_MARKS.isdisjoint(fields):
        raise S3_TWO_SIGNATURES("A form is signed once.")
    foreign = next((name for name in fields if name.startswith("x-oss-") or name in _OSS_MARKS), "")
    if foreign:
        raise S3_OTHER_DIALECT(ArgumentName=foreign[:128])
    return S3_FORM_V2.read(fields) if _V2_MARK in fields else S3_FORM_V4.read(fields)


def check_covered(policy: PostPolicy, fields: Mapping[str, str]) -> None:
    """Whether a policy has a condition for each field: what its signer didn't name, nobody may add.

    Args:
        fields: the form's, names in lower case, and `bucket`.
    Raises: OssError S3_EXTRA_FIELDS.
    """
    extra = fields.keys() - policy.fields - _UNCOVERED
    names = sorted(name for name in extra if not name.startswith(_IGNORED))
    if names:
        raise S3_EXTRA_FIELDS(f"{S3_EXTRA_FIELDS.message} {', '.join(names[:_SHOWN_NAMES])[:256]}")


def _read_v4(fields: Mapping[str, str]) -> FormClaim:
    algorithm, credential, timestamp, signature, policy = (
        _required(fields, name)
        for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy")
    )
    if algorithm != s3_v4.ALGORITHM:
        raise UNSUPPORTED_SIGNATURE(ArgumentName="x-amz-algorithm", ArgumentValue=algorithm[:64])
    access_key_id, scope = read_credential(credential, POST_CREDENTIAL_INVALID)
    signed_at_s = read_basic_iso(timestamp)
    if signed_at_s is None or not timestamp.startswith(scope.date):
        raise POST_CREDENTIAL_INVALID(
            "x-amz-date must be a time such as 20260305T070809Z, on the day of x-amz-credential.",
            ArgumentName="x-amz-date",
            ArgumentValue=timestamp[:64],
        )
    if scope.product != s3_v4.SERVICE:
        raise POST_CREDENTIAL_INVALID("The service of x-amz-credential must be s3.", ArgumentName="x-amz-credential")
    token = fields.get("x-amz-security-token") or None
    return FormClaim(S3_FORM_V4, access_key_id, policy, signature, token, scope, signed_at_s)


def _read_v2(fields: Mapping[str, str]) -> FormClaim:
    access_key_id, signature, policy = (_required(fields, name) for name in ("AWSAccessKeyId", "signature", "policy"))
    return FormClaim(S3_FORM_V2, access_key_id, policy, signature, fields.get("x-amz-security-token") or None)


def _required(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name.lower())
    if not value:
        raise POST_FIELD_MISSING(
            f"Bucket POST must contain a field named '{name}'. If it is specified, please check the order of the "
            "fields.",
            ArgumentName=name,
        )
    return value


def _check_scope(claim: FormClaim, regions: Collection[str], target: Target) -> None:
    assert claim.scope is not None  # of a V4 claim it never is
    check_s3_region(claim.scope.region, regions, target, POST_CREDENTIAL_INVALID)


def _check_v4(claim: FormClaim, now: float, _: Target) -> None:
    """The date, from which a form has a week at most, as its key has."""
    check_s3_id(claim.access_key_id)
    start_s = claim.signed_at_s
    assert start_s is not None  # of a V4 claim it never is
    if now < start_s - CLOCK_SKEW_MAX_S:
        raise S3_NOT_YET_VALID(RequestTime=write_iso(start_s), ServerTime=write_iso(int(now)))
    if now > start_s + POST_POLICY_MAX_AGE_S:
        raise S3_EXPIRED(Expires=write_iso(start_s + POST_POLICY_MAX_AGE_S), ServerTime=write_iso(int(now)))


def _check_v2(claim: FormClaim, _: float, __: Target) -> None:
    """It names no date; when a form ends, its policy says."""
    check_s3_id(claim.access_key_id)


def _texts(claim: FormClaim, _: Mapping[str, str], __: Target) -> tuple[str, ...]:
    return (claim.policy,)


def _write(claim: FormClaim, _: Mapping[str, str], __: Target) -> SignedText:
    return SignedText(claim.policy)


def _sign_v4(claim: FormClaim, text: str, secret: str) -> str:
    assert claim.scope is not None
    return sign(s3_v4.signing_key(secret, claim.scope), text)


def _sign_v2(_: FormClaim, text: str, secret: str) -> str:
    return v1.sign(secret, text)


def _mismatch(claim: FormClaim, _: Mapping[str, str], __: Target) -> OssError:
    return s3_mismatch(claim.access_key_id, claim.signature, SignedText(claim.policy))


S3_FORM_V4: Final = Scheme(
    "V4",
    "form",
    True,
    _read_v4,
    _check_v4,
    _texts,
    _write,
    _sign_v4,
    _mismatch,
    check_scope=_check_scope,
    signature_chars=64,
    dialect="S3",
)
S3_FORM_V2: Final = Scheme(
    "V2", "form", True, _read_v2, _check_v2, _texts, _write, _sign_v2, _mismatch, signature_chars=28, dialect="S3"
)
