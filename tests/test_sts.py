"""AssumeRole through the corridor, and what may be done with the key it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck import Presigner
from coatcheck.core.times import write_iso
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal, Role
from coatcheck.signing.rpc import rpc_string_to_sign, sign_rpc
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from .oss.house import NOW, OWNER, REGION, STRANGER, Answer, GivenBody, House

HOME, ABROAD = OWNER.account, STRANGER.account


def a_policy(action: str, effect: str = "Allow", resource: str = "*") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


def trusting(*arns: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": list(arns)}, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


ALICE = AccessKey("AliceKey", "alice-secret", HOME, principal=Principal("2" * 18, "alice", (a_policy("sts:*"),)))
BOB = AccessKey("BobKey", "bob-secret", HOME, principal=Principal("2" * 17 + "3", "bob", (a_policy("oss:*"),)))
READER = Role("3" * 18, HOME, "reader", trusting(f"acs:ram::{HOME}:root"), (a_policy("oss:*"),))
SIGNED = "host;content-type;x-acs-action;x-acs-version;x-acs-date;x-acs-signature-nonce;x-odd"
ARN = f"acs:ram::{HOME}:role/reader"
NONCES = count()


@pytest.fixture
async def house() -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, ALICE, BOB, roles=[READER]))
    await house.with_bucket()
    await house.put("/photos/a.txt")
    return house


async def ask(
    house: House,
    by: AccessKey = ALICE,
    *,
    method: str = "POST",
    host: str = "127.0.0.1",
    **given: str,
) -> Answer:
    return await send_signed(house, by, method, host, {}, given)


async def send_signed(
    house: House, by: AccessKey, method: str, host: str, unsigned: Mapping[str, str], given: Mapping[str, str]
) -> Answer:
    """AssumeRole signed in its parameters, but for what is given otherwise; `unsigned` are further headers."""
    parameters = {
        "Action": "AssumeRole",
        "Version": "2015-04-01",
        "Format": "JSON",
        "RoleArn": ARN,
        "RoleSessionName": "tuesday",
        "AccessKeyId": by.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": str(next(NONCES)),
        "Timestamp": write_iso(int(house.now)),
        **given,
    }
    pairs = [(name, value) for name, value in parameters.items() if value]
    text = rpc_string_to_sign(method, pairs)
    signature = sign_rpc(by.access_key_secret, text)
    sent = urlencode([*pairs, ("Signature", signature)], errors="surrogateescape")
    more = {"host": host, **unsigned}
    if method == "GET":
        return await house.send(Request("GET", b"/", read_query(sent.encode()), more))
    headers = {**more, "content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return await house.send(Request("POST", b"/", headers=headers, body=GivenBody([sent.encode()])))


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["Code"]


async def a_session(house: House, by: AccessKey = ALICE, **given: str) -> Presigner:
    """What signs with the temporary key."""
    answer = await ask(house, by, **given)
    assert answer.status == 200, answer.body
    key = json.loads(answer.body)["Credentials"]
    return Presigner(
        key["AccessKeyId"],
        key["AccessKeySecret"],
        region=REGION,
        endpoint="http://127.0.0.1",
        security_token=key["SecurityToken"],
    )


async def follow(house: House, signer: Presigner, method: str = "GET", key: str = "a.txt", **options: Any) -> Answer:
    return await house.follow(signer.presign(method, "photos", key, now=house.now, **options).url, method)


# --- what AssumeRole answers ---


async def test_a_trusted_user_gets_a_temporary_key(house: House) -> None:
    answer = await ask(house)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    told = json.loads(answer.body)
    assert told["AssumedRoleUser"] == {
        "Arn": f"acs:sts::{HOME}:assumed-role/reader/tuesday",
        "AssumedRoleId": f"{READER.uid}:tuesday",
    }
    assert told["Credentials"]["AccessKeyId"].startswith("STS.")
    assert told["Credentials"]["Expiration"] == "2026-03-05T08:08:09Z"
    assert answer.trace.access_key_id == "AliceKey"
    signer = await a_session(house)
    assert (await follow(house, signer)).body == b"hello"


async def test_it_is_asked_by_get_too_and_answers_in_xml(house: House) -> None:
    answer = await ask(house, method="GET", Format="")
    assert answer.xml.tag == "AssumeRoleResponse"
    assert (answer.text("Credentials/AccessKeyId") or "").startswith("STS.")
    refused = await ask(house, method="GET", Format="XML", RoleArn="nonsense")
    assert refused.refusal == (400, "InvalidParameter.RoleArn")


@pytest.mark.parametrize("host", ["sts.localhost", "sts.cn-hangzhou.localhost:8000", "sts.example.com", "localhost"])
async def test_it_answers_to_the_names_of_sts_and_of_the_service(house: House, host: str) -> None:
    assert (await ask(house, host=host)).status == 200
    assert (await ask(house, method="GET", host=host)).status == 200


async def test_a_bucket_is_not_sts(house: House) -> None:
    answer = await ask(house, host="photos.localhost")
    assert answer.xml.tag == "Error"
    assert answer.refusal[1] == "RequestIsNotMultiPartContent"


async def test_names_are_of_either_case_and_sessions_have_the_roles_own(house: House) -> None:
    answer = await ask(house, RoleArn=ARN.replace("reader", "Reader"))
    assert json.loads(answer.body)["AssumedRoleUser"]["Arn"].endswith("/reader/tuesday")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"RoleArn": ""}, (400, "MissingRoleArn")),
        ({"RoleArn": "acs:ram::1:user/x"}, (400, "InvalidParameter.RoleArn")),
        ({"RoleArn": "acs:ram:::role/"}, (400, "InvalidParameter.RoleArn")),
        ({"RoleArn": "acs:ram::x:role/reader"}, (400, "InvalidParameter.RoleArn")),
        ({"RoleArn": f"acs:ram::{HOME}:role/\udcff"}, (400, "InvalidParameter.RoleArn")),
        ({"RoleArn": f"acs:ram::{HOME}:role/nobody"}, (404, "EntityNotExist.Role")),
        ({"RoleSessionName": ""}, (400, "MissingRoleSessionName")),
        ({"RoleSessionName": "x"}, (400, "InvalidParameter.RoleSessionName")),
        ({"RoleSessionName": "a/b"}, (400, "InvalidParameter.RoleSessionName")),
        ({"RoleSessionName": "x" * 65}, (400, "InvalidParameter.RoleSessionName")),
        ({"DurationSeconds": "899"}, (400, "InvalidParameter.DurationSeconds")),
        ({"DurationSeconds": "43201"}, (400, "InvalidParameter.DurationSeconds")),
        ({"DurationSeconds": "1e3"}, (400, "InvalidParameter.DurationSeconds")),
        ({"DurationSeconds": "٩٠٠"}, (400, "InvalidParameter.DurationSeconds")),
        ({"Policy": a_policy("oss:*").replace("oss", "\udcff")}, (400, "InvalidParameter.PolicyGrammar")),
        ({"AccessKeyId": "\udcff"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"SecurityToken": "\udcff"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"Policy": "{"}, (400, "InvalidParameter.PolicyGrammar")),
        ({"Policy": "[" * 2000}, (400, "InvalidParameter.PolicyGrammar")),
        ({"Policy": "x" * 2049}, (400, "InvalidParameter.PolicySize")),
        ({"Action": "DropTables"}, (404, "InvalidAction.NotFound")),
        ({"Version": "2014-01-01"}, (404, "InvalidAction.NotFound")),
        ({"SignatureMethod": "HMAC-MD5"}, (400, "IncompleteSignature")),
        ({"Timestamp": "2026-03-05T06:00:00Z"}, (400, "InvalidTimeStamp.Expired")),
        ({"Timestamp": "yesterday"}, (400, "InvalidTimeStamp.Expired")),
        ({"Policy": "x" * 40_000}, (400, "InvalidParameter")),
    ],
)
async def test_what_is_wrong_is_told_in_the_words_of_sts(
    house: House, given: dict[str, str], expected: tuple[int, str]
) -> None:
    assert code_of(await ask(house, ALICE, **given)) == expected


async def test_who_is_nobody_gets_nothing(house: House) -> None:
    assert code_of(await ask(house, AccessKey("NobodysKey", "x", ""))) == (404, "InvalidAccessKeyId.NotFound")
    assert code_of(await ask(house, replace(ALICE, access_key_secret="wrong"))) == (400, "SignatureDoesNotMatch")
    await house.keyring.set_key_enabled("AliceKey", False)
    assert code_of(await ask(house)) == (404, "InvalidAccessKeyId.Inactive")
    answer = await house.send(Request("GET", b"/", read_query(b"Action=AssumeRole"), {"host": "localhost"}))
    assert answer.refusal == (404, "InvalidAction.NotFound")


@given(
    body=st.binary(max_size=200),
    query=st.binary(max_size=100),
    authorization=st.text(max_size=100)
    | st.binary(max_size=60).map(
        lambda raw: (
            f"ACS3-HMAC-SHA256 Credential=a,SignedHeaders={SIGNED},Signature={raw.decode('utf-8', 'surrogateescape')}"
        )
    ),
)
async def test_rubbish_is_refused_and_never_a_fault_of_ours(body: bytes, query: bytes, authorization: str) -> None:
    house = House()
    headers = {
        "host": "sts.localhost",
        "content-type": "application/x-www-form-urlencoded",
        "accept": "*/json",
        "authorization": authorization,
        "x-acs-action": "AssumeRole",
        "x-acs-version": "2015-04-01",
        "x-acs-date": write_iso(NOW),
        "x-acs-signature-nonce": "1",
        "x-odd": "\udcff",
    }
    answer = await house.send(Request("POST", b"/", read_query(query), headers, body=GivenBody([body])))
    assert 400 <= answer.status < 500


# --- once ---


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_signed_request_is_answered_once(house: House, method: str) -> None:
    assert (await ask(house, method=method, SignatureNonce="once")).status == 200
    for later_s in (0, 300, -900):
        house.now = NOW + later_s
        again = await ask(house, method=method, SignatureNonce="once", Timestamp=write_iso(NOW))
        assert code_of(again) == (400, "SignatureNonceUsed")
    assert again.trace.refusal == "SignatureNonceUsed"
    assert (await ask(house, method=method, SignatureNonce="another")).status == 200
    assert (await ask(house, OWNER, method=method, SignatureNonce="once")).status == 200  # another key's own


async def test_a_nonce_is_used_up_by_who_can_sign_alone(house: House) -> None:
    """A stranger neither fills what is remembered nor spoils the request of another."""
    forger = replace(ALICE, access_key_secret="wrong")
    for nonce in ("once", "twice"):
        assert code_of(await ask(house, forger, SignatureNonce=nonce)) == (400, "SignatureDoesNotMatch")
    assert house.keyring._nonces == {}
    assert (await ask(house, SignatureNonce="once")).status == 200
    assert house.keyring._nonces == {("AliceKey", "once"): NOW + 900}


async def test_a_refused_request_used_its_nonce_too(house: House) -> None:
    assert code_of(await ask(house, BOB, SignatureNonce="once")) == (403, "NoPermission")
    assert code_of(await ask(house, BOB, SignatureNonce="once")) == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_what_is_not_signed_chooses_nothing(house: House, method: str) -> None:
    unsigned = {"x-acs-action": "AssumeRole", "x-acs-version": "2015-04-01", "x-acs-security-token": "x"}
    answer = await send_signed(house, BOB, method, "127.0.0.1", unsigned, {"Action": "GetCallerIdentity"})
    assert json.loads(answer.body)["IdentityType"] == "RAMUser"
    missing = await send_signed(house, ALICE, method, "127.0.0.1", unsigned, {"Action": "", "Version": ""})
    assert missing.trace.refusal == "InvalidAction.NotFound"


# --- who may ---


async def test_a_user_needs_the_right_and_the_roles_trust(house: House) -> None:
    assert code_of(await ask(house, BOB)) == (403, "NoPermission")
    assert code_of(await ask(house, BOB, RoleArn=f"acs:ram::{HOME}:role/nobody")) == (403, "NoPermission")
    house.keyring.roles[READER.uid] = replace(READER, trust=trusting(f"acs:ram::{ABROAD}:root"))
    assert code_of(await ask(house)) == (403, "NoPermission")
    house.keyring.roles[READER.uid] = replace(READER, trust=trusting(f"acs:ram::{HOME}:user/alice"))
    assert (await ask(house)).status == 200


async def test_another_account_may_if_the_role_trusts_it_and_then_acts_as_the_roles(house: House) -> None:
    assert code_of(await ask(house, STRANGER)) == (403, "NoPermission")
    house.keyring.roles[READER.uid] = replace(READER, trust=trusting(f"acs:ram::{ABROAD}:root"))
    signer = await a_session(house, STRANGER)
    assert (await follow(house, signer)).body == b"hello"


async def chained(house: House, *, session_policy: str = "", role_policy: str = a_policy("*")) -> Answer:
    """A session of a role that trusts itself asks for another session of the role."""
    itself = trusting(f"acs:ram::{HOME}:root", f"acs:ram::{HOME}:role/reader")
    house.keyring.roles[READER.uid] = replace(READER, trust=itself, policies=(role_policy,))
    key = json.loads((await ask(house, Policy=session_policy)).body)["Credentials"]
    temporary = AccessKey(key["AccessKeyId"], key["AccessKeySecret"], HOME)
    return await ask(house, temporary, SecurityToken=key["SecurityToken"], RoleSessionName="second")


async def test_a_session_may_ask_for_another_where_both_its_policies_and_the_trust_allow_it(house: House) -> None:
    """The second is bound by the role and by its own policy, not by the first one's: as on Alibaba Cloud."""
    answer = await chained(house, session_policy=a_policy("sts:AssumeRole"))
    assert json.loads(answer.body)["AssumedRoleUser"]["AssumedRoleId"] == f"{READER.uid}:second"
    key = json.loads(answer.body)["Credentials"]
    signer = Presigner(
        key["AccessKeyId"],
        key["AccessKeySecret"],
        region=REGION,
        endpoint="http://127.0.0.1",
        security_token=key["SecurityToken"],
    )
    assert (await follow(house, signer)).status == 200


@pytest.mark.parametrize(
    "policies",
    [
        {"session_policy": a_policy("sts:*", "Deny")},
        {"session_policy": a_policy("oss:GetObject")},
        {"session_policy": a_policy("sts:AssumeRole", resource="acs:ram::*:role/other")},
        {"role_policy": a_policy("oss:*")},
        {"role_policy": a_policy("oss:*"), "session_policy": a_policy("sts:*")},
    ],
)
async def test_a_session_whose_own_policies_do_not_allow_it_gets_no_other(
    house: House, policies: dict[str, str]
) -> None:
    assert code_of(await chained(house, **policies)) == (403, "NoPermission")


async def test_a_session_gets_no_role_that_does_not_trust_its_own(house: House) -> None:
    other = replace(READER, uid="5" * 18, name="other", trust=trusting(f"acs:ram::{HOME}:user/alice"))
    house.keyring.roles[other.uid] = other
    house.keyring.roles[READER.uid] = replace(READER, policies=(a_policy("*"),))
    key = json.loads((await ask(house)).body)["Credentials"]
    temporary = AccessKey(key["AccessKeyId"], key["AccessKeySecret"], HOME)
    refused = await ask(house, temporary, SecurityToken=key["SecurityToken"], RoleArn=f"acs:ram::{HOME}:role/other")
    assert code_of(refused) == (403, "NoPermission")


async def test_a_condition_of_the_trust_holds(house: House) -> None:
    condition = {"Bool": {"acs:SecureTransport": "true"}}
    house.keyring.roles[READER.uid] = replace(READER, trust=trusting(f"acs:ram::{HOME}:root", Condition=condition))
    assert code_of(await ask(house)) == (403, "NoPermission")


async def test_who_one_is_anybody_may_ask(house: House) -> None:
    told = json.loads((await ask(house, BOB, Action="GetCallerIdentity")).body)
    assert (told["AccountId"], told["Arn"], told["IdentityType"]) == (HOME, f"acs:ram::{HOME}:user/bob", "RAMUser")
    told = json.loads((await ask(house, STRANGER, Action="GetCallerIdentity")).body)
    assert (told["AccountId"], told["IdentityType"]) == (ABROAD, "Account")


# --- what the temporary key may do ---


async def test_a_session_policy_only_narrows(house: House) -> None:
    signer = await a_session(house, Policy=a_policy("oss:GetObject"))
    assert (await follow(house, signer)).status == 200
    refused = await follow(house, signer, "PUT", "b.txt")
    assert refused.refusal == (403, "AccessDenied")
    assert refused.text("Message") == "Access denied by authorizer's policy."
    assert refused.text("AccessDeniedDetail/AuthPrincipalDisplayName") == f"{READER.uid}:tuesday"
    house.keyring.roles[READER.uid] = replace(READER, policies=(a_policy("oss:PutObject"),))
    assert (await follow(house, signer)).status == 403
    assert (await follow(house, signer, "PUT", "b.txt")).status == 403


async def test_a_link_dies_with_its_token(house: House) -> None:
    signer = await a_session(house, DurationSeconds="900")
    link = signer.presign("GET", "photos", "a.txt", now=house.now, expires=3600).url
    house.now = NOW + 900
    assert (await house.follow(link)).status == 200
    house.now = NOW + 901
    late = await house.follow(link)
    assert late.refusal == (403, "SecurityTokenExpired")
    assert late.text("Message") == "The security token you provided has expired."
    assert late.text("EC") == "0002-00000007"
    assert late.text("SecurityToken") == dict(parse_qsl(link.partition("?")[2]))["x-oss-security-token"]


async def test_a_session_ends_with_its_role(house: House) -> None:
    signer = await a_session(house)
    assert (await follow(house, signer)).status == 200
    del house.keyring.roles[READER.uid]
    assert (await follow(house, signer)).refusal == (403, "InvalidSecurityToken")
    house.keyring.roles["4" * 18] = replace(READER, uid="4" * 18)  # made again under its old name
    assert (await follow(house, signer)).refusal == (403, "InvalidSecurityToken")


async def test_a_session_loses_what_its_role_loses(house: House) -> None:
    signer = await a_session(house)
    house.keyring.roles[READER.uid] = replace(READER, policies=())
    assert (await follow(house, signer)).refusal == (403, "AccessDenied")


async def test_a_token_is_good_for_its_own_key_only(house: House) -> None:
    first, second = await a_session(house), await a_session(house)
    link = first.presign("GET", "photos", "a.txt", now=house.now).url
    other = second.presign("GET", "photos", "a.txt", now=house.now).url
    token, others = (dict(parse_qsl(url.partition("?")[2]))["x-oss-security-token"] for url in (link, other))
    swapped = await house.follow(link.replace(token, others))
    assert swapped.refusal == (403, "AccessKeyIdAndSecurityTokenNotMatch")
    assert (await house.follow(link.replace(token, "rubbish"))).refusal == (403, "InvalidSecurityToken")
    without = await house.follow(link.replace(f"&x-oss-security-token={token}", ""))
    assert without.refusal == (403, "InvalidAccessKeyId")
    assert without.text("EC") == "0002-00000003"


async def test_a_session_follows_what_is_changed_of_its_role(house: House) -> None:
    role = Role("4" * 18, HOME, "lender", trusting(f"acs:ram::{HOME}:root"))
    await house.identities.put_role(role, replace=False)
    signer = await a_session(house, RoleArn=f"acs:ram::{HOME}:role/lender")
    assert (await follow(house, signer)).refusal == (403, "AccessDenied")
    await house.identities.attach(HOME, "AliyunOSSReadOnlyAccess", role="lender")
    assert (await follow(house, signer)).status == 200
    await house.identities.set_account_enabled(HOME, False)
    assert (await follow(house, signer)).refusal == (403, "UserDisable")
    await house.identities.set_account_enabled(HOME, True)
    await house.identities.remove_role(HOME, "lender")
    assert (await follow(house, signer)).refusal == (403, "InvalidSecurityToken")


async def test_nothing_of_a_session_is_stored(house: House) -> None:
    keys = dict(house.keyring.keys)
    await a_session(house)
    assert house.keyring.keys == keys


async def test_a_session_of_a_clock_that_was_ahead_is_refused(house: House) -> None:
    """It would outlive what a session may last."""
    house.now += 365 * 86_400
    signer = await a_session(house)
    url = signer.presign("GET", "photos", "a.txt", now=house.now).url
    assert (await house.follow(url)).status == 200
    house.now -= 365 * 86_400
    url = signer.presign("GET", "photos", "a.txt", now=house.now).url
    answer = await house.follow(url)
    assert answer.refusal == (403, "InvalidSecurityToken")
    assert "issued in the future" in (answer.text("Message") or "")
