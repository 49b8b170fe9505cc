"""OssError -> Reply in S3's form: its codes, its order of elements, no document for HEAD.

Source: S3 reference, section 7.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from coatcheck.core.errors import INVALID_POST_POLICY, OBJECT_NAME_TOO_LONG, OssError
from coatcheck.core.xml import Node, write_xml
from coatcheck.wire.faults import cut
from coatcheck.wire.reply import Reply

from .words import write_headers


class Renamed(NamedTuple):
    """What S3 calls a refusal. "" and 0: as it is."""

    code: str
    status: int = 0
    message: str = ""


_BY_CODE: Final = {
    "FileAlreadyExists": Renamed(
        "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"
    ),
    "InvalidSecurityToken": Renamed("InvalidToken", 400, "The provided token is malformed or otherwise not valid."),
    "AccessKeyIdAndSecurityTokenNotMatch": Renamed("InvalidToken", 400),
    "SecurityTokenExpired": Renamed("ExpiredToken", 400, "The provided token has expired."),
    "NoSuchLifecycle": Renamed("NoSuchLifecycleConfiguration"),
    "NoSuchServerSideEncryptionRule": Renamed("ServerSideEncryptionConfigurationNotFoundError"),
    "NoSuchObjectWormConfiguration": Renamed("ObjectLockConfigurationNotFoundError"),
    "NoSuchObjectRetention": Renamed("NoSuchObjectLockConfiguration"),
    "RepeatedTags": Renamed("InvalidTag", 0, "Cannot provide multiple Tags with the same key"),
    "InvalidBucketStatus": Renamed("InvalidBucketState", 409),
    "InvalidPolicyDocument": Renamed("MalformedPolicy"),
    "NotImplemented": Renamed("NotImplemented", 501),
    "FileImmutable": Renamed("AccessDenied", 403),
    "NonStandardHostForbidden": Renamed("AccessDenied", 403),
}
# What S3 calls otherwise than others of the same code.
_BY_FAULT: Final = {
    INVALID_POST_POLICY: Renamed("InvalidPolicyDocument"),  # unlike that of a bucket
    OBJECT_NAME_TOO_LONG: Renamed("KeyTooLongError", 0, "Your key is too long"),
}
_FACTS: Final = {"OSSAccessKeyId": "AWSAccessKeyId", "Bucket": "BucketName"}


def write_refusal(error: OssError, *, method: str, host: str, request_id: str) -> Reply:
    """The refusal as the client gets it."""
    renamed = _BY_FAULT.get(error.fault) or _BY_CODE.get(error.code) or Renamed(error.code)
    status = renamed.status or error.status
    headers = write_headers(error.headers)
    if method == "HEAD":
        return Reply(status, headers, content_length=0)
    nodes: list[Node] = [
        ("Code", renamed.code),
        (
            "Message",
            cut(renamed.message if renamed.message and error.message == error.fault.message else error.message),
        ),
        *((_FACTS.get(name, name), cut(value)) for name, value in error.facts.items()),
        *error.nested,
        ("RequestId", request_id),
        ("HostId", cut(host)),
    ]
    if error.hint:
        nodes.append(("Hint", cut(error.hint)))
    return Reply(status, ((b"Content-Type", b"application/xml"), *headers), write_xml("Error", nodes))
