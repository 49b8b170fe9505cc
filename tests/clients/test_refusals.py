"""Refusals as a client sees them: status, code, message, XML, headers. Each is OSS's own."""

from __future__ import annotations

import base64
import re
import time
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from coatcheck import Presigner

from ..builders import ACCESS_KEY_ID, a_presigner
from ..server_process import ServerProcess
from .conftest import Put
from .raw import Answer, send

EXPIRED = "Request has expired."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
UNKNOWN_KEY = "The OSS Access Key Id you provided does not exist in our records."
DENIED = "You have no right to access this object because of bucket acl."


@pytest.fixture
def link(live_server: ServerProcess, bucket: str, put: Put) -> str:
    """A good link to an object that is there."""
    put("kept.txt", b"in the cloakroom")
    return a_presigner(live_server.endpoint).presign("GET", bucket, "kept.txt").url


def old_link(server: ServerProcess, bucket: str, age_s: int, expires_s: int) -> str:
    """A link that was signed `age_s` seconds ago."""
    return (
        a_presigner(server.endpoint)
        .presign("GET", bucket, "kept.txt", expires=expires_s, now=int(time.time()) - age_s)
        .url
    )


def replace(link: str, name: str, value: str) -> str:
    """The link with another value of one parameter, signature and all else as they were."""
    changed, count = re.subn(rf"(?<=[?&]){name}=[^&]*", f"{name}={value}", link)
    assert count == 1
    return changed


def remove(link: str, name: str) -> str:
    changed, count = re.subn(rf"(?<=[?&]){name}=[^&]*&?", "", link)
    assert count == 1
    return changed.rstrip("&")


def refused(
    answer: Answer, status: int, code: str, message: str | None = None, ec: str | None = None
) -> dict[str, str]:
    """Hold an answer to being this refusal, with everything OSS sends along; gives the elements of its document."""
    error = answer.error
    assert (answer.status, error["Code"]) == (status, code), error
    if message is not None:
        assert error["Message"] == message
    if ec is not None:
        assert (answer.headers["x-oss-ec"], error["EC"]) == (ec, ec)
    assert answer.headers["content-type"] == "application/xml"
    assert answer.headers["server"] == "AliyunOSS"
    assert re.fullmatch("[0-9A-F]{24}", answer.headers["x-oss-request-id"])
    assert error["RequestId"] == answer.headers["x-oss-request-id"]
    assert error["HostId"]
    assert "date" in answer.headers
    assert list(error)[:4] == ["Code", "Message", "RequestId", "HostId"]
    return error


def test_good_link_is_answered(link: str) -> None:
    answer = send(link)
    assert (answer.status, answer.body) == (200, b"in the cloakroom")


def test_expired_link_is_refused_and_told_when(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("kept.txt", b"")
    error = refused(
        send(old_link(live_server, bucket, age_s=100, expires_s=60)), 403, "AccessDenied", EXPIRED, "0002-00000236"
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", error["Expires"])
    assert error["Expires"] < error["ServerTime"]


def test_expired_v1_link_is_refused(live_server: ServerProcess, bucket: str) -> None:
    signer = Presigner(
        ACCESS_KEY_ID, "whatever", region="cn-hangzhou", endpoint=live_server.endpoint, signature_version="v1"
    )
    link = signer.presign("GET", bucket, "kept.txt", expires=60, now=int(time.time()) - 100).url
    refused(send(link), 403, "AccessDenied", EXPIRED, "0002-00000069")


def test_link_outlives_its_first_seconds(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("kept.txt", b"")
    assert send(old_link(live_server, bucket, age_s=50, expires_s=60)).status == 200


@pytest.mark.parametrize("ahead_s", [60, 890])
def test_signer_whose_clock_is_a_little_ahead_is_served(
    live_server: ServerProcess, bucket: str, put: Put, ahead_s: int
) -> None:
    put("kept.txt", b"")
    assert send(old_link(live_server, bucket, age_s=-ahead_s, expires_s=60)).status == 200


def test_link_from_the_future_is_refused(live_server: ServerProcess, bucket: str) -> None:
    refused(
        send(old_link(live_server, bucket, age_s=-920, expires_s=60)),
        403,
        "AccessDenied",
        "Request is not yet valid.",
        "0002-00000235",
    )


def test_mismatch_shows_what_was_signed_and_never_the_right_signature(link: str) -> None:
    wrong = replace(link, "x-oss-signature", "0" * 64)
    error = refused(send(wrong), 403, "SignatureDoesNotMatch", MISMATCH, "0002-00000201")
    assert error["OSSAccessKeyId"] == ACCESS_KEY_ID
    assert error["SignatureProvided"] == "0" * 64
    assert error["StringToSign"].startswith("OSS4-HMAC-SHA256\n")
    assert bytes.fromhex(error["StringToSignBytes"]).decode() == error["StringToSign"]
    assert error["CanonicalRequest"].startswith("GET\n/")
    assert link.rpartition("=")[2] not in str(error)


def test_signature_in_upper_case_cut_short_or_not_ascii_is_refused(link: str) -> None:
    signature = link.rpartition("=")[2]
    for wrong in (signature.upper(), signature[:-1], f"{signature}0", "%C3%A9"):
        refused(send(replace(link, "x-oss-signature", wrong)), 403, "SignatureDoesNotMatch", MISMATCH)


@pytest.mark.parametrize("name", ["x-oss-date", "x-oss-expires"])
def test_changed_value_is_refused(link: str, name: str) -> None:
    old = re.search(rf"{name}=(\w+)", link)
    assert old is not None
    digit = "1" if name == "x-oss-expires" else ""
    changed = f"{digit}{old[1]}" if digit else old[1][:-2] + ("1Z" if old[1][-2] != "1" else "2Z")
    refused(send(replace(link, name, changed)), 403, "SignatureDoesNotMatch", MISMATCH, "0002-00000201")


def test_another_key_bucket_or_method_is_refused(link: str, bucket: str) -> None:
    refused(send(link.replace("kept.txt", "other.txt")), 403, "SignatureDoesNotMatch", MISMATCH)
    missing = send(link.replace(f"/{bucket}/", "/another-bucket/"))  # whose signature it is, is not looked at
    refused(missing, 404, "NoSuchBucket", "The specified bucket does not exist.")
    refused(send(link, "DELETE"), 403, "SignatureDoesNotMatch", MISMATCH)
    refused(send(link, "PUT", body=b"mine now"), 403, "SignatureDoesNotMatch", MISMATCH)


@pytest.mark.parametrize(
    "extra", ["&a=b", "&acl", "&versionId=null", "&x-oss-process=image/info", "&response-expires=0"]
)
def test_added_parameter_is_refused(link: str, extra: str) -> None:
    refused(send(link + extra), 403, "SignatureDoesNotMatch", MISMATCH, "0002-00000201")


@pytest.mark.parametrize(
    "headers", [{"x-oss-meta-a": "b"}, {"X-OSS-Range-Behavior": "standard"}, {"Content-Type": "text/plain"}]
)
def test_header_the_signer_did_not_sign_is_refused(link: str, headers: dict[str, str]) -> None:
    refused(send(link, headers=headers), 403, "SignatureDoesNotMatch", MISMATCH, "0002-00000201")


def test_header_that_no_signature_covers_is_harmless(link: str) -> None:
    assert (
        send(link, headers={"User-Agent": "x", "Accept": "*/*", "Cookie": "a=b", "X-Forwarded-For": "::1"}).status
        == 200
    )


def test_signed_header_must_come_as_it_was_signed(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("kept.txt", b"")
    bound = a_presigner(live_server.endpoint).presign(
        "GET", bucket, "kept.txt", headers={"User-Agent": "courier"}, additional_headers=["user-agent"]
    )
    assert send(bound.url, headers={"User-Agent": "courier"}).status == 200
    refused(send(bound.url, headers={"User-Agent": "thief"}), 403, "SignatureDoesNotMatch", MISMATCH)
    assert send(bound.url).status in (400, 403)


def test_unknown_key_is_refused(live_server: ServerProcess, bucket: str) -> None:
    stranger = Presigner("NobodysKey", "guess", region="cn-hangzhou", endpoint=live_server.endpoint)
    error = refused(
        send(stranger.presign("GET", bucket, "kept.txt").url), 403, "InvalidAccessKeyId", UNKNOWN_KEY, "0002-00000902"
    )
    assert error["OSSAccessKeyId"] == "NobodysKey"


def test_wrong_region_is_refused(live_server: ServerProcess, bucket: str) -> None:
    link = a_presigner(live_server.endpoint, region="cn-beijing").presign("GET", bucket, "kept.txt").url
    refused(send(link), 400, "InvalidArgument", "Invalid signing region in query.", "0002-00000228")


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "abc", "1.5", "%2B60", "9" * 40, "60%20", "1e3", "٣"])
def test_expires_that_is_no_number_of_seconds_up_to_seven_days_is_refused(link: str, expires: str) -> None:
    refused(send(replace(link, "x-oss-expires", expires)), 400, "InvalidArgument", ec="0002-00000232")


def test_seven_days_are_served(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("kept.txt", b"")
    assert send(a_presigner(live_server.endpoint).presign("GET", bucket, "kept.txt", expires=604800).url).status == 200


@pytest.mark.parametrize("name", ["x-oss-expires", "x-oss-date", "x-oss-credential", "x-oss-signature"])
def test_doubled_parameter_is_refused(link: str, name: str) -> None:
    value = re.search(rf"{name}=([^&]*)", link)
    assert value is not None
    error = refused(send(f"{link}&{name}={value[1]}"), 400, "InvalidArgument")
    assert error["ArgumentName"] == name


@pytest.mark.parametrize(
    ("name", "ec"),
    [
        ("x-oss-expires", "0002-00000215"),
        ("x-oss-credential", "0002-00000217"),
        ("x-oss-signature", "0002-00000219"),
        ("x-oss-date", "0002-00000230"),
    ],
)
def test_missing_parameter_is_refused(link: str, name: str, ec: str) -> None:
    error = refused(send(remove(link, name)), 400, "InvalidArgument", ec=ec)
    assert error["ArgumentName"] == name


@pytest.mark.parametrize(
    ("name", "value", "ec"),
    [
        ("x-oss-expires", "", "0002-00000216"),
        ("x-oss-credential", "", "0002-00000218"),
        ("x-oss-credential", "nonsense", "0002-00000218"),
        ("x-oss-signature", "", "0002-00000220"),
        ("x-oss-date", "yesterday", "0002-00000231"),
        ("x-oss-date", "20260231T000000Z", "0002-00000231"),
    ],
)
def test_empty_or_senseless_parameter_is_refused(link: str, name: str, value: str, ec: str) -> None:
    refused(send(replace(link, name, value)), 400, "InvalidArgument", ec=ec)


def test_two_signatures_are_refused(link: str) -> None:
    refused(send(link, headers={"Authorization": "OSS a:b"}), 400, "InvalidArgument")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer x", "OSS", "OSS nocolon", "OSS4-HMAC-SHA256", "OSS4-HMAC-SHA256 x"]
)
def test_authorization_that_cannot_be_read_is_refused(
    live_server: ServerProcess, bucket: str, authorization: str
) -> None:
    url = f"{live_server.endpoint}/{bucket}/kept.txt"
    refused(send(url, headers={"Authorization": authorization}), 400, "InvalidArgument")


def test_anonymous_is_refused_whether_the_object_exists_or_not(
    live_server: ServerProcess, bucket: str, put: Put
) -> None:
    put("kept.txt", b"")
    for key in ("kept.txt", "missing.txt"):
        url = f"{live_server.endpoint}/{bucket}/{key}"
        refused(send(url), 403, "AccessDenied", DENIED, "0003-00000001")


def test_anonymous_listing_and_service_are_refused(live_server: ServerProcess, bucket: str) -> None:
    refused(send(f"{live_server.endpoint}/{bucket}/"), 403, "AccessDenied")
    refused(send(f"{live_server.endpoint}/"), 403, "AccessDenied")


def test_link_to_nothing_says_so(live_server: ServerProcess, bucket: str) -> None:
    error = refused(
        send(a_presigner(live_server.endpoint).presign("GET", bucket, "no/such <key>.txt").url),
        404,
        "NoSuchKey",
        "The specified key does not exist.",
        "0026-00000001",
    )
    assert error["Key"] == "no/such <key>.txt"


def test_link_into_no_bucket_says_so(live_server: ServerProcess) -> None:
    error = refused(
        send(a_presigner(live_server.endpoint).presign("GET", "no-such-bucket", "a").url),
        404,
        "NoSuchBucket",
        "The specified bucket does not exist.",
        "0015-00000101",
    )
    assert error["BucketName"] == "no-such-bucket"


def test_refused_head_has_no_body_and_its_document_in_a_header(live_server: ServerProcess, bucket: str) -> None:
    answer = send(f"{live_server.endpoint}/{bucket}/kept.txt", "HEAD")
    assert (answer.status, answer.body) == (403, b"")
    document = ElementTree.fromstring(base64.b64decode(answer.headers["x-oss-err"]))
    assert document.tag == "Error"
    assert document.findtext("Code") == "AccessDenied"
    assert document.findtext("Message") == DENIED
    assert document.findtext("RequestId") == answer.headers["x-oss-request-id"]
    assert answer.headers["x-oss-ec"] == "0003-00000001"


def test_host_of_the_request_is_in_the_document(link: str) -> None:
    answer = send(replace(link, "x-oss-expires", "0"))
    assert answer.error["HostId"] == urlsplit(link).netloc


def test_sub_resource_is_never_the_plain_object(live_server: ServerProcess, bucket: str, put: Put) -> None:
    """Built or not: what a sub-resource asks for is never answered with the object's content."""
    put("kept.txt", b"secret")
    for name in ("acl", "tagging", "symlink", "uploads", "restore", "objectMeta", "qosInfo"):
        link = a_presigner(live_server.endpoint).presign("GET", bucket, "kept.txt", query={name: ""}).url
        answer = send(link)
        assert answer.status < 500, name
        assert b"secret" not in answer.body, name
