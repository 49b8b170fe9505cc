"""The second service of this server, STS: AssumeRole and GetCallerIdentity on the RPC interface.

It has its own way to sign (`signing/rpc.py`), its own error codes and no buckets, so it has a corridor of its own:
parameters, claim, key, signature, action. It is asked by requests for "/" that name an Action: on host names that begin
with "sts.", and on every address where "/" is the service and not a bucket.

Source: STS API reference, AssumeRole; signing reference, section 6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from coatcheck.core.errors import (
    DISABLED_ACCESS_KEY_ID,
    INVALID_SECURITY_TOKEN,
    SECURITY_TOKEN_EXPIRED,
    STS_DISABLED_KEY,
    STS_INVALID_ACTION,
    STS_INVALID_TOKEN,
    STS_NONCE_USED,
    STS_PARAMETER_TWICE,
    STS_TOKEN_EXPIRED,
    STS_TOKEN_OF_ANOTHER_KEY,
    STS_UNKNOWN_KEY,
    TOKEN_OF_ANOTHER_KEY,
    UNKNOWN_ACCESS_KEY_ID,
    USER_DISABLE,
    Fault,
    OssError,
)
from coatcheck.core.names import is_access_key_id
from coatcheck.core.xml import Node, write_xml
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, caller_of, find_key
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Reads
from coatcheck.signing.claim import read_rpc_claim
from coatcheck.signing.rpc import Pair, find_action
from coatcheck.signing.scheme import SignersNow, one_clock
from coatcheck.signing.verify import check_claim, verify_rpc
from coatcheck.wire.faults import cut
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, read_host_name

from .sts_roles import assume_role, read_form_body

_VERSION: Final = "2015-04-01"
_FORM: Final = "application/x-www-form-urlencoded"
_MESSAGE_MAX_CHARS: Final = 4096  # a signature that doesn't match is answered with the text that was to be signed

_ANSWERS: Final[dict[Fault, Fault]] = {  # how STS says what OSS says otherwise
    UNKNOWN_ACCESS_KEY_ID: STS_UNKNOWN_KEY,
    DISABLED_ACCESS_KEY_ID: STS_DISABLED_KEY,
    USER_DISABLE: STS_DISABLED_KEY,
    INVALID_SECURITY_TOKEN: STS_INVALID_TOKEN,
    TOKEN_OF_ANOTHER_KEY: STS_TOKEN_OF_ANOTHER_KEY,
    SECURITY_TOKEN_EXPIRED: STS_TOKEN_EXPIRED,
}

Answer = dict[str, Any]  # member -> text, or members


def is_sts(request: Request) -> bool:
    """Whether a request for "/" asks STS, provided that its address names no bucket; `is_sts_host` needs no proviso."""
    return (
        "Action" in request.query.first
        or "x-acs-action" in request.headers
        or (request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM))
    )


def is_sts_host(request: Request) -> bool:
    """sts.DOMAIN and sts.REGION.DOMAIN, as SDKs write it."""
    return read_host_name(request.host).startswith("sts.")


async def answer(
    request: Request,
    keyring: KeyUse,
    reads: Reads,
    request_id: str,
    now: float,
    signers_now: SignersNow = one_clock,
) -> tuple[Reply, str, str]:
    """Answer one request.

    Returns: the reply, the access key id (for the log), and the code of the refusal, "" if it isn't one.
    """
    parameters: tuple[Pair, ...] = tuple((name, value) for name, value, _ in request.query.parameters)
    access_key_id = ""
    try:
        body = await read_form_body(request)
        if request.headers.get("content-type", "").startswith(_FORM):
            parameters += tuple((name, value) for name, value, _ in read_query(body).parameters)
        given = dict(parameters)
        if len(given) != len(parameters):
            raise STS_PARAMETER_TWICE()
        action, version = find_action(request, given)
        run = _ACTIONS.get(action) if version == _VERSION else None
        if run is None:
            raise STS_INVALID_ACTION()
        claim = read_rpc_claim(request, parameters, body)
        check_claim(claim, now=signers_now(claim, now), target=Target())
        if not is_access_key_id(claim.access_key_id):
            raise STS_UNKNOWN_KEY()
        access_key_id = claim.access_key_id
        key = find_key(claim, await reads.read(ask_for_key(claim, keyring)), keyring, now)
        verify_rpc(claim, key.access_key_secret)
        if not await keyring.use_nonce(key.access_key_id, claim.nonce, claim.expires_s, int(now)):
            raise STS_NONCE_USED()
        if claim.security_token is None:
            keyring.note_use(key.access_key_id, now)
        told = await run(caller_of(key, claim), given, request, keyring, now)
        return _write(request, given, f"{action}Response", {"RequestId": request_id, **told}, 200), access_key_id, ""
    except OssError as error:
        fault = _ANSWERS.get(error.fault)
        code, message, status = error.code, error.message[:_MESSAGE_MAX_CHARS], error.status
        if fault is not None:
            code, message, status = fault.code, fault.message, fault.status
        document = {"RequestId": request_id, "HostId": cut(request.host), "Code": code, "Message": message}
        return _write(request, dict(parameters), "Error", document, status), access_key_id, code


# --- actions --------------------------------------------------------------------------------------------------------


async def _assume_role(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> Answer:
    made = await assume_role(caller, given, request, keyring, now)
    return {
        "AssumedRoleUser": {"Arn": made.arn, "AssumedRoleId": made.role_id},
        "Credentials": {
            "AccessKeyId": made.key.access_key_id,
            "AccessKeySecret": made.key.access_key_secret,
            "SecurityToken": made.key.security_token,
            "Expiration": made.key.expiration,
        },
    }


async def _get_caller_identity(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> Answer:
    """GetCallerIdentity: everybody may ask who they are."""
    principal = caller.principal
    told = {"AccountId": caller.account, "Arn": caller.arn}
    if principal is None:
        return told | {"IdentityType": "Account", "UserId": caller.account, "PrincipalId": caller.account}
    if principal.session:
        session = f"{principal.uid}:{principal.session}"
        return told | {"IdentityType": "AssumedRoleUser", "RoleId": principal.uid, "PrincipalId": session}
    return told | {"IdentityType": "RAMUser", "UserId": principal.uid, "PrincipalId": principal.uid}


_ACTIONS: Final = {"AssumeRole": _assume_role, "GetCallerIdentity": _get_caller_identity}


# --- replies --------------------------------------------------------------------------------------------------------


def _write(request: Request, given: Mapping[str, str], root: str, document: Answer, status: int) -> Reply:
    """JSON where the request asks for it, else XML, which is what RPC means without a Format."""
    wanted = given.get("Format", "").upper()
    if wanted == "JSON" or (not wanted and "json" in request.headers.get("accept", "")):
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return Reply(status, ((b"Content-Type", b"application/json;charset=utf-8"),), text)
    return Reply(status, ((b"Content-Type", b"text/xml;charset=utf-8"),), write_xml(root, _nodes(document)))


def _nodes(document: Answer) -> list[Node]:
    return [(name, _nodes(content) if isinstance(content, dict) else content) for name, content in document.items()]
