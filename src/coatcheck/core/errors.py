"""The error table: every way coatcheck says no, one row each.

A row is a `Fault`; calling it makes the one exception that travels to the client, `OssError`. The facts given become
elements of the error document, in the order given. Codes, statuses and messages are those of OSS (API reference, error
responses); where OSS's own wording isn't known the message is ours and says what to do. Never put a secret, or the
signature we expected, into a fact.

`ec` is OSS's finer error code (`x-oss-ec`), empty where none is known.
"""

from __future__ import annotations

from .fault import Broken as Broken
from .fault import Fault as Fault
from .fault import OssError as OssError
from .fetch_errors import MIRROR_BUSY as MIRROR_BUSY
from .fetch_errors import MIRROR_FAILED as MIRROR_FAILED
from .fetch_errors import NO_SUCH_FETCH_TASK as NO_SUCH_FETCH_TASK
from .fetch_errors import OBJECT_ALREADY_EXISTS as OBJECT_ALREADY_EXISTS
from .fetch_errors import TOO_MANY_TASKS as TOO_MANY_TASKS
from .link_errors import ARCHIVE_TOO_LARGE as ARCHIVE_TOO_LARGE
from .link_errors import ARCHIVES_BUSY as ARCHIVES_BUSY
from .link_errors import LINK_AUDIT_OFF as LINK_AUDIT_OFF
from .link_errors import LINK_BODY_MISMATCH as LINK_BODY_MISMATCH
from .link_errors import LINK_CANCELLED as LINK_CANCELLED
from .link_errors import LINK_FOR_PEOPLE as LINK_FOR_PEOPLE
from .link_errors import LINK_FORBIDDEN as LINK_FORBIDDEN
from .link_errors import LINK_FROM_A_PAGE as LINK_FROM_A_PAGE
from .link_errors import LINK_NONCE_NEEDED as LINK_NONCE_NEEDED
from .link_errors import LINK_NONCE_USED as LINK_NONCE_USED
from .link_errors import LINK_NOT_REGISTERED as LINK_NOT_REGISTERED
from .link_errors import LINK_NOT_STARTED as LINK_NOT_STARTED
from .link_errors import LINK_OF_ANOTHER_ACCOUNT as LINK_OF_ANOTHER_ACCOUNT
from .link_errors import LINK_ROUTE_UNKNOWN as LINK_ROUTE_UNKNOWN
from .link_errors import LINK_UNKNOWN as LINK_UNKNOWN
from .link_errors import LINK_USED_UP as LINK_USED_UP
from .link_errors import LINK_WRONG_ADDRESS as LINK_WRONG_ADDRESS
from .link_errors import NO_LINK as NO_LINK
from .link_errors import NOTICE_UNKNOWN as NOTICE_UNKNOWN
from .link_errors import REFUSAL_UNKNOWN as REFUSAL_UNKNOWN
from .link_errors import RULE_UNKNOWN as RULE_UNKNOWN
from .link_errors import TOO_MANY_NOTICES as TOO_MANY_NOTICES
from .picture_errors import AVIF_TOO_LARGE as AVIF_TOO_LARGE
from .picture_errors import BAD_STYLE as BAD_STYLE
from .picture_errors import BAD_WEBP as BAD_WEBP
from .picture_errors import CUT_OUT_OF_IMAGE as CUT_OUT_OF_IMAGE
from .picture_errors import NO_SUCH_STYLE as NO_SUCH_STYLE
from .picture_errors import NOT_A_PICTURE as NOT_A_PICTURE
from .picture_errors import NOT_BASE64 as NOT_BASE64
from .picture_errors import PICTURE_TOO_LARGE as PICTURE_TOO_LARGE
from .picture_errors import PICTURE_TOO_MANY_PIXELS as PICTURE_TOO_MANY_PIXELS
from .picture_errors import RENDER_TOO_COSTLY as RENDER_TOO_COSTLY
from .picture_errors import RENDERERS_BUSY as RENDERERS_BUSY
from .picture_errors import RESULT_TOO_LARGE as RESULT_TOO_LARGE
from .picture_errors import ROTATION_OUT_OF_RANGE as ROTATION_OUT_OF_RANGE
from .picture_errors import TOO_MANY_STYLES as TOO_MANY_STYLES
from .picture_errors import TOO_MANY_WATERMARKS as TOO_MANY_WATERMARKS
from .picture_errors import WATERMARK_ERROR as WATERMARK_ERROR
from .picture_errors import WATERMARK_FORMAT as WATERMARK_FORMAT
from .picture_errors import WEBP_TOO_LARGE as WEBP_TOO_LARGE
from .sts_errors import STS_DISABLED_KEY as STS_DISABLED_KEY
from .sts_errors import STS_INCOMPLETE_SIGNATURE as STS_INCOMPLETE_SIGNATURE
from .sts_errors import STS_INVALID_ACTION as STS_INVALID_ACTION
from .sts_errors import STS_INVALID_DURATION as STS_INVALID_DURATION
from .sts_errors import STS_INVALID_POLICY as STS_INVALID_POLICY
from .sts_errors import STS_INVALID_ROLE_ARN as STS_INVALID_ROLE_ARN
from .sts_errors import STS_INVALID_SESSION_NAME as STS_INVALID_SESSION_NAME
from .sts_errors import STS_INVALID_TOKEN as STS_INVALID_TOKEN
from .sts_errors import STS_MISSING_PARAMETER as STS_MISSING_PARAMETER
from .sts_errors import STS_MISSING_ROLE_ARN as STS_MISSING_ROLE_ARN
from .sts_errors import STS_MISSING_SESSION_NAME as STS_MISSING_SESSION_NAME
from .sts_errors import STS_NO_PERMISSION as STS_NO_PERMISSION
from .sts_errors import STS_NO_ROLE as STS_NO_ROLE
from .sts_errors import STS_NONCE_USED as STS_NONCE_USED
from .sts_errors import STS_PARAMETER_TWICE as STS_PARAMETER_TWICE
from .sts_errors import STS_POLICY_TOO_LARGE as STS_POLICY_TOO_LARGE
from .sts_errors import STS_SIGNATURE_DOES_NOT_MATCH as STS_SIGNATURE_DOES_NOT_MATCH
from .sts_errors import STS_TIME_EXPIRED as STS_TIME_EXPIRED
from .sts_errors import STS_TOKEN_EXPIRED as STS_TOKEN_EXPIRED
from .sts_errors import STS_TOKEN_OF_ANOTHER_KEY as STS_TOKEN_OF_ANOTHER_KEY
from .sts_errors import STS_UNKNOWN_KEY as STS_UNKNOWN_KEY

# --- names and addresses -------------------------------------------------------------------------------------------
INVALID_BUCKET_NAME = Fault("InvalidBucketName", 400, "The specified bucket is not valid.", "0015-00000001")
OBJECT_NAME_EMPTY = Fault("InvalidObjectName", 400, "The Object name can not be empty.", "0016-00000001")
OBJECT_NAME_TOO_LONG = Fault(
    "InvalidObjectName", 400, "The Length of Object name must be less than 1024.", "0016-00000002"
)
INVALID_OBJECT_NAME = Fault("InvalidObjectName", 400, "The specified object is not valid.", "0016-00000005")
NON_STANDARD_HOST = Fault(
    "NonStandardHostForbidden", 403, "Your host is invalid. Please use Open Storage Service standard host."
)
WRONG_ENDPOINT = Fault(
    "AccessDenied",
    403,
    "The bucket you are attempting to access must be addressed using the specified endpoint. "
    "Please send all future requests to this endpoint.",
)

# --- arguments and bodies ------------------------------------------------------------------------------------------
INVALID_ARGUMENT = Fault("InvalidArgument", 400, "Invalid Argument.")
BAD_PREFLIGHT = Fault("BadRequest", 400, "Insufficient information. Origin request header needed.")
MISSING_ARGUMENT = Fault("MissingArgument", 400, "Missing Some Required Arguments.", "0016-00000502")
INVALID_REQUEST = Fault("InvalidRequest", 400, "The request is not valid.")
ANONYMOUS_OVERRIDE = Fault(
    "InvalidRequest", 400, "Request specific response headers cannot be used for anonymous GET requests."
)
MALFORMED_XML = Fault(
    "MalformedXML",
    400,
    "The XML you provided was not well-formed or did not validate against our published schema.",
    "0031-00000001",
)
USER_KEY_MUST_BE_SPECIFIED = Fault("UserKeyMustBeSpecified", 400, "User key must be specified.")
NOT_IMPLEMENTED = Fault("NotImplemented", 400, "A header you provided implies functionality that is not implemented.")
INVALID_DIGEST = Fault("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
INVALID_CRC64 = Fault("InvalidCRC64", 400, "The x-oss-hash-crc64ecma you specified does not match what we calculated.")
INCOMPLETE_BODY = Fault(
    "IncompleteBody",
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)
REQUEST_TIMEOUT = Fault(
    "RequestTimeout",
    400,
    "Your socket connection to the server was not read from or written to within the timeout period. "
    "Idle connections will be closed.",
)
ENTITY_TOO_LARGE = Fault("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size.")
ENTITY_TOO_SMALL = Fault("EntityTooSmall", 400, "Your proposed upload smaller than the minimum allowed size")
MISSING_CONTENT_LENGTH = Fault("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
MALFORMED_HTTP = Fault("InvalidRequest", 400, "The request is not well-formed HTTP/1.1.")
HEAD_TIMEOUT = Fault("RequestTimeout", 408, "The request's headers did not arrive in time.")
TARGET_TOO_LONG = Fault("InvalidRequest", 414, "The request's path and query are too long.")
HEAD_TOO_LARGE = Fault("InvalidRequest", 431, "The request's headers are too many, or too long.")
TOO_MANY_CONNECTIONS = Fault("ServiceUnavailable", 503, "Too many connections. Close some, and try again.")
METHOD_NOT_ALLOWED = Fault("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
PRECONDITION_FAILED = Fault("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold.")
INVALID_RANGE = Fault("InvalidRange", 416, "The requested range cannot be satisfied.")

# --- signatures: every scheme --------------------------------------------------------------------------------------
TWO_SIGNATURES = Fault(
    "InvalidArgument", 400, "Only one auth mechanism allowed: sign in the Authorization header or in the URL, not both."
)
SIGNATURE_DOES_NOT_MATCH = Fault(
    "SignatureDoesNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
)
REQUEST_EXPIRED = Fault("AccessDenied", 403, "Request has expired.")
REQUEST_NOT_YET_VALID = Fault("AccessDenied", 403, "Request is not yet valid.", "0002-00000235")
REQUEST_TIME_TOO_SKEWED = Fault(
    "RequestTimeTooSkewed",
    403,
    "The difference between the request time and the current time is too large.",
    "0002-00000504",
)
NO_VALID_DATE = Fault("AccessDenied", 403, "OSS authentication requires a valid Date.", "0002-00000503")
UNKNOWN_ACCESS_KEY_ID = Fault(
    "InvalidAccessKeyId",
    403,
    "The OSS Access Key Id you provided does not exist in our records.",
    "0002-00000902",
)
DISABLED_ACCESS_KEY_ID = Fault(
    "InvalidAccessKeyId", 403, "The OSS Access Key Id you provided is disabled.", "0002-00000903"
)
ACCESS_KEY_ID_CHARACTERS = Fault(
    "InvalidAccessKeyId",
    403,
    "The OSS Access Key Id contains non-acceptable characters, which accepts only alphanumeric "
    "characters[0-9a-zA-Z] and several special characters[. _=]",
    "0002-00000206",
)
AUTHORIZATION_INVALID = Fault("InvalidArgument", 400, "Authorization header is invalid.")
QUERY_AUTHORIZATION_INVALID = Fault("InvalidArgument", 400, "The signature parameters of the URL are invalid.")
QUERY_AUTHORIZATION_INCOMPLETE = Fault(
    "AccessDenied",
    403,
    "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters",
)
UNSUPPORTED_SIGNATURE = Fault(
    "InvalidArgument", 400, "This signature version is not supported. Sign with OSS4-HMAC-SHA256 (V4) or V1."
)
V1_URL_ON_BUCKET = Fault(
    "AccessDenied",
    403,
    "A V1 signed URL can only address an object. Sign in the Authorization header, or sign the URL with V4.",
    "0002-00000079",
)
TOKEN_NOT_IN_QUERY = Fault(
    "InvalidRequest", 400, "Security-token must be provided by query string parameter.", "0002-00000005"
)
TOKEN_TWICE = Fault(
    "InvalidArgument", 400, "The security token was given in the URL and in a header; give it once.", "0002-00000010"
)

INVALID_SECURITY_TOKEN = Fault(
    "InvalidSecurityToken", 403, "The security token you provided is invalid.", "0002-00000006"
)
SECURITY_TOKEN_EXPIRED = Fault(
    "SecurityTokenExpired", 403, "The security token you provided has expired.", "0002-00000007"
)
TOKEN_OF_ANOTHER_KEY = Fault(
    "AccessKeyIdAndSecurityTokenNotMatch",
    403,
    "The OSS access key id and security token you provided does not match",
    "0002-00000004",
)

# --- forms ---------------------------------------------------------------------------------------------------------
NOT_MULTIPART = Fault(
    "RequestIsNotMultiPartContent", 400, "Bucket POST must be of the enclosure-type multipart/form-data."
)
MALFORMED_POST_REQUEST = Fault(
    "MalformedPOSTRequest", 400, "The body of your POST request is not well-formed multipart/form-data."
)
FIELD_ITEM_TOO_LONG = Fault("FieldItemTooLong", 400, "Your name of form field is too long")
PRE_DATA_TOO_LONG = Fault(
    "MaxPOSTPreDataLengthExceededError", 400, "Your POST request fields preceding the upload file were too large."
)
INCORRECT_NUMBER_OF_FILES = Fault(
    "IncorrectNumberOfFilesInPOSTRequest", 400, "POST requires exactly one file upload per request."
)
POST_FIELD_MISSING = Fault(
    "InvalidArgument",
    400,
    "The bucket POST must contain the specified field. If it is specified, please check the order of the fields",
)
POST_CREDENTIAL_INVALID = Fault("InvalidArgument", 400, "The credential of the form is invalid.", "0002-00000710")
INVALID_POLICY_DOCUMENT = Fault("InvalidPolicyDocument", 400, "Invalid policy document, please check.")
INVALID_POST_POLICY = Fault("InvalidPolicyDocument", 400, "The policy of the form cannot be read.")
POLICY_EXPIRED = Fault("AccessDenied", 403, "Invalid according to Policy: Policy expired.", "0006-00000213")
POLICY_CONDITION_FAILED = Fault("AccessDenied", 403, "Invalid according to Policy: Policy Condition failed:")

CALLBACK_FAILED = Fault(
    "CallbackFailed",
    203,
    "Callback to application server failed, please check your callbackUrl.",
    "0007-00000203",
)

# --- permission ----------------------------------------------------------------------------------------------------
ACCESS_DENIED = Fault("AccessDenied", 403, "AccessDenied", "0003-00000001")
DENIED_BY_BUCKET_ACL = Fault(
    "AccessDenied",
    403,
    "You have no right to access this object because of bucket acl.",
    "0003-00000001",
)
DENIED_BY_OBJECT_ACL = Fault("AccessDenied", 403, "You have no right to access this object.", "0003-00000001")
ANONYMOUS_FORBIDDEN = Fault("AccessDenied", 403, "Anonymous access is forbidden for this operation.", "0003-00001201")
DENIED_BY_POLICY = Fault("AccessDenied", 403, "Access denied by bucket policy.", "0003-00000201")
DENIED_BY_AUTHORIZER = Fault("AccessDenied", 403, "Access denied by authorizer's policy.")
LIST_BUCKETS_FORBIDDEN = Fault("AccessDenied", 403, "You are forbidden to list buckets.")
PUBLIC_ACCESS_BLOCKED = Fault(
    "AccessDenied", 403, "Public access is blocked: an ACL or policy that opens this to everybody is not allowed."
)
DENIED_BY_ACCESS_POINT = Fault("AccessDenied", 403, "Access denied by access point policy.")
OUTSIDE_OF_NETWORK = Fault(
    "AccessDenied", 403, "This access point is for requests from its VPC only, and no request here comes from one."
)
USER_DISABLE = Fault("UserDisable", 403, "UserDisable", "0003-00000801")
UNSIGNED_HEADER_FORBIDDEN = Fault(
    "AccessDenied",
    403,
    "This server stores only headers that the link's signer signed; sign the header as an additional header.",
)

CORS_NOT_ALLOWED = Fault(
    "AccessForbidden",
    403,
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec.",
)

# --- endpoints and browser rules -----------------------------------------------------------------------------------
CORS_RULE_BEYOND_LIMIT = Fault("CORSRuleBeyondLimit", 400, "The CORS Rules num is beyond limit")
NO_SUCH_CORS_CONFIGURATION = Fault("NoSuchCORSConfiguration", 404, "The CORS Configuration does not exist.")
DENIED_BY_REFERER = Fault("AccessDenied", 403, "You are denied by bucket referer policy.")
REQUESTER_MUST_PAY = Fault("AccessDenied", 403, "Access denied for requester pay bucket", "0003-00000703")
NO_SUCH_TRANSFER_ACCELERATION = Fault(
    "NoSuchTransferAccelerationConfiguration",
    404,
    "The bucket you specified does not have transfer acceleration configuration.",
)
TRANSFER_ACCELERATION_DISABLED = Fault("TransferAccelerationDisabled", 403, "Transfer acceleration is disabled.")
NO_SUCH_OVERWRITE_CONFIG = Fault(
    "NoSuchBucketOverwriteConfig", 404, "The bucket you specified does not have overwrite configuration."
)
NO_SUCH_QUOTA = Fault("NoSuchBucketStorageQuota", 404, "The bucket you specified does not have a storage quota.")
NO_SUCH_RESOURCE_GROUP = Fault("ResourceGroupIdPreCheckError", 400, "The resource group id precheck error")
NO_SUCH_CALLBACK_POLICY = Fault("NoSuchCallbackPolicy", 404, "The bucket you specified does not have callback policy.")
INVALID_LOG_TARGET = Fault(
    "InvalidTargetBucketForLogging", 400, "The target bucket does not exist, or is in another region."
)
LOG_TARGET_OF_ANOTHER = Fault(
    "InvalidTargetBucketForLogging", 403, "Put bucket log requester is not target bucket owner."
)
NO_SUCH_LOG_FIELDS = Fault(
    "NoSuchUserDefinedLogFieldsConfig", 404, "The bucket you specified does not have user defined log fields."
)
NO_SUCH_INVENTORY = Fault("NoSuchInventory", 404, "No Row found in Inventory Table.")
INVENTORY_ALREADY_EXIST = Fault("InventoryAlreadyExist", 409, "The Inventory Configuration already exists.")
INVENTORY_EXCEED_LIMIT = Fault("InventoryExceedLimit", 400, "You are not allowed to create more inventory than limit.")
NO_REPLICATION_RULE = Fault("NoReplicationRule", 400, "No replication rule specified.")
TOO_MANY_REPLICATION_RULES = Fault("TooManyReplicationRules", 400, "OSS only support one replication rule now.")
TOO_MANY_PREFIXES = Fault("TooManyPrefixes", 400, "A replication rule has too many prefixes.")
BUCKET_REPLICATION_ALREADY_EXIST = Fault("BucketReplicationAlreadyExist", 400, "Bucket replication already exists.")
INVALID_TARGET_BUCKET = Fault("InvalidTargetBucket", 400, "The target bucket is invalid for bucket replication.")
INVALID_TARGET_LOCATION = Fault(
    "InvalidTargetLocation", 400, "The target bucket you specified does not locate in the target location."
)
NO_REPLICATION_LOCATION = Fault(
    "NoReplicationLocation", 400, "The bucket does not have corresponding replication location."
)
NO_SUCH_REPLICATION_CONFIGURATION = Fault(
    "NoSuchReplicationConfiguration", 404, "The bucket you specified does not have replication configuration."
)
NO_SUCH_REPLICATION_RULE = Fault(
    "NoSuchReplicationRule", 404, "The BucketReplicationRule you specified does not exist."
)
NO_SUCH_REDUNDANCY_TRANSITION = Fault(
    "NoSuchDataRedundancyTransition", 404, "The specified data redundancy transition task does not exist."
)
NO_SUCH_LIVE_CHANNEL = Fault("NoSuchLiveChannel", 404, "The specified live channel does not exist.")
INVALID_CHANNEL_NAME = Fault("InvalidChannelName", 400, "The Length of channel name must be less than 64.")
TOO_MANY_LIVE_CHANNELS = Fault("BadRequest", 400, "A bucket can have at most 10000 live channels.")
NO_SUCH_ACCESS_POINT = Fault("NoSuchAccessPoint", 404, "The specified access point does not exist.")
NO_SUCH_ACCESS_POINT_POLICY = Fault(
    "NoSuchAccessPointPolicy", 404, "The specified access point does not have an access point policy."
)
ACCESS_POINT_ALREADY_EXISTS = Fault(
    "AccessPointAlreadyExists", 409, "Your account has an access point of this name in this region already."
)
TOO_MANY_ACCESS_POINTS = Fault(
    "TooManyAccessPoints", 400, "A bucket can have at most 100 access points, and an account 1000 in a region."
)
BANDWIDTH_FORBIDDEN = Fault("AccessDenied", 403, "The bucket's QoS does not allow this.")
QPS_LIMIT_EXCEEDED = Fault("MetaOperationQpsLimitExceeded", 503, "Qps limit for the meta operation is exceeded.")
QUOTA_EXCEEDED = Fault(
    "QuotaExceeded", 403, "This would be more than the quota allows. Delete something, or have the quota raised."
)
HTTPS_REQUIRED = Fault("AccessDenied", 403, "This bucket answers over HTTPS only. Use the same address with https://.")
TLS_VERSION_NOT_ALLOWED = Fault(
    "TlsVersionNotAllowed", 403, "This bucket does not accept the TLS version of this connection."
)
NEED_VERIFY_DOMAIN_OWNERSHIP = Fault(
    "NeedVerifyDomainOwnership",
    403,
    "The ownership of this domain is not proved. Put the token of CreateCnameToken into a TXT record, or let the "
    "server's owner run: coatcheck domain add",
    "0018-00000115",
)
CNAME_DENIED = Fault("CnameDenied", 403, "The cname belongs to another user.")
CNAME_ALREADY_EXISTS = Fault("CnameAlreadyExists", 409, "The cname has been attatched to your other bucket already")
TOO_MANY_CNAME = Fault("TooManyCname", 400, "You have attempted to create more cname than allowed.")
TOO_MANY_CNAME_TOKEN = Fault("TooManyCnameToken", 400, "You have attempted to create more cname token than allowed.")
CERTIFICATE_INVALID_CAS_ID = Fault(
    "CertificateInvalidCasId", 400, "No certificate has that id here: send Certificate and PrivateKey.", "0018-00000204"
)
NO_SUCH_CNAME_TOKEN = Fault("NoSuchCnameToken", 404, "The specified cname token does not exist.")

# --- encryption ----------------------------------------------------------------------------------------------------
INVALID_ENCRYPTION_ALGORITHM = Fault(
    "InvalidEncryptionAlgorithmError",
    400,
    "The Encryption request you specified is not valid. Supported value: AES256/SM4/KMS.",
)
INVALID_DATA_ENCRYPTION_ALGORITHM = Fault(
    "InvalidDataEncryptionAlgorithmError",
    400,
    "The Data Encryption request you specified is not valid. Supported value:SM4",
)
KMS_NOT_ENABLED = Fault("KmsServiceNotEnabled", 403, "This user does not turn on KMS service.")
NO_SUCH_ENCRYPTION_RULE = Fault(
    "NoSuchServerSideEncryptionRule", 404, "The server side encryption configuration was not found."
)

# --- tags ----------------------------------------------------------------------------------------------------------
INVALID_TAG = Fault("InvalidTag", 400, "The TagKey you have provided is invalid.")
REPEATED_TAGS = Fault("RepeatedTags", 400, "Tag keys must be unique.")
TOO_MANY_TAGS = Fault("TooManyTags", 400, "The bucket tags num is beyond limit")

# --- things that are, or are not, there ----------------------------------------------------------------------------
NO_SUCH_BUCKET = Fault("NoSuchBucket", 404, "The specified bucket does not exist.", "0015-00000101")
NO_SUCH_BUCKET_POLICY = Fault("NoSuchBucketPolicy", 404, "The specified bucket policy does not exist.")
NO_SUCH_KEY = Fault("NoSuchKey", 404, "The specified key does not exist.", "0026-00000001")
NO_SUCH_VERSION = Fault("NoSuchVersion", 404, "The specified version does not exist.")
NO_SUCH_LIFECYCLE = Fault("NoSuchLifecycle", 404, "No Row found in Lifecycle Table.")
NO_SUCH_WEBSITE = Fault(
    "NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration."
)
BUCKET_ALREADY_EXISTS = Fault(
    "BucketAlreadyExists",
    409,
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
    "Please select a different name and try again.",
    "0015-00000104",
)
BUCKET_HAS_ACCESS_POINTS = Fault("BucketNotEmpty", 409, "The bucket has access points. Please delete them first.")
BUCKET_NOT_EMPTY = Fault("BucketNotEmpty", 409, "The bucket has objects. Please delete them first.", "0015-00000301")
TOO_MANY_BUCKETS = Fault("TooManyBuckets", 400, "You have attempted to create more buckets than allowed.")
FILE_ALREADY_EXISTS = Fault(
    "FileAlreadyExists",
    409,
    "The object you specified already exists and can not be overwritten.",
    "0026-00000002",
)

# --- write once, read many -----------------------------------------------------------------------------------------
FILE_IMMUTABLE = Fault("FileImmutable", 409, "The object you specified is immutable.")
NO_SUCH_WORM = Fault("NoSuchWORMConfiguration", 404, "The WORM Configuration does not exist.")
WORM_ALREADY_EXISTS = Fault("WORMConfigurationAlreadyExists", 409, "The WORM Configuration already exists.")
WORM_LOCKED = Fault("WORMConfigurationLocked", 403, "The WORM Configuration is locked.")
INVALID_WORM = Fault("InvalidWORMConfiguration", 400, "Invalid WORM Configuration.")
INVALID_BUCKET_STATUS = Fault("InvalidBucketStatus", 400, "The bucket's status does not allow this.")
NO_SUCH_OBJECT_WORM = Fault("NoSuchObjectWormConfiguration", 404, "The object WORM configuration does not exist.")
NO_SUCH_RETENTION = Fault("NoSuchObjectRetention", 404, "The specified object does not have a retention.")

# --- uploads, and what objects can't -------------------------------------------------------------------------------
NO_SUCH_UPLOAD = Fault(
    "NoSuchUpload",
    404,
    "The specified upload does not exist. "
    "The upload ID may be invalid, or the upload may have been aborted or completed.",
    "0042-00000002",
)
INVALID_PART = Fault(
    "InvalidPart",
    400,
    "One or more of the specified parts could not be found or the specified entity tag might not have matched the "
    "part's entity tag.",
)
INVALID_PART_ORDER = Fault("InvalidPartOrder", 400, "The list of parts was not in ascending order.", "0042-00000209")
PART_NOT_SEQUENTIAL = Fault(
    "PartNotSequential",
    400,
    "For sequential multipart upload, you must upload or complete parts with sequential part number.",
)
PART_ALREADY_EXISTS = Fault(
    "PartAlreadyExist", 409, "For sequential multipart upload, you can't overwrite uploaded parts."
)
INVALID_TAG_VALUE = Fault("InvalidTag", 400, "The TagValue you have provided is invalid.")
TOO_MANY_OBJECT_TAGS = Fault("InvalidTag", 400, "An object has at most 10 tags.")
OPERATION_NOT_SUPPORTED = Fault(
    "OperationNotSupported", 400, "The operation is not supported for this resource", "0016-00000702"
)
NOT_SYMLINK = Fault("NotSymlink", 400, "The object is not symlink.")
SYMLINK_TARGET_NOT_EXIST = Fault("SymlinkTargetNotExist", 404, "The symlink target object does not exist.")
INVALID_TARGET_TYPE = Fault("InvalidTargetType", 400, "The symbolic's target file type is invalid.")
COPY_SOURCE_INVALID = Fault(
    "InvalidArgument", 400, "Copy Source must mention the source bucket and key: /sourcebucket/sourcekey."
)
COPY_ACROSS_REGIONS = Fault(
    "AccessDenied", 403, "Target object does not reside in the same data center as source object."
)
POSITION_NOT_EQUAL_TO_LENGTH = Fault(
    "PositionNotEqualToLength", 409, "Position is not equal to file length", "0026-00000016"
)
NO_SUCH_REGION = Fault("NoSuchRegion", 404, "NoSuchRegion")
RESTORE_IN_PROGRESS = Fault("RestoreAlreadyInProgress", 409, "The restore operation is in progress.", "0016-00000701")
RESTORE_STALE = Fault("ArchiveRestoreFileStale", 409, "The archive file or restore info stale", "0016-00000718")
RESTORE_NOT_FINISHED = Fault(
    "ArchiveRestoreNotFinished", 409, "The archive file's restore is not finished.", "0016-00000719"
)
INVALID_OBJECT_STATE = Fault("InvalidObjectState", 403, "The operation is not valid for the object's state.")
OBJECT_NOT_APPENDABLE = Fault("ObjectNotAppendable", 409, "The object is not appendable.")

# --- ours ----------------------------------------------------------------------------------------------------------
INTERNAL_ERROR = Fault("InternalError", 500, "Please contact the server administrator.")
OUT_OF_RESOURCES = Fault(
    "ServiceUnavailable", 503, "The server has no files or memory left to answer this for the moment. Try again later."
)
FORMS_BUSY = Fault(
    "ServiceUnavailable", 503, "More forms are arriving than the server has memory for. Try again later."
)
WRITES_BUSY = Fault(
    "ServiceUnavailable", 503, "Another process keeps the server from writing. Nothing was changed; try again later."
)
UNWRITABLE = Fault(
    "ServiceUnavailable", 503, "The server's storage can be read and not written. Nothing was changed; try again later."
)
OUTCOME_UNKNOWN = Fault(
    "ServiceUnavailable",
    503,
    "The server's storage failed while this was written. It may have been stored or not; look, or send it again.",
)
BYTES_AWAY = Fault(
    "ServiceUnavailable",
    503,
    "The server's store of objects is out of reach, or busy, for the moment. Try again later.",
)
NO_SPACE_LEFT = Fault(
    "ServiceUnavailable", 503, "The server has no space left to store this. Nothing was changed; try again later."
)

# --- ordered by a test ---------------------------------------------------------------------------------------------
SLOW_DOWN = Fault("SlowDown", 503, "Please reduce your request rate.")
SERVICE_UNAVAILABLE = Fault("ServiceUnavailable", 503, "The service is not available for the moment. Try again later.")
