"""PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy, GetBucketPolicyStatus.

The document is checked before it is stored and given back as it came; the grammar is `access/policy.py`'s.
Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from typing import Final

from coatcheck.access.policy import Kind, PolicyFault, is_public, read_policy
from coatcheck.core.errors import (
    INVALID_POLICY_DOCUMENT,
    MALFORMED_XML,
    NO_SUCH_BUCKET_POLICY,
    PUBLIC_ACCESS_BLOCKED,
    OssError,
)
from coatcheck.core.limits import BUCKET_POLICY_MAX_BYTES
from coatcheck.core.xml import write_xml
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_body
from .call import Call
from .settings_kept import change_setting, drop_setting

_SETTING: Final = "policy"
_VERSION_EC, _SYNTAX_EC = "0030-00000002", "0030-00000005"


async def put_bucket_policy(call: Call) -> Reply:
    """PutBucketPolicy: in place of the one that was there."""
    text = await _read_document(call)
    try:
        read_policy(text, Kind.BUCKET, bucket=call.this_bucket.name)
    except PolicyFault as fault:
        syntax = fault.place.startswith("line ")
        ec = _VERSION_EC if fault.place == "Version" else _SYNTAX_EC if syntax else ""
        raise INVALID_POLICY_DOCUMENT(f"Invalid Policy: {fault}.", ec=ec) from None
    public = is_public(text)

    def put(bucket: Bucket) -> str:
        if bucket.blocks_public_access and public:
            raise PUBLIC_ACCESS_BLOCKED()
        return text

    await change_setting(call, _SETTING, put)
    return Reply(200)


async def get_bucket_policy(call: Call) -> Reply:
    """GetBucketPolicy: the document as it was put."""
    policy = call.this_bucket.policy
    if policy is None:
        raise NO_SUCH_BUCKET_POLICY(BucketName=call.this_bucket.name)
    return Reply(200, ((b"Content-Type", b"application/json"),), policy.encode())


async def delete_bucket_policy(call: Call) -> Reply:
    """DeleteBucketPolicy: also when there is none."""
    await drop_setting(call, _SETTING)
    return Reply(204)


async def get_bucket_policy_status(call: Call) -> Reply:
    """GetBucketPolicyStatus: whether the policy opens the bucket to everybody."""
    policy = call.this_bucket.policy
    public = policy is not None and is_public(policy)
    document = write_xml("PolicyStatus", [("IsPublic", "true" if public else "false")])
    return Reply(200, ((b"Content-Type", b"application/xml"),), document)


async def _read_document(call: Call) -> str:
    try:
        return (await read_body(call.request, most=BUCKET_POLICY_MAX_BYTES)).decode()
    except UnicodeDecodeError:
        raise INVALID_POLICY_DOCUMENT("Invalid Policy: it is not UTF-8.", ec=_SYNTAX_EC) from None
    except OssError as error:
        if error.fault is not MALFORMED_XML:
            raise
        message = f"Invalid Policy: it is larger than {BUCKET_POLICY_MAX_BYTES} bytes."
        raise INVALID_POLICY_DOCUMENT(message) from None
