"""Links that official SDKs sign for writing, asking and deleting, used as strangers with curl would."""

from __future__ import annotations

import re
import uuid
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S
from ..server_process import ServerProcess
from .test_sdk_v2 import a_client


@pytest.fixture(params=["v4", "v1"])
def v2(request: pytest.FixtureRequest, live_server: ServerProcess) -> Any:
    return a_client(live_server, request.param)


def use(signed: Any, **more: Any) -> requests.Response:
    """Send what a link of the Python SDK V2 was signed for."""
    return requests.request(
        signed.method, signed.url, headers=dict(signed.signed_headers or {}), timeout=HANG_S, **more
    )


def test_a_whole_multipart_upload_by_links(v2: Any, bucket: str) -> None:
    key = "links/parts ü.bin"
    begun = use(v2.presign(oss.InitiateMultipartUploadRequest(bucket=bucket, key=key, content_type="text/plain")))
    assert begun.status_code == 200, begun.text
    match = re.search(r"<UploadId>(\w+)</UploadId>", begun.text)
    assert match
    upload_id, contents, parts = match[1], [b"a" * 110_000, b"b" * 5], ""
    for number, content in enumerate(contents, 1):
        request = oss.UploadPartRequest(bucket=bucket, key=key, part_number=number, upload_id=upload_id)
        answer = use(v2.presign(request), data=content)
        assert answer.status_code == 200, answer.text
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers['ETag']}</ETag></Part>"
    request = oss.CompleteMultipartUploadRequest(bucket=bucket, key=key, upload_id=upload_id)
    done = use(v2.presign(request), data=f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
    assert done.status_code == 200, done.text
    got = use(v2.presign(oss.GetObjectRequest(bucket=bucket, key=key)))
    assert (got.content, got.headers["Content-Type"]) == (b"".join(contents), "text/plain")
    head = use(v2.presign(oss.HeadObjectRequest(bucket=bucket, key=key)))
    assert (head.status_code, head.headers["x-oss-object-type"]) == (200, "Multipart")


def test_an_upload_is_aborted_by_a_link(v2: Any, bucket: str) -> None:
    begun = v2.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket=bucket, key="links/gone"))
    request = oss.AbortMultipartUploadRequest(bucket=bucket, key="links/gone", upload_id=begun.upload_id)
    signed = v2.presign(request)
    assert [use(signed).status_code, use(signed).status_code] == [204, 404]


def test_a_put_link_holds_its_signer_to_what_was_signed(v2: Any, bucket: str) -> None:
    key = f"links/put-{uuid.uuid4()}.txt"
    request = oss.PutObjectRequest(
        bucket=bucket,
        key=key,
        content_type="text/x-signed",
        metadata={"colour": "green"},
        forbid_overwrite=True,
        server_side_encryption="AES256",
    )
    signed = v2.presign(request)
    bent = {**signed.signed_headers, "Content-Type": "text/html"}
    refused = requests.put(signed.url, data=b"hello", headers=bent, timeout=HANG_S)
    assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
    answer = use(signed, data=b"hello")
    assert (answer.status_code, answer.headers["x-oss-server-side-encryption"]) == (200, "AES256")
    assert use(signed, data=b"again").status_code == 409
    got = use(v2.presign(oss.GetObjectRequest(bucket=bucket, key=key)))
    assert (got.content, got.headers["Content-Type"], got.headers["x-oss-meta-colour"]) == (
        b"hello",
        "text/x-signed",
        "green",
    )


@pytest.mark.parametrize("auth", [oss2.AuthV4, oss2.Auth])
def test_oss2_signs_any_method(live_server: ServerProcess, bucket: str, auth: Any) -> None:
    credentials = auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET) if auth is oss2.Auth else None
    if credentials is None:
        static = oss2.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
        credentials = oss2.ProviderAuthV4(static)
    client = oss2.Bucket(credentials, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)
    key = f"links/{auth.__name__}"

    def link(method: str, **more: Any) -> str:
        return str(client.sign_url(method, key, 600, slash_safe=True, **more))

    assert requests.put(link("PUT"), data=b"hello", timeout=HANG_S).status_code == 200
    assert requests.head(link("HEAD"), timeout=HANG_S).headers["Content-Length"] == "5"
    appended = requests.post(
        str(client.sign_url("POST", f"{key}.log", 600, slash_safe=True, params={"append": "", "position": "0"})),
        data=b"line",
        timeout=HANG_S,
    )
    assert (appended.status_code, appended.headers["x-oss-next-append-position"]) == (200, "4")
    assert requests.get(link("HEAD"), timeout=HANG_S).status_code == 403
    assert requests.delete(link("DELETE"), timeout=HANG_S).status_code == 204
    assert requests.get(link("GET"), timeout=HANG_S).status_code == 404
