"""The rows of the error table that only the S3 dialect has. See `errors.py`; what both have in common stands there.

Source: Amazon S3 API reference, error responses; S3 reference, sections 2, 3 and 7.
"""

from __future__ import annotations

from typing import Final

from .fault import Fault

S3_HEADER_MALFORMED: Final = Fault(
    "AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid."
)
S3_QUERY_MALFORMED: Final = Fault(
    "AuthorizationQueryParametersError", 400, "The signature's parameters in the URL are not valid."
)
S3_HEADERS_NOT_SIGNED: Final = Fault(
    "AccessDenied", 403, "There were headers present in the request which were not signed"
)
S3_EXTRA_FIELDS: Final = Fault("AccessDenied", 403, "Invalid according to Policy: Extra input fields:")
S3_NO_DATE: Final = Fault("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
S3_EXPIRED: Final = Fault("AccessDenied", 403, "Request has expired")
S3_NOT_YET_VALID: Final = Fault("AccessDenied", 403, "Request is not yet valid")
S3_TWO_SIGNATURES: Final = Fault(
    "InvalidArgument",
    400,
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
    "the Authorization header should be specified",
)
S3_OTHER_DIALECT: Final = Fault(
    "InvalidArgument", 400, "A request that is signed as for S3 cannot carry headers or parameters of OSS."
)
S3_NO_CONTENT_SHA256: Final = Fault(
    "InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"
)
S3_BAD_CONTENT_SHA256: Final = Fault(
    "InvalidArgument",
    400,
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a word that begins with STREAMING-, or a SHA-256 in 64 hex digits.",
)
S3_NOT_BUILT: Final = Fault(
    "NotImplemented", 501, "A header or parameter you provided implies functionality that is not implemented."
)
S3_V2_ON_BUCKET: Final = Fault(
    "AccessDenied",
    403,
    "A link of signature version 2 must name an object: it leaves the parameters of other requests unsigned. Sign with "
    "version 4.",
)
S3_V2_HEADER: Final = Fault(
    "InvalidRequest",
    400,
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
)
S3_SHA256_MISMATCH: Final = Fault(
    "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed."
)
S3_BAD_DIGEST: Final = Fault(
    "BadDigest", 400, "A digest that you specified does not match the one that was computed of the content."
)
S3_BAD_TRAILER: Final = Fault(
    "MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or not announced."
)
S3_BAD_CHECKSUM: Final = Fault("InvalidRequest", 400, "Value for the checksum header is invalid.")
S3_RANGE_OF_PART: Final = Fault(
    "InvalidRequest", 400, "Cannot specify both Range header and partNumber query parameter"
)
S3_BAD_PART_NUMBER: Final = Fault("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
S3_BAD_SIZE: Final = Fault(
    "InvalidRequest", 400, "The size of the object is not the one that x-amz-mp-object-size says."
)
S3_OTHER_CHECKSUM: Final = Fault(
    "InvalidRequest", 400, "The checksum is of another kind than the upload was created with."
)
S3_CHUNK_TOO_LARGE: Final = Fault("InvalidRequest", 400, "A chunk of the body is larger than is allowed.")
S3_NO_BUCKET_DIGEST: Final = Fault(
    "InvalidRequest", 400, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
)
S3_OWNED_BY_YOU: Final = Fault(
    "BucketAlreadyOwnedByYou",
    409,
    "Your previous request to create the named bucket succeeded and you already own it.",
)
S3_BAD_LOCATION: Final = Fault("InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
S3_OTHER_LOCATION: Final = Fault(
    "IllegalLocationConstraintException",
    400,
    "The location constraint is incompatible for the region specific endpoint this request was sent to.",
)
S3_NO_TAGS: Final = Fault("NoSuchTagSet", 404, "The TagSet does not exist")
S3_COPY_ONTO_ITSELF: Final = Fault(
    "InvalidRequest",
    400,
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
    "metadata, storage class, website redirect location or encryption attributes.",
)
S3_BAD_STORAGE_CLASS: Final = Fault("InvalidStorageClass", 400, "The storage class you specified is not valid")
S3_NO_OWNERSHIP: Final = Fault("OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found")
S3_NO_REPLICATION: Final = Fault(
    "ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found"
)
S3_NO_PUBLIC_BLOCK: Final = Fault(
    "NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found"
)
S3_NOT_ARCHIVED: Final = Fault(
    "InvalidObjectState", 403, "Restore is not allowed for the object's current storage class"
)
S3_NO_CONFIGURATION: Final = Fault("NoSuchConfiguration", 404, "The specified configuration does not exist.")
S3_BAD_REPLICATION: Final = Fault("InvalidRequest", 400, "The replication configuration is not valid.")
S3_BAD_REDIRECT: Final = Fault(
    "InvalidRedirectLocation",
    400,
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
)
S3_MALFORMED_ACL: Final = Fault(
    "MalformedACLError",
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
)
S3_NO_EMAIL: Final = Fault(
    "UnresolvableGrantByEmailAddress", 400, "The email address you provided does not match any account on record."
)
S3_TWO_ACLS: Final = Fault("InvalidRequest", 400, "Specifying both Canned ACLs and Header Grants is not allowed")
S3_ACL_AND_BODY: Final = Fault("UnexpectedContent", 400, "This request does not support content")
S3_NO_ACL: Final = Fault(
    "MissingSecurityHeader",
    400,
    "Your request was missing a required header: an ACL comes by x-amz-acl, by x-amz-grant-*, or as a document.",
)
S3_ACL_WITH_OWNERSHIP: Final = Fault(
    "InvalidBucketAclWithObjectOwnership",
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
)
S3_NO_ACLS: Final = Fault("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
S3_BAD_RETENTION: Final = Fault(
    "InvalidRetentionPeriod", 400, "The retention period must be a positive number of days or years."
)
S3_METADATA_TOO_LARGE: Final = Fault(
    "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size"
)
S3_BAD_KEY: Final = Fault("InvalidArgument", 400, "The secret key was invalid for the specified algorithm.")
S3_KEY_NEEDED: Final = Fault(
    "InvalidRequest",
    400,
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve "
    "the object: its client keeps its key (SSE-C), which only a request of S3 can bring along.",
)
S3_KEY_NOT_APPLICABLE: Final = Fault(
    "InvalidRequest", 400, "The encryption parameters are not applicable to this object."
)
S3_OTHER_KEY: Final = Fault(
    "AccessDenied", 403, "The key that was brought along (SSE-C) is not the one that the object is encrypted with."
)
S3_PART_KEY_NEEDED: Final = Fault(
    "InvalidRequest",
    400,
    "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
    "encryption parameters.",
)
S3_KEY_BY_HTTP: Final = Fault(
    "InvalidRequest",
    400,
    "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
)
S3_KEY_IN_URL: Final = Fault(
    "InvalidRequest", 400, "A customer provided encryption key belongs in headers: URLs are kept on their way."
)
