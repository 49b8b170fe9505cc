"""The table of schemes: what each row says, and that a further scheme is a row and nothing else."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest

from coatcheck.core.errors import REQUEST_EXPIRED, SIGNATURE_DOES_NOT_MATCH, TWO_SIGNATURES, OssError
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing import schemes
from coatcheck.signing.explain import explain
from coatcheck.signing.scheme import Glance, Scheme, SignedText
from coatcheck.wire.query import Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from ..identity.asking import who_asks
from .builders import ACCESS_KEY_ID, BUCKET, HOST, NOW, OBJECT, REGION, SECRET, a_request


class ToyClaim(NamedTuple):
    scheme: Scheme[Request, ToyClaim]
    access_key_id: str
    ends_at_s: int
    signature: str
    security_token: str | None = None
    region: str | None = None
    additional_headers: tuple[str, ...] = ()


def read(request: Request) -> ToyClaim | None:
    first = request.query.first
    if "toy-signature" not in first:
        return None
    return ToyClaim(TOY, first["toy-key"], int(first["toy-end"]), first["toy-signature"])


def check(claim: ToyClaim, now: float, _: Target) -> None:
    if now > claim.ends_at_s:
        raise REQUEST_EXPIRED()


def texts(claim: ToyClaim, request: Request, target: Target) -> tuple[str, ...]:
    return (f"{request.method} {target.bucket} {target.key} {claim.ends_at_s}",)


def write(claim: ToyClaim, request: Request, target: Target) -> SignedText:
    return SignedText(*texts(claim, request, target))


def sign(_: ToyClaim, text: str, secret: str) -> str:
    return hashlib.sha256(f"{secret} {text}".encode()).hexdigest()


def mismatch(claim: ToyClaim, request: Request, target: Target) -> OssError:
    return SIGNATURE_DOES_NOT_MATCH(StringToSign=write(claim, request, target).string_to_sign)


def glance(query: Query) -> Glance | None:
    return Glance(query.get("toy-key"), expires_at_s=int(query.first["toy-end"])) if "toy-key" in query else None


TOY = Scheme(
    "TOY",
    "link",
    True,
    read,
    check,
    texts,
    write,
    sign,
    mismatch,
    marks=frozenset({"toy-key", "toy-signature"}),
    signature_chars=64,
    glance=glance,
)


@pytest.fixture
def _with_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "TABLE", schemes.make_table(*schemes.ROWS, TOY))


def a_toy_link(key: str = "exampleobject.txt", end: int = NOW + 60, headers: dict[str, str] | None = None) -> Request:
    signature = sign(ToyClaim(TOY, "", 0, ""), f"GET {BUCKET} exampleobject.txt {end}", SECRET)
    return a_request(toy_url(key, end, signature), headers=headers)


def toy_url(key: str, end: int, signature: str) -> str:
    return f"https://{HOST}/{key}?toy-key={ACCESS_KEY_ID}&toy-end={end}&toy-signature={signature}"


async def refusal_of(request: Request, target: Target = OBJECT) -> OssError:
    keyring = MemoryKeyring(AccessKey(ACCESS_KEY_ID, SECRET, "1000000000000001"))
    with pytest.raises(OssError) as refusal:
        await who_asks(request, target, keyring, now=NOW, region=REGION)
    return refusal.value


def test_the_rows_are_the_schemes_that_we_speak() -> None:
    assert [(row.version, row.place, row.is_link, row.signature_chars) for row in schemes.ROWS] == [
        ("V4", "link", True, 64),
        ("V2", "link", True, 44),
        ("V1", "link", True, 28),
        ("V4", "header", False, 64),
        ("V1", "header", False, 28),
        ("V2", "header", False, 44),
        ("V4", "form", True, 64),
        ("V1", "form", True, 28),
        ("ACS3", "rpc", False, 64),
        ("RPC1", "rpc", False, 28),
    ]


def test_every_link_leaves_marks() -> None:
    """Without one a request of half a signature would be anybody's."""
    assert all(row.marks for row in schemes.TABLE.links)


@pytest.mark.usefixtures("_with_toys")
async def test_a_further_scheme_is_a_row() -> None:
    keyring = MemoryKeyring(AccessKey(ACCESS_KEY_ID, SECRET, "1000000000000001"))
    caller, target = await who_asks(a_toy_link(), OBJECT, keyring, now=NOW, region=REGION)
    assert (caller.account, caller.access_key_id, caller.by_link) == ("1000000000000001", ACCESS_KEY_ID, True)
    assert target == OBJECT
    assert caller.link.startswith("lk_")


@pytest.mark.usefixtures("_with_toys")
async def test_a_further_scheme_is_refused_like_the_others() -> None:
    other = await refusal_of(a_toy_link(), Target(BUCKET, "other.txt"))
    assert other.fault is SIGNATURE_DOES_NOT_MATCH
    assert (await refusal_of(a_toy_link(end=NOW - 1))).fault is REQUEST_EXPIRED
    both = await refusal_of(a_toy_link(headers={"authorization": "OSS a:b"}))
    assert both.fault is TWO_SIGNATURES
    assert (await refusal_of(a_request(f"https://{HOST}/k?toy-key=x"))).status == 400  # half of it is not nobody's


@pytest.mark.usefixtures("_with_toys")
def test_a_further_scheme_is_explained() -> None:
    found = explain(toy_url("exampleobject.txt", NOW + 60, "0" * 64), now=NOW, secret=SECRET)
    assert (found.version, found.access_key_id, found.left_s, found.verified) == ("TOY", ACCESS_KEY_ID, 60, False)


async def test_without_its_row_it_is_no_signature() -> None:
    keyring = MemoryKeyring(AccessKey(ACCESS_KEY_ID, SECRET, "1000000000000001"))
    caller, _ = await who_asks(a_toy_link(), OBJECT, keyring, now=NOW, region=REGION)
    assert caller.anonymous
