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

from coatcheck.access.facts import AccessFacts, Asked, read_request_facts
from coatcheck.access.policy import Kind, PolicyFault, Resource, read_policy
from coatcheck.access.verdict import Verdict, trusts, weigh
from coatcheck.core.errors import (
    DISABLED_ACCESS_KEY_ID,
    INVALID_SECURITY_TOKEN,
    SECURITY_TOKEN_EXPIRED,
    STS_DISABLED_KEY,
    STS_INVALID_ACTION,
    STS_INVALID_DURATION,
    STS_INVALID_POLICY,
    STS_INVALID_ROLE_ARN,
    STS_INVALID_SESSION_NAME,
    STS_INVALID_TOKEN,
    STS_MISSING_ROLE_ARN,
    STS_MISSING_SESSION_NAME,
    STS_NO_PERMISSION,
    STS_NO_ROLE,
    STS_NONCE_USED,
    STS_PARAMETER_TWICE,
    STS_POLICY_TOO_LARGE,
    STS_TOKEN_EXPIRED,
    STS_TOKEN_OF_ANOTHER_KEY,
    STS_UNKNOWN_KEY,
    TOKEN_OF_ANOTHER_KEY,
    UNKNOWN_ACCESS_KEY_ID,
    USER_DISABLE,
    Fault,
    OssError,
)
from coatcheck.core.limits import SESSION_DEFAULT_S, SESSION_MAX_S, SESSION_MIN_S, STS_FORM_MAX_BYTES
from coatcheck.core.names import is_access_key_id, is_identity_name
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node, write_xml
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, caller_of, find_key
from coatcheck.identity.session import new_session, write_session
from coatcheck.ports.keyring import KeyUse, Role
from coatcheck.ports.snapshot import Reads
from coatcheck.signing.claim import read_rpc_claim
from coatcheck.signing.rpc import Pair, find_action
from coatcheck.signing.scheme import SignersNow, one_clock
from coatcheck.signing.verify import check_claim, verify_rpc
from coatcheck.wire.faults import cut
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request
from coatcheck.wire.target import Target, read_host_name

_VERSION: Final = "2015-04-01"
_FORM: Final = "application/x-www-form-urlencoded"
_MESSAGE_MAX_CHARS: Final = 4096  # a signature that doesn't match is answered with the text that was to be signed
_SESSION_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@-_")
_SESSION_NAME_MIN_CHARS, _SESSION_NAME_MAX_CHARS = 2, 64

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
        body = await _read_body(request)
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


async def _read_body(request: Request) -> bytes:
    """Raises: OssError STS_PARAMETER_TWICE for a body that no request needs, or that broke off."""
    body = bytearray()  # not a list: a body that arrives by single bytes would take forty times its size
    try:
        async for chunk in request.body.chunks():
            body += chunk
            if len(body) > STS_FORM_MAX_BYTES:
                raise STS_PARAMETER_TWICE(f"The body is larger than {STS_FORM_MAX_BYTES} bytes.")
    except BodyFailed:
        raise STS_PARAMETER_TWICE("The body broke off.") from None
    return bytes(body)


# --- actions --------------------------------------------------------------------------------------------------------


async def _assume_role(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> Answer:
    """AssumeRole: a temporary key for whom the role trusts."""
    account, name = _read_role_arn(given.get("RoleArn", ""))
    session_name = _read_session_name(given.get("RoleSessionName", ""))
    duration_s = _read_duration(given.get("DurationSeconds", ""))
    policy = _read_session_policy(given.get("Policy", ""))
    role = await keyring.find_role(account, name)
    if role is None or role.suspended:
        _check_permission(caller, account, name, request, now)  # who may not assume it needn't know whether it is there
        raise STS_NO_ROLE(f"The role not exists: acs:ram::{account}:role/{name}.")
    _check_permission(caller, account, role.name, request, now)
    if not trusts(role.trust, caller, Asked(caller, AccessFacts(request=read_request_facts(request), now=now))):
        raise STS_NO_PERMISSION()
    if duration_s > role.session_max_s:
        raise STS_INVALID_DURATION(f"The role's sessions last {role.session_max_s} seconds at most.")
    session = new_session(role, session_name, policy, int(now) + duration_s)
    return {
        "AssumedRoleUser": _assumed(role, session_name),
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "AccessKeySecret": session.access_key_secret,
            "SecurityToken": keyring.seal_token(write_session(session)),
            "Expiration": write_iso(session.expires_s).replace(".000", ""),
        },
    }


def _assumed(role: Role, session_name: str) -> Answer:
    arn = f"acs:sts::{role.account}:assumed-role/{role.name}/{session_name}"
    return {"Arn": arn, "AssumedRoleId": f"{role.uid}:{session_name}"}


def _check_permission(caller: Caller, account: str, role: str, request: Request, now: float) -> None:
    """Users and sessions need sts:AssumeRole from their own policies; a root key needs the role's trust alone."""
    principal = caller.principal
    if principal is None:
        return
    resource = Resource("", account, f"role/{role}", "ram")
    asked = Asked(caller, AccessFacts(request=read_request_facts(request), now=now))
    ceilings = () if principal.session_policy is None else ((principal.session_policy,),)
    for texts in (*ceilings, principal.policies):
        if weigh(texts, "sts:AssumeRole", resource, asked) is not Verdict.ALLOW:
            raise STS_NO_PERMISSION()


def _read_role_arn(text: str) -> tuple[str, str]:
    """ "acs:ram::UID:role/NAME" -> (uid, name)."""
    if not text:
        raise STS_MISSING_ROLE_ARN()
    parts = text.split(":")
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 5 or parts[:3] != ["acs", "ram", ""] or kind != "role" or not is_identity_name(name):
        raise STS_INVALID_ROLE_ARN()
    if not (parts[3].isascii() and parts[3].isdigit()):
        raise STS_INVALID_ROLE_ARN()
    return parts[3], name


def _read_session_name(text: str) -> str:
    if not text:
        raise STS_MISSING_SESSION_NAME()
    if not _SESSION_NAME_MIN_CHARS <= len(text) <= _SESSION_NAME_MAX_CHARS or not _SESSION_NAME_CHARACTERS.issuperset(
        text
    ):
        raise STS_INVALID_SESSION_NAME()
    return text


def _read_duration(text: str) -> int:
    if not text:
        return SESSION_DEFAULT_S
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and SESSION_MIN_S <= int(text) <= SESSION_MAX_S):
        raise STS_INVALID_DURATION()
    return int(text)


def _read_session_policy(text: str) -> str | None:
    if not text:
        return None
    if len(text.encode("utf-8", "surrogateescape")) > Kind.SESSION.most_bytes:
        raise STS_POLICY_TOO_LARGE()
    try:
        text.encode()
        read_policy(text, Kind.SESSION)
    except UnicodeEncodeError:
        raise STS_INVALID_POLICY(f"{STS_INVALID_POLICY.message} It is not UTF-8.") from None
    except PolicyFault as fault:
        raise STS_INVALID_POLICY(f"{STS_INVALID_POLICY.message} {fault}.") from None
    return text


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
