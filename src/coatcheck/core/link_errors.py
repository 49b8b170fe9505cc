"""Rows of the error table: links that are held to the register. The codes that begin with 9000 are ours."""

from __future__ import annotations

from .fault import Fault

LINK_CANCELLED = Fault("AccessDenied", 403, "This link has been cancelled. Ask for a new one.", "9000-00000001")
LINK_USED_UP = Fault("AccessDenied", 403, "This link has been used up. Ask for a new one.", "9000-00000002")
LINK_NOT_STARTED = Fault("AccessDenied", 403, "This link is not valid yet.", "9000-00000003")
LINK_WRONG_ADDRESS = Fault("AccessDenied", 403, "This link cannot be used from your network address.", "9000-00000004")
LINK_NOT_REGISTERED = Fault(
    "AccessDenied",
    403,
    "Links of this bucket work only when they are registered, and this one is not. "
    "Its signer can register it: coatcheck link register.",
    "9000-00000005",
)
LINK_FOR_PEOPLE = Fault(
    "AccessDenied",
    403,
    "This link has a limit, so it is not shown to programs that preview links. Nothing was used up.",
    "9000-00000006",
)

LINK_FORBIDDEN = Fault("AccessDenied", 403, "You have no right to this link.", "9000-00000007")
LINK_UNKNOWN = Fault("NoSuchLink", 404, "There is no such link in the register.", "9000-00000008")
RULE_UNKNOWN = Fault("NoSuchLinkRule", 404, "There is no rule for these links.", "9000-00000009")
NO_LINK = Fault("InvalidArgument", 400, "This is not a link of this server.", "9000-00000010")
LINK_OF_ANOTHER_ACCOUNT = Fault("AccessDenied", 403, "The link belongs to another account.", "9000-00000011")
LINK_ROUTE_UNKNOWN = Fault("NoSuchRoute", 404, "There is nothing at this address.", "9000-00000012")
LINK_BODY_MISMATCH = Fault(
    "InvalidDigest",
    400,
    "x-oss-coatcheck-sha256 has to be the SHA-256 of the body, in 64 lower-case hex digits, and to be signed.",
    "9000-00000013",
)
LINK_NONCE_NEEDED = Fault(
    "InvalidArgument",
    400,
    "A change needs x-oss-coatcheck-nonce: 16 to 64 letters and digits that were never sent before.",
    "9000-00000014",
)
LINK_NONCE_USED = Fault(
    "AccessDenied", 403, "This request was sent before: its x-oss-coatcheck-nonce has been used.", "9000-00000015"
)
ARCHIVE_TOO_LARGE = Fault(
    "EntityTooLarge",
    400,
    "This is too much for one ZIP: it may have 100,000 objects of 1 TiB in all. Download a part of it.",
    "9000-00000041",
)
ARCHIVES_BUSY = Fault(
    "ServiceUnavailable",
    503,
    "More ZIPs are being sent than the server has memory for. Try again later.",
    "9000-00000042",
)
LINK_FROM_A_PAGE = Fault("AccessDenied", 403, "This address is not for web pages.", "9000-00000016")
REFUSAL_UNKNOWN = Fault(
    "NoSuchRefusal",
    404,
    "No refusal of a request by a key of yours is kept under this id; only the latest ones are.",
    "9000-00000040",
)
LINK_AUDIT_OFF = Fault(
    "LinkAuditOff",
    409,
    "This server does not keep who uses links (link_audit_days is 0), so it can tell nobody of it.",
    "9000-00000045",
)
NOTICE_UNKNOWN = Fault("NoSuchLinkNotice", 404, "Nobody is told of links by that id.", "9000-00000046")
TOO_MANY_NOTICES = Fault(
    "TooManyLinkNotices", 400, "This bucket has as many addresses to tell as it may have.", "9000-00000047"
)
