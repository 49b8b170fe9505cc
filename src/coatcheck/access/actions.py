"""The permission names, one a row, and by which ACL right each may be had. Source: OSS RAM actions."""

from __future__ import annotations

from enum import Enum


class AclRight(Enum):
    """What an ACL can give to somebody who isn't the owner."""

    READ = "read"
    WRITE = "write"
    NOTHING = "nothing"


class Action(Enum):
    """OSS's name for the permission, and the ACL right that also gives it."""

    def __init__(self, action_name: str, acl_right: AclRight, on_object: bool) -> None:
        self.action_name = action_name
        self.acl_right = acl_right
        self.on_object = on_object

    LIST_BUCKETS = ("oss:ListBuckets", AclRight.NOTHING, False)
    PUT_BUCKET = ("oss:PutBucket", AclRight.NOTHING, False)
    DELETE_BUCKET = ("oss:DeleteBucket", AclRight.NOTHING, False)
    GET_BUCKET_INFO = ("oss:GetBucketInfo", AclRight.NOTHING, False)
    GET_BUCKET_LOCATION = ("oss:GetBucketLocation", AclRight.NOTHING, False)
    GET_BUCKET_ACL = ("oss:GetBucketAcl", AclRight.NOTHING, False)
    PUT_BUCKET_ACL = ("oss:PutBucketAcl", AclRight.NOTHING, False)
    LIST_OBJECTS = ("oss:ListObjects", AclRight.READ, False)
    GET_OBJECT = ("oss:GetObject", AclRight.READ, True)
    PUT_OBJECT = ("oss:PutObject", AclRight.WRITE, True)
    DELETE_OBJECT = ("oss:DeleteObject", AclRight.WRITE, True)
    DELETE_OBJECTS = ("oss:DeleteObject", AclRight.WRITE, False)  # many keys of one bucket
    GET_OBJECT_ACL = ("oss:GetObjectAcl", AclRight.NOTHING, True)
    PUT_OBJECT_ACL = ("oss:PutObjectAcl", AclRight.NOTHING, True)
