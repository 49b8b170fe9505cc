"""The names of actions in S3 and in OSS.

Source: S3 reference, section 11.2; Service Authorization Reference, Amazon S3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from .actions import ACTION_NAMES, Action
from .patterns import is_literal, read_pattern

# What S3 has under the same name.
_SAME: Final = (
    *("AbortMultipartUpload", "BypassGovernanceRetention", "DeleteBucket", "DeleteBucketPolicy", "DeleteBucketWebsite"),
    *("DeleteObject", "DeleteObjectVersion", "DeleteObjectTagging", "DeleteObjectVersionTagging", "GetBucketAcl"),
    *("GetBucketLocation", "GetBucketLogging", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketRequestPayment"),
    *("GetBucketPublicAccessBlock", "GetBucketTagging", "GetBucketVersioning", "GetBucketWebsite", "GetObject"),
    *("GetObjectVersion", "GetObjectAcl", "GetObjectVersionAcl", "GetObjectLegalHold", "GetObjectRetention"),
    *("GetObjectTagging", "GetObjectVersionTagging", "PutBucketAcl", "PutBucketPolicy", "PutBucketRequestPayment"),
    *("PutBucketVersioning", "PutBucketWebsite", "PutObject", "PutObjectAcl", "PutObjectVersionAcl"),
    *("PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "PutObjectVersionTagging", "RestoreObject"),
)
# By other names; a right of S3 to put some documents is also that to delete them.
_OTHER: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateBucket": ("PutBucket",),
    "GetAccelerateConfiguration": ("GetBucketTransferAcceleration",),
    "GetAccountPublicAccessBlock": ("GetPublicAccessBlock",),
    "GetBucketCORS": ("GetBucketCors",),
    "GetBucketObjectLockConfiguration": ("GetBucketObjectWormConfiguration",),
    "GetEncryptionConfiguration": ("GetBucketEncryption",),
    "GetLifecycleConfiguration": ("GetBucketLifecycle",),
    "GetReplicationConfiguration": ("GetBucketReplication",),
    "ListAllMyBuckets": ("ListBuckets",),
    "ListBucket": ("ListObjects",),
    "ListBucketMultipartUploads": ("ListMultipartUploads",),
    "ListBucketVersions": ("ListObjectVersions",),
    "ListMultipartUploadParts": ("ListParts",),
    "PutAccelerateConfiguration": ("PutBucketTransferAcceleration",),
    "PutAccountPublicAccessBlock": ("PutPublicAccessBlock", "DeletePublicAccessBlock"),
    "PutBucketCORS": ("PutBucketCors", "DeleteBucketCors"),
    "PutBucketLogging": ("PutBucketLogging", "DeleteBucketLogging"),
    "PutBucketObjectLockConfiguration": ("PutBucketObjectWormConfiguration",),
    "PutBucketPublicAccessBlock": ("PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock"),
    "PutBucketTagging": ("PutBucketTagging", "DeleteBucketTagging"),
    "PutEncryptionConfiguration": ("PutBucketEncryption", "DeleteBucketEncryption"),
    "PutLifecycleConfiguration": ("PutBucketLifecycle", "DeleteBucketLifecycle"),
    "PutReplicationConfiguration": ("PutBucketReplication", "DeleteBucketReplication"),
}
S3_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    f"s3:{name}": tuple(f"oss:{each}" for each in theirs)
    for name, theirs in sorted({**{name: (name,) for name in _SAME}, **_OTHER}.items())
}


def oss_actions(text: str, *, whole: bool) -> list[str]:
    """What an action or pattern of S3 means in OSS.

    Args:
        whole: a pattern also means actions that OSS alone has and that it fits.
    Raises: ValueError, if it means nothing here.
    """
    folded = text.lower()
    if folded in ("*", "s3:*"):
        return ["*" if text == "*" else "oss:*"]
    fits = read_pattern(folded)
    found = [each for name, theirs in S3_ACTIONS.items() if fits(name.lower()) for each in theirs]
    if whole and not is_literal(folded):
        found += [name for name in _oss_alone() if fits(name.lower().replace("oss:", "s3:", 1))]
    if not found:
        raise ValueError(f"there is no counterpart of the action {text}")
    return found


def s3_actions(texts: Iterable[str]) -> list[str]:
    """What actions and patterns of OSS together are in S3. Of a pattern that is what S3 can ask for.

    Raises: ValueError, for an action that S3 has no name for.
    """
    given = list(texts)
    if "*" in given or "oss:*" in given:
        return ["*" if "*" in given else "s3:*"]
    tests = [read_pattern(text.lower()) for text in given]
    names = [
        name for name, theirs in S3_ACTIONS.items() if all(any(test(each.lower()) for test in tests) for each in theirs)
    ]
    covered = {each.lower() for name in names for each in S3_ACTIONS[name]}
    for text in given:
        if not any(map(read_pattern(text.lower()), covered)):
            raise ValueError(f"the action {text} has no counterpart")
    return names


@cache
def _oss_alone() -> tuple[str, ...]:
    mapped = {each for theirs in S3_ACTIONS.values() for each in theirs}
    names = {name for action in Action for name in (action.action_name, action.version_name)}
    return tuple(sorted(name for name in names - mapped if name.lower() in ACTION_NAMES["oss"]))
