"""Bucket policies and the public access block, set and felt through the official Python SDKs, across accounts."""

from __future__ import annotations

import json
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION
from ..server_process import ServerProcess
from .conftest import Put
from .identities import Signer, a_policy, a_user, an_account
from .raw import send

OWNER = Signer("owner", "", ACCESS_KEY_ID, ACCESS_KEY_SECRET)


def by_oss2(server: ServerProcess, signer: Signer, bucket: str) -> Any:
    auth = oss2.AuthV4(signer.access_key_id, signer.access_key_secret)
    return oss2.Bucket(auth, server.endpoint, bucket, region=REGION, is_path_style=True)


def by_sdk_v2(server: ServerProcess, signer: Signer) -> Any:
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        signer.access_key_id, signer.access_key_secret
    )
    config.region, config.endpoint, config.use_path_style, config.retry_max_attempts = REGION, server.endpoint, True, 1
    return oss.Client(config)


def a_bucket_policy(bucket: str, principal: str, action: str = "oss:GetObject") -> str:
    statement = {
        "Effect": "Allow",
        "Action": [action],
        "Principal": [principal],
        "Resource": [f"acs:oss:*:*:{bucket}/*"],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def test_another_account_reads_what_the_bucket_policy_gives_it(
    live_server: ServerProcess, bucket: str, put: Put
) -> None:
    put("shared", b"hello")
    stranger = an_account(live_server)
    theirs, ours = by_oss2(live_server, stranger, bucket), by_oss2(live_server, OWNER, bucket)
    with pytest.raises(oss2.exceptions.AccessDenied):
        theirs.get_object("shared")
    policy = a_bucket_policy(bucket, stranger.uid)
    assert ours.put_bucket_policy(policy).status == 200
    assert json.loads(ours.get_bucket_policy().policy) == json.loads(policy)
    assert theirs.get_object("shared").read() == b"hello"
    link = stranger.presigner(live_server).presign("GET", bucket, "shared").url
    assert send(link).body == b"hello"
    assert ours.delete_bucket_policy().status == 204
    assert send(link).error["Code"] == "AccessDenied"
    with pytest.raises(oss2.exceptions.NoSuchBucketPolicy):
        ours.get_bucket_policy()


def test_the_newer_sdk_sets_policies_and_blocks_public_access(
    live_server: ServerProcess, bucket: str, put: Put
) -> None:
    put("open", b"hello")
    client = by_sdk_v2(live_server, OWNER)
    place = f"{live_server.endpoint}/{bucket}/open"
    body = a_bucket_policy(bucket, "*").encode()
    assert client.put_bucket_policy(oss.PutBucketPolicyRequest(bucket=bucket, body=body)).status_code == 200
    status = client.get_bucket_policy_status(oss.GetBucketPolicyStatusRequest(bucket=bucket))
    assert status.policy_status.is_public is True
    assert send(place).body == b"hello"
    block = oss.PublicAccessBlockConfiguration(block_public_access=True)
    client.put_bucket_public_access_block(
        oss.PutBucketPublicAccessBlockRequest(bucket=bucket, public_access_block_configuration=block)
    )
    told = client.get_bucket_public_access_block(oss.GetBucketPublicAccessBlockRequest(bucket=bucket))
    assert told.public_access_block_configuration.block_public_access is True
    assert send(place).status == 403
    with pytest.raises(oss.exceptions.OperationError, match="AccessDenied"):
        client.put_bucket_acl(oss.PutBucketAclRequest(bucket=bucket, acl="public-read"))
    client.delete_bucket_public_access_block(oss.DeleteBucketPublicAccessBlockRequest(bucket=bucket))
    assert send(place).body == b"hello"
    client.delete_bucket_policy(oss.DeleteBucketPolicyRequest(bucket=bucket))
    assert send(place).status == 403


def test_a_user_sees_what_its_policy_lists(live_server: ServerProcess, bucket: str, put: Put) -> None:
    for key in ("mine/1", "mine/2", "others/1"):
        put(key, b"x")
    name = a_policy(
        live_server,
        {
            "Version": "1",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "oss:ListObjects",
                    "Resource": f"acs:oss:*:*:{bucket}",
                    "Condition": {"StringLike": {"oss:Prefix": "mine/*"}},
                },
                {"Effect": "Allow", "Action": "oss:*Object", "Resource": f"acs:oss:*:*:{bucket}/mine/*"},
            ],
        },
    )
    theirs = by_oss2(live_server, a_user(live_server, name), bucket)
    assert [one.key for one in oss2.ObjectIterator(theirs, prefix="mine/")] == ["mine/1", "mine/2"]
    assert theirs.batch_delete_objects(["mine/1", "mine/2"]).deleted_keys == ["mine/1", "mine/2"]
    assert theirs.put_object("mine/3", b"y").status == 200
    attempts: list[tuple[str, list[Any]]] = [
        ("list_objects", []),
        ("list_objects", ["others/"]),
        ("get_object", ["others/1"]),
        ("get_object", ["missing"]),
        ("batch_delete_objects", [["mine/3", "others/1"]]),
    ]
    for name, arguments in attempts:
        with pytest.raises(oss2.exceptions.AccessDenied):
            getattr(theirs, name)(*arguments)
    assert theirs.get_object("mine/3").read() == b"y"
