"""AssumeRole and GetCallerIdentity as the SDKs of AWS ask for them, and what may be done with the key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from coatcheck import S3Presigner
from coatcheck.core.times import write_basic_iso
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing import s3_v4
from coatcheck.signing.v4 import Scope, sign
from coatcheck.wire.request import Request

from .oss.house import OWNER, STRANGER, Answer, GivenBody, House
from .s3.asking import ask as ask_s3
from .test_sts import ABROAD, ALICE, BOB, HOME, READER

ARN = f"arn:aws:iam::{HOME}:role/reader"
XMLNS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


@pytest.fixture
async def house() -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, ALICE, BOB, roles=[READER]))
    await house.with_bucket()
    await house.put("/photos/a.txt")
    return house


async def ask(
    house: House, by: AccessKey = ALICE, *, token: str = "", service: str = "sts", signed_at_s: float = 0, **given: str
) -> Answer:
    parameters = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ARN, "RoleSessionName": "tuesday"}
    body = urlencode({name: value for name, value in {**parameters, **given}.items() if value}).encode()
    timestamp = write_basic_iso(int(signed_at_s or house.now))
    scope = Scope(timestamp[:8], "us-east-1", service)
    sent = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "127.0.0.1:8000",
        "x-amz-date": timestamp,
    }
    if token:
        sent["x-amz-security-token"] = token
    names = sorted(sent)
    text = s3_v4.canonical_request(
        "POST", "/", "", s3_v4.canonical_headers(sent, names), ";".join(names), sha256(body).hexdigest()
    )
    to_sign = s3_v4.string_to_sign(timestamp, s3_v4.write_scope(scope), text)
    signature = sign(s3_v4.signing_key(by.access_key_secret, scope), to_sign)
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={by.access_key_id}/{s3_v4.write_scope(scope)}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return await house.send(Request("POST", b"/", headers=sent, body=GivenBody([body])))


def text(answer: Answer, *path: str) -> str:
    found = answer.xml.findtext("/".join(XMLNS + name for name in path))
    assert found is not None, ElementTree.tostring(answer.xml)
    return found


def refusal(answer: Answer) -> tuple[int, str]:
    assert answer.xml.tag == f"{XMLNS}ErrorResponse"
    assert text(answer, "Error", "Type") == "Sender"
    assert text(answer, "RequestId")
    return answer.status, text(answer, "Error", "Code")


async def test_a_temporary_key_signs_requests_and_links_of_s3(house: House) -> None:
    answer = await ask(house, DurationSeconds="900")
    assert answer.status == 200
    credentials = ("AssumeRoleResult", "Credentials")
    who = ("AssumeRoleResult", "AssumedRoleUser")
    assert text(answer, *who, "Arn") == f"arn:aws:sts::{HOME}:assumed-role/reader/tuesday"
    assert text(answer, *who, "AssumedRoleId") == f"{READER.uid}:tuesday"
    assert text(answer, *credentials, "Expiration") == "2026-03-05T07:23:09Z"
    assert text(answer, "ResponseMetadata", "RequestId")
    key = AccessKey(text(answer, *credentials, "AccessKeyId"), text(answer, *credentials, "SecretAccessKey"), HOME)
    token = text(answer, *credentials, "SessionToken")
    got = await ask_s3(house, "GET", "/photos/a.txt", headers={"x-amz-security-token": token}, by=key)
    assert (got.status, got.body) == (200, b"hello")
    signer = S3Presigner(key.access_key_id, key.access_key_secret, security_token=token, endpoint="http://127.0.0.1")
    link = signer.presign("GET", "photos", "a.txt", expires=7200, now=house.now).url
    assert (await house.follow(link)).status == 200
    identity = await ask(house, key, token=token, Action="GetCallerIdentity")
    assert text(identity, "GetCallerIdentityResult", "UserId") == f"{READER.uid}:tuesday"
    house.now += 901
    late = await house.follow(link)
    assert (late.status, late.text("Code")) == (400, "ExpiredToken")
    assert refusal(await ask(house, key, token=token, Action="GetCallerIdentity")) == (403, "ExpiredToken")


async def session_of(house: House, by: AccessKey, lasts_s: str = "") -> tuple[AccessKey, str, str]:
    """A temporary key, its token, and when it ends."""
    answer = await ask(house, by, Action="GetSessionToken", RoleArn="", RoleSessionName="", DurationSeconds=lasts_s)
    assert answer.status == 200, answer.body
    credentials = ("GetSessionTokenResult", "Credentials")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    key_id, secret, token, expiration = (text(answer, *credentials, name) for name in names)
    return AccessKey(key_id, secret, HOME), token, expiration


async def test_a_session_of_a_key_has_the_rights_of_its_holder_and_ends_with_the_key(house: House) -> None:
    key, token, expiration = await session_of(house, OWNER)
    assert expiration == "2026-03-05T19:08:09Z"  # twelve hours on
    sent = {"x-amz-security-token": token}
    assert (await ask_s3(house, "GET", "/photos/a.txt", headers=sent, by=key)).body == b"hello"
    assert (await ask_s3(house, "GET", "/photos/a.txt", by=key)).refusal == (403, "InvalidAccessKeyId")
    mine = await ask(house, key, token=token, Action="GetCallerIdentity", RoleArn="", RoleSessionName="")
    assert text(mine, "GetCallerIdentityResult", "Arn") == f"arn:aws:iam::{HOME}:root"
    again = await ask(house, key, token=token, Action="GetSessionToken", RoleArn="", RoleSessionName="")
    assert refusal(again) == (403, "AccessDenied")
    signer = S3Presigner(key.access_key_id, key.access_key_secret, security_token=token, endpoint="http://127.0.0.1")
    link = signer.presign("GET", "photos", "a.txt", expires=60_000, now=house.now).url
    assert [(await house.follow(link)).status for _ in range(3)] == [200, 200, 200]
    alice, tokens, _ = await session_of(house, ALICE, "900")
    theirs = {"x-amz-security-token": tokens}
    assert (await ask_s3(house, "GET", "/photos/a.txt", headers=theirs, by=alice)).refusal == (403, "AccessDenied")
    assert (await ask_s3(house, "GET", "/photos/a.txt", headers=sent, by=alice)).refusal == (400, "InvalidToken")
    house.now += 901
    assert (await ask_s3(house, "GET", "/photos/a.txt", headers=theirs, by=alice)).refusal == (400, "ExpiredToken")
    await house.keyring.set_key_enabled(OWNER.access_key_id, False)
    assert (await house.follow(link)).status == 400
    assert (await ask_s3(house, "GET", "/photos/a.txt", headers=sent, by=key)).refusal == (400, "InvalidToken")


@pytest.mark.parametrize(
    ("by", "arn", "user"),
    [(OWNER, f"arn:aws:iam::{HOME}:root", HOME), (ALICE, f"arn:aws:iam::{HOME}:user/alice", "2" * 18)],
)
async def test_everybody_may_ask_who_they_are(house: House, by: AccessKey, arn: str, user: str) -> None:
    answer = await ask(house, by, Action="GetCallerIdentity", RoleArn="", RoleSessionName="")
    result = "GetCallerIdentityResult"
    assert (text(answer, result, "Arn"), text(answer, result, "UserId"), text(answer, result, "Account")) == (
        arn,
        user,
        HOME,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"RoleArn": ""}, (400, "ValidationError")),
        ({"RoleArn": "arn:aws:s3:::photos"}, (400, "ValidationError")),
        ({"RoleArn": f"arn:aws:iam::{HOME}:role/nobody"}, (403, "AccessDenied")),
        ({"RoleArn": f"arn:aws:iam::{ABROAD}:role/reader"}, (403, "AccessDenied")),
        ({"RoleSessionName": "a b"}, (400, "ValidationError")),
        ({"DurationSeconds": "899"}, (400, "ValidationError")),
        ({"DurationSeconds": "43201"}, (400, "ValidationError")),
        ({"Policy": "{}"}, (400, "MalformedPolicyDocument")),
        ({"Policy": " " * 3000}, (400, "PackedPolicyTooLarge")),
        ({"Action": "GetFederationToken"}, (400, "InvalidAction")),
        ({"Action": "GetSessionToken", "DurationSeconds": "899"}, (400, "ValidationError")),
        ({"Action": "GetSessionToken", "DurationSeconds": "43201"}, (400, "ValidationError")),
        ({"Action": "GetSessionToken", "TokenCode": "123456"}, (403, "AccessDenied")),
        ({"Version": "2015-04-01"}, (400, "InvalidAction")),
    ],
)
async def test_what_cannot_be_done_is_refused_in_the_words_of_aws(
    house: House, given: Mapping[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(await ask(house, **given)) == expected


async def test_whose_signature_does_not_hold_gets_nothing(house: House) -> None:
    forged = AccessKey(ALICE.access_key_id, "another secret", HOME)
    assert refusal(await ask(house, forged)) == (403, "SignatureDoesNotMatch")
    unknown = AccessKey("UnknownKey", "another secret", HOME)
    assert refusal(await ask(house, unknown)) == (403, "InvalidClientTokenId")
    assert refusal(await ask(house, BOB)) == (403, "AccessDenied")
    assert refusal(await ask(house, STRANGER)) == (403, "AccessDenied")
    assert refusal(await ask(house, signed_at_s=house.now - 901)) == (403, "SignatureDoesNotMatch")
    assert refusal(await ask(house, token="made up")) == (403, "InvalidClientTokenId")
    # Signed for another service it is no question to this STS.
    assert (await ask(house, service="s3")).status == 404


async def test_a_role_can_be_named_in_either_way(house: House) -> None:
    answer = await ask(house, RoleArn=f"acs:ram::{HOME}:role/reader")
    assert answer.status == 200
