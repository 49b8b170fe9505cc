"""Policies in AWS's language: what they become, and what is refused since it could not be said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.access.aws_actions import S3_ACTIONS
from coatcheck.access.aws_policy import from_aws, to_aws
from coatcheck.access.policy import Kind, PolicyFault, read_policy


def a_policy(**members: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::photos/*",
        **members,
    }
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def translated(kind: Kind = Kind.BUCKET, **members: Any) -> dict[str, Any]:
    document = json.loads(from_aws(a_policy(**members), kind))
    assert document["Version"] == "1"
    (statement,) = document["Statement"]
    assert isinstance(statement, dict)
    return statement


def test_a_policy_of_aws_becomes_one_of_ram() -> None:
    statement = translated(
        Sid="who and what",
        Principal={"AWS": ["arn:aws:iam::1000000000000001:user/ann", "arn:aws:iam::1000000000000002:root", "123"]},
        Action=["s3:GetObject", "s3:ListBucket"],
        Resource=["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
        Condition={
            "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
            "Bool": {"aws:SecureTransport": True},
            "StringLike": {"s3:prefix": ["a/*", ""]},
        },
    )
    assert statement == {
        "Effect": "Allow",
        "Principal": ["acs:ram::1000000000000001:user/ann", "acs:ram::1000000000000002:root", "123"],
        "Action": ["oss:GetObject", "oss:ListObjects"],
        "Resource": ["acs:oss:*:*:photos", "acs:oss:*:*:photos/*"],
        "Condition": {
            "IpAddress": {"acs:SourceIp": ["192.0.2.0/24"]},
            "Bool": {"acs:SecureTransport": ["true"]},
            "StringLike": {"oss:Prefix": ["a/*", ""]},
        },
    }


def test_a_policy_of_a_user_has_no_principal() -> None:
    assert "Principal" not in translated(Kind.IDENTITY, Principal=None)
    with pytest.raises(PolicyFault, match=r"Statement\[0\].Principal"):
        translated(Kind.IDENTITY)
    with pytest.raises(PolicyFault, match="Principal is missing"):
        translated(Kind.BUCKET, Principal=None)


@pytest.mark.parametrize(
    ("action", "means"),
    [
        ("s3:*", ["oss:*"]),
        ("*", ["*"]),
        ("S3:getobject", ["oss:GetObject"]),
        ("s3:PutLifecycleConfiguration", ["oss:PutBucketLifecycle", "oss:DeleteBucketLifecycle"]),
        (
            "s3:List*",
            [
                "oss:ListBuckets",
                "oss:ListObjects",
                "oss:ListMultipartUploads",
                "oss:ListObjectVersions",
                "oss:ListParts",
            ],
        ),
        ("s3:GetObjectV*n", ["oss:GetObjectVersion"]),
    ],
)
def test_actions_of_s3_mean_those_of_oss(action: str, means: list[str]) -> None:
    assert sorted(translated(Action=action)["Action"]) == sorted(means)


def test_a_pattern_allows_what_s3_has_and_denies_what_oss_has_besides() -> None:
    """s3:Put* gives no right to make buckets, which S3 calls CreateBucket, nor to what only OSS can ask for."""
    allowed = translated(Action="s3:Put*")["Action"]
    assert "oss:PutBucket" not in allowed
    assert "oss:PutBucketReferer" not in allowed
    assert "oss:PutBucketReferer" in translated(Effect="Deny", Action="s3:Put*")["Action"]
    assert "oss:PutBucketReferer" in translated(Action=None, NotAction="s3:Put*")["NotAction"]
    assert "oss:PutBucketReferer" not in translated(Effect="Deny", Action=None, NotAction="s3:Put*")["NotAction"]


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"Action": "s3:GetObjectTorrent"}, r"Action: there is no counterpart of the action s3:GetObjectTorrent"),
        ({"Action": "admin:*"}, r"Action"),
        ({"Action": []}, r"Action: is empty"),
        ({"Action": [1]}, r"Action\[0\]: must be a text"),
        ({"NotPrincipal": {"AWS": "1"}}, r"NotPrincipal"),
        ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, r"Principal.Service"),
        ({"Principal": {"Federated": "x"}}, r"Principal.Federated"),
        ({"Principal": {}}, r"AWS is missing"),
        ({"Principal": {"AWS": "arn:aws:iam:::user/x"}}, r"Principal.AWS"),
        ({"Principal": "1"}, r"Principal"),
        ({"Resource": "photos/*"}, r"Resource"),
        ({"Resource": "arn:aws:sqs:::photos"}, r"Resource"),
        ({"Resource": "arn:aws:s3:::photos/${aws:username}/*"}, r"Resource: variables"),
        ({"Resource": None}, r"Resource"),
        ({"Effect": "allow"}, r"Effect"),
        ({"Condition": {"StringEquals": {"aws:Referer": "x"}}}, r"aws:Referer has no counterpart"),
        ({"Condition": {"StringEquals": {"s3:ExistingObjectTag": "x"}}}, r"no counterpart"),
        ({"Condition": {"StringEquals": {"jwt:sub": "x"}}}, r"no counterpart"),
        ({"Condition": {"Null": {"aws:SourceIp": "true"}}}, r"operator Null"),
        ({"Condition": {"ForAnyValue:StringEquals": {"s3:prefix": "x"}}}, r"operator ForAnyValue"),
        ({"Condition": {"StringEqualsIfExists": {"s3:prefix": "x"}}}, r"IfExists"),
        ({"Condition": {"StringLike": {"s3:prefix": "${aws:username}/*"}}}, r"variables"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "nowhere"}}}, r"Condition"),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/r"}}}, r"no counterpart"),
        (
            {
                "Condition": {
                    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:user/a"},
                    "StringLike": {"aws:principalarn": "arn:aws:iam::1:user/b"},
                }
            },
            r"given twice",
        ),
        ({"Condition": {"IpAddress": {}}}, r"Condition.IpAddress"),
        ({"Condition": []}, r"Condition"),
        ({"Wish": 1}, r"Wish"),
    ],
)
def test_what_has_no_counterpart_is_refused_with_its_place(members: dict[str, Any], place: str) -> None:
    with pytest.raises(PolicyFault, match=place):
        from_aws(a_policy(**members), Kind.BUCKET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"Version":"1","Statement":[]}',
        '{"Statement":[]}',
        '{"Statement":1}',
        '{"Statement":{"Effect":"Allow","Effect":"Deny"}}',
        "[" * 100_000,
        '{"Statement":' + " " * 30_000 + "[]}",
        json.dumps({"Statement": [json.loads(a_policy())["Statement"][0]] * 129}),
    ],
)
def test_a_text_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyFault):
        from_aws(text, Kind.BUCKET)


def test_a_canned_acl_is_compared_as_what_it_is_here() -> None:
    wanted = {"StringEquals": {"s3:x-amz-acl": ["bucket-owner-full-control", "public-read"]}}
    assert translated(Condition=wanted)["Condition"] == {"StringEquals": {"oss:x-oss-acl": ["private", "public-read"]}}


def test_a_user_is_meant_by_the_name_that_it_has_here() -> None:
    meant = {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::1:user/a*"}}
    assert translated(Condition=meant)["Condition"] == {"StringNotLike": {"acs:PrincipalArn": ["acs:ram::1:user/a*"]}}


@given(
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "NotAction"]),
    st.lists(st.sampled_from([*S3_ACTIONS, "s3:*"]), min_size=1, max_size=5),
    st.sampled_from(["*", {"AWS": ["1", "arn:aws:iam::1:user/n", "arn:aws:sts::1:assumed-role/r/s"]}]),
)
def test_what_has_been_translated_comes_back(effect: str, name: str, actions: list[str], principal: Any) -> None:
    condition = {"StringEquals": {"s3:ExistingObjectTag/a": ["b"]}, "NotIpAddress": {"aws:SourceIp": ["192.0.2.1"]}}
    given_members = {"Effect": effect, "Principal": principal, "Action": None, name: actions, "Condition": condition}
    once = from_aws(a_policy(**given_members), Kind.BUCKET)
    back = json.loads(to_aws(once))["Statement"][0]
    wanted = ["s3:*"] if "s3:*" in actions else sorted(set(actions))
    assert sorted(back[name]) == wanted
    assert (back["Principal"], back["Condition"]) == (principal, condition)
    assert from_aws(to_aws(once), Kind.BUCKET) == from_aws(to_aws(from_aws(to_aws(once), Kind.BUCKET)), Kind.BUCKET)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Statement",
                        "Version",
                        "Effect",
                        "Action",
                        "Resource",
                        "Principal",
                        "AWS",
                        "Condition",
                        "StringLike",
                        "s3:prefix",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_comes_is_a_policy_or_refused(document: Any) -> None:
    for kind in (Kind.BUCKET, Kind.IDENTITY):
        try:
            text = from_aws(json.dumps(document), kind)
        except PolicyFault:
            continue
        read_policy(text, kind)


def test_what_only_oss_says_is_refused_on_the_way_back() -> None:
    def ram(**members: Any) -> str:
        statement = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:photos/*", **members}
        return json.dumps({"Version": "1", "Statement": [statement]})

    assert json.loads(to_aws(ram()))["Statement"] == [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::photos/*"]}
    ]
    for members in (
        {"Action": "oss:PutBucketReferer"},
        {"Action": "oss:DeleteBucketLifecycle"},
        {"Resource": "acs:oss:oss-cn-hangzhou:*:photos"},
        {"Condition": {"StringEquals": {"acs:AccessId": "x"}}},
        {"Condition": {"IpAddress": {"acs:SourceIp": "192.0.2.1", "acs:sourceip": "192.0.2.2"}}},
    ):
        with pytest.raises(PolicyFault, match="counterpart"):
            to_aws(ram(**members))
