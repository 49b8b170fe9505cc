"""boto3, unmodified, on what a bucket says of itself: its documents, object lock, and a policy in AWS's language."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from ..server_process import ServerProcess
from .conftest import make_bucket
from .identities import an_account
from .test_s3_boto3 import a_client, code_of

pytest.importorskip("boto3")


@pytest.fixture(scope="module")
def client(live_server: ServerProcess) -> Any:
    return a_client(live_server)


def test_documents_of_a_bucket_come_back_as_they_were_put(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    rules = [
        {
            "ID": "old",
            "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}], "ObjectSizeGreaterThan": 5}},
            "Status": "Enabled",
            "Expiration": {"Days": 30},
            "Transitions": [{"Days": 9, "StorageClass": "GLACIER"}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
        },
        {
            "ID": "uploads",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert client.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"
    shown = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert shown["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    block = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    client.delete_public_access_block(Bucket=bucket)
    with pytest.raises(ClientError) as caught:
        client.get_bucket_ownership_controls(Bucket=bucket)
    assert code_of(caught) == (404, "OwnershipControlsNotFoundError")
    client.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Suspended"})
    assert client.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Suspended"
    assert client.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"


def test_a_policy_opens_what_it_says(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    client.put_object(Bucket=bucket, Key="open/k", Body=b"hello")
    client.put_object(Bucket=bucket, Key="k", Body=b"hello")
    statement = {
        "Sid": "open",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": f"arn:aws:s3:::{bucket}/open/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert client.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert client.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert requests.get(f"{live_server.endpoint}/{bucket}/open/k", timeout=30).text == "hello"
    assert requests.get(f"{live_server.endpoint}/{bucket}/k", timeout=30).status_code == 403
    client.delete_bucket_policy(Bucket=bucket)
    assert requests.get(f"{live_server.endpoint}/{bucket}/open/k", timeout=30).status_code == 403


def test_an_object_is_locked_and_let_go_of(client: Any) -> None:
    bucket = "locked-by-boto3"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    default = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    locked = {"ObjectLockEnabled": "Enabled", "Rule": default}
    client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=locked)
    assert client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == locked
    version = client.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    client.put_object_retention(Bucket=bucket, Key="k", Retention=retention)
    assert client.get_object_retention(Bucket=bucket, Key="k")["Retention"] == retention
    client.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"})
    assert client.head_object(Bucket=bucket, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    named = {"Bucket": bucket, "Key": "k", "VersionId": version}
    with pytest.raises(ClientError) as caught:
        client.delete_object(**named, BypassGovernanceRetention=True)
    assert code_of(caught) == (403, "AccessDenied")
    client.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "OFF"})
    with pytest.raises(ClientError) as caught:
        client.delete_object(**named)
    assert code_of(caught) == (403, "AccessDenied")
    client.delete_object(**named, BypassGovernanceRetention=True)
    client.delete_bucket(Bucket=bucket)


def test_acls_hold_for_other_accounts_and_come_back_as_they_were_put(client: Any, live_server: ServerProcess) -> None:
    bucket, other = make_bucket(live_server), an_account(live_server)
    theirs = a_client(live_server, keys=(other.access_key_id, other.access_key_secret))

    def refusal(read: Callable[..., Any], **more: str) -> tuple[int, str]:
        with pytest.raises(ClientError) as caught:
            read(Bucket=bucket, Key="k", **more)
        return code_of(caught)

    client.put_object(Bucket=bucket, Key="k", Body=b"mine")
    assert refusal(theirs.get_object) == (403, "AccessDenied")
    owner = client.get_object_acl(Bucket=bucket, Key="k")["Owner"]
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": other.uid, "DisplayName": other.uid}, "Permission": "READ"},
        {
            "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"},
            "Permission": "READ_ACP",
        },
    ]
    client.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy={"Owner": owner, "Grants": grants})
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"
    assert theirs.get_object_acl(Bucket=bucket, Key="k")["Grants"] == grants
    link = theirs.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert requests.get(link, timeout=30).content == b"mine"
    assert requests.get(f"{live_server.endpoint}/{bucket}/k", timeout=30).status_code == 403
    assert refusal(theirs.put_object_acl, ACL="public-read") == (403, "AccessDenied")
    assert refusal(client.put_object_acl, GrantRead='id="1234567890"') == (400, "InvalidArgument")
    client.put_bucket_acl(Bucket=bucket, GrantWrite=f'id="{other.uid}"', GrantFullControl=f'id="{owner["ID"]}"')
    theirs.put_object(Bucket=bucket, Key="given", Body=b"theirs", ACL="bucket-owner-full-control")
    assert theirs.get_object(Bucket=bucket, Key="given")["Body"].read() == b"theirs"
    assert client.get_object(Bucket=bucket, Key="given")["Body"].read() == b"theirs"
    begun = client.create_multipart_upload(Bucket=bucket, Key="parts", ACL="authenticated-read")
    named = {"Bucket": bucket, "Key": "parts", "UploadId": begun["UploadId"]}
    part = client.upload_part(**named, PartNumber=1, Body=b"x")
    client.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert theirs.get_object(Bucket=bucket, Key="parts")["Body"].read() == b"x"
    theirs.close()


def test_what_a_bucket_is_to_do_comes_back_too(client: Any, live_server: ServerProcess) -> None:
    source, target = make_bucket(live_server), make_bucket(live_server)
    for bucket in (source, target):
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    replication = {
        "Role": f"arn:aws:iam::{client.list_buckets()['Owner']['ID']}:root",
        "Rules": [
            {
                "ID": "all",
                "Priority": 1,
                "Filter": {"Prefix": "a/"},
                "Status": "Enabled",
                "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
                "DeleteMarkerReplication": {"Status": "Disabled"},
            }
        ],
    }
    client.put_bucket_replication(Bucket=source, ReplicationConfiguration=replication)
    assert client.get_bucket_replication(Bucket=source)["ReplicationConfiguration"] == replication
    client.delete_bucket_replication(Bucket=source)
    client.put_bucket_notification_configuration(Bucket=source, NotificationConfiguration={})
    rules = [{"ID": "one", "AllowedMethods": ["GET"], "AllowedOrigins": ["http://a"], "AllowedHeaders": ["*"]}]
    client.put_bucket_cors(Bucket=source, CORSConfiguration={"CORSRules": rules})
    assert client.get_bucket_cors(Bucket=source)["CORSRules"] == rules
    client.put_object(Bucket=source, Key="cold", Body=b"x", StorageClass="GLACIER", WebsiteRedirectLocation="/warm")
    client.restore_object(Bucket=source, Key="cold", RestoreRequest={"Days": 1})
    head = client.head_object(Bucket=source, Key="cold")
    assert (head["WebsiteRedirectLocation"], "ongoing-request" in head["Restore"]) == ("/warm", True)
