"""Bucket and object ACLs -> what they allow to everybody. Source: OSS ACL documentation."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT, PUBLIC_ACCESS_BLOCKED
from coatcheck.ports.object import DEFAULT_ACL

from .actions import AclRight
from .grants import is_grants, is_public

PRIVATE: Final = "private"
DEFAULT: Final = DEFAULT_ACL
BUCKET_ACLS: Final = (PRIVATE, "public-read", "public-read-write")
OBJECT_ACLS: Final = (DEFAULT, *BUCKET_ACLS)

_GIVES: Final[dict[str, tuple[AclRight, ...]]] = {  # tuples: hashing an Enum takes longer than comparing two
    PRIVATE: (),
    "public-read": (AclRight.READ,),
    "public-read-write": (AclRight.READ, AclRight.WRITE),
}


def allows_everybody(acl: str, right: AclRight) -> bool:
    """Whether a bucket ACL, or an object ACL other than "default", gives that right to anyone who asks."""
    return right in _GIVES.get(acl, ())


def refuse_public_acl(acl: str, *, blocked: bool) -> None:
    """No ACL opens anything to everybody while public access is blocked. Raises: OssError PUBLIC_ACCESS_BLOCKED."""
    if blocked and (is_public(acl) if is_grants(acl) else _GIVES.get(acl)):
        raise PUBLIC_ACCESS_BLOCKED()


def read_bucket_acl(text: str) -> str:
    """Raises: OssError INVALID_ARGUMENT."""
    if text not in BUCKET_ACLS:
        raise INVALID_ARGUMENT(
            "no such bucket access control exists", ec="0015-00000204", ArgumentName="x-oss-acl", ArgumentValue=text
        )
    return text


def read_object_acl(text: str) -> str:
    """Raises: OssError INVALID_ARGUMENT."""
    if text not in OBJECT_ACLS:
        raise INVALID_ARGUMENT(
            "no such object access control exists", ArgumentName="x-oss-object-acl", ArgumentValue=text
        )
    return text
