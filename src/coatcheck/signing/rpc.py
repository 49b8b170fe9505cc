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

from coatcheck.core.errors import STS_INCOMPLETE_SIGNATURE, STS_MISSING_PARAMETER, STS_TIME_EXPIRED
from coatcheck.core.limits import CLOCK_SKEW_MAX_S
from coatcheck.core.percent import encode
from coatcheck.core.times import read_iso
from coatcheck.wire.request import Request

Pair = tuple[str, str]

_ACS3: Final = "ACS3-HMAC-SHA256"
_ACS3_SIGNED: Final = ("host", "x-acs-action", "x-acs-version", "x-acs-date")  # without these it could be used again


class RpcClaim(NamedTuple):
    """Who says to have signed an RPC request, and what.

    Attributes:
        in_header: ACS3-HMAC-SHA256 in the Authorization header; else HMAC-SHA1 in the parameters.
        string_to_sign: built from what arrived.
    """

    access_key_id: str
    security_token: str | None
    signature: str
    string_to_sign: str
    in_header: bool

    def __repr__(self) -> str:
        return f"RpcClaim({self.access_key_id}, signature hidden)"


def read_rpc_claim(request: Request, parameters: Sequence[Pair], body: bytes, now: float) -> RpcClaim:
    """The claim of an RPC request, whose time is checked here.

    Args:
        parameters: of query and form together, each name once.
        now: Unix seconds.
    Raises:
        OssError: STS_MISSING_PARAMETER, STS_INCOMPLETE_SIGNATURE, STS_TIME_EXPIRED.
    """
    if request.headers.get("authorization", "").startswith(_ACS3):
        return _read_header(request, body, now)
    given = dict(parameters)
    for name in ("AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"):
        if not given.get(name):
            raise STS_MISSING_PARAMETER(f"The parameter {name} is mandatory for this action.")
    if given["SignatureMethod"] != "HMAC-SHA1" or given["SignatureVersion"] != "1.0":
        raise STS_INCOMPLETE_SIGNATURE("SignatureMethod must be HMAC-SHA1, and SignatureVersion 1.0.")
    _check_time(given["Timestamp"], now)
    text = rpc_string_to_sign(request.method, parameters)
    return RpcClaim(given["AccessKeyId"], given.get("SecurityToken") or None, given["Signature"], text, False)


def rpc_string_to_sign(method: str, parameters: Sequence[Pair]) -> str:
    """METHOD&%2F&, and the parameters but for the signature itself, sorted by name, encoded twice."""
    pairs = sorted((name, value) for name, value in parameters if name != "Signature")
    canonical = "&".join([f"{encode(name)}={encode(value)}" for name, value in pairs])
    return f"{method}&%2F&{encode(canonical)}"


def _read_header(request: Request, body: bytes, now: float) -> RpcClaim:
    headers = request.headers
    items = dict(item.strip().partition("=")[::2] for item in headers["authorization"][len(_ACS3) :].split(",", 3))
    if not all(items.get(name) for name in ("Credential", "SignedHeaders", "Signature")):
        raise STS_INCOMPLETE_SIGNATURE("The Authorization header needs Credential, SignedHeaders and Signature.")
    names = items["SignedHeaders"].split(";")
    for name in _ACS3_SIGNED:
        if name not in names or name not in headers:
            raise STS_INCOMPLETE_SIGNATURE(f"The header {name} must be sent and signed.")
    _check_time(headers["x-acs-date"], now)
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256", digest) != digest:
        raise STS_INCOMPLETE_SIGNATURE("x-acs-content-sha256 is not the SHA-256 of the body.")
    canonical_request = _acs3_canonical_request(request, names, digest).encode("utf-8", "surrogateescape")
    text = f"{_ACS3}\n{hashlib.sha256(canonical_request).hexdigest()}"
    token = headers.get("x-acs-security-token")
    if token is not None and "x-acs-security-token" not in names:
        raise STS_INCOMPLETE_SIGNATURE("The header x-acs-security-token must be signed.")
    return RpcClaim(items["Credential"], token or None, items["Signature"], text, True)


def _acs3_canonical_request(request: Request, names: Sequence[str], digest: str) -> str:
    pairs = sorted((encode(name), encode(value)) for name, value, _ in request.query.parameters)
    query = "&".join([f"{name}={value}" for name, value in pairs])
    lines = "".join([f"{name}:{request.headers.get(name, '').strip()}\n" for name in names])
    return f"{request.method}\n/\n{query}\n{lines}\n{';'.join(names)}\n{digest}"


def _check_time(text: str, now: float) -> None:
    moment_s = read_iso(text)
    if moment_s is None or abs(moment_s - now) > CLOCK_SKEW_MAX_S:
        raise STS_TIME_EXPIRED()


def sign_rpc(secret: str, claim: RpcClaim) -> str:
    """The signature that `secret` gives to a claim's text."""
    text = claim.string_to_sign.encode("utf-8", "surrogateescape")
    if claim.in_header:
        return hmac.new(secret.encode(), text, "sha256").hexdigest()
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text, "sha1").digest()).decode()


def find_action(request: Request, parameters: Mapping[str, str]) -> tuple[str, str]:
    """(Action, Version) of an RPC request, wherever it says so."""
    headers = request.headers
    return (
        headers.get("x-acs-action") or parameters.get("Action", ""),
        headers.get("x-acs-version") or parameters.get("Version", ""),
    )
