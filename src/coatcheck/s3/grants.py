"""What grants a request names: in the headers x-amz-grant-*, or in a document AccessControlPolicy. Whether the people
that they name exist is asked elsewhere. Pure.

Source: S3 reference, section 11.4; Amazon S3 API reference, PutObjectAcl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.access.grants import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    FULL_CONTROL,
    GROUPS,
    LOG_DELIVERY,
    PERMISSIONS,
    READ,
    READ_ACP,
    WRITE,
    WRITE_ACP,
    AclGrant,
    Grants,
)
from coatcheck.configurations.elements import find_text
from coatcheck.core.errors import ACCESS_DENIED, INVALID_ARGUMENT, OssError
from coatcheck.core.limits import S3_GRANTS_MAX
from coatcheck.core.s3_errors import S3_MALFORMED_ACL, S3_NO_EMAIL
from coatcheck.core.xml import read_xml

_URIS: Final = {
    ALL_USERS: "http://acs.amazonaws.com/groups/global/AllUsers",
    AUTHENTICATED_USERS: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    LOG_DELIVERY: "http://acs.amazonaws.com/groups/s3/LogDelivery",
}
_BY_URI: Final = {uri: group for group, uri in _URIS.items()}
HEADERS: Final[Mapping[str, str]] = {
    "x-amz-grant-full-control": FULL_CONTROL,
    "x-amz-grant-read": READ,
    "x-amz-grant-read-acp": READ_ACP,
    "x-amz-grant-write": WRITE,
    "x-amz-grant-write-acp": WRITE_ACP,
}
_NAMED: Final = re.compile(r'\s*(id|uri|emailaddress)\s*=\s*(?:"([^",]*)"|([^",\s]*))\s*', re.IGNORECASE | re.ASCII)
_UID: Final = re.compile(r"[0-9]{1,32}", re.ASCII)


def read_grant_headers(headers: Mapping[str, str]) -> Grants | None:
    """The grants that headers name, `id="UID", uri="GROUP"`; None if there is no such header.

    Raises: OssError INVALID_ARGUMENT; S3_NO_EMAIL; S3_MALFORMED_ACL, for more than there may be.
    """
    named = [(name, headers[name]) for name in HEADERS if name in headers]
    if not named:
        return None
    return _checked([AclGrant(who, HEADERS[name]) for name, text in named for who in _read_grantees(name, text)])


def _read_grantees(name: str, text: str) -> Iterator[str]:
    for item in text.split(","):
        found = _NAMED.fullmatch(item)
        if found is None:
            raise INVALID_ARGUMENT("Argument format not recognized", ArgumentName=name, ArgumentValue=text[:128])
        yield _read_grantee(found[1].lower(), found[2] if found[2] is not None else found[3])


def _read_grantee(kind: str, value: str) -> str:
    """A grantee as ACLs keep it. Raises: OssError INVALID_ARGUMENT, S3_NO_EMAIL.

    Args:
        kind: "id", "uri" or "emailaddress".
    """
    if kind == "emailaddress":
        raise S3_NO_EMAIL()
    if kind == "uri":
        if value not in _BY_URI:
            raise INVALID_ARGUMENT("Invalid group uri", ArgumentName="Group/URI", ArgumentValue=value[:128])
        return _BY_URI[value]
    if not _UID.fullmatch(value):
        raise invalid_id(value)
    return value


def invalid_id(uid: str) -> OssError:
    """Of somebody who isn't here."""
    return INVALID_ARGUMENT("Invalid id", ArgumentName="CanonicalUser/ID", ArgumentValue=uid[:128])


def read_grant_document(body: bytes, owner: str) -> Grants:
    """The grants of a document, in its order; it may have none. Whose the thing is, if it says that, is `owner`'s.

    Raises: OssError S3_MALFORMED_ACL, ACCESS_DENIED, INVALID_ARGUMENT, S3_NO_EMAIL.
    """
    try:
        document = read_xml(body, "AccessControlPolicy")
    except OssError as error:
        raise S3_MALFORMED_ACL() from error
    lists, owners = document.findall("AccessControlList"), document.findall("Owner")
    if len(lists) != 1 or len(owners) > 1 or len(document) != len(lists) + len(owners):
        raise S3_MALFORMED_ACL()
    if owners and find_text(owners[0], "ID") != owner:
        raise ACCESS_DENIED()
    if any(child.tag != "Grant" for child in lists[0]):
        raise S3_MALFORMED_ACL()
    return _checked([_read_grant(element) for element in lists[0]])


def _read_grant(element: Element) -> AclGrant:
    """Which kind of grantee it is says the element that names it: the document's reader drops attributes."""
    grantees, permissions = element.findall("Grantee"), element.findall("Permission")
    if len(grantees) != 1 or len(permissions) != 1 or len(element) != 2:
        raise S3_MALFORMED_ACL()
    permission = (permissions[0].text or "").strip()
    named = {child.tag: (child.text or "").strip() for child in grantees[0] if child.tag != "DisplayName"}
    if permission not in PERMISSIONS or len(named) != 1:
        raise S3_MALFORMED_ACL()
    ((kind, value),) = named.items()
    if kind not in ("ID", "URI", "EmailAddress"):
        raise S3_MALFORMED_ACL()
    return AclGrant(_read_grantee(kind.lower(), value), permission)


def _checked(grants: list[AclGrant]) -> Grants:
    if len(grants) > S3_GRANTS_MAX:
        raise S3_MALFORMED_ACL(f"An ACL has at most {S3_GRANTS_MAX} grants.")
    return tuple(grants)


def write_uri(grantee: str) -> str | None:
    """Of a group; None for a person."""
    return _URIS[grantee] if grantee in GROUPS else None
