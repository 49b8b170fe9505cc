"""boto3, unmodified, on a server that speaks OSS too: the everyday operations, its transfer manager, and its links."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from coatcheck import Links

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION, a_presigner
from ..patience import wait_until
from ..server_process import ServerProcess
from .conftest import make_bucket
from .identities import coatcheck
from .raw import send

boto3 = pytest.importorskip("boto3")


OWNERS: Final = (ACCESS_KEY_ID, ACCESS_KEY_SECRET)


def a_client(
    server: ServerProcess, signature: str = "s3v4", region: str = "us-east-1", keys: tuple[str, str] = OWNERS
) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        region_name=region,
        config=Config(signature_version=signature, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def client(live_server: ServerProcess) -> Iterator[Any]:
    with closing(a_client(live_server)) as made:
        yield made


@pytest.fixture
def bucket(live_server: ServerProcess) -> str:
    return make_bucket(live_server)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_buckets_are_made_seen_and_deleted(client: Any) -> None:
    client.create_bucket(Bucket="made-by-boto3", CreateBucketConfiguration={"LocationConstraint": "cn-hangzhou"})
    with pytest.raises(ClientError) as caught:
        client.create_bucket(Bucket="made-by-boto3")
    assert code_of(caught) == (409, "BucketAlreadyOwnedByYou")
    assert client.head_bucket(Bucket="made-by-boto3")["BucketRegion"] == "cn-hangzhou"
    assert client.get_bucket_location(Bucket="made-by-boto3")["LocationConstraint"] == "cn-hangzhou"
    assert "made-by-boto3" in [each["Name"] for each in client.list_buckets()["Buckets"]]
    client.delete_bucket(Bucket="made-by-boto3")
    with pytest.raises(ClientError) as caught:
        client.head_bucket(Bucket="made-by-boto3")
    assert code_of(caught)[0] == 404


def test_objects_go_in_and_out_with_all_that_belongs_to_them(client: Any, bucket: str) -> None:
    stored = client.put_object(
        Bucket=bucket, Key="dir one/k+1", Body=b"hello", Metadata={"a": "b"}, ContentType="text/plain", Tagging="x=y"
    )
    assert stored["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert stored["ChecksumCRC32"] == "NhCmhg=="
    got = client.get_object(Bucket=bucket, Key="dir one/k+1")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"], got["TagCount"]) == (
        b"hello",
        {"a": "b"},
        "text/plain",
        1,
    )
    assert client.get_object(Bucket=bucket, Key="dir one/k+1", Range="bytes=1-2")["Body"].read() == b"el"
    assert client.get_object_tagging(Bucket=bucket, Key="dir one/k+1")["TagSet"] == [{"Key": "x", "Value": "y"}]
    client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "dir one/k+1"})
    assert client.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "b"}
    listed = client.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in listed["Contents"]] == ["copy"]
    assert listed["CommonPrefixes"] == [{"Prefix": "dir one/"}]
    gone = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "nothing"}]})
    assert [each["Key"] for each in gone["Deleted"]] == ["copy", "nothing"]
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket=bucket, Key="copy")
    assert code_of(caught) == (404, "NoSuchKey")


def test_a_listing_goes_on_from_page_to_page(client: Any, bucket: str) -> None:
    keys = [f"k{number:02}&<{chr(0x4E00 + number)}" for number in range(7)]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    for call in ("list_objects", "list_objects_v2", "list_object_versions"):
        pages = client.get_paginator(call).paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
        found = [each["Key"] for page in pages for each in page.get("Contents", page.get("Versions", ()))]
        assert found == keys, call


def test_its_transfer_manager_moves_large_files(client: Any, bucket: str, tmp_path: Path) -> None:
    content = os.urandom(20 * 1024**2)
    (tmp_path / "up").write_bytes(content)
    client.upload_file(str(tmp_path / "up"), bucket, "large")
    client.download_file(bucket, "large", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == content
    parts = [content[start : start + 8 * 1024**2] for start in range(0, len(content), 8 * 1024**2)]
    of_parts = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert client.head_object(Bucket=bucket, Key="large")["ETag"] == f'"{of_parts}-3"'


def test_versions_are_kept_and_named(client: Any, bucket: str) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert client.delete_object(Bucket=bucket, Key="k")["DeleteMarker"] is True
    listed = client.list_object_versions(Bucket=bucket)
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)
    assert client.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"


def test_links_of_both_versions_open_an_object_that_oss_stored(live_server: ServerProcess, bucket: str) -> None:
    put = a_presigner(live_server.endpoint).presign("PUT", bucket, "dir one/k+1")
    assert send(put.url, "PUT", {}, b"shared").status == 200
    for signature in ("s3v4", "s3"):
        with closing(a_client(live_server, signature)) as signer:
            link = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "dir one/k+1"})
        answer = requests.get(link, timeout=30)
        assert (answer.status_code, answer.content) == (200, b"shared"), signature
        changed = requests.get(link.replace("dir%20one", "dir%20two"), timeout=30)
        assert changed.status_code == 403, signature


def test_a_link_to_upload_obeys_nothing_that_was_not_signed(live_server: ServerProcess, bucket: str) -> None:
    with closing(a_client(live_server)) as signer:
        link = signer.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "up"})
    refused = requests.put(link, data=b"x", headers={"x-amz-acl": "public-read"}, timeout=30)
    assert (refused.status_code, "HeadersNotSigned" in refused.text) == (403, True)
    assert requests.put(link, data=b"x", timeout=30).status_code == 200


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_a_form_of_boto3_uploads_what_its_policy_covers(
    live_server: ServerProcess, client: Any, bucket: str, signature: str
) -> None:
    with closing(a_client(live_server, signature)) as signer:
        form = signer.generate_presigned_post(
            bucket,
            "in/${filename}",
            Fields={"acl": "private", "success_action_status": "201"},
            Conditions=[{"acl": "private"}, {"success_action_status": "201"}, ["content-length-range", 1, 10]],
        )
    file = {"file": ("ä b.txt", b"hello")}
    stored = requests.post(form["url"], data=form["fields"], files=file, timeout=30)
    assert (stored.status_code, "<Key>in/ä b.txt</Key>" in stored.text) == (201, True), stored.text
    assert client.get_object(Bucket=bucket, Key="in/ä b.txt")["Body"].read() == b"hello"
    for fields, content in ((form["fields"] | {"x-amz-meta-a": "b"}, b"hello"), (form["fields"], b"hello" * 3)):
        refused = requests.post(form["url"], data=fields, files={"file": ("c.txt", content)}, timeout=30)
        assert refused.status_code in (400, 403)
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["in/ä b.txt"]
    with Links(*OWNERS, endpoint=live_server.endpoint, region=REGION) as links:
        wait_until(lambda: list(links.log(bucket=bucket, key="in/ä b.txt")))
        (use,) = links.log(bucket=bucket, key="in/ä b.txt")
        assert (use.operation, use.status) == ("post_object", 201)
        links.cancel(use.link)
    refused = requests.post(form["url"], data=form["fields"], files=file, timeout=30)
    assert (refused.status_code, "<Code>AccessDenied</Code>" in refused.text) == (403, True)


def test_sts_of_boto3_gives_a_key_for_boto3(live_server: ServerProcess, bucket: str) -> None:
    arn = coatcheck(live_server, "role", "create", "boto3-role")["arn"].replace("acs:ram", "arn:aws:iam", 1)
    coatcheck(live_server, "role", "attach", "boto3-role", "AliyunOSSFullAccess")
    keys = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": ACCESS_KEY_SECRET}
    where = {"endpoint_url": live_server.endpoint, "region_name": "us-east-1"}
    with closing(boto3.client("sts", **where, **keys)) as sts:
        assert sts.get_caller_identity()["Arn"].endswith(":root")
        made = sts.assume_role(RoleArn=arn, RoleSessionName="tuesday", DurationSeconds=900)["Credentials"]
        with pytest.raises(ClientError) as caught:
            sts.assume_role(RoleArn=arn, RoleSessionName="tuesday", DurationSeconds=50_000)
        assert code_of(caught) == (400, "ValidationError")
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    with closing(boto3.client("s3", **where, **keys, aws_session_token=made["SessionToken"])) as temporary:
        temporary.put_object(Bucket=bucket, Key="k", Body=b"hello")
        link = temporary.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert requests.get(link, timeout=30).content == b"hello"


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_a_link_of_boto3_is_limited_and_cancelled(
    live_server: ServerProcess, client: Any, bucket: str, signature: str
) -> None:
    client.put_object(Bucket=bucket, Key="once+more", Body=b"shared")
    wanted = {"Bucket": bucket, "Key": "once+more"}
    with closing(a_client(live_server, signature)) as signer:
        link = signer.generate_presigned_url("get_object", Params=wanted)
        other = signer.generate_presigned_url("get_object", Params=wanted, ExpiresIn=77)
    with Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=live_server.endpoint, region=REGION) as links:
        links.register(link, downloads=1)
        taken = requests.get(link, timeout=30)
        assert (taken.status_code, taken.content, taken.headers["cache-control"]) == (
            200,
            b"shared",
            "private, no-store",
        )
        used_up = requests.get(link, timeout=30)
        assert (used_up.status_code, "<Code>AccessDenied</Code>" in used_up.text) == (403, True)
        assert requests.get(other, timeout=30).status_code == 200
        links.cancel(other)
        assert requests.get(other, timeout=30).status_code == 403
