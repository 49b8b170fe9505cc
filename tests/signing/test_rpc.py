"""The RPC interface's two signatures, as two official SDKs made them at a fixed moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coatcheck.core.errors import OssError
from coatcheck.signing.claim import read_rpc_claim
from coatcheck.signing.rpc import ACS3, RPC, Pair, RpcClaim, find_action
from coatcheck.signing.verify import check_claim, verify_rpc
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, FROZEN

# ali-oss 6.23.0, STS.assumeRole
FORM = (
    "Action=AssumeRole&RoleArn=acs%3Aram%3A%3A123456789012%3Arole%2Freader&RoleSessionName=session-one"
    "&DurationSeconds=900&Format=JSON&Version=2015-04-01&AccessKeyId=CoatcheckAk0001&SignatureMethod=HMAC-SHA1"
    "&SignatureVersion=1.0&SignatureNonce=0.5&Timestamp=2026-03-05T07%3A08%3A09.000Z"
    "&Policy=%7B%22Version%22%3A%221%22%2C%22Statement%22%3A%5B%5D%7D&Signature=fC3UZi5Tip2m6DaXSNSitFbTwH0%3D"
)

# alibabacloud_sts20150401 1.2.0, assume_role
QUERY = (
    "DurationSeconds=900&Policy=%7B%22Version%22%3A%221%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C"
    "%22Action%22%3A%22oss%3AGet%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
    "&RoleArn=acs%3Aram%3A%3A1000000000000001%3Arole%2Freader&RoleSessionName=tues.day%40home"
)
HEADERS = {
    "host": "127.0.0.1:43413",
    "x-acs-version": "2015-04-01",
    "x-acs-action": "AssumeRole",
    "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2 x",
    "x-acs-date": "2026-11-25T22:48:27Z",
    "x-acs-signature-nonce": "aae0cc5a06c2794ed24c99d1c00aeef5",
    "accept": "application/json",
    "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-acs-credentials-provider": "static_ak",
    "authorization": "ACS3-HMAC-SHA256 Credential=CoatcheckAk0001,SignedHeaders=accept;host;user-agent;x-acs-action;"
    "x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
    "Signature=6721c40d80ecf007e5481bd2806dc93d5582588b06bb7540d34685f7ea707bae",
}
HEADER_SIGNED_AT = 1795646907  # 2026-11-25T22:48:27Z


def checked(request: Request, pairs: Sequence[Pair], body: bytes, now: float) -> RpcClaim:
    claim = read_rpc_claim(request, pairs, body)
    check_claim(claim, now=now, target=Target())
    return claim


def form_claim(form: str = FORM, now: float = FROZEN, method: str = "POST") -> RpcClaim:
    pairs = [(name, value) for name, value, _ in read_query(form.encode()).parameters]
    return checked(Request(method, b"/"), pairs, form.encode(), now)


def header_claim(now: float = HEADER_SIGNED_AT, query: str = QUERY, body: bytes = b"", **headers: str) -> RpcClaim:
    sent = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("POST", b"/", read_query(query.encode()), {k: v for k, v in sent.items() if v})
    return checked(request, (), body, now)


def refusal_of_signature(claim: RpcClaim, secret: str = ACCESS_KEY_SECRET) -> str:
    with pytest.raises(OssError) as refusal:
        verify_rpc(claim, secret)
    assert ACCESS_KEY_SECRET not in refusal.value.message
    return refusal.value.code


def test_the_signature_of_ali_oss_in_a_form_holds() -> None:
    claim = form_claim()
    assert (claim.access_key_id, claim.security_token, claim.scheme) == (ACCESS_KEY_ID, None, RPC)
    assert claim.string_to_sign.startswith("POST&%2F&AccessKeyId%3DCoatcheckAk0001%26Action%3DAssumeRole%26Duration")
    verify_rpc(claim, ACCESS_KEY_SECRET)


def test_the_signature_of_the_newer_sdk_in_a_header_holds() -> None:
    claim = header_claim()
    assert (claim.access_key_id, claim.security_token, claim.scheme) == (ACCESS_KEY_ID, None, ACS3)
    verify_rpc(claim, ACCESS_KEY_SECRET)


def test_a_change_to_anything_breaks_it() -> None:
    assert refusal_of_signature(form_claim(), "another-secret") == "SignatureDoesNotMatch"
    assert refusal_of_signature(form_claim(method="GET")) == "SignatureDoesNotMatch"
    for changed in (FORM.replace("=900", "=901"), FORM + "&More=1", FORM.replace("reader", "writer")):
        assert refusal_of_signature(form_claim(changed)) == "SignatureDoesNotMatch"
    assert refusal_of_signature(header_claim(), "another-secret") == "SignatureDoesNotMatch"
    for claim in (
        header_claim(query=QUERY.replace("=900", "=901")),
        header_claim(query=f"{QUERY}&More=1"),
        header_claim(x_acs_action="GetCallerIdentity"),
        header_claim(host="sts.example.com"),
        header_claim(x_acs_content_sha256="", body=b"More=1"),
    ):
        assert refusal_of_signature(claim) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("late_s", [-901, 901])
def test_a_claim_of_another_hour_is_expired(late_s: int) -> None:
    for read, moment in ((lambda now: form_claim(now=now), FROZEN), (header_claim, HEADER_SIGNED_AT)):
        read(moment + late_s - (1 if late_s > 0 else -1))
        with pytest.raises(OssError) as refusal:
            read(moment + late_s)
        assert refusal.value.code == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize("name", ["AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "Timestamp"])
def test_what_is_missing_is_named(name: str) -> None:
    form = "&".join(piece for piece in FORM.split("&") if not piece.startswith(f"{name}="))
    with pytest.raises(OssError) as refusal:
        form_claim(form)
    assert (refusal.value.code, name in refusal.value.message) == ("MissingParameter", True)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "ACS3-HMAC-SHA256 "},
        {"authorization": "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b"},
        {"authorization": HEADERS["authorization"].replace("x-acs-action;", "")},
        {"x_acs_date": ""},
        {"x_acs_content_sha256": "0" * 64},
        {"x_acs_security_token": "not-signed"},
        {"x_acs_odd": "not-signed"},
        {"x_acs_signature_nonce": ""},
        {"x_acs_signature_nonce": "n" * 129},
        {"x_acs_signature_nonce": "a b"},
        {"x_acs_signature_nonce": "\udcff"},
        {"authorization": HEADERS["authorization"].replace("x-acs-signature-nonce;", "")},
        {"authorization": HEADERS["authorization"].replace("accept;", "accept;accept;")},
    ],
)
def test_a_header_that_leaves_something_unsigned_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(OssError) as refusal:
        header_claim(HEADER_SIGNED_AT, QUERY, b"", **headers)
    assert refusal.value.code == "IncompleteSignature"


def test_a_body_of_parameters_needs_its_type_signed() -> None:
    with pytest.raises(OssError) as refusal:
        header_claim(body=b"A=1", content_type="application/x-www-form-urlencoded", x_acs_content_sha256="")
    assert (refusal.value.code, "content-type" in refusal.value.message) == ("IncompleteSignature", True)


@pytest.mark.parametrize("nonce", ["n" * 129, "a%20b", "%FF", "a%0Ab"])
def test_a_nonce_is_short_and_plain(nonce: str) -> None:
    with pytest.raises(OssError) as refusal:
        form_claim(FORM.replace("SignatureNonce=0.5", f"SignatureNonce={nonce}"))
    assert refusal.value.code == "IncompleteSignature"


def test_a_claim_says_what_comes_once_and_until_when() -> None:
    assert (form_claim().nonce, form_claim().expires_s) == ("0.5", FROZEN + 900)
    claim = header_claim()
    assert (claim.nonce, claim.expires_s) == ("aae0cc5a06c2794ed24c99d1c00aeef5", HEADER_SIGNED_AT + 900)


def test_the_action_is_where_the_signature_covers_it() -> None:
    parameters = {"Action": "A", "Version": "V"}
    assert find_action(Request("POST", b"/"), parameters) == ("A", "V")
    assert find_action(Request("POST", b"/", headers=HEADERS), {}) == ("AssumeRole", "2015-04-01")
    assert find_action(Request("POST", b"/", headers=HEADERS), parameters) == ("AssumeRole", "2015-04-01")
    unsigned = {"x-acs-action": "B", "x-acs-version": "W"}
    assert find_action(Request("POST", b"/", headers=unsigned), parameters) == ("A", "V")
    assert find_action(Request("POST", b"/", headers=unsigned), {}) == ("", "")


def test_a_claim_does_not_print_its_signature() -> None:
    assert "fC3U" not in repr(form_claim())
