"""ACLs: canned words by header, and the same as a document of grants.

A document is taken where it says what a canned word says; s3cmd reads and writes one for every object.
Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.access.acl import DEFAULT, PRIVATE, refuse_public_acl
from coatcheck.configurations.elements import find_text
from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_NO_ACLS, S3_NOT_BUILT
from coatcheck.core.xml import escape_text, read_xml
from coatcheck.operations import acl as operation
from coatcheck.oss.arguments import read_body
from coatcheck.oss.bucket import set_acl
from coatcheck.oss.call import Call
from coatcheck.oss.versions import version_headers
from coatcheck.ports.bucket import NO_ACLS, Bucket, read_ownership
from coatcheck.wire.reply import RawHeader, Reply

from .documents import NAMESPACE

_EVERYBODY: Final = "http://acs.amazonaws.com/groups/global/AllUsers"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_GRANTS: Final = {PRIVATE: (), "public-read": ("READ",), "public-read-write": ("READ", "WRITE")}
_BY_GRANTS: Final = {frozenset(grants): canned for canned, grants in _GRANTS.items()}


async def get_bucket_acl(call: Call) -> Reply:
    """GetBucketAcl."""
    bucket = call.this_bucket
    return _show(bucket.owner, bucket.acl)


async def put_bucket_acl(call: Call) -> Reply:
    """PutBucketAcl."""
    acl = await _read_acl(call, "x-oss-acl")
    refuse_acl(call.this_bucket, acl)
    await set_acl(call, call.this_bucket, acl)
    return Reply(200)


async def get_object_acl(call: Call) -> Reply:
    """GetObjectAcl: what holds, be it said of the object or of its bucket."""
    bucket, found = call.this_bucket, call.this_object
    acl = bucket.acl if found.acl == DEFAULT else found.acl
    return _show(bucket.owner, acl, version_headers(bucket, found.version_id))


async def put_object_acl(call: Call) -> Reply:
    """PutObjectAcl."""
    found, acl = call.this_object, await _read_acl(call, "x-oss-object-acl")
    refuse_acl(call.this_bucket, acl)
    refuse_public_acl(acl, blocked=call.facts.refuses_public_acls)
    await operation.put_object_acl(call.context, call.grant, found.version_id, acl)
    return Reply(200, version_headers(call.this_bucket, found.version_id))


def refuse_acl(bucket: Bucket, acl: str) -> None:
    """Raises: OssError S3_NO_ACLS, where ACLs don't count and this one, by header or document, would open something."""
    if acl not in (PRIVATE, DEFAULT) and read_ownership(bucket) == NO_ACLS:
        raise S3_NO_ACLS(BucketName=bucket.name)


async def _read_acl(call: Call, header: str) -> str:
    """By header or by document. Raises: OssError."""
    named = call.request.headers.get(header)
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    if named is not None:
        return named
    return _read_policy(read_xml(body, "AccessControlPolicy"), call.this_bucket.owner)


def _read_policy(document: Element, owner: str) -> str:
    """The canned word that grants the same. The owner may do all, whatever is granted to them.

    Raises: OssError MALFORMED_XML; INVALID_ARGUMENT, for a user that isn't known; S3_NOT_BUILT, for other grants.
    """
    found = document.find("AccessControlList")
    if found is None:
        raise MALFORMED_XML()
    granted: set[str] = set()
    for grant in found.findall("Grant"):
        grantee, permission = grant.find("Grantee"), find_text(grant, "Permission")
        if grantee is None or not permission:
            raise MALFORMED_XML()
        if (uri := find_text(grantee, "URI")) is not None:
            if uri != _EVERYBODY or permission not in ("READ", "WRITE"):
                raise S3_NOT_BUILT("Grants are built for AllUsers alone, of READ and WRITE.")
            granted.add(permission)
        elif find_text(grantee, "ID") != owner:
            raise INVALID_ARGUMENT("Invalid id", ArgumentName="CanonicalUser/ID")
    if frozenset(granted) not in _BY_GRANTS:
        raise S3_NOT_BUILT("A grant of WRITE to everybody without READ is not built.")
    return _BY_GRANTS[frozenset(granted)]


def _show(owner: str, acl: str, headers: tuple[RawHeader, ...] = ()) -> Reply:
    """With attributes, which no other document has; so it is put together here."""
    uid = escape_text(owner, {ord("&"): "&amp;", ord("<"): "&lt;"})
    person = f"<ID>{uid}</ID><DisplayName>{uid}</DisplayName>"
    grants = [
        f'<Grant><Grantee xmlns:xsi="{_XSI}" xsi:type="CanonicalUser">{person}</Grantee>'
        "<Permission>FULL_CONTROL</Permission></Grant>"
    ]
    grants += [
        f'<Grant><Grantee xmlns:xsi="{_XSI}" xsi:type="Group"><URI>{_EVERYBODY}</URI></Grantee>'
        f"<Permission>{permission}</Permission></Grant>"
        for permission in _GRANTS.get(acl, ())
    ]
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy xmlns="{NAMESPACE}"><Owner>{person}</Owner>'
        f"<AccessControlList>{''.join(grants)}</AccessControlList></AccessControlPolicy>"
    )
    return Reply(200, ((b"Content-Type", b"application/xml"), *headers), text.encode())
