"""What follows the clock of the server: links, STS, lifecycle, restore. Clients go by real time all the while."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import alibabacloud_oss_v2 as v2
import httpx
import oss2
import pytest

from coatcheck.testing import Oss

pytestmark = pytest.mark.live

DAY_S = 86_400


def test_links_of_both_sdks_end_when_the_clock_has_moved(oss: Oss) -> None:
    oss.bucket("photos").put("a", b"x")
    request = v2.GetObjectRequest(bucket="photos", key="a")
    links = [oss.oss2("photos").sign_url("GET", "a", 900), oss.v2().presign(request).url]  # of 15 minutes each
    assert [httpx.get(link).status_code for link in links] == [200, 200]
    oss.clock.move(minutes=14)
    assert [httpx.get(link).status_code for link in links] == [200, 200]
    oss.clock.move(hours=8)
    assert [httpx.get(link).status_code for link in links] == [403, 403]
    assert all("expired" in request.why for request in oss.requests.refused())
    oss.clock.move(hours=-8)
    assert [httpx.get(link).status_code for link in links] == [200, 200]


def test_sdks_need_not_follow(oss: Oss) -> None:
    bucket = oss.bucket("photos")
    for days in (1, -2, 400):
        oss.clock.move(days=days)
        oss.oss2(bucket).put_object("a", b"x")
        assert oss.v2().get_object(v2.GetObjectRequest(bucket="photos", key="a")).body.read() == b"x"
    assert oss.requests.refused() == []
    assert abs(oss.oss2(bucket).head_object("a").last_modified - (time.time() + 399 * DAY_S)) < 60


def test_a_frozen_clock_stands_still(oss: Oss) -> None:
    oss.clock.at("2027-01-31T00:00:00Z")
    assert oss.clock.freeze() == pytest.approx(datetime(2027, 1, 31, tzinfo=UTC).timestamp(), abs=60)
    stood = oss.clock.now()
    bucket = oss.bucket("photos")
    bucket.put("a", b"x")
    assert oss.oss2(bucket).head_object("a").last_modified == int(stood)
    assert oss.clock.now() == stood
    assert oss.clock.at(datetime(2027, 2, 1, tzinfo=UTC)) == 1801440000
    assert oss.clock.go_on() >= 1801440000


def test_lifecycle_rules_have_been_carried_out_when_the_clock_has_moved(oss: Oss) -> None:
    bucket = oss.bucket("photos")
    rule = oss2.models.LifecycleRule("logs", "logs/", expiration=oss2.models.LifecycleExpiration(days=7))
    oss.oss2(bucket).put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))
    bucket.put("logs/a", b"x")
    bucket.put("kept", b"x")
    oss.clock.move(days=6)
    assert [found.key for found in oss2.ObjectIterator(oss.oss2(bucket))] == ["kept", "logs/a"]
    oss.clock.move(days=3)
    assert [found.key for found in oss2.ObjectIterator(oss.oss2(bucket))] == ["kept"]
    listed = oss.v2().list_objects_v2(v2.ListObjectsV2Request(bucket="photos"))
    assert [found.key for found in listed.contents or []] == ["kept"]


def test_a_restored_object_is_archived_again_when_its_days_are_over(oss: Oss) -> None:
    bucket = oss.oss2(oss.bucket("photos"))
    bucket.put_object("a", b"x", headers={"x-oss-storage-class": "Archive"})
    bucket.restore_object("a")
    assert bucket.get_object("a").read() == b"x"
    oss.clock.move(days=2)
    with pytest.raises(oss2.exceptions.ServerError) as archived:
        bucket.get_object("a")
    assert archived.value.code == "InvalidObjectState"
    with pytest.raises(v2.exceptions.OperationError, match="InvalidObjectState"):
        oss.v2().get_object(v2.GetObjectRequest(bucket="photos", key="a"))


def test_a_session_ends(oss: Oss) -> None:
    oss.bucket("photos").put("a", b"x")
    role = oss.users.create_role(policy="AliyunOSSReadOnlyAccess")
    key = oss.assume(role, duration_s=3600)
    bucket, client = oss.oss2("photos", by=key), oss.v2(by=key)
    get = v2.GetObjectRequest(bucket="photos", key="a")
    assert (bucket.get_object("a").read(), client.get_object(get).body.read()) == (b"x", b"x")
    oss.clock.move(minutes=61)
    with pytest.raises(oss2.exceptions.ServerError) as ended:
        bucket.get_object("a")
    assert ended.value.code == "SecurityTokenExpired"
    with pytest.raises(v2.exceptions.OperationError, match="SecurityTokenExpired"):
        client.get_object(get)
