"""The permission names, one a row, and by which ACL right each may be had. Source: OSS RAM actions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class AclRight(Enum):
    """What an ACL can give to somebody who isn't the owner."""

    READ = "read"
    WRITE = "write"
    NOTHING = "nothing"


# Of these there is no other right to a version that is named.
_ONE_NAME: Final = frozenset(
    {
        "oss:PutObject",
        "oss:PutObjectRetention",
        "oss:GetObjectRetention",
        "oss:PutObjectLegalHold",
        "oss:GetObjectLegalHold",
    }
)


class Action(Enum):
    """OSS's name for the permission, and the ACL right that also gives it.

    `version_name` is its name where the request names a version: "oss:GetObjectVersion" is a right of its own.
    """

    def __init__(self, action_name: str, acl_right: AclRight, on_object: bool) -> None:
        self.action_name = action_name
        self.acl_right = acl_right
        self.on_object = on_object
        versions = on_object and action_name not in _ONE_NAME
        self.version_name = action_name.replace("Object", "ObjectVersion") if versions else action_name

    LIST_BUCKETS = ("oss:ListBuckets", AclRight.NOTHING, False)
    PUT_BUCKET = ("oss:PutBucket", AclRight.NOTHING, False)
    DELETE_BUCKET = ("oss:DeleteBucket", AclRight.NOTHING, False)
    GET_BUCKET_INFO = ("oss:GetBucketInfo", AclRight.NOTHING, False)
    GET_BUCKET_LOCATION = ("oss:GetBucketLocation", AclRight.NOTHING, False)
    GET_BUCKET_ACL = ("oss:GetBucketAcl", AclRight.NOTHING, False)
    PUT_BUCKET_ACL = ("oss:PutBucketAcl", AclRight.NOTHING, False)
    GET_BUCKET_POLICY = ("oss:GetBucketPolicy", AclRight.NOTHING, False)
    PUT_BUCKET_POLICY = ("oss:PutBucketPolicy", AclRight.NOTHING, False)
    DELETE_BUCKET_POLICY = ("oss:DeleteBucketPolicy", AclRight.NOTHING, False)
    GET_BUCKET_POLICY_STATUS = ("oss:GetBucketPolicyStatus", AclRight.NOTHING, False)
    GET_BUCKET_PUBLIC_ACCESS_BLOCK = ("oss:GetBucketPublicAccessBlock", AclRight.NOTHING, False)
    PUT_BUCKET_PUBLIC_ACCESS_BLOCK = ("oss:PutBucketPublicAccessBlock", AclRight.NOTHING, False)
    DELETE_BUCKET_PUBLIC_ACCESS_BLOCK = ("oss:DeleteBucketPublicAccessBlock", AclRight.NOTHING, False)
    GET_PUBLIC_ACCESS_BLOCK = ("oss:GetPublicAccessBlock", AclRight.NOTHING, False)
    PUT_PUBLIC_ACCESS_BLOCK = ("oss:PutPublicAccessBlock", AclRight.NOTHING, False)
    DELETE_PUBLIC_ACCESS_BLOCK = ("oss:DeletePublicAccessBlock", AclRight.NOTHING, False)
    LIST_OBJECTS = ("oss:ListObjects", AclRight.READ, False)
    LIST_OBJECT_VERSIONS = ("oss:ListObjectVersions", AclRight.NOTHING, False)
    PUT_BUCKET_VERSIONING = ("oss:PutBucketVersioning", AclRight.NOTHING, False)
    GET_BUCKET_VERSIONING = ("oss:GetBucketVersioning", AclRight.NOTHING, False)
    GET_OBJECT = ("oss:GetObject", AclRight.READ, True)
    PUT_OBJECT = ("oss:PutObject", AclRight.WRITE, True)
    DELETE_OBJECT = ("oss:DeleteObject", AclRight.WRITE, True)
    DELETE_OBJECTS = ("oss:DeleteObject", AclRight.WRITE, False)  # many keys; each is decided on again
    ABORT_MULTIPART_UPLOAD = ("oss:AbortMultipartUpload", AclRight.WRITE, True)
    LIST_PARTS = ("oss:ListParts", AclRight.WRITE, True)
    LIST_MULTIPART_UPLOADS = ("oss:ListMultipartUploads", AclRight.WRITE, False)
    PUT_OBJECT_TAGGING = ("oss:PutObjectTagging", AclRight.NOTHING, True)
    GET_OBJECT_TAGGING = ("oss:GetObjectTagging", AclRight.NOTHING, True)
    DELETE_OBJECT_TAGGING = ("oss:DeleteObjectTagging", AclRight.NOTHING, True)
    SEAL_APPEND_OBJECT = ("oss:SealAppendObject", AclRight.WRITE, True)
    RESTORE_OBJECT = ("oss:RestoreObject", AclRight.NOTHING, True)
    CLEAN_RESTORED_OBJECT = ("oss:CleanRestoredObject", AclRight.NOTHING, True)
    GET_BUCKET_STAT = ("oss:GetBucketStat", AclRight.NOTHING, False)
    DESCRIBE_REGIONS = ("oss:DescribeRegions", AclRight.NOTHING, False)
    GET_OBJECT_ACL = ("oss:GetObjectAcl", AclRight.NOTHING, True)
    PUT_OBJECT_ACL = ("oss:PutObjectAcl", AclRight.NOTHING, True)

    # endpoints and browser rules
    PUT_BUCKET_CORS = ("oss:PutBucketCors", AclRight.NOTHING, False)
    GET_BUCKET_CORS = ("oss:GetBucketCors", AclRight.NOTHING, False)
    DELETE_BUCKET_CORS = ("oss:DeleteBucketCors", AclRight.NOTHING, False)
    PUT_BUCKET_REFERER = ("oss:PutBucketReferer", AclRight.NOTHING, False)
    GET_BUCKET_REFERER = ("oss:GetBucketReferer", AclRight.NOTHING, False)
    PUT_BUCKET_HTTPS_CONFIG = ("oss:PutBucketHttpsConfig", AclRight.NOTHING, False)
    GET_BUCKET_HTTPS_CONFIG = ("oss:GetBucketHttpsConfig", AclRight.NOTHING, False)
    CREATE_CNAME_TOKEN = ("oss:CreateCnameToken", AclRight.NOTHING, False)
    GET_CNAME_TOKEN = ("oss:GetCnameToken", AclRight.NOTHING, False)
    PUT_CNAME = ("oss:PutCname", AclRight.NOTHING, False)
    LIST_CNAME = ("oss:ListCname", AclRight.NOTHING, False)
    DELETE_CNAME = ("oss:DeleteCname", AclRight.NOTHING, False)

    # configurations everybody uses
    PUT_BUCKET_LIFECYCLE = ("oss:PutBucketLifecycle", AclRight.NOTHING, False)
    GET_BUCKET_LIFECYCLE = ("oss:GetBucketLifecycle", AclRight.NOTHING, False)
    DELETE_BUCKET_LIFECYCLE = ("oss:DeleteBucketLifecycle", AclRight.NOTHING, False)
    PUT_BUCKET_ENCRYPTION = ("oss:PutBucketEncryption", AclRight.NOTHING, False)
    GET_BUCKET_ENCRYPTION = ("oss:GetBucketEncryption", AclRight.NOTHING, False)
    DELETE_BUCKET_ENCRYPTION = ("oss:DeleteBucketEncryption", AclRight.NOTHING, False)
    PUT_BUCKET_TAGGING = ("oss:PutBucketTagging", AclRight.NOTHING, False)
    GET_BUCKET_TAGGING = ("oss:GetBucketTagging", AclRight.NOTHING, False)
    DELETE_BUCKET_TAGGING = ("oss:DeleteBucketTagging", AclRight.NOTHING, False)
    PUT_BUCKET_WEBSITE = ("oss:PutBucketWebsite", AclRight.NOTHING, False)
    GET_BUCKET_WEBSITE = ("oss:GetBucketWebsite", AclRight.NOTHING, False)
    DELETE_BUCKET_WEBSITE = ("oss:DeleteBucketWebsite", AclRight.NOTHING, False)
    PUT_BUCKET_REQUEST_PAYMENT = ("oss:PutBucketRequestPayment", AclRight.NOTHING, False)
    GET_BUCKET_REQUEST_PAYMENT = ("oss:GetBucketRequestPayment", AclRight.NOTHING, False)
    PUT_BUCKET_TRANSFER_ACCELERATION = ("oss:PutBucketTransferAcceleration", AclRight.NOTHING, False)
    GET_BUCKET_TRANSFER_ACCELERATION = ("oss:GetBucketTransferAcceleration", AclRight.NOTHING, False)
    DELETE_BUCKET_TRANSFER_ACCELERATION = ("oss:DeleteBucketTransferAcceleration", AclRight.NOTHING, False)
    PUT_BUCKET_OVERWRITE_CONFIG = ("oss:PutBucketOverwriteConfig", AclRight.NOTHING, False)
    GET_BUCKET_OVERWRITE_CONFIG = ("oss:GetBucketOverwriteConfig", AclRight.NOTHING, False)
    DELETE_BUCKET_OVERWRITE_CONFIG = ("oss:DeleteBucketOverwriteConfig", AclRight.NOTHING, False)
    PUT_BUCKET_RESOURCE_GROUP = ("oss:PutBucketResourceGroup", AclRight.NOTHING, False)
    GET_BUCKET_RESOURCE_GROUP = ("oss:GetBucketResourceGroup", AclRight.NOTHING, False)
    PUT_BUCKET_ACCESS_MONITOR = ("oss:PutBucketAccessMonitor", AclRight.NOTHING, False)
    GET_BUCKET_ACCESS_MONITOR = ("oss:GetBucketAccessMonitor", AclRight.NOTHING, False)
    PUT_BUCKET_ARCHIVE_DIRECT_READ = ("oss:PutBucketArchiveDirectRead", AclRight.NOTHING, False)
    GET_BUCKET_ARCHIVE_DIRECT_READ = ("oss:GetBucketArchiveDirectRead", AclRight.NOTHING, False)
    PUT_BUCKET_CALLBACK_POLICY = ("oss:PutBucketCallbackPolicy", AclRight.NOTHING, False)
    GET_BUCKET_CALLBACK_POLICY = ("oss:GetBucketCallbackPolicy", AclRight.NOTHING, False)
    DELETE_BUCKET_CALLBACK_POLICY = ("oss:DeleteBucketCallbackPolicy", AclRight.NOTHING, False)
    PUT_BUCKET_LOGGING = ("oss:PutBucketLogging", AclRight.NOTHING, False)
    GET_BUCKET_LOGGING = ("oss:GetBucketLogging", AclRight.NOTHING, False)
    DELETE_BUCKET_LOGGING = ("oss:DeleteBucketLogging", AclRight.NOTHING, False)
    PUT_USER_DEFINED_LOG_FIELDS_CONFIG = ("oss:PutUserDefinedLogFieldsConfig", AclRight.NOTHING, False)
    GET_USER_DEFINED_LOG_FIELDS_CONFIG = ("oss:GetUserDefinedLogFieldsConfig", AclRight.NOTHING, False)
    DELETE_USER_DEFINED_LOG_FIELDS_CONFIG = ("oss:DeleteUserDefinedLogFieldsConfig", AclRight.NOTHING, False)
    PUT_BUCKET_INVENTORY = ("oss:PutBucketInventory", AclRight.NOTHING, False)
    GET_BUCKET_INVENTORY = ("oss:GetBucketInventory", AclRight.NOTHING, False)
    LIST_BUCKET_INVENTORY = ("oss:ListBucketInventory", AclRight.NOTHING, False)
    DELETE_BUCKET_INVENTORY = ("oss:DeleteBucketInventory", AclRight.NOTHING, False)
    CREATE_BUCKET_DATA_REDUNDANCY_TRANSITION = ("oss:CreateBucketDataRedundancyTransition", AclRight.NOTHING, False)
    GET_BUCKET_DATA_REDUNDANCY_TRANSITION = ("oss:GetBucketDataRedundancyTransition", AclRight.NOTHING, False)
    LIST_BUCKET_DATA_REDUNDANCY_TRANSITION = ("oss:ListBucketDataRedundancyTransition", AclRight.NOTHING, False)
    LIST_USER_DATA_REDUNDANCY_TRANSITION = ("oss:ListUserDataRedundancyTransition", AclRight.NOTHING, False)
    DELETE_BUCKET_DATA_REDUNDANCY_TRANSITION = ("oss:DeleteBucketDataRedundancyTransition", AclRight.NOTHING, False)
    PUT_BUCKET_REPLICATION = ("oss:PutBucketReplication", AclRight.NOTHING, False)
    GET_BUCKET_REPLICATION = ("oss:GetBucketReplication", AclRight.NOTHING, False)
    GET_BUCKET_REPLICATION_LOCATION = ("oss:GetBucketReplicationLocation", AclRight.NOTHING, False)
    GET_BUCKET_REPLICATION_PROGRESS = ("oss:GetBucketReplicationProgress", AclRight.NOTHING, False)
    DELETE_BUCKET_REPLICATION = ("oss:DeleteBucketReplication", AclRight.NOTHING, False)
    PUT_BUCKET_RTC = ("oss:PutBucketRTC", AclRight.NOTHING, False)
    PUT_LIVE_CHANNEL = ("oss:PutLiveChannel", AclRight.NOTHING, True)
    GET_LIVE_CHANNEL = ("oss:GetLiveChannel", AclRight.NOTHING, True)
    GET_LIVE_CHANNEL_STAT = ("oss:GetLiveChannelStat", AclRight.NOTHING, True)
    GET_LIVE_CHANNEL_HISTORY = ("oss:GetLiveChannelHistory", AclRight.NOTHING, True)
    LIST_LIVE_CHANNEL = ("oss:ListLiveChannel", AclRight.NOTHING, False)
    PUT_LIVE_CHANNEL_STATUS = ("oss:PutLiveChannelStatus", AclRight.NOTHING, True)
    DELETE_LIVE_CHANNEL = ("oss:DeleteLiveChannel", AclRight.NOTHING, True)
    POST_VOD_PLAYLIST = ("oss:PostVodPlaylist", AclRight.NOTHING, True)
    GET_VOD_PLAYLIST = ("oss:GetVodPlaylist", AclRight.NOTHING, True)
    PUT_BUCKET_QOS_INFO = ("oss:PutBucketQosInfo", AclRight.NOTHING, False)
    GET_BUCKET_QOS_INFO = ("oss:GetBucketQosInfo", AclRight.NOTHING, False)
    DELETE_BUCKET_QOS_INFO = ("oss:DeleteBucketQosInfo", AclRight.NOTHING, False)
    GET_USER_QOS_INFO = ("oss:GetUserQosInfo", AclRight.NOTHING, False)
    PUT_BUCKET_STORAGE_CAPACITY = ("oss:PutBucketStorageCapacity", AclRight.NOTHING, False)
    GET_BUCKET_STORAGE_CAPACITY = ("oss:GetBucketStorageCapacity", AclRight.NOTHING, False)
    PUT_BUCKET_STORAGE_QUOTA = ("oss:PutBucketStorageQuota", AclRight.NOTHING, False)
    GET_BUCKET_STORAGE_QUOTA = ("oss:GetBucketStorageQuota", AclRight.NOTHING, False)
    DELETE_BUCKET_STORAGE_QUOTA = ("oss:DeleteBucketStorageQuota", AclRight.NOTHING, False)
    PUT_ASYNC_FETCH_TASK = ("oss:PutAsyncFetchTask", AclRight.NOTHING, False)
    GET_ASYNC_FETCH_TASK = ("oss:GetAsyncFetchTask", AclRight.NOTHING, False)

    # access points
    CREATE_ACCESS_POINT = ("oss:CreateAccessPoint", AclRight.NOTHING, False)
    GET_ACCESS_POINT = ("oss:GetAccessPoint", AclRight.NOTHING, False)
    LIST_ACCESS_POINTS = ("oss:ListAccessPoints", AclRight.NOTHING, False)
    DELETE_ACCESS_POINT = ("oss:DeleteAccessPoint", AclRight.NOTHING, False)
    PUT_ACCESS_POINT_POLICY = ("oss:PutAccessPointPolicy", AclRight.NOTHING, False)
    GET_ACCESS_POINT_POLICY = ("oss:GetAccessPointPolicy", AclRight.NOTHING, False)
    DELETE_ACCESS_POINT_POLICY = ("oss:DeleteAccessPointPolicy", AclRight.NOTHING, False)
    PUT_ACCESS_POINT_PUBLIC_ACCESS_BLOCK = ("oss:PutAccessPointPublicAccessBlock", AclRight.NOTHING, False)
    GET_ACCESS_POINT_PUBLIC_ACCESS_BLOCK = ("oss:GetAccessPointPublicAccessBlock", AclRight.NOTHING, False)
    DELETE_ACCESS_POINT_PUBLIC_ACCESS_BLOCK = ("oss:DeleteAccessPointPublicAccessBlock", AclRight.NOTHING, False)

    # write once, read many
    INITIATE_BUCKET_WORM = ("oss:InitiateBucketWorm", AclRight.NOTHING, False)
    ABORT_BUCKET_WORM = ("oss:AbortBucketWorm", AclRight.NOTHING, False)
    COMPLETE_BUCKET_WORM = ("oss:CompleteBucketWorm", AclRight.NOTHING, False)
    EXTEND_BUCKET_WORM = ("oss:ExtendBucketWorm", AclRight.NOTHING, False)
    GET_BUCKET_WORM = ("oss:GetBucketWorm", AclRight.NOTHING, False)
    PUT_BUCKET_OBJECT_WORM_CONFIGURATION = ("oss:PutBucketObjectWormConfiguration", AclRight.NOTHING, False)
    GET_BUCKET_OBJECT_WORM_CONFIGURATION = ("oss:GetBucketObjectWormConfiguration", AclRight.NOTHING, False)
    PUT_OBJECT_RETENTION = ("oss:PutObjectRetention", AclRight.NOTHING, True)
    GET_OBJECT_RETENTION = ("oss:GetObjectRetention", AclRight.NOTHING, True)
    PUT_OBJECT_LEGAL_HOLD = ("oss:PutObjectLegalHold", AclRight.NOTHING, True)
    GET_OBJECT_LEGAL_HOLD = ("oss:GetObjectLegalHold", AclRight.NOTHING, True)
    BYPASS_GOVERNANCE_RETENTION = ("oss:BypassGovernanceRetention", AclRight.NOTHING, True)

    # pictures
    PUT_STYLE = ("oss:PutStyle", AclRight.NOTHING, False)
    GET_STYLE = ("oss:GetStyle", AclRight.NOTHING, False)
    LIST_STYLE = ("oss:ListStyle", AclRight.NOTHING, False)
    DELETE_STYLE = ("oss:DeleteStyle", AclRight.NOTHING, False)
    POST_PROCESS_TASK = ("oss:PostProcessTask", AclRight.NOTHING, True)


# What OSS has beside these, of parts that aren't built. Policies that name them come from there and are kept.
# Source: RAM, actions of OSS.
_NOT_BUILT: Final = (
    *("CreateAccessPointForObjectProcess", "DeleteAccessPointForObjectProcess", "GetAccessPointForObjectProcess"),
    *("GetAccessPointConfigForObjectProcess", "PutAccessPointConfigForObjectProcess"),
    *("DeleteAccessPointPolicyForObjectProcess", "GetAccessPointPolicyForObjectProcess"),
    *("PutAccessPointPolicyForObjectProcess", "ListAccessPointsForObjectProcess", "WriteGetObjectResponse"),
    *("CloseMetaQuery", "DoMetaQuery", "GetMetaQueryStatus", "OpenMetaQuery"),
    *("CreateSelectObjectMeta", "SelectObject"),
    *("DeleteBucketRequesterQosInfo", "GetBucketRequesterQosInfo", "ListBucketRequesterQosInfos"),
    *("PutBucketRequesterQosInfo",),
    *("AddBucketToResourcePool", "GetResourcePoolInfo", "ListResourcePools", "ListResourcePoolBuckets"),
    *("DeleteResourcePoolRequesterQosInfo", "GetResourcePoolRequesterQosInfo", "ListResourcePoolRequesterQosInfos"),
    *("PutResourcePoolRequesterQosInfo", "PutBucketResourcePool", "PutResourcePoolQosInfo"),
    *("ReplicateDelete", "ReplicateGet", "ReplicateList", "ReplicatePut"),
    *("PublishRtmpStream",),
    *("CreateDataAccelerator", "DeleteDataAccelerator", "GetDataAccelerator", "ListDataAccelerators"),
    *("PutDataAccelerator",),
    *("DeleteBucketDataAccelerator", "GetBucketDataAccelerator", "PutBucketDataAccelerator"),
    *("GetBucketHash", "PutBucketHash"),
    *("PostAsyncFetchTask", "GetChannel", "PutChannel", "ProcessImm"),
    *("DeleteChannel", "ListChannel"),
    *("GetObjectInfo", "GetProcessConfiguration", "PutProcessConfiguration", "DeleteProcessConfiguration"),
    *("PutBucketProcessConfiguration", "GetBucketProcessConfiguration", "DeleteBucketProcessConfiguration"),
)

# By service, in lower case, as policies are compared: the actions there are. Of other services any name is taken.
ACTION_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "oss": frozenset(
        name.lower()
        for name in (
            *(action.action_name for action in Action),
            *(action.version_name for action in Action),
            *(f"oss:{name}" for name in _NOT_BUILT),
        )
    ),
    "coatcheck": frozenset(
        {"coatcheck:createlink", "coatcheck:cancellink", "coatcheck:listlinks", "coatcheck:readlinkaudit"}
    ),
    "sts": frozenset({"sts:assumerole", "sts:assumerolewithoidc", "sts:assumerolewithsaml", "sts:getcalleridentity"}),
}
