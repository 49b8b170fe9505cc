"""The policy of a bucket in AWS's language. What decides is its translation (`access/aws_policy.py`): OSS's policy.

Beside it the text is kept as it was put, and given back as long as the bucket's policy is what it was translated to.
"""

from __future__ import annotations

import json
from typing import Final

from coatcheck.access.aws_policy import from_aws, to_aws
from coatcheck.access.patterns import read_pattern
from coatcheck.access.policy import Kind, PolicyFault
from coatcheck.access.verdict import is_public
from coatcheck.configurations.policy import NAME
from coatcheck.core.errors import (
    INVALID_POLICY_DOCUMENT,
    MALFORMED_XML,
    NO_SUCH_BUCKET_POLICY,
    PUBLIC_ACCESS_BLOCKED,
    OssError,
)
from coatcheck.core.limits import AWS_POLICY_MAX_BYTES
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import change_bucket
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

_AS_PUT: Final = "awsPolicy"  # the document with the text


async def put_bucket_policy(call: Call) -> Reply:
    """PutBucketPolicy: in place of the one that was there, whoever put that."""
    text = await _read_text(call)
    try:
        policy = from_aws(text, Kind.BUCKET)
    except PolicyFault as fault:
        raise INVALID_POLICY_DOCUMENT(f"Invalid Policy: {fault}.") from None
    _check_resources(policy, call.this_bucket.name)
    public = is_public(policy)

    def put(bucket: Bucket) -> Bucket:
        if bucket.refuses_public_policy and public:
            raise PUBLIC_ACCESS_BLOCKED()
        return bucket.with_configuration(NAME, policy).with_configuration(_AS_PUT, text)

    await change_bucket(call, call.this_bucket, put)
    return Reply(204)


async def get_bucket_policy(call: Call) -> Reply:
    """GetBucketPolicy: as it was put; one that was put by OSS, in AWS's words as far as there are any."""
    policy = call.this_bucket.policy
    if policy is None:
        raise NO_SUCH_BUCKET_POLICY(BucketName=call.this_bucket.name)
    text = call.this_bucket.configuration(_AS_PUT)
    if text is None or not _means(text, policy):
        try:
            text = to_aws(policy)
        except PolicyFault as fault:
            message = f"The policy cannot be said in the words of AWS: {fault}. Read it by OSS."
            raise S3_NOT_BUILT(message) from None
    return Reply(200, ((b"Content-Type", b"application/json"),), text.encode())


async def delete_bucket_policy(call: Call) -> Reply:
    """DeleteBucketPolicy: also when there is none."""

    def drop(bucket: Bucket) -> Bucket:
        return bucket.with_configuration(NAME, None).with_configuration(_AS_PUT, None)

    await change_bucket(call, call.this_bucket, drop)
    return Reply(204)


def _means(text: str, policy: str) -> bool:
    """Whether the text is still the policy: OSS may have put another one since."""
    try:
        return from_aws(text, Kind.BUCKET) == policy
    except PolicyFault:
        return False


async def _read_text(call: Call) -> str:
    """Raises: OssError INVALID_POLICY_DOCUMENT, and as `read_body`."""
    try:
        return (await read_body(call.request, most=AWS_POLICY_MAX_BYTES)).decode()
    except UnicodeDecodeError:
        raise INVALID_POLICY_DOCUMENT("Invalid Policy: it is not UTF-8.") from None
    except OssError as error:
        if error.fault is not MALFORMED_XML:
            raise
        raise INVALID_POLICY_DOCUMENT(f"Invalid Policy: it is larger than {AWS_POLICY_MAX_BYTES} bytes.") from None


def _check_resources(policy: str, bucket: str) -> None:
    """S3 takes no policy of which a resource is of another bucket. Raises: OssError INVALID_POLICY_DOCUMENT."""
    for statement in json.loads(policy)["Statement"]:
        for text in statement.get("Resource", ()):
            name = text.split(":", 4)[-1].partition("/")[0]
            if not read_pattern(name)(bucket):
                raise INVALID_POLICY_DOCUMENT("Policy has invalid resource", Resource=text[:128])
