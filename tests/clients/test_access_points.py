"""Access points made by the official Python SDKs, and objects that go through one."""

from __future__ import annotations

import json
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..server_process import ServerProcess
from .conftest import Put
from .identities import a_user
from .raw import send
from .test_bucket_configurations import an_oss2_bucket
from .test_permissions import by_oss2, by_sdk_v2
from .test_sdk_v2 import a_client

NAME = "ap-live"


def an_allowance(resources: list[str], principal: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": ["oss:*"], "Principal": [principal], "Resource": resources, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


def test_a_user_reaches_objects_through_a_point_and_by_no_other_way(
    live_server: ServerProcess, bucket: str, put: Put
) -> None:
    put("in/a.txt", b"hello")
    put("out.txt", b"hidden")
    ours, user = a_client(live_server), a_user(live_server)
    configuration = oss.CreateAccessPointConfiguration(access_point_name=NAME, network_origin="internet")
    made = ours.create_access_point(
        oss.CreateAccessPointRequest(bucket=bucket, create_access_point_configuration=configuration)
    )
    alias, arn = made.alias, made.access_point_arn
    resources = [f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"]
    delegation = an_allowance(resources, "*", Condition={"StringEquals": {"oss:DataAccessPointArn": [arn]}})
    ours.put_bucket_policy(oss.PutBucketPolicyRequest(bucket=bucket, body=delegation))
    policy = an_allowance([f"{arn}/object/in/*"], user.uid)
    ours.put_access_point_policy(oss.PutAccessPointPolicyRequest(bucket=bucket, access_point_name=NAME, body=policy))
    shown = ours.get_access_point_policy(oss.GetAccessPointPolicyRequest(bucket=bucket, access_point_name=NAME))
    assert json.loads(shown.body) == json.loads(policy)

    theirs = by_sdk_v2(live_server, user)
    assert theirs.get_object(oss.GetObjectRequest(bucket=alias, key="in/a.txt")).body.read() == b"hello"
    assert theirs.put_object(oss.PutObjectRequest(bucket=alias, key="in/b.txt", body=b"new")).status_code == 200
    for place, key in ((alias, "out.txt"), (bucket, "in/a.txt")):
        with pytest.raises(oss.exceptions.OperationError, match="AccessDenied"):
            theirs.get_object(oss.GetObjectRequest(bucket=place, key=key))
    assert by_oss2(live_server, user, alias).get_object("in/b.txt").read() == b"new"
    link = user.presigner(live_server).presign("GET", alias, "in/a.txt").url
    assert send(link).body == b"hello"
    assert send(link.replace(alias, bucket)).status == 403

    with pytest.raises(oss2.exceptions.OssError) as refused:
        an_oss2_bucket(live_server, bucket).delete_bucket()
    assert refused.value.code == "BucketNotEmpty"
    ours.delete_access_point_policy(oss.DeleteAccessPointPolicyRequest(bucket=bucket, access_point_name=NAME))
    assert send(link).status == 403
    ours.delete_access_point(oss.DeleteAccessPointRequest(bucket=bucket, access_point_name=NAME))
    assert send(link).error["Code"] == "NoSuchBucket"


def test_points_are_listed_shown_and_blocked(live_server: ServerProcess, bucket: str) -> None:
    v1, v2 = an_oss2_bucket(live_server, bucket), a_client(live_server)
    vpc = oss2.models.AccessPointVpcConfiguration("vpc-a1")
    made = v1.create_access_point(oss2.models.CreateAccessPointRequest("ap-vpc", "vpc", vpc))
    got = v2.get_access_point(oss.GetAccessPointRequest(bucket=bucket, access_point_name="ap-vpc"))
    assert (got.alias, got.access_point_arn, got.network_origin) == (made.alias, made.access_point_arn, "vpc")
    assert (got.bucket, got.status, got.vpc_configuration.vpc_id) == (bucket, "enable", "vpc-a1")
    assert got.endpoints.public_endpoint.startswith(f"{made.alias}.oss-cn-hangzhou.")
    (listed,) = v1.list_bucket_access_points().access_points
    assert (listed.access_point_name, listed.alias, listed.bucket) == ("ap-vpc", made.alias, bucket)
    everywhere = v2.list_access_points(oss.ListAccessPointsRequest(max_keys=1000))
    assert made.alias in [point.alias for point in everywhere.access_points]

    named: dict[str, Any] = {"bucket": bucket, "access_point_name": "ap-vpc"}
    block = oss.PublicAccessBlockConfiguration(block_public_access=True)
    v2.put_access_point_public_access_block(
        oss.PutAccessPointPublicAccessBlockRequest(**named, public_access_block_configuration=block)
    )
    told = v2.get_access_point_public_access_block(oss.GetAccessPointPublicAccessBlockRequest(**named))
    assert told.public_access_block_configuration.block_public_access is True
    v2.delete_access_point_public_access_block(oss.DeleteAccessPointPublicAccessBlockRequest(**named))
    told = v2.get_access_point_public_access_block(oss.GetAccessPointPublicAccessBlockRequest(**named))
    assert told.public_access_block_configuration.block_public_access is False
    v1.delete_access_point("ap-vpc")
    assert v1.list_bucket_access_points().access_points == []
