"""Links that were seen before: nothing that may have changed is believed, and no request gets what another one gets."""

from __future__ import annotations

import asyncio
import gc
import secrets
import tracemalloc
from collections.abc import Sequence
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck import Presigner
from coatcheck.core.limits import READINGS_MAX_BYTES
from coatcheck.identity.readings import Readings
from coatcheck.oss.table import ROWS
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing.v4 import Scope
from coatcheck.signing.v4_scheme import V4_LINK, V4Claim
from coatcheck.wire.forwarded import TrustedProxies
from coatcheck.wire.http1_parsing import Head, RequestParser
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from ..soak import count
from .house import NOW, OWNER, Answer, House

DOMAIN = "files.example.com"
SEEN = TrustedProxies(["127.0.0.1"])
ROUTE = next(row for row in ROWS if row.name == "get_object")


async def a_house() -> House:
    """Two buckets, with the same key, and an own domain of the first."""
    house = House(options={"hints": False})
    for bucket in ("photos", "photo"):
        await house.with_bucket(bucket)
        for key in ("a%20b.txt", "a.txt", "photos/a.txt"):
            await house.put(f"/{bucket}/{key}", f"{bucket} {key}".encode())
    await bind(house, "photos")
    return house


async def bind(house: House, name: str, domain: str = DOMAIN) -> None:
    bucket = await house.catalog.find_bucket(name)
    assert bucket is not None
    await house.domains.bind_domain(domain, bucket.bucket_id, now=NOW, most=10)


def again(house: House) -> House:
    """A server that has seen nothing yet, on the same stored things."""
    other = House(catalog=house.catalog, store=house.store, keyring=house.keyring, now=house.now, options=house.options)
    other.domains._bound = house.domains._bound
    return other


def path_and_query(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def presigner(version: str = "v4") -> Presigner:
    return Presigner(
        OWNER.access_key_id,
        OWNER.access_key_secret,
        region="cn-hangzhou",
        endpoint="http://127.0.0.1",
        signature_version=version,  # type: ignore[arg-type]
    )


def a_request(target: str, headers: dict[str, str] | None = None, host: str = "127.0.0.1:8000") -> Request:
    path, _, query = target.partition("?")
    return Request("GET", path.encode(), read_query(query.encode()), {"host": host, **(headers or {})})


def is_remembered(house: House, request: Request) -> bool:
    return house.pipeline.readings.find(request) is not None


async def remembered(house: House, request: Request) -> Answer:
    """What a link gets that has been followed before."""
    for _ in range(3):
        answer = await house.send(request)
    assert is_remembered(house, request)
    return answer


# --- what enters ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def house() -> House:
    return await a_house()


async def test_a_link_is_remembered_when_it_is_followed_again(house: House) -> None:
    request = a_request(path_and_query(house.link("GET", "a.txt")))
    assert (await house.send(request)).body == b"photos a.txt"
    assert not is_remembered(house, request)
    assert (await house.send(request)).body == b"photos a.txt"
    assert is_remembered(house, request)
    third = await house.send(request)
    assert (third.body, third.trace.access_key_id, third.trace.operation) == (b"photos a.txt", "OwnerKey", "get_object")
    assert (third.trace.bucket, third.trace.key) == ("photos", "a.txt")


async def test_links_of_other_schemes_and_heads_are_remembered_too(house: House) -> None:
    v1 = presigner("v1").presign("GET", "photos", "a b.txt", now=NOW).url
    assert (await remembered(house, a_request(path_and_query(v1)))).body == b"photos a%20b.txt"
    head = replace(a_request(path_and_query(house.link("HEAD", "a.txt"))), method="HEAD")
    assert (await remembered(house, head)).announced == len(b"photos a.txt")


async def test_what_is_read_of_the_request_alone_is_read_each_time(house: House) -> None:
    target = path_and_query(house.link("GET", "a.txt"))
    whole = await remembered(house, a_request(target))
    part = await house.send(a_request(target, {"range": "bytes=0-5"}))
    same = await house.send(a_request(target, {"if-none-match": whole.headers["etag"]}))
    assert (whole.status, part.status, part.body, same.status) == (200, 206, b"photos", 304)


async def test_nothing_enters_that_is_not_a_verified_link_to_an_object(house: House) -> None:
    good = path_and_query(house.link("GET", "a.txt"))
    listed = path_and_query(house.link("GET", None))
    bound = path_and_query(house.link("GET", "a.txt", query={"x-oss-ac-source-ip": "10.0.0.1"}))
    signature = good.partition("x-oss-signature=")[2][:64]
    forged = a_request(good.replace(signature, "0" * 64))
    for request in (
        forged,
        a_request(good.replace("/a.txt", "/b.txt")),
        replace(a_request(good), method="PUT"),
        a_request(good, {"authorization": "OSS a:b"}),
        a_request(listed),
        replace(a_request(bound), client="10.0.0.1"),
        a_request("/photos/a.txt"),
    ):
        for _ in range(3):
            await house.send(request)
        assert not is_remembered(house, request)
    assert not house.pipeline.readings._readings


async def test_another_method_is_another_request(house: House) -> None:
    request = a_request(path_and_query(house.link("GET", "a.txt")))
    await remembered(house, request)
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS"):
        other = replace(request, method=method)
        assert not is_remembered(house, other)
        assert (await house.send(other)).status in (400, 403)
    assert is_remembered(house, request)


# --- what is asked each time ----------------------------------------------------------------------------------------


async def test_time_is_asked_each_time(house: House) -> None:
    request = a_request(path_and_query(house.link("GET", "a.txt", expires=60)))
    await remembered(house, request)
    house.now = NOW + 60
    assert (await house.send(request)).status == 200
    house.now = NOW + 61
    late = await house.send(request)
    assert (late.refusal, late.text("Message")) == ((403, "AccessDenied"), "Request has expired.")
    house.now = NOW - 900
    assert (await house.send(request)).status == 200
    house.now = NOW - 901
    early = await house.send(request)
    assert early.refusal == (403, "AccessDenied")
    assert early.body == (await again(house).send(request)).body


async def test_the_key_and_its_secret_are_asked_each_time(house: House) -> None:
    key = AccessKey("SecondKey", "second-secret", OWNER.account)
    await house.keyring.add_key(key)
    url = Presigner(key.access_key_id, key.access_key_secret, region="cn-hangzhou", endpoint="http://127.0.0.1")
    request = a_request(path_and_query(url.presign("GET", "photos", "a.txt", now=NOW).url))
    await remembered(house, request)
    await house.keyring.set_key_enabled(key.access_key_id, False)
    assert (await house.send(request)).refusal == (403, "InvalidAccessKeyId")
    await house.keyring.set_key_enabled(key.access_key_id, True)
    assert (await house.send(request)).status == 200
    await house.keyring.remove_key(key.access_key_id)
    assert (await house.send(request)).refusal == (403, "InvalidAccessKeyId")
    await house.keyring.add_key(AccessKey(key.access_key_id, "another-secret", OWNER.account))
    assert (await house.send(request)).refusal == (403, "SignatureDoesNotMatch")
    await house.keyring.remove_key(key.access_key_id)
    await house.keyring.add_key(AccessKey(key.access_key_id, key.access_key_secret, "2000000000000002"))
    assert (await house.send(request)).refusal == (403, "AccessDenied")  # the account's, not of the owner


async def test_bucket_object_and_permission_are_asked_each_time(house: House) -> None:
    request = a_request(path_and_query(house.link("GET", "a.txt")))
    await remembered(house, request)
    await house.put("/photos/a.txt", b"another")
    assert (await house.send(request)).body == b"another"
    policy = (
        b'{"Version":"1","Statement":[{"Effect":"Deny","Action":"oss:GetObject","Principal":"*",'
        b'"Resource":"acs:oss:*:*:photos/a.txt"}]}'
    )
    assert (await house.ask("PUT", "/photos/?policy", policy)).status == 200
    assert (await house.send(request)).refusal == (403, "AccessDenied")
    assert (await house.ask("DELETE", "/photos/?policy")).status == 204
    for key in ("a.txt", "a%20b.txt", "photos/a.txt"):
        await house.ask("DELETE", f"/photos/{key}")
    assert (await house.send(request)).refusal == (404, "NoSuchKey")
    assert (await house.ask("DELETE", "/photos/")).status == 204
    assert (await house.send(request)).refusal == (404, "NoSuchBucket")


async def test_whose_domain_the_host_is_is_asked_each_time(house: House) -> None:
    query = path_and_query(house.link("GET", "a.txt")).partition("?")[2]
    request = a_request(f"/a.txt?{query}", host=DOMAIN)
    assert (await remembered(house, request)).body == b"photos a.txt"
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    await house.domains.unbind_domain(DOMAIN, bucket.bucket_id)
    assert (await house.send(request)).refusal == (403, "NonStandardHostForbidden")
    await bind(house, "photo")
    assert (await house.send(request)).refusal == (403, "SignatureDoesNotMatch")


async def test_a_name_below_a_base_domain_is_another_buckets_once_it_is_bound(house: House) -> None:
    query = path_and_query(house.link("GET", "a.txt")).partition("?")[2]
    request = a_request(f"/a.txt?{query}", host="photos.localhost")
    assert (await remembered(house, request)).body == b"photos a.txt"
    await bind(house, "photo", "photos.localhost")
    assert (await house.send(request)).refusal == (403, "SignatureDoesNotMatch")


# --- two requests that differ in one byte ----------------------------------------------------------------------------

# Without its first letter, each of the first is a header that changes what a signature says, or who says it.
ODD = (
    "xauthorization: OSS OwnerKey:c2ln\r\nxsecurity-token: t\r\nxdate: x\r\nxcontent-type: a/b\r\nxcontent-md5: 1\r\n"
    "yx-oss-meta-a: b\r\nyx-oss-security-token: t\r\nyx-oss-content-sha256: UNSIGNED-PAYLOAD\r\n"
    "xrange: bytes=0-1\r\nx-forwarded-for: 10.1.2.3\r\nyx-forwarded-host: photo.oss-cn-hangzhou.localhost\r\n"
)


def heads() -> list[bytes]:
    """Of several schemes and addresses; what may be signed is signed in some."""
    v4, v1 = presigner(), presigner("v1")
    signed = {"x-oss-range-behavior": "standard", "user-agent": "courier", "content-type": "a/b"}
    plain = path_and_query(v4.presign("GET", "photos", "a b.txt", now=NOW).url)
    listed = v4.presign("GET", "photos", "a b.txt", now=NOW, headers=signed, additional_headers=["user-agent"])
    longer = v4.presign("GET", "photos", "a.txt", now=NOW, query={"response-cache-control": "no-cache"}, expires=1000)
    old = path_and_query(v1.presign("GET", "photos", "a b.txt", now=NOW).url)
    own = plain.replace("/photos/", "/")
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    cases = [
        (plain, "127.0.0.1:8000", "user-agent: x\r\n"),
        (path_and_query(listed.url), "127.0.0.1", lines),
        (path_and_query(longer.url), "oss-cn-hangzhou.localhost", ""),
        (old, "127.0.0.1:8000", ""),
        (old.replace("/photos/", "/"), "photos.oss-cn-hangzhou.localhost", ""),
        (own, "photos.localhost", ""),
        (own, DOMAIN, ""),
    ]
    return [f"GET {target} HTTP/1.1\r\nhost: {host}\r\n{ODD}{more}\r\n".encode() for target, host, more in cases]


HEADS = heads()
STORED = asyncio.run(a_house())


def read(head: bytes) -> Request | None:
    """As it comes through a proxy; None if it isn't one request."""
    events = RequestParser().feed(head)
    if len(events) != 1 or not isinstance(events[0], Head):
        return None
    read = events[0]
    return Request(read.method, read.path, read_query(read.query), read.headers, client="127.0.0.1")


Verdict = tuple[int, dict[str, str], bytes]


async def verdicts(requests: Sequence[Request]) -> list[Verdict]:
    """Of one server, in turn."""
    house, said = again(STORED), []
    for request in requests:
        answer = await house.send(SEEN.see_through(request))
        said.append((answer.status, answer.headers, answer.body))
    return said


def test_the_examples_are_answered_and_remembered() -> None:
    for head in HEADS:
        request = read(head)
        assert request is not None
        house = again(STORED)
        assert asyncio.run(remembered(house, SEEN.see_through(request))).status == 200, head


@pytest.mark.soak(count(6000))
@settings(max_examples=count(6000), deadline=None)
@given(st.sampled_from(HEADS), st.data())
def test_of_two_requests_that_differ_in_one_byte_each_gets_what_it_gets_alone(head: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(head) - 3))
    letter = data.draw(st.sampled_from([b"", *(bytes([byte]) for byte in b"%&=?+/;.:~-_ 0159aAfFHxZ\xc3\x20,")]))
    kept = head[place + data.draw(st.integers(0, 1)) :]
    compare(head, head[:place] + letter + kept)


@pytest.mark.parametrize("number", range(len(HEADS)))
def test_a_byte_less_of_any_header(number: int) -> None:
    """Every place behind the request line, since what the examples hide there is one byte away."""
    head = HEADS[number]
    for place in range(head.index(b"\r\n") + 2, len(head) - 3):
        if head[place - 2 : place] == b"\r\n" or not place % 7:
            compare(head, head[:place] + head[place + 1 :])


def compare(head: bytes, other: bytes) -> None:
    one, two = read(head), read(other)
    if one is None or two is None or head == other:
        return
    (alone_one,), (alone_two,) = asyncio.run(verdicts([one])), asyncio.run(verdicts([two]))
    first, second = [alone_one] * 3 + [alone_two] * 3 + [alone_one], [alone_two] * 3 + [alone_one] * 3 + [alone_two]
    assert asyncio.run(verdicts([one] * 3 + [two] * 3 + [one])) == first
    assert asyncio.run(verdicts([two] * 3 + [one] * 3 + [two])) == second


# --- the memory itself ----------------------------------------------------------------------------------------------


def a_link(number: int, signature: str | None = None) -> tuple[Request, V4Claim, Target, str]:
    """A link as it is when it has verified: of one of 20 buckets, signed at a second of its own."""
    signature = signature or sha256(b"%d" % number).hexdigest()
    key, bucket = f"photos/2026/image-{number:06d}.jpg", f"bucket-{number % 20}"
    signed_at_s = NOW + number
    query = f"x-oss-credential=a&x-oss-date={signed_at_s}&x-oss-expires=3600&x-oss-signature={signature}"
    request = Request("GET", f"/{bucket}/{key}".encode(), read_query(query.encode()), {"host": "127.0.0.1"})
    scope, date = Scope("20260305", "cn-hangzhou"), f"{signed_at_s}"
    found = request.query.first["x-oss-signature"]
    claim = V4Claim(V4_LINK, "OwnerKey", scope, date, signed_at_s, 3600, (), "", found, None, "")
    return request, claim, Target(bucket, key, None), f"{number:0142d}"


def keep(readings: Readings, number: int, signature: str | None = None, times: int = 2) -> None:
    """As if it had verified so often."""
    request, claim, target, text = a_link(number, signature)
    for _ in range(times):
        readings.keep(request, claim, target, text, (ROUTE, ""))


def fill(readings: Readings, numbers: range) -> list[Request]:
    """The requests are made anew, so that they hold texts of their own."""
    for number in numbers:
        keep(readings, number)
    return [a_link(number)[0] for number in numbers]


def test_twenty_thousand_links_fit() -> None:
    readings = Readings()
    for number in range(20_000):
        keep(readings, number)
    assert len(readings._readings) == 20_000
    assert readings.bytes < 835 * 20_000 <= READINGS_MAX_BYTES


def test_they_weigh_no_more_than_is_counted() -> None:
    gc.collect()  # forgets the tuples that Python keeps for later, which would not be seen
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        readings = Readings()
        for number in range(3000):  # a little more than a dict of one size takes: it has just grown
            keep(readings, number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(readings._readings) == 3000
    assert after - before <= readings.bytes


def test_it_stays_within_its_bound_and_counts_back_to_nothing() -> None:
    readings = Readings(most_bytes=1024**2, chance=Random(1))
    empty = readings.bytes
    fill(readings, range(5000))
    assert len(readings._readings) > 1000
    assert readings.bytes <= 1024**2
    for signature in list(readings._readings):
        readings._forget(signature)
    assert (readings.bytes, readings._kinds) == (empty, {})


def test_links_in_use_are_not_pushed_out() -> None:
    readings = Readings(most_bytes=1024**2, chance=Random(1))
    used = fill(readings, range(500))
    assert all(readings.find(request) is not None for request in used)
    for start in range(1000, 11_000, 1000):
        fill(readings, range(start, start + 1000))
        assert all(readings.find(request) is not None for request in used)


def test_links_that_are_followed_once_do_not_enter() -> None:
    readings = Readings()
    for number in range(5000):
        keep(readings, number, times=1)
    assert len(readings._readings) < 100  # the few that were taken for others


def test_one_signature_has_one_place_however_it_is_written() -> None:
    readings = Readings()
    signature = secrets.token_hex(32)
    for number in range(100):
        keep(readings, number, signature)
    assert len(readings._readings) == 1
