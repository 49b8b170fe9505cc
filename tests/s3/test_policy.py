"""A bucket's policy, put in one dialect and in force in both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..oss.house import ANYBODY, STRANGER, House
from .asking import ask


@pytest.fixture
async def house() -> House:
    made = await House().with_bucket()
    await ask(made, "PUT", "/photos/a.txt", b"hello")
    return made


def a_policy(**members: Any) -> bytes:
    statement = {
        "Sid": "x",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STRANGER.account}:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::photos/*",
        **members,
    }
    return json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": [statement]}, indent=1).encode()


async def test_it_decides_for_both_and_comes_back_as_it_was_put(house: House) -> None:
    assert (await ask(house, "GET", "/photos?policy")).refusal == (404, "NoSuchBucketPolicy")
    assert (await ask(house, "GET", "/photos/a.txt", by=STRANGER)).status == 403
    text = a_policy(Resource=["arn:aws:s3:::photos/*", "arn:aws:s3:::photos/a:b", "arn:aws:s3:::pho*"])
    assert (await ask(house, "PUT", "/photos?policy", text)).status == 204
    assert (await ask(house, "GET", "/photos/a.txt", by=STRANGER)).status == 200
    assert (await house.ask("GET", "/photos/a.txt", by=STRANGER)).status == 200
    assert (await ask(house, "DELETE", "/photos/a.txt", by=STRANGER)).status == 403
    assert (await ask(house, "GET", "/photos?policy")).body == text
    by_oss = json.loads((await house.ask("GET", "/photos?policy")).body)
    assert by_oss["Statement"][0]["Action"] == ["oss:GetObject"]
    assert (await ask(house, "DELETE", "/photos?policy")).status == 204
    assert (await house.ask("GET", "/photos?policy")).refusal == (404, "NoSuchBucketPolicy")
    assert (await ask(house, "GET", "/photos/a.txt", by=STRANGER)).status == 403


async def test_one_that_oss_put_is_given_back_in_the_words_of_aws(house: House) -> None:
    await ask(house, "PUT", "/photos?policy", a_policy())
    statement = {
        "Effect": "Allow",
        "Action": ["oss:GetObject"],
        "Principal": ["*"],
        "Resource": ["acs:oss:*:*:photos/*"],
    }
    document = {"Version": "1", "Statement": [statement]}
    assert (await house.ask("PUT", "/photos?policy", json.dumps(document).encode())).status == 200
    shown = json.loads((await ask(house, "GET", "/photos?policy")).body)
    assert shown["Statement"] == [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::photos/*"]}
    ]
    statement["Action"] = ["oss:PutBucketReferer"]
    assert (await house.ask("PUT", "/photos?policy", json.dumps(document).encode())).status == 200
    refused = await ask(house, "GET", "/photos?policy")
    assert refused.refusal == (501, "NotImplemented")
    assert "oss:PutBucketReferer" in (refused.text("Message") or "")


async def test_a_condition_holds_for_requests_of_s3(house: House) -> None:
    condition = {"StringLike": {"s3:prefix": "a*"}}
    allowed = a_policy(Action="s3:ListBucket", Resource="arn:aws:s3:::photos", Condition=condition)
    assert (await ask(house, "PUT", "/photos?policy", allowed)).status == 204
    assert (await ask(house, "GET", "/photos?list-type=2&prefix=a", by=STRANGER)).status == 200
    assert (await ask(house, "GET", "/photos?list-type=2&prefix=b", by=STRANGER)).status == 403
    acl = {"StringEquals": {"s3:x-amz-acl": "public-read"}}
    denied = a_policy(Effect="Deny", Principal="*", Action="s3:PutObject", Condition=acl)
    assert (await ask(house, "PUT", "/photos?policy", denied)).status == 204
    opened = {"x-amz-acl": "public-read"}
    assert (await ask(house, "PUT", "/photos/b", b"", opened)).refusal == (403, "AccessDenied")
    assert (await ask(house, "POST", "/photos/b?uploads", b"", opened)).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", "/photos/b", b"")).status == 200


async def test_a_public_one_is_said_to_be_so_and_can_be_blocked(house: House) -> None:
    public = a_policy(Principal="*")
    assert (await ask(house, "PUT", "/photos?policy", public)).status == 204
    assert (await ask(house, "GET", "/photos?policyStatus")).text("{*}IsPublic") == "true"
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200
    restrict = "<PublicAccessBlockConfiguration><{0}>true</{0}></PublicAccessBlockConfiguration>"
    await ask(house, "PUT", "/photos?publicAccessBlock", restrict.format("RestrictPublicBuckets").encode())
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 403
    await ask(house, "PUT", "/photos?publicAccessBlock", restrict.format("BlockPublicPolicy").encode())
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200
    assert (await ask(house, "PUT", "/photos?policy", public)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"{}",
        b" " * 30_000,
        a_policy(Resource="arn:aws:s3:::others/*"),
        a_policy(Condition={"StringEquals": {"aws:Referer": "x"}}),
        a_policy(Action="s3:Dance"),
        json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "*"}]}).encode(),
    ],
)
async def test_one_that_is_none_changes_nothing(house: House, text: bytes) -> None:
    await ask(house, "PUT", "/photos?policy", a_policy())
    assert (await ask(house, "PUT", "/photos?policy", text)).refusal == (400, "MalformedPolicy")
    assert (await ask(house, "GET", "/photos?policy")).body == a_policy()
