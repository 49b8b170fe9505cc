"""ACLs as S3 has them: what is put comes back, decides in both dialects, and opens no more than it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.access.grants import GROUPS, PERMISSIONS, AclGrant
from coatcheck.core.errors import OssError
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.s3.grants import HEADERS, read_grant_document, read_grant_headers, write_uri

from ..oss.house import ANYBODY, OWNER, STRANGER, Answer, House
from ..oss.test_post_object import a_form, post
from .asking import ask, form_fields

ALL = "http://acs.amazonaws.com/groups/global/AllUsers"
SIGNED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOGS = "http://acs.amazonaws.com/groups/s3/LogDelivery"
BOB = AccessKey("BobKey", "bob-secret", STRANGER.account, principal=Principal("202345678901234567", "bob"))
THIRD = AccessKey("ThirdKey", "third-secret", "3000000000000003")


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    for key in (BOB, THIRD):
        house.keyring.keys[key.access_key_id] = key
    await ask(house, "PUT", "/photos/k", b"x")
    return house


def a_grant(who: str, permission: str) -> str:
    named = f"<URI>{who}</URI>" if who.startswith("http") else f"<ID>{who}</ID><DisplayName>x</DisplayName>"
    return f"<Grant><Grantee>{named}</Grantee><Permission>{permission}</Permission></Grant>"


def a_document(*grants: tuple[str, str], owner: str = OWNER.account) -> bytes:
    inside = "".join(a_grant(*grant) for grant in grants)
    named = f"<Owner><ID>{owner}</ID></Owner>" if owner else ""
    text = f"{named}<AccessControlList>{inside}</AccessControlList>"
    return f'<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{text}</AccessControlPolicy>'.encode()


def shown(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer.body
    return [
        (
            grant.findtext("{*}Grantee/{*}ID") or grant.findtext("{*}Grantee/{*}URI") or "",
            grant.findtext("{*}Permission") or "",
        )
        for grant in answer.xml.iterfind("{*}AccessControlList/{*}Grant")
    ]


async def acl_of(house: House, address: str) -> list[tuple[str, str]]:
    return shown(await ask(house, "GET", f"{address}?acl"))


ME = (OWNER.account, "FULL_CONTROL")


@pytest.mark.parametrize("address", ["/photos", "/photos/k"])
@pytest.mark.parametrize(
    "grants",
    [
        [],
        [ME],
        [(SIGNED, "READ"), ME],
        [(STRANGER.account, "READ"), (BOB.principal.uid, "WRITE_ACP"), (ALL, "READ_ACP")],  # type: ignore[union-attr]
        [ME, (LOGS, "WRITE")],
        [(ALL, "FULL_CONTROL")],
    ],
)
async def test_a_document_comes_back_as_it_was_put(house: House, address: str, grants: list[tuple[str, str]]) -> None:
    assert (await ask(house, "PUT", f"{address}?acl", a_document(*grants))).status == 200
    assert await acl_of(house, address) == grants


@pytest.mark.parametrize(
    ("word", "of_object", "by_oss"),
    [
        ("private", [ME], "private"),
        ("public-read", [ME, (ALL, "READ")], "public-read"),
        ("public-read-write", [ME, (ALL, "READ"), (ALL, "WRITE")], "public-read-write"),
        ("authenticated-read", [ME, (SIGNED, "READ")], "private"),
        ("bucket-owner-read", [ME], "private"),
        ("bucket-owner-full-control", [ME], "private"),
        ("aws-exec-read", [ME], "private"),
        ("log-delivery-write", [ME, (LOGS, "WRITE"), (LOGS, "READ_ACP")], "private"),
    ],
)
async def test_canned_words(house: House, word: str, of_object: list[tuple[str, str]], by_oss: str) -> None:
    named = {"x-amz-acl": word}
    for address in ("/photos", "/photos/k"):
        assert (await ask(house, "PUT", f"{address}?acl", b"", named)).status == 200
    assert (await ask(house, "PUT", "/photos/put", b"x", named)).status == 200
    copy = {**named, "x-amz-copy-source": "/photos/k"}
    assert (await ask(house, "PUT", "/photos/copy", b"", copy)).status == 200
    assert (await ask(house, "PUT", "/fresh", b"", named)).status == 200
    upload = (await ask(house, "POST", "/photos/parts?uploads", b"", named)).text("{*}UploadId")
    part = await ask(house, "PUT", f"/photos/parts?partNumber=1&uploadId={upload}", b"x")
    listed = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    assert (await ask(house, "POST", f"/photos/parts?uploadId={upload}", document.encode())).status == 200
    fields = form_fields([["starts-with", "$key", ""], ["starts-with", "$acl", ""]], {"acl": word, "key": "form"})
    assert (await post(house, a_form(fields))).status == 204
    for address in ("/photos", "/photos/k", "/photos/put", "/photos/copy", "/photos/parts", "/photos/form", "/fresh"):
        assert await acl_of(house, address) == of_object, address
        assert (await house.ask("GET", f"{address}?acl")).text("AccessControlList/Grant") == by_oss, address
    assert (await house.ask("GET", "/photos?bucketInfo")).text("Bucket/AccessControlList/Grant") == by_oss


async def test_headers_of_grants(house: House) -> None:
    headers = {
        "x-amz-grant-read": f'id="{STRANGER.account}", uri="{SIGNED}"',
        "x-amz-grant-full-control": f"id={OWNER.account}",
    }
    expected = [ME, (STRANGER.account, "READ"), (SIGNED, "READ")]
    for method, address in (("PUT", "/photos?acl"), ("PUT", "/photos/k?acl"), ("PUT", "/photos/n"), ("PUT", "/fresh")):
        assert (await ask(house, method, address, b"", headers)).status == 200, address
        assert await acl_of(house, address.partition("?")[0]) == expected


async def test_grants_decide_in_both_dialects(house: House) -> None:
    for by in (STRANGER, BOB, THIRD):
        assert (await ask(house, "GET", "/photos/k", by=by)).refusal == (403, "AccessDenied")
    await ask(house, "PUT", "/photos/k?acl", a_document(ME, (STRANGER.account, "READ"), (STRANGER.account, "READ_ACP")))
    assert (await ask(house, "GET", "/photos/k", by=STRANGER)).status == 200
    assert (await house.ask("GET", "/photos/k", by=STRANGER)).status == 200
    assert len(shown(await ask(house, "GET", "/photos/k?acl", by=STRANGER))) == 3
    assert (await ask(house, "PUT", "/photos/k", b"y", by=STRANGER)).status == 403
    assert (await ask(house, "PUT", "/photos/k?acl", a_document(ME), by=STRANGER)).status == 403
    for by in (BOB, THIRD):
        assert (await ask(house, "GET", "/photos/k", by=by)).status == 403
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403
    await ask(house, "PUT", "/photos/k?acl", b"", {"x-amz-acl": "authenticated-read"})
    for by in (STRANGER, BOB, THIRD):
        assert (await house.ask("GET", "/photos/k", by=by)).status == 200
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403
    assert (await house.ask("GET", "/photos/k?acl")).text("AccessControlList/Grant") == "private"
    assert (await house.ask("PUT", "/photos/k?acl", headers={"x-oss-object-acl": "private"})).status == 200
    assert (await ask(house, "GET", "/photos/k", by=STRANGER)).status == 403


async def test_a_bucket_is_written_and_listed_by_those_it_says(house: House) -> None:
    await ask(house, "PUT", "/photos?acl", a_document(ME, (STRANGER.account, "WRITE"), (THIRD.account, "READ")))
    assert (await ask(house, "PUT", "/photos/new", b"1", by=STRANGER)).status == 200
    assert (await ask(house, "GET", "/photos?list-type=2", by=STRANGER)).status == 403
    assert (await ask(house, "GET", "/photos?list-type=2", by=THIRD)).status == 200
    assert (await ask(house, "HEAD", "/photos", by=THIRD)).status == 200
    assert (await house.ask("GET", "/photos", by=THIRD)).status == 200
    for by in (STRANGER, THIRD):
        assert (await ask(house, "GET", "/photos/k", by=by)).status == 403
    assert (await ask(house, "PUT", "/photos/x", b"1", by=THIRD)).status == 403
    for address in ("/photos?acl", "/photos?policy", "/photos?ownershipControls"):
        for by in (STRANGER, THIRD):
            assert (await ask(house, "GET", address, by=by)).status == 403, address


async def test_who_may_write_the_acl_of_a_bucket_may_do_nothing_else_with_it(house: House) -> None:
    await ask(house, "PUT", "/photos?acl", a_document(ME, (STRANGER.account, "WRITE_ACP")))
    controls = b"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"
    assert (await ask(house, "PUT", "/photos?ownershipControls", controls, by=STRANGER)).status == 403
    assert (await ask(house, "DELETE", "/photos?ownershipControls", by=STRANGER)).status == 403
    assert (await ask(house, "GET", "/photos?acl", by=STRANGER)).status == 403
    wide = a_document(ME, (STRANGER.account, "FULL_CONTROL"))
    assert (await ask(house, "PUT", "/photos?acl", wide, by=STRANGER)).status == 200
    assert (await ask(house, "GET", "/photos?acl", by=STRANGER)).status == 200


async def test_who_writes_an_object_with_an_acl_has_full_control_of_it(house: House) -> None:
    await ask(house, "PUT", "/photos?acl", a_document(ME, (STRANGER.account, "WRITE")))
    theirs = (STRANGER.account, "FULL_CONTROL")
    for canned, expected in (
        ("private", [theirs]),
        ("bucket-owner-read", [theirs, (OWNER.account, "READ")]),
        ("bucket-owner-full-control", [theirs, ME]),
        ("authenticated-read", [theirs, (SIGNED, "READ")]),
    ):
        assert (await ask(house, "PUT", "/photos/t", canned.encode(), {"x-amz-acl": canned}, by=STRANGER)).status == 200
        assert await acl_of(house, "/photos/t") == expected
        assert (await ask(house, "GET", "/photos/t", by=STRANGER)).body == canned.encode()
        assert (await ask(house, "GET", "/photos/t")).status == 200
    again = await ask(house, "PUT", "/photos/t?acl", b"", {"x-amz-acl": "bucket-owner-read"}, by=STRANGER)
    assert again.status == 200
    assert await acl_of(house, "/photos/t") == [theirs, (OWNER.account, "READ")]
    controls = "<OwnershipControls><Rule><ObjectOwnership>{}</ObjectOwnership></Rule></OwnershipControls>"
    for ownership in ("BucketOwnerPreferred", "BucketOwnerEnforced"):
        body = controls.format(ownership).encode()
        assert (await ask(house, "PUT", "/photos?ownershipControls", body)).status == 200
        word = {"x-amz-acl": "bucket-owner-full-control"}
        assert (await ask(house, "PUT", f"/photos/{ownership}", b"", word)).status == 200
        assert await acl_of(house, f"/photos/{ownership}") == [ME]


MALFORMED = (400, "MalformedACLError")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", {}, (400, "MissingSecurityHeader")),
        (a_document(ME), {"x-amz-acl": "private"}, (400, "UnexpectedContent")),
        (a_document(ME), {"x-amz-grant-read": f"uri={ALL}"}, (400, "UnexpectedContent")),
        (b"", {"x-amz-acl": "private", "x-amz-grant-read": f"uri={ALL}"}, (400, "InvalidRequest")),
        (b"", {"x-amz-acl": "default"}, (400, "InvalidArgument")),
        (b"", {"x-amz-acl": '{"v":1,"grants":[]}'}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": "id=9999999999999999"}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": "id=AllUsers"}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": "uri=http://example.com/"}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": 'emailAddress="a@example.com"'}, (400, "UnresolvableGrantByEmailAddress")),
        (b"", {"x-amz-grant-read": ""}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": "1000000000000001"}, (400, "InvalidArgument")),
        (b"", {"x-amz-grant-read": ",".join([f"uri={ALL}"] * 101)}, MALFORMED),
        (a_document(("9999999999999999", "READ")), {}, (400, "InvalidArgument")),
        (a_document(("AllUsers", "READ")), {}, (400, "InvalidArgument")),
        (a_document(("http://example.com/", "READ")), {}, (400, "InvalidArgument")),
        (a_document((ALL, "DELETE")), {}, MALFORMED),
        (a_document((ALL, "")), {}, MALFORMED),
        (a_document(*[(ALL, "READ")] * 101), {}, MALFORMED),
        (a_document(ME, owner=STRANGER.account), {}, (403, "AccessDenied")),
        (a_document(ME).replace(b"DisplayName>", b"EmailAddress>"), {}, MALFORMED),
        (
            a_document(owner="").replace(
                b"</AccessControlList>",
                b"<Grant><Grantee><EmailAddress>a@example.com</EmailAddress></Grantee><Permission>READ</Permission>"
                b"</Grant></AccessControlList>",
            ),
            {},
            (400, "UnresolvableGrantByEmailAddress"),
        ),
        (b"<AccessControlPolicy/>", {}, MALFORMED),
        (b"<AccessControlPolicy><AccessControlList/><AccessControlList/></AccessControlPolicy>", {}, MALFORMED),
        (b"<AccessControlPolicy><AccessControlList><Grants/></AccessControlList></AccessControlPolicy>", {}, MALFORMED),
        (b"<AccessControlPolicy><AccessControlList/><Extra/></AccessControlPolicy>", {}, MALFORMED),
        (a_document(ME).replace(b"<Grantee>", b"<Grantee><URI>%b</URI>" % ALL.encode()), {}, MALFORMED),
        (a_document(ME).replace(b"<Permission>", b"<Permission>READ</Permission><Permission>"), {}, MALFORMED),
        (b"<Tagging/>", {}, MALFORMED),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + a_document(ME), {}, MALFORMED),
        (b"\xff\xfe", {}, MALFORMED),
    ],
)
async def test_what_is_no_acl_is_refused(
    house: House, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    before = house.contents()
    for address in ("/photos?acl", "/photos/k?acl"):
        assert (await ask(house, "PUT", address, body, headers)).refusal == expected
    if headers and not body:
        assert (await ask(house, "PUT", "/photos/new", b"x", headers)).refusal == expected
        assert (await ask(house, "PUT", "/fresh", b"", headers)).refusal == expected
    assert house.contents() == before


async def test_what_blocks_public_acls_blocks_public_grants(house: House) -> None:
    names = ("BlockPublicAcls", "IgnorePublicAcls")
    inside = "".join(f"<{name}>true</{name}>" for name in names)
    block = f"<PublicAccessBlockConfiguration>{inside}</PublicAccessBlockConfiguration>".encode()
    await ask(house, "PUT", "/photos/k?acl", a_document(ME, (SIGNED, "READ"), (STRANGER.account, "READ")))
    assert (await ask(house, "PUT", "/photos?publicAccessBlock", block)).status == 200
    assert (await ask(house, "GET", "/photos/k", by=STRANGER)).status == 403
    public: list[tuple[bytes, dict[str, str]]] = [
        (a_document(ME, (ALL, "READ_ACP")), {}),
        (b"", {"x-amz-grant-read": f"uri={SIGNED}"}),
        (b"", {"x-amz-acl": "authenticated-read"}),
    ]
    for body, headers in public:
        for address in ("/photos?acl", "/photos/k?acl"):
            assert (await ask(house, "PUT", address, body, headers)).refusal == (403, "AccessDenied")
        if headers:
            assert (await ask(house, "PUT", "/photos/n", b"x", headers)).refusal == (403, "AccessDenied")
            assert (await ask(house, "POST", "/photos/n?uploads", b"", headers)).refusal == (403, "AccessDenied")
            copy = {**headers, "x-amz-copy-source": "/photos/k"}
            assert (await ask(house, "PUT", "/photos/n", b"", copy)).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", "/photos/k?acl", a_document(ME, (STRANGER.account, "READ")))).status == 200
    assert (await ask(house, "GET", "/photos/k", by=STRANGER)).status == 200


async def test_where_the_owner_is_enforced_grants_are_refused_and_do_not_count(house: House) -> None:
    await ask(house, "PUT", "/photos/k?acl", a_document(ME, (STRANGER.account, "READ")))
    controls = (
        b"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"
    )
    assert (await ask(house, "PUT", "/photos?ownershipControls", controls)).status == 200
    assert (await ask(house, "GET", "/photos/k", by=STRANGER)).status == 403
    refused = (400, "AccessControlListNotSupported")
    for address in ("/photos?acl", "/photos/k?acl"):
        assert (await ask(house, "PUT", address, a_document(ME, (STRANGER.account, "READ")))).refusal == refused
        assert (await ask(house, "PUT", address, b"", {"x-amz-acl": "authenticated-read"})).refusal == refused
        assert (await ask(house, "PUT", address, a_document(ME))).status == 200
    headers = {"x-amz-grant-read": f"id={STRANGER.account}"}
    assert (await ask(house, "PUT", "/photos/n", b"x", headers)).refusal == refused
    made = {"x-amz-object-ownership": "BucketOwnerEnforced", "x-amz-acl": "authenticated-read"}
    assert (await ask(house, "PUT", "/fresh", b"", made)).refusal == (400, "InvalidBucketAclWithObjectOwnership")


async def test_no_condition_is_passed_by_saying_it_in_grants(house: House) -> None:
    def a_policy(**more: Any) -> bytes:
        resources = ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"]
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources, **more}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()

    opened = {"StringEquals": {"s3:x-amz-acl": ["public-read", "authenticated-read"]}}
    assert (await ask(house, "PUT", "/photos?policy", a_policy(Condition=opened))).status == 204
    for who in (ALL, SIGNED):
        headers = {"x-amz-grant-read": f"uri={who}"}
        for body, named in ((a_document(ME, (who, "READ")), {}), (b"", headers)):
            for address in ("/photos/k?acl", "/photos?acl"):
                assert (await ask(house, "PUT", address, body, named)).refusal == (403, "AccessDenied")
        assert (await ask(house, "PUT", "/photos/n", b"x", headers)).refusal == (403, "AccessDenied")
        copy = {**headers, "x-amz-copy-source": "/photos/k"}
        assert (await ask(house, "PUT", "/photos/n", b"", copy)).refusal == (403, "AccessDenied")
        assert (await ask(house, "POST", "/photos/n?uploads", b"", headers)).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", "/photos/n", b"", {"x-amz-acl": "authenticated-read"})).status == 403
    assert (await ask(house, "PUT", "/photos/k?acl", a_document(ME, (STRANGER.account, "READ")))).status == 200
    others = {"StringEquals": {"s3:x-amz-acl": "grants"}}
    assert (await ask(house, "PUT", "/photos?policy", a_policy(Condition=others))).status == 204
    assert (await ask(house, "PUT", "/photos/k?acl", a_document(ME, (STRANGER.account, "READ")))).status == 403
    assert (await ask(house, "PUT", "/photos/k?acl", a_document(ME))).status == 200


async def test_oss_can_not_say_grants(house: House) -> None:
    assert (await house.ask("PUT", "/blocked", b"")).status == 200
    block = (
        b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>"
    )
    assert (await house.ask("PUT", "/blocked?publicAccessBlock", block)).status == 200
    for text in ('{"v":1,"grants":[["AllUsers","READ"]]}', "{", '{"v":1}'):
        named = {"x-oss-object-acl": text}
        assert (await house.ask("PUT", "/photos/k?acl", b"", named)).refusal == (400, "InvalidArgument")
        for address in ("/photos/n", "/blocked/n"):
            assert (await house.ask("PUT", address, b"", named)).refusal == (400, "InvalidArgument")
        assert (await house.ask("PUT", "/photos?acl", b"", {"x-oss-acl": text})).refusal == (400, "InvalidArgument")
        assert (await ask(house, "PUT", "/photos/n", b"", {"x-amz-acl": text})).refusal == (400, "InvalidArgument")
    ignored = {"x-amz-grant-read": f"uri={ALL}", "x-amz-acl": "public-read"}
    assert (await house.ask("PUT", "/photos/n", b"", ignored)).status == 200
    assert (await house.ask("GET", "/photos/n", by=ANYBODY)).status == 403


@given(
    st.lists(st.tuples(st.sampled_from([OWNER.account, BOB.principal.uid, *GROUPS]), st.sampled_from(PERMISSIONS)))  # type: ignore[union-attr]
)
def test_a_document_and_headers_say_the_same(pairs: list[tuple[str, str]]) -> None:
    pairs = pairs[:100]
    by_document = read_grant_document(
        a_document(*[(write_uri(who) or who, permission) for who, permission in pairs]), OWNER.account
    )
    assert by_document == tuple(AclGrant(*pair) for pair in pairs)
    headers = {}
    for name, permission in HEADERS.items():
        named = [who for who, given in pairs if given == permission]
        if named:
            headers[name] = ",".join(f'uri="{write_uri(who)}"' if write_uri(who) else f"id={who}" for who in named)
    assert sorted(read_grant_headers(headers) or ()) == sorted(by_document)


@given(st.text(), st.sampled_from(sorted(HEADERS)))
def test_any_header_is_grants_or_a_refusal(text: str, name: str) -> None:
    try:
        found = read_grant_headers({name: text})
    except OssError as refusal:
        answered = refusal.status
    else:
        answered = len(found or ())
    assert answered in (*range(1, 101), 400)


@given(st.binary() | st.text().map(lambda text: a_document((text.replace("<", ""), "READ"))))
def test_any_document_is_grants_or_a_refusal(body: bytes) -> None:
    try:
        answered = len(read_grant_document(body, OWNER.account))
    except OssError as refusal:
        answered = refusal.status
    assert answered in (*range(101), 400)
