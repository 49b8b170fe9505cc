"""Official SDKs over WORM: policies of buckets, retention and holds of versions; and a server that starts late."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .conftest import make_bucket
from .test_sdk_v2 import a_client, the_error

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the SDK never closes its connections
DAY_S = 24 * 3600


@pytest.fixture
def client(live_server: ServerProcess) -> Any:
    return a_client(live_server, "v4")


def iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def refused(call: Any, request: Any) -> tuple[int, str]:
    error = the_error(call, request)
    return error.status_code, error.code


def a_versioned_bucket(client: Any, server: ServerProcess, **rule: Any) -> str:
    bucket = make_bucket(server)
    enabled = oss.VersioningConfiguration(status="Enabled")
    client.put_bucket_versioning(oss.PutBucketVersioningRequest(bucket=bucket, versioning_configuration=enabled))
    default = oss.models.ObjectWormConfigurationRule(
        default_retention=oss.models.ObjectWormConfigurationRuleDefaultRetention(**rule)
    )
    worm = oss.models.ObjectWormConfiguration(object_worm_enabled="Enabled", rule=default if rule else None)
    client.put_bucket_object_worm_configuration(
        oss.models.PutBucketObjectWormConfigurationRequest(bucket=bucket, object_worm_configuration=worm)
    )
    return bucket


def test_a_policy_of_a_bucket(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    days = oss.InitiateWormConfiguration(retention_period_in_days=1)
    begun = client.initiate_bucket_worm(oss.InitiateBucketWormRequest(bucket=bucket, initiate_worm_configuration=days))
    assert begun.worm_id
    client.complete_bucket_worm(oss.CompleteBucketWormRequest(bucket=bucket, worm_id=begun.worm_id))
    longer = oss.ExtendWormConfiguration(retention_period_in_days=2)
    client.extend_bucket_worm(
        oss.ExtendBucketWormRequest(bucket=bucket, worm_id=begun.worm_id, extend_worm_configuration=longer)
    )
    shown = client.get_bucket_worm(oss.GetBucketWormRequest(bucket=bucket)).worm_configuration
    assert (shown.worm_id, shown.state, shown.retention_period_in_days) == (begun.worm_id, "Locked", 2)
    assert refused(client.abort_bucket_worm, oss.AbortBucketWormRequest(bucket=bucket)) == (
        403,
        "WORMConfigurationLocked",
    )
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="a", body=b"hello"))
    for call, request in (
        (client.put_object, oss.PutObjectRequest(bucket=bucket, key="a", body=b"other")),
        (client.delete_object, oss.DeleteObjectRequest(bucket=bucket, key="a")),
    ):
        assert refused(call, request) == (409, "FileImmutable")
    objects = [oss.DeleteObject(key="a"), oss.DeleteObject(key="b")]
    gone = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(bucket=bucket, objects=objects))
    assert [one.key for one in gone.deleted_objects] == ["b"]


def test_oss2_begins_shows_and_drops_a_policy(live_server: ServerProcess) -> None:
    auth = oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, live_server.endpoint, make_bucket(live_server), is_path_style=True)
    worm_id = bucket.init_bucket_worm(1).worm_id
    shown = bucket.get_bucket_worm()
    assert (shown.worm_id, shown.state, shown.retention_period_days) == (worm_id, "InProgress", 1)
    bucket.abort_bucket_worm()
    with pytest.raises(oss2.exceptions.ServerError) as refusal:
        bucket.get_bucket_worm()
    assert (refusal.value.status, refusal.value.code) == (404, "NoSuchWORMConfiguration")


def test_retention_and_holds_of_versions(client: Any, live_server: ServerProcess) -> None:
    bucket, until = a_versioned_bucket(client, live_server), iso(time.time() + DAY_S)
    kept = client.get_bucket_object_worm_configuration(
        oss.models.GetBucketObjectWormConfigurationRequest(bucket=bucket)
    )
    assert kept.object_worm_configuration.object_worm_enabled == "Enabled"
    version_id = client.put_object(oss.PutObjectRequest(bucket=bucket, key="a", body=b"hello")).version_id
    of = {"bucket": bucket, "key": "a", "version_id": version_id}
    governed = oss.models.Retention(mode="GOVERNANCE", retain_until_date=until)
    client.put_object_retention(oss.models.PutObjectRetentionRequest(**of, retention=governed))
    client.put_object_legal_hold(
        oss.models.PutObjectLegalHoldRequest(**of, legal_hold=oss.models.LegalHold(status="ON"))
    )
    shown = client.get_object_retention(oss.models.GetObjectRetentionRequest(**of)).retention
    assert (shown.mode, shown.retain_until_date) == ("GOVERNANCE", until)
    assert client.get_object_legal_hold(oss.models.GetObjectLegalHoldRequest(**of)).legal_hold.status == "ON"
    for found in (
        client.head_object(oss.HeadObjectRequest(**of)),
        client.get_object(oss.GetObjectRequest(**of)),
    ):
        assert (found.object_worm_mode, found.object_worm_retain_until_date, found.object_worm_legal_hold) == (
            "GOVERNANCE",
            until,
            "ON",
        )
    bypassing = oss.DeleteObjectRequest(**of, bypass_governance_retention=True)
    assert refused(client.delete_object, bypassing) == (409, "FileImmutable")
    client.put_object_legal_hold(
        oss.models.PutObjectLegalHoldRequest(**of, legal_hold=oss.models.LegalHold(status="OFF"))
    )
    assert refused(client.delete_object, oss.DeleteObjectRequest(**of)) == (409, "FileImmutable")
    client.delete_object(bypassing)
    assert refused(client.head_object, oss.HeadObjectRequest(**of))[0] == 404


def test_writes_that_bring_a_retention_and_a_default(client: Any, live_server: ServerProcess) -> None:
    bucket, until = a_versioned_bucket(client, live_server, mode="COMPLIANCE", days=1), iso(time.time() + 3 * DAY_S)
    given = {
        "object_worm_mode": "COMPLIANCE",
        "object_worm_retain_until_date": until,
        "object_worm_legal_hold": "ON",
    }
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="put", body=b"hello", **given))
    client.copy_object(oss.CopyObjectRequest(bucket=bucket, key="copy", source_key="put", **given))
    begun = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket=bucket, key="upload", **given))
    part = {"bucket": bucket, "key": "upload", "upload_id": begun.upload_id}
    client.upload_part(oss.UploadPartRequest(**part, part_number=1, body=b"hello"))
    client.complete_multipart_upload(oss.CompleteMultipartUploadRequest(**part, complete_all="yes"))
    for key in ("put", "copy", "upload"):
        found = client.head_object(oss.HeadObjectRequest(bucket=bucket, key=key))
        assert (found.object_worm_mode, found.object_worm_retain_until_date) == ("COMPLIANCE", until)
        assert found.object_worm_legal_hold == "ON"
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="default", body=b"hello"))
    found = client.head_object(oss.HeadObjectRequest(bucket=bucket, key="default"))
    assert found.object_worm_mode == "COMPLIANCE"
    assert iso(time.time()) < found.object_worm_retain_until_date <= iso(time.time() + DAY_S)


# --- a server that starts long after its newest commit ---------------------------------------------------------------


@pytest.fixture
def late(tmp_path: Path) -> Path:
    """The directory of a server that ended ten days ago, with a bucket whose locked policy of two days covers `a`."""
    data = tmp_path / "data"
    server = ServerProcess(data)
    client = a_client(server, "v4")
    client.put_bucket(oss.PutBucketRequest(bucket="waxed"))
    days = oss.InitiateWormConfiguration(retention_period_in_days=2)
    begun = client.initiate_bucket_worm(oss.InitiateBucketWormRequest(bucket="waxed", initiate_worm_configuration=days))
    client.complete_bucket_worm(oss.CompleteBucketWormRequest(bucket="waxed", worm_id=begun.worm_id))
    client.put_object(oss.PutObjectRequest(bucket="waxed", key="a", body=b"hello"))
    server.stop()
    then = int(time.time()) - 10 * DAY_S
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE noted_time SET moment = ?", (then,))
        connection.execute("UPDATE object SET last_modified = ?", (then,))
    return data


def test_a_late_start_ends_no_retention_until_its_clock_is_accepted(late: Path) -> None:
    request = oss.DeleteObjectRequest(bucket="waxed", key="a")
    for _ in range(2):
        server = ServerProcess(late)
        try:
            assert refused(a_client(server, "v4").delete_object, request) == (409, "FileImmutable")
            server.stop()
        finally:
            server.kill()
    assert server.log.read_text().count("start once with --accept-clock") == 2
    server = ServerProcess(late, "--accept-clock")
    try:
        assert a_client(server, "v4").delete_object(request).status_code == 204
        server.stop()
    finally:
        server.kill()
