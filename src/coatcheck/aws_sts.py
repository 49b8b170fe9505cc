"""STS as AWS's SDKs call it: AssumeRole, GetSessionToken, GetCallerIdentity by the query protocol, signed with V4.

What is done is `sts_roles.py`'s; here a request is read, and answered in AWS's words.
Source: AWS STS API reference, version 2011-06-15; S3 reference, section 11.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from coatcheck.core.errors import (
    DISABLED_ACCESS_KEY_ID,
    INVALID_SECURITY_TOKEN,
    REQUEST_TIME_TOO_SKEWED,
    SECURITY_TOKEN_EXPIRED,
    STS_INVALID_ACTION,
    STS_INVALID_POLICY,
    STS_NO_PERMISSION,
    STS_NO_ROLE,
    STS_PARAMETER_TWICE,
    STS_POLICY_TOO_LARGE,
    TOKEN_OF_ANOTHER_KEY,
    UNKNOWN_ACCESS_KEY_ID,
    USER_DISABLE,
    Fault,
    OssError,
)
from coatcheck.core.xml import Node, write_xml
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, caller_of, find_key
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Reads
from coatcheck.signing.aws_sts_scheme import SERVICE, read_aws_sts_claim
from coatcheck.signing.s3_v4 import ALGORITHM, TERMINATOR
from coatcheck.signing.verify import check_claim, check_scope, verify
from coatcheck.wire.faults import cut
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .sts_roles import TemporaryKey, assume_role, get_session_token, read_form_body

_VERSION: Final = "2011-06-15"
_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
_MARK: Final = f"/{SERVICE}/{TERMINATOR}"
_ARN: Final = "arn:aws:iam::"

_CODES: Final[dict[Fault, tuple[str, int]]] = {  # how AWS's STS says what is said otherwise elsewhere
    UNKNOWN_ACCESS_KEY_ID: ("InvalidClientTokenId", 403),
    DISABLED_ACCESS_KEY_ID: ("InvalidClientTokenId", 403),
    USER_DISABLE: ("InvalidClientTokenId", 403),
    INVALID_SECURITY_TOKEN: ("InvalidClientTokenId", 403),
    TOKEN_OF_ANOTHER_KEY: ("InvalidClientTokenId", 403),
    SECURITY_TOKEN_EXPIRED: ("ExpiredToken", 403),
    REQUEST_TIME_TOO_SKEWED: ("SignatureDoesNotMatch", 403),
    STS_INVALID_ACTION: ("InvalidAction", 400),
    STS_INVALID_POLICY: ("MalformedPolicyDocument", 400),
    STS_POLICY_TOO_LARGE: ("PackedPolicyTooLarge", 400),
    STS_NO_ROLE: ("AccessDenied", 403),  # AWS doesn't say which roles there are
    STS_NO_PERMISSION: ("AccessDenied", 403),
}


def is_aws_sts(request: Request) -> bool:
    """Whether a request is signed as AWS's STS has it."""
    authorization = request.headers.get("authorization", "")
    return authorization.startswith(ALGORITHM) and _MARK in authorization


async def answer(
    request: Request, keyring: KeyUse, reads: Reads, request_id: str, now: float, regions: Collection[str]
) -> tuple[Reply, str, str]:
    """Answer one request.

    Returns: the reply, the access key id (for the log), and the code of the refusal, "" if it isn't one.
    """
    access_key_id = ""
    try:
        body = await read_form_body(request)
        claim = read_aws_sts_claim(request, body)
        check_scope(claim, regions=regions, target=Target())
        check_claim(claim, now=now, target=Target())
        access_key_id = claim.access_key_id
        key = find_key(claim, await reads.read(ask_for_key(claim, keyring)), keyring, now)
        verify(claim, request, Target(), key.access_key_secret)
        if claim.security_token is None:
            keyring.note_use(key.access_key_id, now)
        given = _read_parameters(request, body)
        action, result = await _run(caller_of(key, claim), given, request, keyring, now)
    except OssError as error:
        code, status = _CODES.get(error.fault) or (_code_of(error), error.status)
        return _refuse(code, error.message, status, request_id), access_key_id, code
    nodes: list[Node] = [(f"{action}Result", result), ("ResponseMetadata", (("RequestId", request_id),))]
    return _write(f"{action}Response", nodes, 200), access_key_id, ""


def _read_parameters(request: Request, body: bytes) -> dict[str, str]:
    """Of query and form together; both are signed. Raises: OssError STS_PARAMETER_TWICE."""
    parameters = [(name, value) for name, value, _ in (*request.query.parameters, *read_query(body).parameters)]
    given = dict(parameters)
    if len(given) != len(parameters):
        raise STS_PARAMETER_TWICE()
    return given


async def _run(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> tuple[str, tuple[Node, ...]]:
    """(the action's name, what it answers). Raises: OssError."""
    action = given.get("Action", "")
    if given.get("Version") == _VERSION and action == "AssumeRole":
        return action, await _assume_role(caller, given, request, keyring, now)
    if given.get("Version") == _VERSION and action == "GetCallerIdentity":
        return action, _describe(caller)
    if given.get("Version") == _VERSION and action == "GetSessionToken":
        return action, (_write_key(get_session_token(caller, given, keyring, now)),)
    raise STS_INVALID_ACTION(f"Could not find operation {action[:64]} for version {given.get('Version', '')[:64]}")


async def _assume_role(
    caller: Caller, given: Mapping[str, str], request: Request, keyring: KeyUse, now: float
) -> tuple[Node, ...]:
    """The role may be named in AWS's words or in RAM's."""
    arn = given.get("RoleArn", "")
    if arn.startswith(_ARN):
        given = {**given, "RoleArn": f"acs:ram::{arn.removeprefix(_ARN)}"}
    made = await assume_role(caller, given, request, keyring, now)
    return (
        ("AssumedRoleUser", (("AssumedRoleId", made.role_id), ("Arn", _write_arn(made.arn)))),
        _write_key(made.key),
    )


def _write_key(key: TemporaryKey) -> Node:
    return (
        "Credentials",
        (
            ("AccessKeyId", key.access_key_id),
            ("SecretAccessKey", key.access_key_secret),
            ("SessionToken", key.security_token),
            ("Expiration", key.expiration),
        ),
    )


def _describe(caller: Caller) -> tuple[Node, ...]:
    """GetCallerIdentity: everybody may ask who they are."""
    principal = caller.principal
    user = caller.account if principal is None else principal.uid
    if principal is not None and principal.session:
        user = f"{user}:{principal.session}"
    return (("Arn", _write_arn(caller.arn)), ("UserId", user), ("Account", caller.account))


def _write_arn(arn: str) -> str:
    """ "acs:ram::UID:user/NAME" as AWS has it."""
    return arn.replace("acs:ram::", _ARN, 1).replace("acs:sts::", "arn:aws:sts::", 1)


def _code_of(error: OssError) -> str:
    """What is wrong with a parameter has one code in AWS."""
    return "ValidationError" if error.code.startswith(("InvalidParameter", "Missing")) else error.code


def _refuse(code: str, message: str, status: int, request_id: str) -> Reply:
    said = (("Type", "Sender"), ("Code", code), ("Message", cut(message)))
    return _write("ErrorResponse", [("Error", said), ("RequestId", request_id)], status)


def _write(root: str, nodes: Iterable[Node], status: int) -> Reply:
    document = write_xml(root, nodes).replace(f"<{root}>".encode(), f'<{root} xmlns="{_NAMESPACE}">'.encode(), 1)
    return Reply(status, ((b"Content-Type", b"text/xml"),), document)
