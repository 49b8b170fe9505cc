"""Claim + secret + now -> nothing, or one fault. The only comparison of signatures in this project is here.

Three questions, asked in this order by `identity/identify.py`: `check_claim` needs no key and comes before the look-up,
so that an expired link is told so whoever signed it; `check_token` needs to know what kind of key it is; `verify` needs
the secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from coatcheck.core.errors import (
    AUTHORIZATION_INVALID,
    QUERY_AUTHORIZATION_INVALID,
    REQUEST_EXPIRED,
    REQUEST_NOT_YET_VALID,
    REQUEST_TIME_TOO_SKEWED,
    SIGNATURE_DOES_NOT_MATCH,
    STS_SIGNATURE_DOES_NOT_MATCH,
    UNKNOWN_ACCESS_KEY_ID,
    V1_URL_ON_BUCKET,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, ECHO_MAX_CHARS
from coatcheck.core.times import write_iso
from coatcheck.wire.query import Parameters
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import v1, v4
from .claim import Claim, V1Claim, V4Claim
from .form_claim import FormClaim
from .rpc import RpcClaim, sign_rpc
from .source_ip import VPC_ID, is_restricted, restricted_readings

_V4_MISMATCH: Final = "0002-00000201"
_V1_MISMATCH: Final = "0002-00000040"
_FORM_MISMATCH: Final = "0002-00000705"
_OUTSIDE_SOURCE_IP: Final = "0002-00000602"
_OUTSIDE_VPC: Final = "0002-00000603"


def check_claim(claim: Claim, *, now: float, regions: Collection[str], target: Target) -> None:
    """Everything about a claim that needs no key: its scope and its time.

    Args:
        now: Unix seconds.
        regions: the regions a V4 scope may name; where the door stands for one (`target.region`), only that.
    Raises:
        OssError: a scope not ours, REQUEST_NOT_YET_VALID, REQUEST_EXPIRED, REQUEST_TIME_TOO_SKEWED, V1_URL_ON_BUCKET.
    """
    if isinstance(claim, V4Claim):
        _check_scope(claim, regions, target.region)
        if claim.expires_s is None:
            _check_skew(claim.signed_at_s, now)
        else:
            _check_window(claim.signed_at_s, claim.signed_at_s + claim.expires_s, now)
    elif claim.presigned:
        if target.key is None:
            raise V1_URL_ON_BUCKET()
        if now > claim.moment_s:
            raise _expired(claim.moment_s, now, "0002-00000069")
    else:
        _check_skew(claim.moment_s, now)


def _check_scope(claim: V4Claim, regions: Collection[str], door: str | None) -> None:
    scope = claim.scope
    if scope.region not in regions or (door is not None and scope.region != door):
        raise _bad_scope(claim, "region", "0002-00000226", "0002-00000228")
    if scope.product != v4.PRODUCT:
        raise _bad_scope(claim, "product", "0002-00000227", "0002-00000229")


def _bad_scope(claim: V4Claim, what: str, header_ec: str, url_ec: str) -> OssError:
    if not claim.presigned:
        return AUTHORIZATION_INVALID(f"Invalid signing {what} in Authorization header.", ec=header_ec)
    return QUERY_AUTHORIZATION_INVALID(
        f"Invalid signing {what} in query.",
        ec=url_ec,
        ArgumentName="x-oss-credential",
        ArgumentValue=f"{claim.access_key_id}/{claim.scope}",
    )


def _check_window(start_s: int, end_s: int, now: float) -> None:
    """A link is good from 15 minutes before its date, for clocks that run ahead, until its end, without grace."""
    if now > end_s:
        raise _expired(end_s, now, "0002-00000236")
    if now < start_s - CLOCK_SKEW_MAX_S:
        raise REQUEST_NOT_YET_VALID(RequestTime=write_iso(start_s), ServerTime=write_iso(int(now)))


def _expired(end_s: int, now: float, ec: str) -> OssError:
    return REQUEST_EXPIRED(ec=ec, Expires=write_iso(end_s), ServerTime=write_iso(int(now)))


def _check_skew(moment_s: int, now: float) -> None:
    """SDKs set their clock by the Date header or by ServerTime of this error, and try again."""
    if abs(now - moment_s) > CLOCK_SKEW_MAX_S:
        raise REQUEST_TIME_TOO_SKEWED(
            RequestTime=write_iso(moment_s),
            ServerTime=write_iso(int(now)),
            MaxAllowedSkewMilliseconds=str(CLOCK_SKEW_MAX_S * 1000),
        )


def check_token(access_key_id: str, token: str | None, *, is_sts_key: bool) -> None:
    """A temporary key comes with a token, an ordinary one without. Whether the token is right is the keyring's to say.

    Raises:
        OssError: UNKNOWN_ACCESS_KEY_ID, as OSS answers both.
    """
    if is_sts_key and token is None:
        raise UNKNOWN_ACCESS_KEY_ID(ec="0002-00000003", OSSAccessKeyId=access_key_id)
    if not is_sts_key and token is not None:
        raise UNKNOWN_ACCESS_KEY_ID(ec="0002-00000002", OSSAccessKeyId=access_key_id)


class SignedText(NamedTuple):
    """What a signature covers: the string to sign and, for V4, the canonical request it stands for."""

    string_to_sign: str
    canonical_request: str | None = None


def verify(claim: Claim, request: Request, target: Target, secret: str) -> None:
    """Return if `secret` signed this request; the texts are built from what arrived.

    Raises:
        OssError: SIGNATURE_DOES_NOT_MATCH, with the texts we signed, so that a caller can compare them with theirs;
            or INVALID_ARGUMENT for a source address restriction that cannot be read.
    """
    query = request.query
    restricted = claim.presigned and is_restricted(query)
    readings: Sequence[Parameters | None] = _restricted(request) if restricted else _AS_SENT
    for parameters in readings:
        if _is_same(_sign(claim, request, target, parameters, secret), claim.signature):
            return
    # A signer that was given an empty string may have signed "acl=" instead of "acl" (ali-oss). This second text is
    # just as full a commitment to every parameter.
    if isinstance(claim, V4Claim) and any(parameter.bare_equals for parameter in query.parameters):
        for parameters in readings:
            if _is_same(_sign(claim, request, target, parameters, secret, keep_bare_equals=True), claim.signature):
                return
    if isinstance(claim, V1Claim) and _is_bare_bucket(request, target):
        bare = _bare_bucket_string_to_sign(claim, request, target)
        if _is_same(v1.sign(secret, bare), claim.signature):
            return
    text = signed_text(claim, request, target, next(iter(readings), None))
    raise _mismatch(claim, text, request)


def _restricted(request: Request) -> list[Parameters]:
    return restricted_readings(request.query, request.client, request.peer)


_AS_SENT: Final = (None,)


def verify_form(claim: FormClaim, secret: str) -> None:
    """Return if `secret` signed the form's policy. Raises: OssError SIGNATURE_DOES_NOT_MATCH."""
    if claim.scope is None:
        ours = v1.sign(secret, claim.policy)
    else:
        ours = v4.sign(v4.signing_key(secret, claim.scope), claim.policy)
    if not _is_same(ours, claim.signature):
        raise SIGNATURE_DOES_NOT_MATCH(
            ec=_FORM_MISMATCH,
            OSSAccessKeyId=claim.access_key_id,
            SignatureProvided=claim.signature,
            StringToSign=claim.policy,
        )


def verify_rpc(claim: RpcClaim, secret: str) -> None:
    """Return if `secret` signed this RPC request. Raises: OssError STS_SIGNATURE_DOES_NOT_MATCH, with the text."""
    if not _is_same(sign_rpc(secret, claim), claim.signature):
        raise STS_SIGNATURE_DOES_NOT_MATCH(
            f"{STS_SIGNATURE_DOES_NOT_MATCH.message} server string to sign is:{claim.string_to_sign}"
        )


def signed_text(claim: Claim, request: Request, target: Target, parameters: Parameters | None = None) -> SignedText:
    """What `claim` must have signed if it is about this request, or about it with other query parameters."""
    if isinstance(claim, V1Claim):
        return SignedText(_v1_string_to_sign(claim, request, target, parameters))
    canonical_request = _v4_canonical_request(claim, request, target, parameters, False)
    return SignedText(v4.string_to_sign(claim.timestamp, claim.scope, canonical_request), canonical_request)


def _sign(
    claim: Claim,
    request: Request,
    target: Target,
    parameters: Parameters | None,
    secret: str,
    *,
    keep_bare_equals: bool = False,
) -> str:
    """The signature that `secret` gives to this request, in the claim's scheme."""
    if isinstance(claim, V1Claim):
        return v1.sign(secret, _v1_string_to_sign(claim, request, target, parameters))
    canonical_request = _v4_canonical_request(claim, request, target, parameters, keep_bare_equals)
    text = v4.string_to_sign(claim.timestamp, claim.scope, canonical_request)
    return v4.sign(v4.signing_key(secret, claim.scope), text)


def _v1_string_to_sign(claim: V1Claim, request: Request, target: Target, parameters: Parameters | None) -> str:
    resource = v1.canonicalized_resource(target, request.query.parameters if parameters is None else parameters)
    return v1.string_to_sign(request.method, request.headers, claim.date_line, resource)


def _is_bare_bucket(request: Request, target: Target) -> bool:
    """A path-style bucket asked for without the slash behind it."""
    return target.key is None and target.bucket is not None and request.raw_path == b"/" + target.bucket.encode()


def _bare_bucket_string_to_sign(claim: V1Claim, request: Request, target: Target) -> str:
    """Apache OpenDAL signs such a bucket as it asks for it, "/bucket". No other resource has that text."""
    bucket = f"/{target.bucket}"
    rest = v1.canonicalized_resource(target, request.query.parameters).removeprefix(f"{bucket}/")
    return v1.string_to_sign(request.method, request.headers, claim.date_line, bucket + rest)


def _v4_canonical_request(
    claim: V4Claim, request: Request, target: Target, parameters: Parameters | None, keep_bare_equals: bool
) -> str:
    query = request.query.canonical
    if query is None or parameters is not None:
        sent = request.query.parameters if parameters is None else parameters
        query = v4.canonical_query(sent, keep_bare_equals=keep_bare_equals)
    return v4.canonical_request(
        request.method,
        v4.canonical_uri(target),
        query,
        v4.canonical_headers(request.headers, claim.additional_headers),
        claim.additional_line,
        claim.payload_line,
    )


def _is_same(ours: str, theirs: str) -> bool:
    """The one comparison of signatures, in a time that doesn't depend on where they differ."""
    return theirs.isascii() and hmac.compare_digest(ours, theirs)


_SHOWN_MAX_BYTES: Final = ECHO_MAX_CHARS // 3 - 1  # each takes three characters


def _mismatch(claim: Claim, text: SignedText, request: Request) -> OssError:
    raw = text.string_to_sign.encode("utf-8", "surrogateescape")
    shown = raw[:_SHOWN_MAX_BYTES].hex(" ").upper() + " "
    ec = _V4_MISMATCH if isinstance(claim, V4Claim) else _V1_MISMATCH
    if claim.presigned and is_restricted(request.query):
        ec = _OUTSIDE_VPC if VPC_ID in request.query else _OUTSIDE_SOURCE_IP
    error = SIGNATURE_DOES_NOT_MATCH(
        _door_sentence(claim, request.host),
        ec=ec,
        OSSAccessKeyId=claim.access_key_id,
        SignatureProvided=claim.signature,
        StringToSign=text.string_to_sign,
        StringToSignBytes=shown if len(raw) <= _SHOWN_MAX_BYTES else f"{shown}...",
    )
    if text.canonical_request is not None:
        error.facts["CanonicalRequest"] = text.canonical_request
    return error


def _door_sentence(claim: Claim, host: str) -> str | None:
    """OSS's message; and, where the signer chose to sign the host, that this may be the reason."""
    if not isinstance(claim, V4Claim) or "host" not in claim.additional_headers:
        return None
    return (
        f"{SIGNATURE_DOES_NOT_MATCH.message} The signer also signed the host, so it answers under one host name only: "
        f"it came with Host {host!r}."
    )
