"""Settings of buckets as official SDKs make them and read them back."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .conftest import make_bucket
from .raw import send
from .test_sdk_v2 import a_client


@pytest.fixture
def v2(live_server: ServerProcess) -> Any:
    return a_client(live_server)


@pytest.fixture
def new_bucket(live_server: ServerProcess) -> str:
    return make_bucket(live_server)


def an_oss2_bucket(server: ServerProcess, bucket: str) -> Any:
    return oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.endpoint, bucket, is_path_style=True)


def test_tags(v2: Any, live_server: ServerProcess, new_bucket: str) -> None:
    tags = oss.TagSet(tags=[oss.Tag(key="team", value="ä"), oss.Tag(key="k", value="v")])
    v2.put_bucket_tags(oss.PutBucketTagsRequest(bucket=new_bucket, tagging=oss.Tagging(tag_set=tags)))
    got = v2.get_bucket_tags(oss.GetBucketTagsRequest(bucket=new_bucket))
    assert [(tag.key, tag.value) for tag in got.tagging.tag_set.tags] == [("team", "ä"), ("k", "v")]
    listed = v2.list_buckets(oss.ListBucketsRequest(tag_key="k", tag_value="v"))
    assert [bucket.name for bucket in listed.buckets] == [new_bucket]
    client = an_oss2_bucket(live_server, new_bucket)
    client.delete_bucket_tagging(params={"tagging": "k"})
    assert client.get_bucket_tagging().tag_set.tagging_rule == {"team": "ä"}


def test_website(v2: Any, live_server: ServerProcess, new_bucket: str) -> None:
    client = an_oss2_bucket(live_server, new_bucket)
    client.put_bucket_acl("public-read")
    client.put_object("index.html", b"the index")
    client.put_object("error.html", b"the error")
    rule = oss2.models.RoutingRule(
        1,
        oss2.models.Condition("old/", 404),
        oss2.models.Redirect(redirect_type="External", host_name="www.example.com", proto="https"),
    )
    client.put_bucket_website(oss2.models.BucketWebsite("index.html", "error.html", [rule]))
    got = client.get_bucket_website()
    assert (got.index_file, got.error_file, got.rules[0].condition.key_prefix_equals) == (
        "index.html",
        "error.html",
        "old/",
    )
    site = f"{live_server.endpoint}/{new_bucket}"
    assert send(f"{site}/").body == b"the index"
    missing = send(f"{site}/nothing")
    assert (missing.status, missing.body) == (404, b"the error")
    moved = send(f"{site}/old/a")
    assert (moved.status, moved.headers["location"]) == (301, "https://www.example.com/old/a")
    answer = v2.get_bucket_website(oss.GetBucketWebsiteRequest(bucket=new_bucket))
    assert answer.website_configuration.index_document.suffix == "index.html"
    v2.delete_bucket_website(oss.DeleteBucketWebsiteRequest(bucket=new_bucket))
    assert send(f"{site}/nothing").error["Code"] == "NoSuchKey"


def test_encryption_leaves_no_plain_text_on_the_disk(v2: Any, live_server: ServerProcess, new_bucket: str) -> None:
    client = an_oss2_bucket(live_server, new_bucket)
    client.put_bucket_encryption(oss2.models.ServerSideEncryptionRule(sse_algorithm="AES256"))
    assert client.get_bucket_encryption().sse_algorithm == "AES256"
    small, large = b"plain text of the small object", b"plain text of the large object, " * 10_000
    v2.put_object(oss.PutObjectRequest(bucket=new_bucket, key="small", body=small))
    result = v2.put_object(
        oss.PutObjectRequest(bucket=new_bucket, key="large", body=large, server_side_encryption="AES256")
    )
    assert result.headers["x-oss-server-side-encryption"] == "AES256"
    uploaded = v2.uploader(part_size=110_000).upload_from(
        oss.PutObjectRequest(bucket=new_bucket, key="parts"), io.BytesIO(large)
    )
    assert uploaded.upload_id
    for key, content in {"small": small, "large": large, "parts": large}.items():
        got = v2.get_object(oss.GetObjectRequest(bucket=new_bucket, key=key))
        assert (got.body.read(), got.headers["x-oss-server-side-encryption"]) == (content, "AES256")
    assert client.get_object("parts", byte_range=(109_990, 110_009)).read() == large[109_990:110_010]
    files = [path for path in live_server.data.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert b"plain text of the" not in path.read_bytes(), path
    client.delete_bucket_encryption()
    with pytest.raises(oss2.exceptions.NoSuchServerSideEncryptionRule):
        client.get_bucket_encryption()


def test_lifecycle_rules_come_back_and_are_carried_out(v2: Any, live_server: ServerProcess, new_bucket: str) -> None:
    client = an_oss2_bucket(live_server, new_bucket)
    date = datetime.date(2100, 1, 1)
    lifecycle = oss2.models.BucketLifecycle(
        [
            oss2.models.LifecycleRule(
                "old", "tmp/", expiration=oss2.models.LifecycleExpiration(created_before_date=date)
            ),
            oss2.models.LifecycleRule(
                "cold",
                "logs/",
                storage_transitions=[oss2.models.StorageTransition(days=30, storage_class="IA")],
                abort_multipart_upload=oss2.models.AbortMultipartUpload(days=3),
            ),
        ]
    )
    client.put_bucket_lifecycle(lifecycle)
    got = client.get_bucket_lifecycle()
    assert [(rule.id, rule.prefix, rule.status) for rule in got.rules] == [
        ("old", "tmp/", "Enabled"),
        ("cold", "logs/", "Enabled"),
    ]
    client.put_object("tmp/a", b"gone soon")
    client.put_object("logs/b", b"stays")
    assert client.head_object("tmp/a").headers["x-oss-expiration"].endswith('rule-id="old"')
    for option in ("--dry-run", "--now"):
        done = live_server.command("lifecycle", "run", "--json", option)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert {"bucket": new_bucket, "action": "expire", "key": "tmp/a", "rule": "old"} in lines
        assert client.object_exists("tmp/a") is (option == "--dry-run")
    assert client.object_exists("logs/b")
    answer = v2.get_bucket_lifecycle(oss.GetBucketLifecycleRequest(bucket=new_bucket))
    assert answer.lifecycle_configuration.rules[1].transitions[0].storage_class == "IA"
    client.delete_bucket_lifecycle()
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        client.get_bucket_lifecycle()
