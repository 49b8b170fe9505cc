from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from coatcheck import Presigner
from coatcheck.core.limits import INLINE_MAX_BYTES
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing import v1
from coatcheck.wire.query import NO_QUERY
from coatcheck.wire.request import Request

from .house import NOW, OWNER, REGION, STRANGER, Answer, GivenBody, House

BOUNDARY = "a-boundary"
HOUR = "2026-03-05T08:08:09.000Z"


def a_form(fields: Mapping[str, str], content: bytes = b"hello", *, name: str = "a.txt", kind: str = "") -> bytes:
    parts = [f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}' for field, value in fields.items()]
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    parts.append(f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n{typed}\r\n')
    text = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts)
    return text.removesuffix("\r\n").encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


async def post(house: House, body: bytes, path: str = "/photos/", host: str = "127.0.0.1:8000") -> Answer:
    sent = {"host": host, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    pieces = GivenBody([body[i : i + 1000] for i in range(0, len(body), 1000)])
    return await house.send(Request("POST", path.encode(), NO_QUERY, sent, body=pieces))


def signed(key: str = "user/${filename}", *, by: AccessKey = OWNER, **options: Any) -> dict[str, str]:
    presigner = Presigner(by.access_key_id, by.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
    return presigner.post_form("photos", key, now=NOW, **options).fields


def signed_v1(
    conditions: list[Any], expiration: object = HOUR, fields: Mapping[str, str] | None = None
) -> dict[str, str]:
    return signed_text(json.dumps({"expiration": expiration, "conditions": conditions}), fields)


def signed_text(document: str, fields: Mapping[str, str] | None = None) -> dict[str, str]:
    policy = base64.b64encode(document.encode()).decode()
    signature = v1.sign(OWNER.access_key_secret, policy)
    own = {"OSSAccessKeyId": OWNER.access_key_id, "policy": policy, "Signature": signature}
    return {"key": "a.txt", **(fields or {}), **own}


async def test_a_signed_form_stores_its_file() -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed(), kind="text/plain"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["etag"] == '"5D41402ABC4B2A76B9719D911017C592"'
    assert answer.trace.operation == "post_object"
    got = await house.ask("GET", "/photos/user/a.txt")
    assert (got.body, got.headers["content-type"]) == (b"hello", "text/plain")


@pytest.mark.parametrize(
    ("host", "path"),
    [("127.0.0.1:8000", "/photos"), ("127.0.0.1", "/photos/"), (f"photos.oss-{REGION}.localhost:8000", "/")],
)
async def test_a_form_is_posted_to_the_bucket_in_any_style(host: str, path: str) -> None:
    house = await House().with_bucket()
    assert (await post(house, a_form(signed()), path, host)).status == 204


async def test_v1_forms_are_taken_too() -> None:
    house = await House().with_bucket()
    assert (await post(house, a_form(signed_v1([["content-length-range", 0, 5]])))).status == 204


async def test_a_large_file_is_streamed_to_a_blob() -> None:
    house = await House().with_bucket()
    content = bytes(range(256)) * 1024
    assert len(content) > INLINE_MAX_BYTES
    assert (await post(house, a_form(signed("big"), content))).status == 204
    assert (await house.ask("GET", "/photos/big")).body == content


async def test_headers_come_as_fields() -> None:
    house = await House().with_bucket()
    fields = {
        "x-oss-meta-Colour": "größe",
        "Cache-Control": "no-cache",
        "Content-Disposition": "inline",
        "x-oss-object-acl": "public-read",
        "x-oss-storage-class": "IA",
        "x-oss-content-type": "text/x-first",
        "submit": "Upload",
    }
    assert (await post(house, a_form(signed("a.txt", fields=fields), kind="text/second"))).status == 204
    got = await house.ask("GET", "/photos/a.txt", by=None)
    assert got.status == 200
    assert got.headers["x-oss-meta-colour"] == "größe"
    assert got.headers["cache-control"] == "no-cache"
    assert got.headers["content-disposition"] == "inline"
    assert got.headers["x-oss-storage-class"] == "IA"
    assert got.headers["content-type"] == "text/x-first"


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 204), ({"success_action_status": "200"}, 200), ({"success_action_status": "999"}, 204)],
)
async def test_success_is_told_as_the_form_asks(fields: dict[str, str], status: int) -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed("a.txt", fields=fields)))
    assert (answer.status, answer.body) == (status, b"")


async def test_201_tells_where_the_object_is() -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed("a b.txt", fields={"success_action_status": "201"})))
    assert answer.status == 201
    assert [child.tag for child in answer.xml] == ["Bucket", "ETag", "Key", "Location"]
    assert answer.text("Key") == "a b.txt"
    assert answer.text("ETag") == '"5D41402ABC4B2A76B9719D911017C592"'
    assert answer.text("Location") == "http://127.0.0.1:8000/photos/a%20b.txt"


async def test_redirect_carries_what_was_stored() -> None:
    house = await House().with_bucket()
    fields = {"success_action_redirect": "https://www.example.com/done?a=b", "success_action_status": "201"}
    answer = await post(house, a_form(signed("a b.txt", fields=fields)))
    assert (answer.status, answer.body) == (303, b"")
    assert answer.headers["location"] == (
        "https://www.example.com/done?a=b&bucket=photos&key=a%20b.txt&etag=%225D41402ABC4B2A76B9719D911017C592%22"
    )


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "/done", "http://", "http://[", "http://a\r\nb/", "ftp://a/b"]
)
async def test_a_redirect_that_is_none_is_ignored(target: str) -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed("a.txt", fields={"success_action_redirect": target})))
    assert answer.status == 204


async def test_anybody_may_post_to_a_public_read_write_bucket_and_to_no_other() -> None:
    house = await House().with_bucket(acl="public-read-write")
    assert (await post(house, a_form({"key": "a.txt"}))).status == 204
    await house.with_bucket("closed", "public-read")
    before = house.contents()
    answer = await post(house, a_form({"key": "a.txt"}), "/closed/")
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("Message") == "You have no right to access this object because of bucket acl."
    assert house.contents() == before


async def test_a_signed_form_has_its_signers_rights() -> None:
    house = await House().with_bucket()
    assert (await post(house, a_form(signed(by=STRANGER)))).refusal == (403, "AccessDenied")


async def test_signatures_outside_the_form_do_not_count() -> None:
    house = await House().with_bucket()
    body = a_form({"key": "a.txt"})
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = await house.ask("POST", "/photos/", body, headers)
    assert answer.refusal == (403, "AccessDenied")


REFUSED = {
    "bucket": {"bucket": "other"},
    "eq": ["eq", "$key", "b.txt"],
    "starts-with": ["starts-with", "$key", "user/"],
    "in": ["in", "$content-type", ["image/jpg", "image/png"]],
    "not-in": ["not-in", "$Content-Type", ["text/html"]],
    "absent": ["eq", "$x-oss-security-token", "token"],
    "case": {"x-oss-object-acl": "Private"},
}


@pytest.mark.parametrize("condition", REFUSED.values(), ids=REFUSED)
async def test_a_condition_that_does_not_hold_refuses_the_form(condition: Any) -> None:
    house = await House().with_bucket()
    before = house.contents()
    form = signed_v1([condition], fields={"x-oss-object-acl": "private"})
    answer = await post(house, a_form(form, kind="text/html"))
    assert answer.refusal == (403, "AccessDenied")
    assert (answer.text("Message") or "").startswith("Invalid according to Policy: Policy Condition failed: [")
    assert house.contents() == before


async def test_a_refusal_names_the_condition_as_oss_does() -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed_v1([{"bucket": "other"}])))
    assert answer.text("Message") == 'Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "other"]'


@pytest.mark.parametrize(
    "condition",
    [
        {"BUCKET": "photos"},
        ["starts-with", "$key", ""],
        ["eq", "$nothing-of-that-name", ""],
        ["in", "$content-type", ["text/html", "image/png"]],
        ["not-in", "$content-type", ["image/png"]],
        ["content-length-range", "5", 5],
        {"x-oss-meta-price": "\\$5"},
    ],
)
async def test_a_condition_that_holds_lets_the_form_pass(condition: Any) -> None:
    house = await House().with_bucket()
    form = signed_v1([condition], fields={"x-oss-meta-price": "$5"})
    assert (await post(house, a_form(form, kind="text/html"))).status == 204


async def test_key_is_held_against_the_policy_before_the_file_name_is_filled_in() -> None:
    house = await House().with_bucket()
    form = signed_v1([["eq", "$key", "user/${filename}"]]) | {"key": "user/${filename}"}
    assert (await post(house, a_form(form, name="C:\\photos\\my cat.jpg"))).status == 204
    assert (await house.ask("GET", "/photos/user/my%20cat.jpg")).status == 200


@pytest.mark.parametrize(("size", "code"), [(2, "EntityTooSmall"), (6, "EntityTooLarge"), (200_000, "EntityTooLarge")])
async def test_a_file_of_the_wrong_size_leaves_nothing(size: int, code: str) -> None:
    house = await House().with_bucket()
    before = house.contents()
    answer = await post(house, a_form(signed_v1([["content-length-range", 3, 5]]), b"x" * size))
    assert answer.refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize("size", [3, 5])
async def test_a_size_range_includes_its_ends(size: int) -> None:
    house = await House().with_bucket()
    assert (await post(house, a_form(signed_v1([["content-length-range", 3, 5]]), b"x" * size))).status == 204


async def test_an_expired_policy_is_refused() -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed_v1([{"bucket": "photos"}], "2026-03-05T07:08:08.000Z")))
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("Message") == "Invalid according to Policy: Policy expired."
    assert answer.text("EC") == "0006-00000213"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        '{"expiration": "2026-03-05T08:08:09.000Z"}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": []}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": {}}',
        '{"conditions": [{"bucket": "photos"}]}',
        '{"expiration": 1772694489, "conditions": [{"bucket": "photos"}]}',
        '{"expiration": "tomorrow", "conditions": [{"bucket": "photos"}]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [{"bucket": "photos", "key": "a"}]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [{"bucket": 5}]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["eq", "$key"]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["like", "$key", "a"]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["eq", "key", "a.txt"]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["in", "$key", "a.txt"]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["content-length-range", -1, 5]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["content-length-range", 1.5, 5]]}',
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": ' + "[" * 40_000,
        '{"expiration": "2026-03-05T08:08:09.000Z", "conditions": [["content-length-range", 0, ' + "9" * 5000 + "]]}",
    ],
)
async def test_a_policy_that_is_none_is_refused(document: str) -> None:
    house = await House().with_bucket()
    form = signed_text(document)
    answer = await post(house, a_form(form | {"policy": form["policy"] or "e"}))
    assert answer.status in (400, 403)
    assert answer.text("Code") in ("InvalidPolicyDocument", "SignatureDoesNotMatch")
    if document:
        assert answer.text("Code") == "InvalidPolicyDocument"


@pytest.mark.parametrize("missing", ["OSSAccessKeyId", "Signature", "policy"])
async def test_one_field_of_a_signature_makes_all_mandatory(missing: str) -> None:
    house = await House().with_bucket(acl="public-read-write")
    form = signed_v1([{"bucket": "photos"}])
    del form[missing]
    answer = await post(house, a_form(form))
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == missing
    assert answer.text("Message") == (
        f"The bucket POST must contain the specified '{missing}'. "
        "If it is specified, please check the order of the fields"
    )


@pytest.mark.parametrize(
    "missing", ["x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-signature", "policy"]
)
async def test_so_does_one_of_v4(missing: str) -> None:
    house = await House().with_bucket(acl="public-read-write")
    form = signed()
    del form[missing]
    answer = await post(house, a_form(form))
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == missing


@pytest.mark.parametrize(
    ("field", "value", "code", "ec"),
    [
        ("x-oss-signature", "0" * 64, "SignatureDoesNotMatch", "0002-00000705"),
        ("x-oss-credential", "nonsense", "InvalidArgument", "0002-00000710"),
        ("x-oss-credential", "OwnerKey/20260306/cn-hangzhou/oss/aliyun_v4_request", "InvalidArgument", "0002-00000709"),
        ("x-oss-credential", "OwnerKey/20260305/cn-beijing/oss/aliyun_v4_request", "InvalidArgument", "0002-00000715"),
        ("x-oss-credential", "Nobody/20260305/cn-hangzhou/oss/aliyun_v4_request", "InvalidAccessKeyId", None),
        ("x-oss-date", "yesterday", "InvalidArgument", "0002-00000709"),
        ("x-oss-signature-version", "OSS5", "InvalidArgument", None),
        ("policy", "e30=", "SignatureDoesNotMatch", "0002-00000705"),
    ],
)
async def test_a_v4_field_that_is_wrong_is_told(field: str, value: str, code: str, ec: str | None) -> None:
    house = await House().with_bucket()
    answer = await post(house, a_form(signed() | {field: value}))
    assert answer.text("Code") == code
    assert ec is None or answer.text("EC") == ec
    assert b"owner-secret" not in answer.body


@pytest.mark.parametrize(("shift", "status"), [(-901, 403), (-900, 204), (7 * 86400 + 1, 403)])
async def test_the_date_of_a_v4_form_has_a_window(shift: int, status: int) -> None:
    house = await House().with_bucket()
    form = signed(expires=7 * 86400)
    house.now = NOW + shift
    assert (await post(house, a_form(form))).status == status


async def test_a_form_without_key_is_refused() -> None:
    house = await House().with_bucket(acl="public-read-write")
    answer = await post(house, a_form({}))
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == "key"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key": ""}, "InvalidObjectName"),
        ({"key": "/a"}, "InvalidObjectName"),
        ({"key": "a\0b"}, "InvalidObjectName"),
        ({"key": "k" * 1024}, "InvalidObjectName"),
        ({"key": "a", "x-oss-object-acl": "open"}, "InvalidArgument"),
        ({"key": "a", "x-oss-forbid-overwrite": "perhaps"}, "InvalidArgument"),
        ({"key": "a", "x-oss-meta-a": "b\r\nSet-Cookie: c"}, "InvalidArgument"),
        ({"key": "a", "x-oss-meta-a: b": "c"}, "InvalidArgument"),
        ({"key": "a", "Cache-Control": "a\nb"}, "InvalidArgument"),
        ({"key": "a", "x-oss-storage-class": "Warm"}, "InvalidArgument"),
    ],
)
async def test_a_field_that_cannot_be_used_is_refused_and_nothing_stored(fields: dict[str, str], code: str) -> None:
    house = await House().with_bucket(acl="public-read-write")
    before = house.contents()
    answer = await post(house, a_form(fields))
    assert answer.refusal == (400, code)
    assert house.contents() == before


async def test_an_existing_object_may_be_protected() -> None:
    house = await House().with_bucket()
    form = signed("a.txt", fields={"x-oss-forbid-overwrite": "true"})
    assert (await post(house, a_form(form))).status == 204
    assert (await post(house, a_form(form))).refusal == (409, "FileAlreadyExists")


async def test_a_form_cut_off_stores_nothing() -> None:
    house = await House().with_bucket()
    before = house.contents()
    body = a_form(signed(), b"x" * 300_000)
    assert (await post(house, body[:-30])).refusal == (400, "MalformedPOSTRequest")
    assert house.contents() == before


async def test_a_body_that_is_no_form_is_refused() -> None:
    house = await House().with_bucket()
    answer = await house.ask("POST", "/photos/", b"hello", {"content-type": "text/plain"})
    assert answer.refusal == (400, "RequestIsNotMultiPartContent")
