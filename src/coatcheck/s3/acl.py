"""ACLs: canned words, headers of grants, documents of grants. What is kept is told in `access/grants.py`.

Every object is the bucket owner's, who may do all with it. Who writes one from another account and names an ACL for it
has FULL_CONTROL besides, as an owner would have it by the canned words of S3.

Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from coatcheck.access.acl import DEFAULT, PRIVATE, refuse_public_acl
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.grants import (
    AUTHENTICATED_USERS,
    CANNED,
    FULL_CONTROL,
    GROUPS,
    LOG_DELIVERY,
    READ,
    READ_ACP,
    WRITE,
    AclGrant,
    Grants,
    canned_grants,
    given_to,
    is_grants,
    keep_grants,
    read_grants,
)
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_ACL_AND_BODY, S3_NO_ACL, S3_NO_ACLS, S3_TWO_ACLS
from coatcheck.core.tag_rules import S3_OBJECT_TAGS
from coatcheck.core.xml import XML_DECLARATION, escape_text
from coatcheck.operations import acl as operation
from coatcheck.oss.arguments import read_body
from coatcheck.oss.asking import Asks
from coatcheck.oss.bucket import set_acl
from coatcheck.oss.call import Call
from coatcheck.oss.versions import version_headers
from coatcheck.ports.bucket import NO_ACLS, OWNER_PREFERRED, Bucket, read_ownership
from coatcheck.ports.keyring import People
from coatcheck.wire.reply import RawHeader, Reply

from .documents import NAMESPACE
from .grants import invalid_id, read_grant_document, read_grant_headers, write_uri

WORD: Final = "x-amz-acl"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_TO_GROUPS: Final[dict[str, Grants]] = {  # what S3's words give beside the owner's
    **CANNED,
    "authenticated-read": (AclGrant(AUTHENTICATED_USERS, READ),),
    "aws-exec-read": (),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "log-delivery-write": (AclGrant(LOG_DELIVERY, WRITE), AclGrant(LOG_DELIVERY, READ_ACP)),
}
_ALL_TO_OWNER: Final = "bucket-owner-full-control"
_TO_OWNER: Final = {"bucket-owner-read": READ, _ALL_TO_OWNER: FULL_CONTROL}  # of an object of others'
_WORDS: Final = dict.fromkeys(_TO_GROUPS, PRIVATE) | {
    word: word for word in ("public-read", "public-read-write", "authenticated-read")
}
ACL: Final[Asks] = Asks(acl=WORD, words=tuple(_WORDS.items()))
ACL_AND_TAGS: Final[Asks] = replace(ACL, tags="x-oss-tagging", rule=S3_OBJECT_TAGS)
ACL_AND_TAGS_LATER: Final[Asks] = replace(ACL, tags_later=True)


async def get_bucket_acl(call: Call) -> Reply:
    """GetBucketAcl."""
    bucket = call.this_bucket
    return _show(bucket.owner, bucket.acl)


async def put_bucket_acl(call: Call) -> Reply:
    """PutBucketAcl."""
    asked = await _read_put(call)
    await set_acl(call, call.this_bucket, asked)
    return Reply(200)


async def get_object_acl(call: Call) -> Reply:
    """GetObjectAcl: what holds, be it said of the object or of its bucket, whose grants say nothing of objects."""
    bucket, found = call.this_bucket, call.this_object
    of_bucket = PRIVATE if is_grants(bucket.acl) else bucket.acl
    acl = of_bucket if found.acl == DEFAULT else found.acl
    return _show(bucket.owner, acl, version_headers(bucket, found.version_id))


async def put_object_acl(call: Call) -> Reply:
    """PutObjectAcl."""
    found, asked = call.this_object, await _read_put(call)
    await operation.put_object_acl(call.context, call.grant, found.version_id, asked)
    return Reply(200, version_headers(call.this_bucket, found.version_id))


async def find_acl(call: Call) -> str | None:
    """The ACL that headers, or the fields of a form, ask for, as it is to be kept; None if they name none.

    Raises: OssError S3_TWO_ACLS, INVALID_ARGUMENT and those of `read_grant_headers`; S3_NO_ACLS, PUBLIC_ACCESS_BLOCKED;
        the refusal of a caller who may not give it.
    """
    named = call.request.headers if call.form is None else call.form.form.fields
    acl = await _resolve(call.ports.people, named, call.this_bucket.owner, _writer_of(call, named))
    return None if acl is None else _judge(call, acl, decided=WORD in named)


async def find_object_acl(call: Call) -> str:
    """As it is to be kept of a new object."""
    return await find_acl(call) or DEFAULT


async def find_bucket_acl(call: Call) -> str | None:
    """Of a bucket that is to be made. Raises: OssError, as `find_acl`."""
    headers, maker = call.request.headers, call.caller.account
    acl = await _resolve(call.ports.people, headers, maker, "")
    if acl is not None and WORD not in headers:
        decide(call.caller, call.grant.action, call.facts.to_get(acl))
    return acl


async def _read_put(call: Call) -> str:
    """By headers or by document. Raises: OssError, as `find_acl`; S3_ACL_AND_BODY, S3_NO_ACL."""
    body = await read_body(call.request, most=CONFIGURATION_MAX_BYTES)
    asked = await find_acl(call)
    if asked is not None:
        if body.strip():
            raise S3_ACL_AND_BODY()
        return asked
    if not body.strip():
        raise S3_NO_ACL()
    owner = call.this_bucket.owner
    grants = read_grant_document(body, owner)
    await _check_people(call.ports.people, grants)
    return _judge(call, keep_grants(grants, owner), decided=False)


def _writer_of(call: Call, named: Mapping[str, str]) -> str:
    """Whose the object is in S3's eyes: who writes it, or has all of it already. "" for the bucket's owner, whose it is
    also where the bucket says so, and for buckets."""
    if call.target.key is None:
        return ""
    ownership, account = call.this_bucket.made(read_ownership), call.caller.account
    if ownership == NO_ACLS or (ownership == OWNER_PREFERRED and named.get(WORD) == _ALL_TO_OWNER):
        return ""
    if call.grant.action is Action.PUT_OBJECT_ACL:
        acl = call.this_object.acl
        return account if is_grants(acl) and FULL_CONTROL in given_to(acl, account) else ""
    return account


async def _resolve(people: People, named: Mapping[str, str], owner: str, writer: str) -> str | None:
    """The ACL that is asked for, as it is to be kept.

    Args:
        writer: who writes an object; "" for a bucket, and for nobody in particular.
    """
    word, grants = named.get(WORD), read_grant_headers(named)
    if word is None and grants is None:
        return None
    if word is not None and grants is not None:
        raise S3_TWO_ACLS()
    if grants is not None:
        await _check_people(people, grants)
        return keep_grants(grants, owner)
    assert word is not None
    if word not in _TO_GROUPS:
        raise INVALID_ARGUMENT(ArgumentName=WORD, ArgumentValue=word[:128])
    if writer in ("", owner):
        return keep_grants((AclGrant(owner, FULL_CONTROL), *_TO_GROUPS[word]), owner)
    of_owner = (AclGrant(owner, _TO_OWNER[word]),) if word in _TO_OWNER else ()
    return keep_grants((AclGrant(writer, FULL_CONTROL), *of_owner, *_TO_GROUPS[word]), owner)


async def _check_people(people: People, grants: Grants) -> None:
    """Raises: OssError INVALID_ARGUMENT, for somebody who isn't here."""
    for uid in {grant.grantee for grant in grants} - set(GROUPS):
        if not await people.knows(uid):
            raise invalid_id(uid)


def _judge(call: Call, acl: str, *, decided: bool) -> str:
    """What the bucket says of it, and whether the caller may give it.

    Args:
        decided: the request was decided on with a canned word in sight. What grants open was seen by no condition.
    """
    bucket = call.this_bucket
    refuse_acl(bucket, acl)
    refuse_public_acl(acl, blocked=call.facts.refuses_public_acls)
    if not decided and call.facts.tags is not None:  # else the operation decides, when it knows the tags
        decide(call.caller, call.grant.action, call.facts.to_get(acl))
    return acl


def refuse_acl(bucket: Bucket, acl: str) -> None:
    """Raises: OssError S3_NO_ACLS, where ACLs don't count and this one would open something."""
    if acl not in (PRIVATE, DEFAULT) and read_ownership(bucket) == NO_ACLS:
        raise S3_NO_ACLS(BucketName=bucket.name)


def _show(owner: str, acl: str, headers: tuple[RawHeader, ...] = ()) -> Reply:
    """With attributes, which no other document has; so it is put together here."""
    grants = read_grants(acl) if is_grants(acl) else canned_grants(acl, owner)
    text = (
        f'{XML_DECLARATION}<AccessControlPolicy xmlns="{NAMESPACE}"><Owner>{_person(owner)}</Owner>'
        f"<AccessControlList>{''.join(map(_write_grant, grants))}</AccessControlList></AccessControlPolicy>"
    )
    return Reply(200, ((b"Content-Type", b"application/xml"), *headers), text.encode())


def _write_grant(grant: AclGrant) -> str:
    uri = write_uri(grant.grantee)
    kind, inside = ("CanonicalUser", _person(grant.grantee)) if uri is None else ("Group", f"<URI>{uri}</URI>")
    return (
        f'<Grant><Grantee xmlns:xsi="{_XSI}" xsi:type="{kind}">{inside}</Grantee>'
        f"<Permission>{grant.permission}</Permission></Grant>"
    )


def _person(uid: str) -> str:
    text = escape_text(uid, {ord("&"): "&amp;", ord("<"): "&lt;"})
    return f"<ID>{text}</ID><DisplayName>{text}</DisplayName>"
