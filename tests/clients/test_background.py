"""Inventories and replication by OSS's own Python SDK: set up by it, done by the server, read by it."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..background.test_acting import a_policy, a_trust
from ..patience import wait_until
from ..server_process import ServerProcess
from .conftest import make_bucket
from .test_oss2 import an_auth
from .test_sdk_v2 import a_client


def a_role(server: ServerProcess, directory: Path, bucket: str) -> str:
    """A role that the service may assume, and that may write to the bucket: its ARN."""
    trust, policy = directory / "trust.json", directory / "policy.json"
    trust.write_text(a_trust(Service=["oss.aliyuncs.com"]))
    policy.write_text(a_policy("oss:PutObject", f"acs:oss:*:*:{bucket}/*"))
    made = server.command("role", "create", "lister", "--trust", str(trust), "--json")
    assert made.returncode == 0, made.stderr
    for words in (("policy", "create", "lists", str(policy)), ("policy", "attach", "lists", "--role", "lister")):
        done = server.command(*words)
        assert done.returncode == 0, done.stderr
    return str(json.loads(made.stdout)["arn"])


def an_inventory(arn: str, target: str) -> Any:
    destination = oss.InventoryOSSBucketDestination(
        format="CSV", account_id=arn.split(":")[3], role_arn=arn, bucket=f"acs:oss:::{target}", prefix="lists"
    )
    return oss.InventoryConfiguration(
        id="once",
        is_enabled=True,
        destination=oss.InventoryDestination(oss_bucket_destination=destination),
        schedule=oss.InventorySchedule(frequency="Once"),
        filter=oss.InventoryFilter(prefix="in/"),
        included_object_versions="Current",
        optional_fields=oss.OptionalFields(fields=["Size", "ETag"]),
    )


def test_a_list_is_written_once_and_read(live_server: ServerProcess, tmp_path: Path) -> None:
    client = a_client(live_server)
    source, target = make_bucket(live_server), make_bucket(live_server)
    for key in ("in/a b", "in/c", "out/d"):
        client.put_object(oss.PutObjectRequest(bucket=source, key=key, body=b"hello"))
    made = an_inventory(a_role(live_server, tmp_path, target), target)
    client.put_bucket_inventory(
        oss.PutBucketInventoryRequest(bucket=source, inventory_id="once", inventory_configuration=made)
    )

    def keys() -> list[str]:
        listed = client.list_objects_v2(oss.ListObjectsV2Request(bucket=target)).contents or []
        return [each.key for each in listed]

    def read(key: str) -> bytes:
        content: bytes = client.get_object(oss.GetObjectRequest(bucket=target, key=key)).body.content
        return content

    wait_until(lambda: any(key.endswith("manifest.checksum") for key in keys()), live_server.log.read_text)
    manifest = json.loads(read(next(key for key in keys() if key.endswith("manifest.json"))))
    (file,) = manifest["files"]
    assert file["key"].startswith(f"lists/{source}/once/data/")
    rows = list(csv.reader(io.StringIO(gzip.decompress(read(file["key"])).decode())))
    assert rows == [
        [source, "in%2Fa%20b", "5", "5D41402ABC4B2A76B9719D911017C592"],
        [source, "in%2Fc", "5", "5D41402ABC4B2A76B9719D911017C592"],
    ]


def test_objects_follow_to_another_bucket(live_server: ServerProcess) -> None:
    client = a_client(live_server)
    source, target = make_bucket(live_server), make_bucket(live_server)
    client.put_object(oss.PutObjectRequest(bucket=source, key="in/before", body=b"before"))
    rule = oss.ReplicationRule(
        prefix_set=oss.ReplicationPrefixSet(prefixs=["in/"]),
        action="ALL",
        destination=oss.ReplicationDestination(bucket=target, location="oss-cn-hangzhou", transfer_type="internal"),
        historical_object_replication="enabled",
    )
    put = client.put_bucket_replication(
        oss.PutBucketReplicationRequest(
            bucket=source, replication_configuration=oss.ReplicationConfiguration(rules=[rule])
        )
    )
    rule_id = put.headers["x-oss-replication-rule-id"]
    client.put_object(oss.PutObjectRequest(bucket=source, key="in/new", body=b"new", tagging="k=v"))
    client.put_object(oss.PutObjectRequest(bucket=source, key="out/new", body=b"new"))

    def keys() -> list[str]:
        listed = client.list_objects_v2(oss.ListObjectsV2Request(bucket=target)).contents or []
        return [each.key for each in listed]

    wait_until(lambda: keys() == ["in/before", "in/new"], live_server.log.read_text)
    assert client.get_object(oss.GetObjectRequest(bucket=target, key="in/new")).body.content == b"new"
    client.delete_object(oss.DeleteObjectRequest(bucket=source, key="in/before"))
    wait_until(lambda: keys() == ["in/new"], live_server.log.read_text)
    got = client.get_bucket_replication(oss.GetBucketReplicationRequest(bucket=source)).replication_configuration
    assert [(each.id, each.status, each.destination.bucket) for each in got.rules] == [(rule_id, "doing", target)]
    progress = client.get_bucket_replication_progress(
        oss.GetBucketReplicationProgressRequest(bucket=source, rule_id=rule_id)
    )
    assert progress.replication_progress.rules[0].progress.historical_object == "1.00"
    assert (
        client.get_bucket_replication_location(oss.GetBucketReplicationLocationRequest(bucket=source)).status_code
        == 200
    )
    client.put_bucket_rtc(
        oss.PutBucketRtcRequest(
            bucket=source,
            rtc_configuration=oss.RtcConfiguration(rtc=oss.ReplicationTimeControl(status="enabled"), id=rule_id),
        )
    )
    client.delete_bucket_replication(
        oss.DeleteBucketReplicationRequest(bucket=source, replication_rules=oss.ReplicationRules(ids=[rule_id]))
    )


@pytest.fixture(scope="module")
def fetching_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that may fetch from this machine."""
    server = ServerProcess(tmp_path_factory.mktemp("fetching") / "data", "--callback-network", "127.0.0.0/8")
    yield server
    server.stop()


def test_another_server_s_object_is_fetched(fetching_server: ServerProcess) -> None:
    """By oss2, whose newer sibling has no call for it: from this server itself, by a link."""
    bucket = make_bucket(fetching_server)
    client = oss2.Bucket(an_auth("v4"), fetching_server.endpoint, bucket, region="cn-hangzhou")
    client.put_object("from here", b"hello", headers={"Content-Type": "text/plain"})
    link = client.sign_url("GET", "from here", 3600)
    digest = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    task = oss2.models.AsyncFetchTaskConfiguration(link, "to here", content_md5=digest)
    task_id = client.put_async_fetch_task(task).task_id
    wait_until(lambda: client.get_async_fetch_task(task_id).task_state != "Running")
    done = client.get_async_fetch_task(task_id)
    assert (done.task_state, done.error_msg) == ("Success", "")
    assert (done.task_config.url, done.task_config.object_name) == (link, "to here")
    got = client.get_object("to here")
    assert (got.read(), got.headers["Content-Type"]) == (b"hello", "text/plain")


def a_mirror(url: str) -> Any:
    condition = oss.RoutingRuleCondition(http_error_code_returned_equals=404, key_prefix_equals="")
    redirect = oss.RoutingRuleRedirect(redirect_type="Mirror", mirror_url=url, mirror_follow_redirect=True)
    rule = oss.RoutingRule(rule_number=1, condition=condition, redirect=redirect)
    return oss.WebsiteConfiguration(routing_rules=oss.RoutingRules(routing_rules=[rule]))


def test_a_missing_object_is_mirrored_from_another_bucket(fetching_server: ServerProcess) -> None:
    """By both workers at once; and a bucket that mirrors itself answers, too."""
    client = a_client(fetching_server)
    source, target = make_bucket(fetching_server), make_bucket(fetching_server)
    content = bytes(range(256)) * 10_000
    client.put_bucket_acl(oss.PutBucketAclRequest(bucket=source, acl="public-read"))
    client.put_object(oss.PutObjectRequest(bucket=source, key="a b", body=content, content_type="image/png"))
    mirror = a_mirror(f"{fetching_server.endpoint}/{source}/")
    client.put_bucket_website(oss.PutBucketWebsiteRequest(bucket=target, website_configuration=mirror))
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda _: client.get_object(oss.GetObjectRequest(bucket=target, key="a b")), range(6)))
    assert [(answer.body.content == content, answer.content_type) for answer in got] == [(True, "image/png")] * 6
    assert client.head_object(oss.HeadObjectRequest(bucket=target, key="a b")).content_length == len(content)
    with pytest.raises(oss.exceptions.OperationError) as missing:
        client.get_object(oss.GetObjectRequest(bucket=target, key="c"))
    assert "NoSuchKey" in str(missing.value)
    client.put_bucket_acl(oss.PutBucketAclRequest(bucket=target, acl="public-read"))
    mirror = a_mirror(f"{fetching_server.endpoint}/{target}/")
    client.put_bucket_website(oss.PutBucketWebsiteRequest(bucket=target, website_configuration=mirror))
    with pytest.raises(oss.exceptions.OperationError) as round_:
        client.get_object(oss.GetObjectRequest(bucket=target, key="c"))
    assert "MirrorFailed" in str(round_.value)
