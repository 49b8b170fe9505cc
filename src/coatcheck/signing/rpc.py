"""Signatures of the RPC interface, which STS speaks: in the parameters (HMAC-SHA1) or the header (ACS3-HMAC-SHA256).

Pure: what a request says of its signer, and the text that must have been signed. Source: signing reference, section 6;
Alibaba Cloud's RPC request and V3 signature documents.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from coatcheck.core.errors import (
    STS_INCOMPLETE_SIGNATURE,
    STS_MISSING_PARAMETER,
    STS_SIGNATURE_DOES_NOT_MATCH,
    STS_TIME_EXPIRED,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, NONCE_MAX_CHARS
from coatcheck.core.percent import encode
from coatcheck.core.times import read_iso
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .scheme import Scheme, SignedText

Pair = tuple[str, str]

_ACS3: Final = "ACS3-HMAC-SHA256"
_ACS3_SIGNED: Final = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce")
_ACS: Final = "x-acs-"


class RpcRequest(NamedTuple):
    """What a claim is read from. `parameters`: of query and form together, each name once."""

    request: Request
    parameters: Sequence[Pair]
    body: bytes


class RpcClaim(Struct, frozen=True):
    """Who says to have signed an RPC request, and what.

    Attributes:
        string_to_sign: built from what arrived.
        nonce: the request's own; who verifies the claim has to see that it comes once.
        expires_s: Unix seconds; when the request is too old to be taken again.
    """

    scheme: Scheme[RpcRequest, RpcClaim]
    access_key_id: str
    security_token: str | None
    signature: str
    string_to_sign: str
    nonce: str
    expires_s: int

    @property
    def region(self) -> None:
        """STS has none."""

    @property
    def additional_headers(self) -> tuple[str, ...]:
        return ()

    @property
    def signed_at_s(self) -> None:
        """It says when it ends."""

    def __repr__(self) -> str:
        return f"RpcClaim({self.access_key_id}, signature hidden)"


# --- in the parameters ---------------------------------------------------------------------------------------------


def _read_parameters(arrived: RpcRequest) -> RpcClaim:
    request, parameters, _ = arrived
    given = dict(parameters)
    for name in ("AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"):
        if not given.get(name):
            raise STS_MISSING_PARAMETER(f"The parameter {name} is mandatory for this action.")
    if given["SignatureMethod"] != "HMAC-SHA1" or given["SignatureVersion"] != "1.0":
        raise STS_INCOMPLETE_SIGNATURE("SignatureMethod must be HMAC-SHA1, and SignatureVersion 1.0.")
    expires_s = _read_time(given["Timestamp"])
    nonce = _read_nonce(given["SignatureNonce"])
    text = rpc_string_to_sign(request.method, parameters)
    token = given.get("SecurityToken") or None
    return RpcClaim(RPC, given["AccessKeyId"], token, given["Signature"], text, nonce, expires_s)


def rpc_string_to_sign(method: str, parameters: Sequence[Pair]) -> str:
    """METHOD&%2F&, and the parameters but for the signature itself, sorted by name, encoded twice."""
    pairs = sorted((name, value) for name, value in parameters if name != "Signature")
    canonical = "&".join([f"{encode(name)}={encode(value)}" for name, value in pairs])
    return f"{method}&%2F&{encode(canonical)}"


def sign_rpc(secret: str, text: str) -> str:
    """The signature that `secret` gives to a text that `rpc_string_to_sign` wrote."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), _as_sent(text), "sha1").digest()).decode()


# --- in the header -------------------------------------------------------------------------------------------------


def _read_header(arrived: RpcRequest) -> RpcClaim | None:
    request, _, body = arrived
    if not _is_signed_in_header(request):
        return None
    headers = request.headers
    items = dict(item.strip().partition("=")[::2] for item in headers["authorization"][len(_ACS3) :].split(",", 3))
    if not all(items.get(name) for name in ("Credential", "SignedHeaders", "Signature")):
        raise STS_INCOMPLETE_SIGNATURE("The Authorization header needs Credential, SignedHeaders and Signature.")
    names = items["SignedHeaders"].split(";")
    if len(set(names)) != len(names):  # each time a header is named, its value is signed once more
        raise STS_INCOMPLETE_SIGNATURE("SignedHeaders names a header twice.")
    for name in _ACS3_SIGNED:
        if name not in names or name not in headers:
            raise STS_INCOMPLETE_SIGNATURE(f"The header {name} must be sent and signed.")
    # The others say something too, and a Content-Type says whether the body holds parameters.
    for name in headers:
        if name not in names and (name.startswith(_ACS) or (body and name == "content-type")):
            raise STS_INCOMPLETE_SIGNATURE(f"The header {name} must be signed.")
    expires_s, nonce = _read_time(headers["x-acs-date"]), _read_nonce(headers["x-acs-signature-nonce"])
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256", digest) != digest:
        raise STS_INCOMPLETE_SIGNATURE("x-acs-content-sha256 is not the SHA-256 of the body.")
    canonical_request = _acs3_canonical_request(request, names, digest).encode("utf-8", "surrogateescape")
    text = f"{_ACS3}\n{hashlib.sha256(canonical_request).hexdigest()}"
    token = headers.get("x-acs-security-token") or None
    return RpcClaim(ACS3, items["Credential"], token, items["Signature"], text, nonce, expires_s)


def _acs3_canonical_request(request: Request, names: Sequence[str], digest: str) -> str:
    pairs = sorted((encode(name), encode(value)) for name, value, _ in request.query.parameters)
    query = "&".join([f"{name}={value}" for name, value in pairs])
    lines = "".join([f"{name}:{request.headers.get(name, '').strip()}\n" for name in names])
    return f"{request.method}\n/\n{query}\n{lines}\n{';'.join(names)}\n{digest}"


def _sign_acs3(_: RpcClaim, text: str, secret: str) -> str:
    return hmac.new(secret.encode(), _as_sent(text), "sha256").hexdigest()


def _is_signed_in_header(request: Request) -> bool:
    return request.headers.get("authorization", "").startswith(_ACS3)


# --- in both -------------------------------------------------------------------------------------------------------


def _as_sent(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _read_time(text: str) -> int:
    """When a request of that time is too old. Raises: OssError STS_TIME_EXPIRED for what is no time."""
    moment_s = read_iso(text)
    if moment_s is None:
        raise STS_TIME_EXPIRED()
    return moment_s + CLOCK_SKEW_MAX_S


def _read_nonce(text: str) -> str:
    if len(text) > NONCE_MAX_CHARS or not all("!" <= character <= "~" for character in text):
        raise STS_INCOMPLETE_SIGNATURE(
            f"The signature nonce must be at most {NONCE_MAX_CHARS} visible ASCII characters."
        )
    return text


def _check(claim: RpcClaim, now: float, _: Target) -> None:
    if abs(claim.expires_s - CLOCK_SKEW_MAX_S - now) > CLOCK_SKEW_MAX_S:
        raise STS_TIME_EXPIRED()


def _texts(claim: RpcClaim, _: RpcRequest, __: Target) -> tuple[str, ...]:
    return (claim.string_to_sign,)


def _write(claim: RpcClaim, _: RpcRequest, __: Target) -> SignedText:
    return SignedText(claim.string_to_sign)


def _sign_parameters(_: RpcClaim, text: str, secret: str) -> str:
    return sign_rpc(secret, text)


def _mismatch(claim: RpcClaim, _: RpcRequest, __: Target) -> OssError:
    return STS_SIGNATURE_DOES_NOT_MATCH(
        f"{STS_SIGNATURE_DOES_NOT_MATCH.message} server string to sign is:{claim.string_to_sign}"
    )


def find_action(request: Request, parameters: Mapping[str, str]) -> tuple[str, str]:
    """(Action, Version) of an RPC request, from where its signature covers them: never from anywhere else."""
    headers = request.headers
    if _is_signed_in_header(request):
        return headers.get("x-acs-action", ""), headers.get("x-acs-version", "")
    return parameters.get("Action", ""), parameters.get("Version", "")


ACS3: Final = Scheme(
    "ACS3", "rpc", False, _read_header, _check, _texts, _write, _sign_acs3, _mismatch, signature_chars=64
)
RPC: Final = Scheme(
    "RPC1",
    "rpc",
    False,
    _read_parameters,
    _check,
    _texts,
    _write,
    _sign_parameters,
    _mismatch,
    signature_chars=28,
)
