"""The error table: every way coatcheck says no, one row each.

A row is a `Fault`; calling it makes the one exception that travels to the client, `OssError`. The facts given become
elements of the error document, in the order given. Codes, statuses and messages are those of OSS (API reference, error
responses); where OSS's own wording isn't known the message is ours and says what to do. Never put a secret, or the
signature we expected, into a fact.

`ec` is OSS's finer error code (`x-oss-ec`), empty where none is known.
"""

from __future__ import annotations

from dataclasses import dataclass


class Broken(Exception):
    """A body that is being sent can't be completed. What is wrong has been logged by whoever raised it."""


class OssError(Exception):
    """A refusal on its way to the client: which row, in which words, with which facts."""

    def __init__(
        self,
        fault: Fault,
        message: str,
        facts: dict[str, str],
        ec: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{fault.code}: {message}")
        self.fault = fault
        self.message = message
        self.facts = facts
        self.ec = ec
        self.headers = headers
        self.nested: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()  # elements that hold elements

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def status(self) -> int:
        return self.fault.status


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table: OSS's code, the HTTP status, the message, and the finer code if there is one."""

    code: str
    status: int
    message: str
    ec: str = ""

    def __call__(
        self,
        message: str | None = None,
        /,
        *,
        ec: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **facts: str,
    ) -> OssError:
        """Make the exception; `message` and `ec` replace the row's, `headers` go out with the reply as they are."""
        return OssError(
            self, self.message if message is None else message, facts, self.ec if ec is None else ec, headers
        )


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
POLICY_EXPIRED = Fault("AccessDenied", 403, "Invalid according to Policy: Policy expired.", "0006-00000213")
POLICY_CONDITION_FAILED = Fault("AccessDenied", 403, "Invalid according to Policy: Policy Condition failed:")

CALLBACK_FAILED = Fault(
    "CallbackFailed",
    203,
    "Callback to application server failed, please check your callbackUrl.",
    "0007-00000203",
)

# --- STS, which has codes of its own -------------------------------------------------------------------------------
STS_INVALID_ACTION = Fault(
    "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method."
)
STS_MISSING_PARAMETER = Fault("MissingParameter", 400, "A parameter that is mandatory for this action is missing.")
STS_PARAMETER_TWICE = Fault("InvalidParameter", 400, "A parameter is given more than once.")
STS_MISSING_ROLE_ARN = Fault("MissingRoleArn", 400, "RoleArn is mandatory for this action.")
STS_MISSING_SESSION_NAME = Fault("MissingRoleSessionName", 400, "RoleSessionName is mandatory for this action.")
STS_INVALID_ROLE_ARN = Fault("InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed.")
STS_INVALID_SESSION_NAME = Fault(
    "InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed."
)
STS_INVALID_DURATION = Fault(
    "InvalidParameter.DurationSeconds", 400, "The Min/Max value of DurationSeconds is 15min/12hrs."
)
STS_INVALID_POLICY = Fault("InvalidParameter.PolicyGrammar", 400, "The parameter Policy has not passed grammar check.")
STS_POLICY_TOO_LARGE = Fault("InvalidParameter.PolicySize", 400, "The size of Policy must be smaller than 2048 bytes.")
STS_INCOMPLETE_SIGNATURE = Fault(
    "IncompleteSignature", 400, "The request signature does not conform to Aliyun standards."
)
STS_SIGNATURE_DOES_NOT_MATCH = Fault(
    "SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation."
)
STS_TIME_EXPIRED = Fault("InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.")
STS_NONCE_USED = Fault("SignatureNonceUsed", 400, "Specified signature nonce was used already.")
STS_UNKNOWN_KEY = Fault("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.")
STS_DISABLED_KEY = Fault("InvalidAccessKeyId.Inactive", 404, "Specified access key is disabled.")
STS_INVALID_TOKEN = Fault("InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.")
STS_TOKEN_OF_ANOTHER_KEY = Fault(
    "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey."
)
STS_TOKEN_EXPIRED = Fault("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.")
STS_NO_ROLE = Fault("EntityNotExist.Role", 404, "The role not exists.")
STS_NO_PERMISSION = Fault(
    "NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM."
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
NO_SUCH_REDUNDANCY_TRANSITION = Fault(
    "NoSuchDataRedundancyTransition", 404, "The specified data redundancy transition task does not exist."
)
NO_SUCH_LIVE_CHANNEL = Fault("NoSuchLiveChannel", 404, "The specified live channel does not exist.")
INVALID_CHANNEL_NAME = Fault("InvalidChannelName", 400, "The Length of channel name must be less than 64.")
TOO_MANY_LIVE_CHANNELS = Fault("BadRequest", 400, "A bucket can have at most 10000 live channels.")
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
BUCKET_NOT_EMPTY = Fault("BucketNotEmpty", 409, "The bucket has objects. Please delete them first.", "0015-00000301")
TOO_MANY_BUCKETS = Fault("TooManyBuckets", 400, "You have attempted to create more buckets than allowed.")
FILE_ALREADY_EXISTS = Fault(
    "FileAlreadyExists",
    409,
    "The object you specified already exists and can not be overwritten.",
    "0026-00000002",
)

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

# --- pictures ------------------------------------------------------------------------------------------------------
NOT_A_PICTURE = Fault("BadRequest", 400, "This image format is not supported.", "0040-00000005")
NOT_BASE64 = Fault("BadRequest", 400, "Input is not base64 decoding.", "0040-00000257")
CUT_OUT_OF_IMAGE = Fault("BadRequest", 400, "Advance cut's position is out of image.")
ROTATION_OUT_OF_RANGE = Fault("BadRequest", 400, "Picture exceed the maximum allowable rotation range")
WEBP_TOO_LARGE = Fault(
    "BadRequest", 400, "Maximum width and height allowed is 16383 pixels for converting webp", "0040-00000011"
)
AVIF_TOO_LARGE = Fault(
    "BadRequest", 400, "Maximum size allowed is 4096 x 2304 pixels for converting avif", "0040-00000014"
)
BAD_WEBP = Fault("BadWebPImage", 400, "The webp image file may be damaged.")
PICTURE_TOO_LARGE = Fault("ImageTooLarge", 400, "Maximal size of image supported is 20971520 bytes.", "0040-00000001")
RESULT_TOO_LARGE = Fault(
    "ImageTooLarge",
    400,
    "The resized picture would be larger than 16384 pixels a side or 16777216 in all.",
    "0040-00000007",
)
PICTURE_TOO_MANY_PIXELS = Fault(
    "MemLimitExceeded", 400, "The picture has more pixels than can be processed.", "0040-00000012"
)
RENDER_TOO_COSTLY = Fault(
    "MemLimitExceeded", 400, "Processing this picture takes more memory or time than one picture may take."
)
WATERMARK_ERROR = Fault("WatermarkError", 400, "The watermark picture does not exist or cannot be read.")
WATERMARK_FORMAT = Fault("WatermarkError", 400, "The watermark picture's format is not supported.", "0040-00000027")
TOO_MANY_WATERMARKS = Fault(
    "WatermarkError", 400, "At most 3 different watermark pictures can be used in one request.", "0040-00000026"
)
NO_SUCH_STYLE = Fault("NoSuchStyle", 404, "The style you get is not found.")
BAD_STYLE = Fault("BadRequest", 400, "Style content is invalid.", "0017-00000253")
TOO_MANY_STYLES = Fault("BadRequest", 400, "A bucket can have at most 50 styles.")
RENDERERS_BUSY = Fault(
    "ServiceUnavailable", 503, "More pictures are waiting to be processed than the server takes on. Try again later."
)

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
NO_SPACE_LEFT = Fault(
    "ServiceUnavailable", 503, "The server has no space left to store this. Nothing was changed; try again later."
)
