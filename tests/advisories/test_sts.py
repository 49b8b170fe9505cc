"""Temporary keys: who gets one, what it may do, and when it ends."""

from __future__ import annotations

import base64
import json
from io import StringIO
from itertools import count
from urllib.parse import urlencode

import pytest

from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.engines.sql.seal import Seal
from coatcheck.identity.session import new_session, write_session
from coatcheck.ports.keyring import SESSION, AccessKey, Role
from coatcheck.request_log import RequestLog
from coatcheck.signing.claim import read_claim
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.rpc import rpc_string_to_sign
from coatcheck.signing.signed_request import sign_request
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..oss.house import NOW, OWNER, REGION, STRANGER, Answer, GivenBody, House
from .crafting import HOME, TIMESTAMP, a_policy, a_user, hmac_sha1, objects, v1_link, v4_headers, v4_link

NONCES = count()
ARN = f"acs:ram::{HOME}:role/reader"
ALICE = a_user("alice", a_policy("sts:AssumeRole"))
BOB = a_user("bob", a_policy("oss:*"))


def trusting(*arns: str) -> str:
    principal = {"RAM": list(arns)}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "1", "Statement": [statement]})


def a_role(*policies: str, trust: str = "") -> Role:
    return Role("3" * 18, HOME, "reader", trust or trusting(f"acs:ram::{HOME}:root"), policies or (a_policy("oss:*"),))


async def a_house(role: Role | None = None, acl: str = "private") -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, ALICE, BOB, roles=[role or a_role()]))
    await house.with_bucket(acl=acl)
    await house.put("/photos/secret.txt", b"a secret")
    return house


def parameters(by: AccessKey, token: str = "", **given: str) -> list[tuple[str, str]]:
    whole = {
        "Action": "AssumeRole",
        "Version": "2015-04-01",
        "Format": "JSON",
        "RoleArn": ARN,
        "RoleSessionName": "tuesday",
        "AccessKeyId": by.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": f"nonce-{next(NONCES)}",
        "Timestamp": "2026-03-05T07:08:09Z",
        **({"SecurityToken": token} if token else {}),
        **given,
    }
    return [(name, value) for name, value in whole.items() if value]


async def assume(
    house: House,
    by: AccessKey = ALICE,
    *,
    token: str = "",
    secret: str = "",
    headers: dict[str, str] | None = None,
    **given: str,
) -> Answer:
    """An RPC request by POST, signed in its parameters."""
    pairs = parameters(by, token, **given)
    signature = hmac_sha1(f"{secret or by.access_key_secret}&", rpc_string_to_sign("POST", pairs))
    sent = {"host": "127.0.0.1", "content-type": "application/x-www-form-urlencoded", **(headers or {})}
    body = urlencode([*pairs, ("Signature", signature)]).encode()
    return await house.send(Request("POST", b"/", headers=sent, body=GivenBody([body])))


def session_of(answer: Answer) -> tuple[AccessKey, str]:
    """The temporary key and its token."""
    given = json.loads(answer.body)["Credentials"]
    return AccessKey(given["AccessKeyId"], given["AccessKeySecret"], HOME), given["SecurityToken"]


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["Code"]


async def use(
    house: House, key: AccessKey, token: str, method: str = "GET", address: str = "/photos/secret.txt"
) -> Answer:
    path, _, query = address.partition("?")
    bucket, _, name = path[1:].partition("/")
    headers = sign_request(
        method,
        bucket,
        name or None,
        query=[(name, value) for name, value, _ in read_query(query.encode()).parameters],
        credentials=Credentials(key.access_key_id, key.access_key_secret, token),
        region=REGION,
        now=NOW,
    )
    return await house.ask(method, address, b"x", headers, by=None)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("sign", [v4_link, v1_link])
async def test_the_signature_of_a_link_gets_no_session(sign: object, whole: bool) -> None:
    """Who holds a link can't turn its signature into a key: STS takes its own signatures only."""
    assert callable(sign)
    house = await a_house()
    names = {"Action", "Version", "RoleArn", "RoleSessionName", "Format"}
    query = urlencode([(name, value) for name, value in parameters(OWNER) if whole or name in names])
    refusals = {(400, "MissingParameter"), (400, "SignatureDoesNotMatch")}
    for address in (sign(f"/?{query}"), f"{sign('/photos/secret.txt').replace('/photos/secret.txt', '/')}&{query}"):
        assert code_of(await house.ask("GET", address, by=None)) in refusals
    headers = v4_headers(f"/?{query}")
    assert code_of(await house.ask("GET", f"/?{query}", headers=headers, by=None)) in refusals


async def test_the_signature_of_an_sts_request_opens_no_object() -> None:
    """Nor the other way round: a signed RPC request, sent to an object, is neither its signer's nor nobody's."""
    house = await a_house(acl="public-read")
    pairs = parameters(OWNER, Action="GetCallerIdentity")
    signature = hmac_sha1(f"{OWNER.access_key_secret}&", rpc_string_to_sign("GET", pairs))
    query = urlencode([*pairs, ("Signature", signature)])
    answer = await house.ask("GET", f"/photos/secret.txt?{query}", by=None)
    assert answer.status == 403
    assert b"a secret" not in answer.body


@pytest.mark.parametrize("header", ["x-acs-action", "X-Acs-Action"])
async def test_nothing_unsigned_chooses_the_action(header: str) -> None:
    """A request signed for one action does no other, whatever a header that nobody signed says."""
    house = await a_house()
    said = {header.lower(): "AssumeRole", "x-acs-version": "2015-04-01"}
    answer = await assume(house, headers=said, Action="GetCallerIdentity")
    assert "Credentials" not in json.loads(answer.body)


async def test_one_signed_request_gives_one_session() -> None:
    """The same signed AssumeRole, sent again, gives nothing."""
    house = await a_house()
    assert (await assume(house, SignatureNonce="once")).status == 200
    assert (await assume(house, SignatureNonce="once")).status == 400


async def test_there_is_no_session_without_a_signature() -> None:
    """Every action of STS asks for a key and its signature; those that we haven't got do nothing for anybody."""
    house = await a_house()
    assert code_of(await assume(house, secret="not-the-secret")) == (400, "SignatureDoesNotMatch")
    unsigned = urlencode([pair for pair in parameters(ALICE) if pair[0] != "SignatureNonce"])
    assert code_of(await house.ask("GET", f"/?{unsigned}", by=None)) == (400, "MissingParameter")


@pytest.mark.parametrize(
    "action",
    ["AssumeRoleWithOIDC", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken", "assumerole", ""],
)
async def test_an_action_that_is_not_built_gives_no_key(action: str) -> None:
    """No way to a session goes around the signature: web identities and their like aren't built, and say so."""
    house = await a_house()
    query = urlencode(
        {"Action": action, "Version": "2015-04-01", "RoleArn": ARN, "RoleSessionName": "tuesday", "Format": "JSON"}
    )
    answer = await house.ask("GET", f"/?{query}", by=None)
    assert code_of(answer) == (404, "InvalidAction.NotFound")


def test_a_token_with_any_bit_changed_is_none() -> None:
    """Tokens are encrypted and authenticated: whoever changes one has no token, not another session."""
    seal = Seal(bytes(range(32)))
    token = seal.close_token(write_session(new_session(a_role(), "tuesday", None, NOW + 900)), SESSION)
    assert seal.open_token(token, SESSION) is not None
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for at in range(len(raw)):
        for bit in (1, 128):
            changed = raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :]
            assert seal.open_token(base64.urlsafe_b64encode(changed).decode().rstrip("="), SESSION) is None


def test_a_token_of_another_server_is_none() -> None:
    """What seals tokens is a key of its own: knowing the root key's secret makes no token."""
    text = write_session(new_session(a_role(), "tuesday", None, NOW + 900))
    token = Seal(OWNER.access_key_secret.encode().ljust(32, b"\0")).close_token(text, SESSION)
    assert Seal(bytes(range(32))).open_token(token, SESSION) is None


async def test_a_session_does_not_prolong_itself() -> None:
    """A session gets no further one unless its role and the role's trust say so, and its token ends when it ends."""
    house = await a_house()
    key, token = session_of(await assume(house, DurationSeconds="900"))
    assert (await use(house, key, token)).status == 200
    assert code_of(await assume(house, key, token=token)) == (403, "NoPermission")
    house.now = NOW + 901
    assert code_of(await assume(house, key, token=token)) == (400, "InvalidTimeStamp.Expired")
    later = v4_headers("/photos/secret.txt", by=key, headers={"x-oss-security-token": token}, timestamp=TIMESTAMP)
    assert (await house.ask("GET", "/photos/secret.txt", headers=later, by=None)).status == 403


@pytest.mark.parametrize("address", ["/photos/secret.txt", "/photos/?policy", "/photos/?acl", "/photos/"])
async def test_a_session_policy_is_a_ceiling(address: str) -> None:
    """What a session's own policy doesn't allow is refused, whatever its role may do."""
    house = await a_house()
    key, token = session_of(await assume(house, Policy=a_policy("oss:GetObject")))
    assert (await use(house, key, token)).status == 200
    answer = await use(house, key, token, "PUT", address)
    assert answer.refusal == (403, "AccessDenied")
    assert code_of(await assume(house, key, token=token)) == (403, "NoPermission")


async def test_a_session_policy_that_only_denies_allows_nothing() -> None:
    """Not to be denied is not to be allowed."""
    house = await a_house(a_role(a_policy("*")))
    key, token = session_of(await assume(house, Policy=a_policy("oss:DeleteObject", effect="Deny")))
    assert (await use(house, key, token)).refusal == (403, "AccessDenied")
    assert code_of(await assume(house, key, token=token)) == (403, "NoPermission")


async def test_who_is_not_trusted_gets_no_session() -> None:
    """The right to assume roles and the role's trust are both needed, of whichever account the caller is."""
    house = await a_house(a_role(trust=trusting(f"acs:ram::{HOME}:user/alice")))
    assert (await assume(house)).status == 200
    for by in (BOB, STRANGER, OWNER):
        assert code_of(await assume(house, by)) == (403, "NoPermission")


async def test_a_session_of_a_role_does_no_more_than_the_role() -> None:
    """A wide session policy widens nothing."""
    house = await a_house(a_role(a_policy("oss:GetObject", objects())))
    key, token = session_of(await assume(house, Policy=a_policy("*")))
    assert (await use(house, key, token)).status == 200
    assert (await use(house, key, token, "PUT")).refusal == (403, "AccessDenied")


async def test_a_temporary_key_needs_its_own_token() -> None:
    """A token goes with one key: neither another session's, nor an ordinary key's, nor none."""
    house = await a_house()
    key, token = session_of(await assume(house))
    other, other_token = session_of(await assume(house))
    assert (await use(house, key, token)).status == 200
    refusals = []
    for wrong_key, wrong in ((key, other_token), (other, token), (ALICE, token), (key, "CAIS"), (key, "")):
        refusals.append((await use(house, wrong_key, wrong)).refusal)
    assert refusals == [
        (403, "AccessKeyIdAndSecurityTokenNotMatch"),
        (403, "AccessKeyIdAndSecurityTokenNotMatch"),
        (403, "InvalidAccessKeyId"),
        (403, "InvalidSecurityToken"),
        (403, "InvalidAccessKeyId"),
    ]


async def test_the_log_has_no_secret_token_signature_or_query() -> None:
    """A line tells who did what to which object: nothing in it opens anything."""
    house, out = await a_house(), StringIO()
    log = RequestLog(out, everything=True)
    answer = await assume(house)
    key, token = session_of(answer)
    link = v4_link("/photos/secret.txt?x-oss-process=image/resize,w_1")
    got = await house.ask("GET", link, by=None)
    used = await use(house, key, token)
    for told in (answer, got, used):
        log.note(told.trace)
    log.close()
    text = out.getvalue()
    assert text.count("\n") == 3
    assert "key=secret.txt" in text
    for hidden in (key.access_key_secret, token, link.rpartition("=")[2], "x-oss-", "resize", ALICE.access_key_secret):
        assert hidden not in text


async def test_what_is_printed_of_keys_and_claims_hides_them() -> None:
    """A traceback or a debug line shows no secret and no signature."""
    link = v4_link("/photos/secret.txt")
    path, _, query = link.partition("?")
    claim = read_claim(Request("GET", path.encode(), read_query(query.encode())))
    older_path, _, older_query = v1_link("/photos/secret.txt").partition("?")
    older = read_claim(Request("GET", older_path.encode(), read_query(older_query.encode())))
    shown = repr([OWNER, claim, older, read_query(query.encode())])
    assert "hidden" in shown
    for hidden in (OWNER.access_key_secret, link.rpartition("=")[2], older_query.rpartition("=")[2]):
        assert hidden not in shown
