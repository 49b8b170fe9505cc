"""Rows of the error table: STS, which has codes of its own."""

from __future__ import annotations

from .fault import Fault

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
