from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import pytest

from coatcheck import Credentials, Presigner, sign_request
from coatcheck.core.errors import (
    DISABLED_ACCESS_KEY_ID,
    REQUEST_EXPIRED,
    SIGNATURE_DOES_NOT_MATCH,
    UNKNOWN_ACCESS_KEY_ID,
    OssError,
)
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.identity.identify import SignedFields, identify_form
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing.claim import read_form_claim
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .asking import reads_of, who_asks

NOW = 1_772_694_489
KEY = AccessKey("ExampleKey", "example-secret", "1000000000000001")
DISABLED = AccessKey("DisabledKey", "disabled-secret", "1000000000000001", enabled=False)
TARGET = Target("photos", "a.txt")


class CountingKeyring(MemoryKeyring):
    def __init__(self, *keys: AccessKey) -> None:
        super().__init__(*keys)
        self.asked: list[str] = []

    def look_for_key(self, access_key_id: str) -> AccessKey | None:
        self.asked.append(access_key_id)
        return super().look_for_key(access_key_id)


def a_link(key: AccessKey = KEY, headers: Mapping[str, str] | None = None, token: str | None = None) -> Request:
    presigner = Presigner(
        key.access_key_id,
        key.access_key_secret,
        region="cn-hangzhou",
        endpoint="http://localhost",
        security_token=token,
    )
    url = presigner.presign(
        "GET", "photos", "a.txt", expires=60, now=NOW, headers=headers, additional_headers=headers or ()
    ).url
    return Request(
        "GET", b"/a.txt", read_query(url.partition("?")[2].encode()), {"host": "photos.localhost"} | dict(headers or {})
    )


async def who(request: Request, keyring: MemoryKeyring | None = None, now: float = NOW) -> tuple[Caller, Target]:
    return await who_asks(request, TARGET, keyring or MemoryKeyring(KEY, DISABLED), now=now, region="cn-hangzhou")


async def refusal_of(request: Request, keyring: MemoryKeyring | None = None, now: float = NOW) -> OssError:
    with pytest.raises(OssError) as refusal:
        await who(request, keyring, now)
    return refusal.value


async def test_without_a_signature_it_is_nobody_in_particular_and_no_key_is_looked_up() -> None:
    keyring = CountingKeyring(KEY)
    assert await who(Request("GET", b"/a.txt", headers={"host": "localhost"}), keyring) == (ANONYMOUS, TARGET)
    assert ANONYMOUS.anonymous
    assert keyring.asked == []


async def test_a_link_makes_its_user_the_signer() -> None:
    caller, target = await who(a_link())
    assert (caller.account, caller.access_key_id, caller.by_link) == ("1000000000000001", "ExampleKey", True)
    assert not caller.anonymous
    assert target == TARGET


async def test_a_link_says_which_headers_its_signer_listed() -> None:
    caller, _ = await who(a_link(headers={"content-disposition": "attachment"}))
    assert caller.signed_headers == {"content-disposition"}


async def test_a_signed_header_makes_a_caller_without_a_link() -> None:
    headers = sign_request(
        "GET",
        "photos",
        "a.txt",
        credentials=Credentials(KEY.access_key_id, KEY.access_key_secret),
        region="cn-hangzhou",
        now=NOW,
    )
    request = Request("GET", b"/a.txt", headers={name.lower(): value for name, value in headers.items()})
    caller, _ = await who(request)
    assert (caller.access_key_id, caller.by_link) == ("ExampleKey", False)


async def test_a_key_that_nobody_has_is_named() -> None:
    refusal = await refusal_of(a_link(AccessKey("NobodysKey", "secret", "")))
    assert refusal.fault is UNKNOWN_ACCESS_KEY_ID
    assert refusal.facts == {"OSSAccessKeyId": "NobodysKey"}


async def test_a_disabled_key_is_told_so_before_its_signature_is_looked_at() -> None:
    assert (await refusal_of(a_link(DISABLED))).fault is DISABLED_ACCESS_KEY_ID
    wrong = AccessKey(DISABLED.access_key_id, "wrong", "")
    assert (await refusal_of(a_link(wrong))).fault is DISABLED_ACCESS_KEY_ID


async def test_a_wrong_secret_is_a_mismatch_that_tells_no_signature_of_ours() -> None:
    refusal = await refusal_of(a_link(AccessKey(KEY.access_key_id, "wrong", "")))
    assert refusal.fault is SIGNATURE_DOES_NOT_MATCH
    right = a_link().query.get("x-oss-signature") or "missing"
    assert right not in str(refusal.facts)
    assert KEY.access_key_secret not in str(refusal.facts)


async def test_an_expired_link_is_told_so_whoever_signed_it_and_no_key_is_looked_up() -> None:
    keyring = CountingKeyring(KEY)
    refusal = await refusal_of(a_link(AccessKey("NobodysKey", "secret", "")), keyring, now=NOW + 61)
    assert refusal.fault is REQUEST_EXPIRED
    assert keyring.asked == []


async def test_an_ordinary_key_comes_without_a_token() -> None:
    assert (await refusal_of(a_link(token="SomeToken"))).fault is UNKNOWN_ACCESS_KEY_ID


async def test_a_link_costs_one_look_up() -> None:
    keyring = CountingKeyring(KEY)
    await who(a_link(), keyring)
    assert keyring.asked == ["ExampleKey"]


def test_a_key_does_not_print_its_secret() -> None:
    assert "example-secret" not in repr(KEY)
    assert "example-secret" not in f"{KEY}"


async def test_a_link_has_an_id_that_gives_nothing_away() -> None:
    """SHA-256 over the key's id, NUL and the signature; whoever has the link can compute it."""
    request = a_link()
    caller, _ = await who(request)
    signature = request.query.first["x-oss-signature"]
    digest = hashlib.sha256(b"ExampleKey\0" + signature.encode()).digest()
    assert caller.link == "lk_" + base64.b32encode(digest[:15]).decode().lower()
    assert len(caller.link) == 27
    assert signature not in repr(caller)
    assert signature[:8] not in caller.link


@pytest.mark.parametrize("plus", ["%2B", "+", "%20"])
async def test_a_link_has_one_id_however_its_signature_was_written(plus: str) -> None:
    """V1's base64 arrives with its "+" escaped, plain or as a space."""
    presigner = Presigner(
        KEY.access_key_id,
        KEY.access_key_secret,
        region="cn-hangzhou",
        endpoint="http://localhost",
        signature_version="v1",
    )
    link = next(
        url
        for second in range(200)
        if "%2B" in (url := presigner.presign("GET", "photos", "a.txt", expires=60, now=NOW + second).url)
    )
    raw_query = link.partition("?")[2]
    ids = set()
    for raw in (raw_query, raw_query.replace("%2B", plus)):
        caller, _ = await who(Request("GET", b"/a.txt", read_query(raw.encode()), {"host": "photos.localhost"}))
        ids.add(caller.link)
    assert len(ids) == 1


async def test_who_signs_in_a_header_or_not_at_all_came_by_no_link() -> None:
    credentials = Credentials(KEY.access_key_id, KEY.access_key_secret)
    headers = sign_request("GET", "photos", "a.txt", credentials=credentials, region="cn-hangzhou", now=NOW)
    sent = {name.lower(): value for name, value in headers.items()}
    caller, _ = await who(Request("GET", b"/a.txt", headers={"host": "photos.localhost"} | sent))
    assert (caller.access_key_id, caller.link, ANONYMOUS.link) == ("ExampleKey", "", "")


@pytest.mark.parametrize("by_page", [False, True])
async def test_a_form_counts_as_a_link(by_page: bool) -> None:
    """Whoever was handed it may post it, so it has an id like a link's; the fields it is posted with change nothing."""
    presigner = Presigner(KEY.access_key_id, KEY.access_key_secret, region="cn-hangzhou", endpoint="http://localhost")
    made = presigner.post_form("photos", "a.txt", now=NOW, max_bytes=5)
    fields = {name.lower(): value for name, value in made.fields.items()} | {"bucket": "photos"}
    if by_page:
        fields["submit"] = "upload"
    keyring = MemoryKeyring(KEY)
    form = SignedFields(read_form_claim(fields), fields)
    poster = await identify_form(form, TARGET, reads_of(keyring), keyring, now=NOW, regions=("cn-hangzhou",))
    digest = hashlib.sha256(f"ExampleKey\0{fields['x-oss-signature']}".encode()).digest()
    assert poster.caller.by_link
    assert poster.caller.link == "lk_" + base64.b32encode(digest[:15]).decode().lower()
