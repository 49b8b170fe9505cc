"""PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy, GetBucketPolicyStatus.

The document is checked before it is stored and given back as it came; the check is `configurations/policy.py`'s.
Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from coatcheck.access.verdict import is_public
from coatcheck.configurations import policy
from coatcheck.configurations.elements import write_switch
from coatcheck.core.errors import (
    INVALID_POLICY_DOCUMENT,
    MALFORMED_XML,
    NO_SUCH_BUCKET_POLICY,
    PUBLIC_ACCESS_BLOCKED,
    OssError,
)
from coatcheck.core.limits import BUCKET_POLICY_MAX_BYTES
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_body
from .call import Call
from .configuration import show
from .documents_kept import change_document, drop_document


async def put_bucket_policy(call: Call) -> Reply:
    """PutBucketPolicy: in place of the one that was there."""
    text = await read_policy_document(call)
    public = is_public(text)

    def put(bucket: Bucket) -> str:
        if bucket.refuses_public_policy and public:
            raise PUBLIC_ACCESS_BLOCKED()
        return text

    await change_document(call, policy.NAME, put)
    return Reply(200)


async def get_bucket_policy(call: Call) -> Reply:
    """GetBucketPolicy: the document as it was put."""
    text = call.this_bucket.policy
    if text is None:
        raise NO_SUCH_BUCKET_POLICY(BucketName=call.this_bucket.name)
    return Reply(200, ((b"Content-Type", b"application/json"),), text.encode())


async def delete_bucket_policy(call: Call) -> Reply:
    """DeleteBucketPolicy: also when there is none."""
    await drop_document(call, policy.NAME)
    return Reply(204)


async def get_bucket_policy_status(call: Call) -> Reply:
    """GetBucketPolicyStatus: whether the policy opens the bucket to everybody."""
    text = call.this_bucket.policy
    public = text is not None and is_public(text)
    return show("PolicyStatus", [("IsPublic", write_switch(public))])


async def read_policy_document(call: Call) -> str:
    """The policy of a bucket, or an access point, that was sent. Raises: OssError INVALID_POLICY_DOCUMENT."""
    try:
        text = (await read_body(call.request, most=BUCKET_POLICY_MAX_BYTES)).decode()
    except UnicodeDecodeError:
        raise INVALID_POLICY_DOCUMENT("Invalid Policy: it is not UTF-8.", ec=policy.SYNTAX_EC) from None
    except OssError as error:
        if error.fault is not MALFORMED_XML:
            raise
        message = f"Invalid Policy: it is larger than {BUCKET_POLICY_MAX_BYTES} bytes."
        raise INVALID_POLICY_DOCUMENT(message) from None
    policy.check(text)
    return text
