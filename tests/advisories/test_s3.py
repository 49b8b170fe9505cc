"""In the S3 dialect a signer chooses which headers are covered; what isn't covered is refused, and never obeyed."""

from __future__ import annotations

import pytest

from coatcheck import S3Presigner
from coatcheck.signing import s3_v2, v1

from ..oss.house import NOW, OWNER, STRANGER
from ..oss.test_post_object import a_form, post
from ..s3.asking import ask, chunked, follow, form_fields, link, send, signed
from ..s3.test_forms import post_with
from .crafting import FORGER, a_house, set_policy

COPY = {"x-amz-copy-source": "/photos/secret.txt"}
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
ANY_KEY = ["starts-with", "$key", ""]


async def test_an_s3_link_to_upload_copies_nothing() -> None:
    house = await a_house()
    before = house.contents()
    answer = await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"", COPY)
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-copy-source")
    assert house.contents() == before


async def test_a_signed_s3_upload_that_was_overheard_copies_nothing() -> None:
    house = await a_house()
    before = house.contents()
    answer = await ask(house, "PUT", "/photos/k", unsigned=COPY)
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-copy-source")
    assert house.contents() == before


async def test_an_s3_link_to_upload_a_part_copies_nothing() -> None:
    house = await a_house()
    begun = await ask(house, "POST", "/photos/k?uploads=")
    part = f"partNumber=1&uploadId={begun.xml[2].text}"
    before = house.contents()
    answer = await follow(house, link(house, "PUT", "/photos/k", part), "PUT", b"", COPY)
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-copy-source")
    assert house.contents() == before


@pytest.mark.parametrize(
    "name",
    [
        *("x-amz-acl", "x-amz-tagging", "x-amz-storage-class", "x-amz-object-lock-mode", "x-amz-grant-read"),
        *("x-amz-server-side-encryption", "x-amz-website-redirect-location", "x-amz-object-lock-legal-hold"),
    ],
)
async def test_an_s3_link_takes_no_control_header_that_was_not_signed(name: str) -> None:
    house = await a_house()
    before = house.contents()
    answer = await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"x", {name.title(): "private"})
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, name)
    assert house.contents() == before


async def test_an_s3_link_stores_no_metadata_that_was_not_signed() -> None:
    house = await a_house()
    before = house.contents()
    answer = await follow(house, link(house, "PUT", "/photos/k"), "PUT", b"x", {"x-amz-meta-a": "b"})
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-meta-a")
    assert house.contents() == before


async def test_an_unsigned_header_of_s3_is_refused_even_where_it_means_nothing() -> None:
    house = await a_house()
    answer = await follow(house, link(house, "GET", "/photos/secret.txt"), headers={"x-amz-of-tomorrow": "1"})
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-of-tomorrow")


async def test_an_s3_signature_in_the_header_lends_nothing_to_a_credential_in_the_query() -> None:
    house = await a_house()
    query = link(house, "GET", "/photos/secret.txt").partition("?")[2]
    answer = await ask(house, "GET", f"/photos/secret.txt?{query}", by=FORGER)
    assert (answer.status, answer.text("Code")) == (400, "InvalidArgument")


async def test_a_forged_s3_stream_is_refused_unread() -> None:
    house = await a_house()
    before = house.contents()
    headers = {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    answer = await ask(house, "PUT", "/photos/k", body, headers, payload=UNSIGNED_TRAILER, by=FORGER)
    assert (answer.status, answer.text("Code")) == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


async def test_chunks_that_are_signed_by_nobody_are_not_stored() -> None:
    house = await a_house()
    before = house.contents()
    request = signed(house, "PUT", "/photos/k", {"x-amz-decoded-content-length": "5"}, payload=SIGNED_CHUNKS)
    body = chunked(request, [b"hello"], by=FORGER)
    answer = await send(house, request, body)
    assert (answer.status, answer.text("Code")) == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


async def test_an_s3_link_of_version_2_opens_no_bucket() -> None:
    """Its parameters are unsigned, so whoever has it could list by any of them."""
    house = await a_house()
    expires = str(NOW + 60)
    text = s3_v2.string_to_sign("GET", {}, expires, "/photos")
    query = f"AWSAccessKeyId={OWNER.access_key_id}&Expires={expires}&Signature={v1.sign(OWNER.access_key_secret, text)}"
    answer = await follow(house, f"/photos?{query.replace('+', '%2B')}&list-type=2")
    assert (answer.status, answer.text("Code")) == (403, "AccessDenied")


async def test_nothing_of_oss_can_be_added_to_an_s3_link_of_version_2() -> None:
    house = await a_house()
    presigner = S3Presigner(
        OWNER.access_key_id, OWNER.access_key_secret, endpoint="http://127.0.0.1:8000", signature_version="v2"
    )
    url = presigner.presign("GET", "photos", "secret.txt", now=NOW).url
    assert (await house.follow(url)).body == b"a secret"
    for more in ("x-oss-process=image/info", "x-oss-traffic-limit=819200", "x-oss-ac-source-ip=127.0.0.1"):
        assert (await house.follow(f"{url}&{more}")).status == 400


async def test_no_s3_link_lives_longer_than_seven_days() -> None:
    house = await a_house()
    answer = await follow(house, link(house, "GET", "/photos/secret.txt", expires_s=604801))
    assert (answer.status, answer.text("Code")) == (400, "AuthorizationQueryParametersError")
    assert (await follow(house, link(house, "GET", "/photos/secret.txt", expires_s=604800))).status == 200


async def test_a_field_that_no_condition_covers_is_not_obeyed() -> None:
    house = await a_house()
    before = house.contents()
    for more in ({"acl": "public-read-write"}, {"Content-Type": "text/html"}, {"x-amz-meta-a": "b"}):
        answer = await post(house, a_form(form_fields([ANY_KEY]) | more))
        assert answer.refusal == (403, "AccessDenied")
    assert house.contents() == before


async def test_a_field_called_bucket_satisfies_no_condition_of_s3() -> None:
    house = await a_house()
    await house.with_bucket("others")
    before = house.contents()
    answer = await post(house, a_form(form_fields([ANY_KEY], {"bucket": "photos"})), "/others")
    assert answer.refusal == (403, "AccessDenied")
    assert house.contents() == before


async def test_a_header_beside_an_s3_form_is_not_obeyed() -> None:
    house = await a_house()
    before = house.contents()
    answer = await post_with(house, a_form(form_fields([ANY_KEY])), x_amz_acl="public-read-write")
    assert (answer.status, answer.text("HeadersNotSigned")) == (403, "x-amz-acl")
    assert house.contents() == before


async def test_a_grant_to_those_who_sign_is_none_to_others() -> None:
    house = await a_house()
    grants = {"x-amz-grant-full-control": 'uri="http://acs.amazonaws.com/groups/global/AuthenticatedUsers"'}
    for address in ("/photos?acl", "/photos/secret.txt?acl"):
        assert (await ask(house, "PUT", address, b"", grants)).status == 200
    for address in ("/photos", "/photos?list-type=2", "/photos?acl", "/photos/secret.txt", "/photos/secret.txt?acl"):
        assert (await ask(house, "GET", address, by=STRANGER)).status == 200
        for headers in ({}, {"x-amz-request-payer": "requester"}):
            assert (await house.ask("GET", address, b"", headers, by=None)).refusal == (403, "AccessDenied")
    before = house.contents()
    assert (await house.ask("PUT", "/photos/k", b"x", by=None)).status == 403
    assert (await house.ask("DELETE", "/photos/secret.txt", by=None)).status == 403
    assert house.contents() == before


async def test_a_deny_of_public_acls_sees_those_of_a_document() -> None:
    house = await a_house()
    opened = {"StringEquals": {"oss:x-oss-acl": ["public-read", "public-read-write", "authenticated-read"]}}
    await set_policy(house, {"Effect": "Deny", "Action": "oss:*", "Condition": opened})
    before = house.contents()
    for group in ("AllUsers", "AuthenticatedUsers"):
        grantee = f"<Grantee><URI>http://acs.amazonaws.com/groups/global/{group}</URI></Grantee>"
        grant = f"<Grant>{grantee}<Permission>READ</Permission></Grant>"
        document = f"<AccessControlPolicy><AccessControlList>{grant}</AccessControlList></AccessControlPolicy>"
        for address in ("/photos?acl", "/photos/secret.txt?acl"):
            assert (await ask(house, "PUT", address, document.encode())).refusal == (403, "AccessDenied")
    assert house.contents() == before
