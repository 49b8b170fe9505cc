"""PyPI's alibabacloud-oss-v2, OSS's own Python SDK, unmodified."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import alibabacloud_oss_v2 as oss
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, FROZEN, a_presigner
from ..server_process import ServerProcess
from .conftest import make_bucket
from .raw import send


def a_client(server: ServerProcess, version: str = "v4", **options: Any) -> Any:
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    config.region = "cn-hangzhou"
    config.endpoint = server.endpoint
    config.signature_version = version
    config.retry_max_attempts = 2
    for name, value in options.items():
        setattr(config, name, value)
    return oss.Client(config)


@pytest.fixture(params=["v4", "v1"])
def client(request: pytest.FixtureRequest, live_server: ServerProcess) -> Iterator[Any]:
    return a_client(live_server, request.param)  # type: ignore[no-any-return]  # the SDK is untyped


def the_error(call: Any, *arguments: Any) -> Any:
    """The ServiceError that a call ends in."""
    with pytest.raises(oss.exceptions.OperationError) as caught:
        call(*arguments)
    error = caught.value.unwrap()
    assert isinstance(error, oss.exceptions.ServiceError)
    return error


def test_object_goes_up_and_comes_down(client: Any, bucket: str) -> None:
    put = client.put_object(
        oss.PutObjectRequest(
            bucket=bucket,
            key="sdk/ü 1+2.txt",
            body=b"hello",
            content_type="text/x-hello",
            metadata={"colour": "green"},
            content_md5=base64.b64encode(hashlib.md5(b"hello").digest()).decode(),
        )
    )
    assert (put.status_code, put.etag) == (200, '"5D41402ABC4B2A76B9719D911017C592"')
    assert put.hash_crc64 == "11177612005948864433"

    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key="sdk/ü 1+2.txt"))
    assert got.body.content == b"hello"
    assert (got.content_type, got.metadata["colour"], got.content_length) == ("text/x-hello", "green", 5)

    head = client.head_object(oss.HeadObjectRequest(bucket=bucket, key="sdk/ü 1+2.txt"))
    assert (head.etag, head.object_type, head.storage_class) == (put.etag, "Normal", "Standard")

    meta = client.get_object_meta(oss.GetObjectMetaRequest(bucket=bucket, key="sdk/ü 1+2.txt"))
    assert (meta.content_length, meta.etag) == (5, put.etag)

    assert client.is_object_exist(bucket, "sdk/ü 1+2.txt")
    assert client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="sdk/ü 1+2.txt")).status_code == 204
    assert not client.is_object_exist(bucket, "sdk/ü 1+2.txt")
    assert client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="sdk/ü 1+2.txt")).status_code == 204


def test_range_is_read(client: Any, bucket: str) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="ranged", body=bytes(range(100))))
    got = client.get_object(
        oss.GetObjectRequest(bucket=bucket, key="ranged", range_header="bytes=10-19", range_behavior="standard")
    )
    assert (got.status_code, got.content_range, got.body.content) == (206, "bytes 10-19/100", bytes(range(10, 20)))


def test_large_body_streams_up_and_file_comes_down(client: Any, bucket: str, tmp_path: Any) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "up").write_bytes(body)
    with (tmp_path / "up").open("rb") as file:
        client.put_object(oss.PutObjectRequest(bucket=bucket, key="large", body=file))
    client.get_object_to_file(oss.GetObjectRequest(bucket=bucket, key="large"), str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    downloader = client.downloader(part_size=1_000_000, parallel_num=3)
    downloader.download_file(oss.GetObjectRequest(bucket=bucket, key="large"), str(tmp_path / "parts"))
    assert (tmp_path / "parts").read_bytes() == body


def test_forbidden_overwrite_is_refused(client: Any, bucket: str) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="once", body=b"first"))
    again = oss.PutObjectRequest(bucket=bucket, key="once", body=b"second", forbid_overwrite=True)
    error = the_error(client.put_object, again)
    assert (error.status_code, error.code) == (409, "FileAlreadyExists")


def test_listings_walk_page_by_page(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    keys = sorted([f"k/{number:02}" for number in range(7)] + ["a b+c", "ü", "x/1/2", "x/2"])
    for key in keys:
        client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b"."))

    pages = list(client.list_objects_paginator().iter_page(oss.ListObjectsRequest(bucket=bucket, max_keys=3)))
    assert [entry.key for page in pages for entry in page.contents] == keys
    assert len(pages) == 4

    pages = list(client.list_objects_v2_paginator().iter_page(oss.ListObjectsV2Request(bucket=bucket, max_keys=4)))
    assert [entry.key for page in pages for entry in page.contents] == keys
    assert [page.key_count for page in pages] == [4, 4, 3]

    page = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket, delimiter="/", fetch_owner=True))
    assert [prefix.prefix for prefix in page.common_prefixes] == ["k/", "x/"]
    assert [entry.key for entry in page.contents] == ["a b+c", "ü"]
    assert page.contents[0].owner.id
    assert (page.contents[0].size, page.contents[0].etag) == (1, '"5058F1AF8388633F609CADB75A75DC9D"')

    page = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket, prefix="k/", start_after="k/03"))
    assert [entry.key for entry in page.contents] == ["k/04", "k/05", "k/06"]
    assert client.list_objects(oss.ListObjectsRequest(bucket=bucket, prefix="none")).contents in (None, [])


def test_many_are_deleted_at_once(client: Any, bucket: str) -> None:
    keys = ["del/1", "del/ü & <2>", "del/3"]
    for key in keys:
        client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b"."))
    wanted = [oss.DeleteObject(key=key) for key in [*keys, "del/none"]]
    done = client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(bucket=bucket, objects=wanted, encoding_type="url")
    )
    assert {entry.key for entry in done.deleted_objects} == {*keys, "del/none"}
    assert not client.is_object_exist(bucket, "del/1")
    quiet = client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(bucket=bucket, objects=wanted, encoding_type="url", quiet=True)
    )
    assert not quiet.deleted_objects


def test_acls_are_set_and_obeyed(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="coat", body=b"coat"))
    address = f"{live_server.endpoint}/{bucket}/coat"
    assert client.get_bucket_acl(oss.GetBucketAclRequest(bucket=bucket)).acl == "private"
    assert client.get_object_acl(oss.GetObjectAclRequest(bucket=bucket, key="coat")).acl == "default"
    assert send(address).status == 403

    client.put_bucket_acl(oss.PutBucketAclRequest(bucket=bucket, acl="public-read"))
    assert client.get_bucket_acl(oss.GetBucketAclRequest(bucket=bucket)).acl == "public-read"
    assert send(address).body == b"coat"
    assert send(address, "PUT", body=b"theirs").status == 403

    client.put_object_acl(oss.PutObjectAclRequest(bucket=bucket, key="coat", acl="private"))
    assert client.get_object_acl(oss.GetObjectAclRequest(bucket=bucket, key="coat")).acl == "private"
    assert send(address).status == 403


def test_buckets_come_and_go(client: Any, request: pytest.FixtureRequest) -> None:
    bucket = "sdk-" + re.sub(r"\W+", "-", request.node.name.split("[")[1].strip("]"))
    client.put_bucket(oss.PutBucketRequest(bucket=bucket))
    assert client.is_bucket_exist(bucket)
    listed = [
        entry.name
        for page in client.list_buckets_paginator().iter_page(oss.ListBucketsRequest())
        for entry in page.buckets
    ]
    assert bucket in listed
    info = client.get_bucket_info(oss.GetBucketInfoRequest(bucket=bucket)).bucket_info
    assert (info.name, info.location, info.acl, info.storage_class) == (
        bucket,
        "oss-cn-hangzhou",
        "private",
        "Standard",
    )
    assert client.get_bucket_location(oss.GetBucketLocationRequest(bucket=bucket)).location == "oss-cn-hangzhou"

    client.put_object(oss.PutObjectRequest(bucket=bucket, key="still-here", body=b""))
    error = the_error(client.delete_bucket, oss.DeleteBucketRequest(bucket=bucket))
    assert (error.status_code, error.code) == (409, "BucketNotEmpty")
    client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="still-here"))
    client.delete_bucket(oss.DeleteBucketRequest(bucket=bucket))
    assert not client.is_bucket_exist(bucket)


def test_errors_carry_code_message_and_ids(client: Any, bucket: str) -> None:
    error = the_error(client.get_object, oss.GetObjectRequest(bucket=bucket, key="missing"))
    assert (error.status_code, error.code, error.ec) == (404, "NoSuchKey", "0026-00000001")
    assert error.message == "The specified key does not exist."
    assert len(error.request_id) == 24

    error = the_error(client.head_object, oss.HeadObjectRequest(bucket=bucket, key="missing"))
    assert (error.status_code, error.code, error.ec) == (404, "NoSuchKey", "0026-00000001")

    error = the_error(client.get_bucket_acl, oss.GetBucketAclRequest(bucket="no-such-bucket"))
    assert (error.status_code, error.code) == (404, "NoSuchBucket")


def test_wrong_secret_is_refused_with_what_was_signed(live_server: ServerProcess, bucket: str) -> None:
    client = a_client(
        live_server,
        credentials_provider=oss.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, "not the secret"),
    )
    error = the_error(client.get_object, oss.GetObjectRequest(bucket=bucket, key="a"))
    assert (error.status_code, error.code, error.ec) == (403, "SignatureDoesNotMatch", "0002-00000201")
    assert error.error_fileds["StringToSign"].startswith("OSS4-HMAC-SHA256\n")


def test_its_links_work(client: Any, bucket: str) -> None:
    key = "links/ü +%.txt"
    hour = datetime.timedelta(hours=1)
    put = client.presign(oss.PutObjectRequest(bucket=bucket, key=key, content_type="text/x-link"), expires=hour)
    assert send(put.url, "PUT", put.signed_headers, b"by link").status == 200
    get = client.presign(oss.GetObjectRequest(bucket=bucket, key=key), expires=hour)
    assert send(get.url).body == b"by link"
    head = client.presign(oss.HeadObjectRequest(bucket=bucket, key=key), expires=hour)
    assert send(head.url, "HEAD").headers["content-type"] == "text/x-link"
    named = client.presign(
        oss.GetObjectRequest(bucket=bucket, key=key, response_content_disposition='attachment; filename="a b.txt"'),
        expires=hour,
    )
    assert send(named.url).headers["content-disposition"] == 'attachment; filename="a b.txt"'


def test_virtual_hosted_links_of_a_named_endpoint_work(live_server: ServerProcess, bucket: str) -> None:
    client = a_client(live_server, endpoint=f"http://oss-cn-hangzhou.localhost:{live_server.port}")
    put = client.presign(oss.PutObjectRequest(bucket=bucket, key="coat"))
    assert put.url.startswith(f"http://{bucket}.oss-cn-hangzhou.localhost:{live_server.port}/coat?")
    assert send(put.url, "PUT", put.signed_headers, b"coat", connect_to=live_server).status == 200


class FrozenClock(datetime.datetime):
    """datetime.now() as the SDK calls it, at one moment."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> FrozenClock:
        return cls.fromtimestamp(FROZEN, tz)

    @classmethod
    def utcnow(cls) -> FrozenClock:
        return cls.fromtimestamp(FROZEN, datetime.UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("exampleobject.txt", {}),
        ("dir/a b+c%20&=?#ü文😀.txt", {}),
        ("report.pdf", {"response_content_type": "a/b", "response_content_disposition": 'inline; filename="x"'}),
        ("photo.jpg", {"process": "image/resize,w_200", "version_id": "CAEQ123"}),
    ],
)
def test_our_link_is_its_link_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch, live_server: ServerProcess, key: str, options: Any
) -> None:
    from alibabacloud_oss_v2 import presigner
    from alibabacloud_oss_v2.signer import v4

    frozen = type("datetime", (), {**vars(datetime), "datetime": FrozenClock})
    monkeypatch.setattr(v4, "datetime", frozen)
    monkeypatch.setattr(presigner, "datetime", frozen)
    request = oss.GetObjectRequest(bucket="examplebucket", key=key, **options)
    signed = a_client(live_server).presign(request, expires=datetime.timedelta(seconds=3600))
    signer = a_presigner(live_server.endpoint)
    link = signer.presign("GET", "examplebucket", key, expires=3600, now=FROZEN, **options)
    assert "x-oss-date=20260305T070809Z" in signed.url
    assert link.url == signed.url
