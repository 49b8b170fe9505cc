"""SSE-C: what a client keeps the key of is had by who brings the key, and by nobody else, in either dialect."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck.background.notices import Notices
from coatcheck.background.replication_run import Replications
from coatcheck.core.customer_key import CustomerKey
from coatcheck.core.encryption_label import LABEL_MAX_CHARS, is_customers
from coatcheck.core.times import DAY_S
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import run_lifecycle

from ..background.test_inventory import Scene
from ..background.test_replication import a_document
from ..oss.house import NOW, OWNER, Answer, House
from ..oss.test_post_object import a_form, post
from .asking import ask, follow, form_fields, link, send, signed
from .keys import ONE, TWO, source_key
from .keys import customer_key as key
from .test_bucket_documents import encryption

SMALL = b"hello, this is nobody's but mine"
LARGE = random.Random(7).randbytes(300_000)  # five chunks, in a blob
PART = 100 * 1024
AES256: dict[str, str] = {"x-amz-server-side-encryption": "AES256"}


@pytest.fixture
async def house() -> House:
    return await House(options={"sse_c_over_http": True}).with_bucket()


async def stored_label(house: House, name: str = "k", bucket: str = "photos") -> str:
    there = await house.catalog.find_bucket(bucket)
    assert there is not None
    found = await house.catalog.find_object(there.bucket_id, name)
    assert found is not None
    return found.encryption


async def get(house: House, address: str = "/photos/k", headers: Mapping[str, str] | None = None) -> Answer:
    return await ask(house, "GET", address, headers=headers)


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
async def test_an_object_comes_back_with_its_key_and_only_with_it(house: House, content: bytes) -> None:
    put = await ask(house, "PUT", "/photos/k", content, key())
    said = {
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-server-side-encryption-customer-key-md5": "GoDL8oWeAZVZNl1r5Hh5Tg==",
    }
    for method in ("GET", "HEAD"):
        got = await ask(house, method, "/photos/k", headers=key())
        assert (got.status, got.body) == (200, content if method == "GET" else b"")
        for answer in (put, got):
            found = {name: value for name, value in answer.headers.items() if "encryption" in name}
            assert found == said
    assert (await get(house)).refusal == (400, "InvalidRequest")
    assert (await get(house, headers=key(TWO))).refusal == (403, "AccessDenied")
    assert [(await ask(house, "HEAD", "/photos/k", headers=sent)).status for sent in ({}, key(TWO))] == [400, 403]
    attributes = {"x-amz-object-attributes": "ObjectSize,ETag"}
    assert (await get(house, "/photos/k?attributes", attributes)).refusal == (400, "InvalidRequest")
    assert (await get(house, "/photos/k?attributes", attributes | key())).text("{*}ObjectSize") == str(len(content))


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_neither_key_nor_content_is_stored(house: House, content: bytes) -> None:
    await ask(house, "PUT", "/photos/k", content, key())
    stored = repr(house.contents()).encode() + b"".join(house.store.blobs.values())
    for secret in (ONE, b64encode(ONE), md5(ONE).hexdigest().encode(), b64encode(md5(ONE).digest()), content[:24]):
        assert secret not in stored
        assert repr(secret)[2:-1].encode() not in stored


@given(st.integers(0, len(LARGE) - 1), st.integers(0, len(LARGE)))
async def test_each_range_is_that_of_the_content(start: int, size: int) -> None:
    house = await House(options={"sse_c_over_http": True}).with_bucket()
    await ask(house, "PUT", "/photos/k", LARGE, key())
    got = await get(house, headers={**key(), "range": f"bytes={start}-{start + size}"})
    assert (got.status, got.body) == (206, LARGE[start : start + size + 1])


NAME = "x-amz-server-side-encryption-customer-"
MISTAKES: list[tuple[dict[str, str | None], str]] = [
    ({f"{NAME}algorithm": None}, "InvalidArgument"),
    ({f"{NAME}algorithm": ""}, "InvalidArgument"),
    ({f"{NAME}algorithm": "AES128"}, "InvalidEncryptionAlgorithmError"),
    ({f"{NAME}algorithm": "aws:kms"}, "InvalidEncryptionAlgorithmError"),
    ({f"{NAME}key": None}, "InvalidArgument"),
    ({f"{NAME}key": ""}, "InvalidArgument"),
    ({f"{NAME}key": "not base64!"}, "InvalidArgument"),
    ({f"{NAME}key": b64encode(b"1" * 31).decode()}, "InvalidArgument"),
    ({f"{NAME}key": b64encode(b"1" * 33).decode()}, "InvalidArgument"),
    ({f"{NAME}key": b64encode(b"1" * 3000).decode()}, "InvalidArgument"),
    ({f"{NAME}key-md5": None}, "InvalidArgument"),
    ({f"{NAME}key-md5": ""}, "InvalidArgument"),
    ({f"{NAME}key-md5": "GoDL8oWeAZVZNl1r5Hh5TA=="}, "InvalidArgument"),
    ({**AES256}, "InvalidArgument"),
]


@pytest.mark.parametrize(("change", "code"), MISTAKES)
async def test_each_mistake_has_its_code_and_nothing_is_stored(
    house: House, change: dict[str, str | None], code: str
) -> None:
    sent = {name: value for name, value in (key() | change).items() if value is not None}
    await ask(house, "PUT", "/photos/there", SMALL, key())
    before = house.contents()
    for method, address in (("PUT", "/photos/k"), ("POST", "/photos/k?uploads"), ("GET", "/photos/there")):
        answer = await ask(house, method, address, SMALL if method == "PUT" else b"", sent)
        assert answer.refusal == (400, code)
        assert b64encode(ONE) not in answer.body
    copying = {name.replace("x-amz-", "x-amz-copy-source-"): value for name, value in sent.items() if NAME in name}
    if copying != source_key():
        copy = {"x-amz-copy-source": "/photos/there", **copying}
        assert (await ask(house, "PUT", "/photos/k", b"", copy)).refusal == (400, code)
    assert house.contents() == before


async def test_a_key_for_what_needs_none_is_refused(house: House) -> None:
    await ask(house, "PUT", "/photos/k", SMALL)
    assert (await get(house, headers=key())).refusal == (400, "InvalidRequest")
    copy = {"x-amz-copy-source": "/photos/k", **source_key()}
    assert (await ask(house, "PUT", "/photos/copy", b"", copy)).refusal == (400, "InvalidRequest")
    assert (await get(house, "/photos/missing", key())).refusal == (404, "NoSuchKey")


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_oss_says_that_it_has_no_word_for_it(house: House, content: bytes) -> None:
    await ask(house, "PUT", "/photos/k", content, key())
    await house.put("/photos/link")
    refused = await house.ask("GET", "/photos/k")
    assert refused.refusal == (400, "InvalidRequest")
    assert "its client keeps its key (SSE-C)" in (refused.text("Message") or "")
    assert (await house.ask("HEAD", "/photos/k")).status == 400
    copy = {"x-oss-copy-source": "/photos/k"}
    assert (await house.ask("PUT", "/photos/copy", b"", copy)).refusal == (400, "InvalidRequest")
    assert (await house.ask("PUT", "/photos/k", b"", copy)).refusal == (400, "InvalidRequest")
    assert (await house.follow(house.link("GET", "k"))).refusal == (400, "InvalidRequest")
    await house.ask("PUT", "/photos/link?symlink", b"", {"x-oss-symlink-target": "k"})
    assert (await house.ask("GET", "/photos/link")).refusal == (400, "InvalidRequest")
    assert (await house.ask("GET", "/photos/k?x-oss-process=image/info")).refusal == (400, "InvalidRequest")
    # What says nothing of the content works as ever.
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == ["k", "link"]
    assert (await house.ask("PUT", "/photos/k?acl", b"", {"x-oss-object-acl": "private"})).status == 200
    assert (await get(house, headers=key())).body == content
    assert (await house.ask("DELETE", "/photos/k")).status == 204
    assert not house.store.unkept


async def test_links_need_the_key_and_its_headers_must_be_signed(house: House) -> None:
    await ask(house, "PUT", "/photos/k", SMALL, key())
    address = link(house, "GET", "/photos/k")
    assert (await follow(house, address)).refusal == (400, "InvalidRequest")
    unsigned = await follow(house, address, headers=key())
    assert unsigned.refusal == (403, "AccessDenied")
    assert "customer-key" in (unsigned.text("HeadersNotSigned") or "")


async def test_a_key_in_an_address_is_refused(house: House) -> None:
    query = "&".join(f"{name}={value.replace('=', '%3D')}" for name, value in key().items())
    assert (await follow(house, link(house, "PUT", "/photos/k", query), "PUT", SMALL)).refusal == (
        400,
        "InvalidRequest",
    )
    assert (await ask(house, "PUT", f"/photos/k?{query}", SMALL)).refusal == (400, "InvalidRequest")
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == []


async def test_a_signature_that_does_not_match_tells_the_key_to_nobody(house: House) -> None:
    request = signed(house, "PUT", "/photos/k", key() | source_key(TWO))
    wrong = replace(
        request, headers={**request.headers, "authorization": request.headers["authorization"][:-4] + "0000"}
    )
    answer = await send(house, wrong, SMALL)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert "customer-key:(not shown)" in (answer.text("CanonicalRequest") or "")
    for secret in (ONE, TWO):
        assert b64encode(secret) not in answer.body
        assert b64encode(secret).hex(" ").encode() not in answer.body


@pytest.mark.parametrize(
    ("client", "secure", "status"),
    [
        ("192.0.2.7", False, 400),
        ("", False, 400),
        ("::1", False, 200),
        ("127.0.0.1", False, 200),
        ("192.0.2.7", True, 200),
    ],
)
async def test_over_plain_http_a_key_comes_from_this_machine_alone(client: str, *, secure: bool, status: int) -> None:
    house = await House().with_bucket()
    request = replace(signed(house, "PUT", "/photos/k", key()), client=client, secure=secure)
    assert (await send(house, request, SMALL)).status == status


SOURCES = {"plain": {}, "one": key(ONE)}
TARGETS = {"plain": {}, "AES256": AES256, "one": key(ONE), "two": key(TWO)}


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
async def test_a_copy_is_under_its_own_key(house: House, source: str, target: str, content: bytes) -> None:
    await ask(house, "PUT", "/photos/from", content, SOURCES[source])
    named = {"x-amz-copy-source": "/photos/from"}
    with_key = named | (source_key(ONE) if source == "one" else {})
    if source == "one":
        before = house.contents()
        assert (await ask(house, "PUT", "/photos/k", b"", named | TARGETS[target])).refusal == (400, "InvalidRequest")
        other = named | source_key(TWO) | TARGETS[target]
        assert (await ask(house, "PUT", "/photos/k", b"", other)).refusal == (403, "AccessDenied")
        assert house.contents() == before
    copied = await ask(house, "PUT", "/photos/k", b"", with_key | TARGETS[target])
    assert copied.status == 200, copied.body
    assert is_customers(await stored_label(house)) == (target in ("one", "two"))
    reading = TARGETS[target] if target in ("one", "two") else {}
    assert (await get(house, headers=reading)).body == content
    assert (NAME + "key-md5" in copied.headers) == (target in ("one", "two"))
    await ask(house, "DELETE", "/photos/from")
    assert (await get(house, headers=reading)).body == content
    assert not house.store.unkept


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_key_is_exchanged_by_a_copy_onto_itself(house: House, content: bytes) -> None:
    await ask(house, "PUT", "/photos/k", content, key(ONE))
    onto_itself = {"x-amz-copy-source": "/photos/k", **source_key(ONE)}
    assert (await ask(house, "PUT", "/photos/k", b"", onto_itself | key(TWO))).status == 200
    assert (await get(house, headers=key(ONE))).refusal == (403, "AccessDenied")
    assert (await get(house, headers=key(TWO))).body == content
    back = {"x-amz-copy-source": "/photos/k", **source_key(TWO)}
    assert (await ask(house, "PUT", "/photos/k", b"", back)).status == 200
    assert (await get(house)).body == content
    assert len(house.store.blobs) == (1 if content is LARGE else 0)


async def upload(house: House, headers: Mapping[str, str]) -> str:
    begun = await ask(house, "POST", "/photos/k?uploads", b"", headers)
    assert begun.status == 200, begun.body
    return begun.text("{*}UploadId") or ""


async def complete(house: House, upload_id: str, etags: list[str]) -> Answer:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in enumerate(etags, 1)
    )
    document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return await ask(house, "POST", f"/photos/k?uploadId={upload_id}", document)


async def test_each_part_brings_the_key_of_its_upload(house: House) -> None:
    upload_id = await upload(house, key())
    before = house.contents()
    for sent in ({}, key(TWO)):
        refused = await ask(house, "PUT", f"/photos/k?partNumber=1&uploadId={upload_id}", LARGE[:PART], sent)
        assert refused.refusal == (400, "InvalidRequest")
    by_oss = await house.ask("PUT", f"/photos/k?partNumber=1&uploadId={upload_id}", LARGE[:PART])
    assert by_oss.refusal == (400, "InvalidRequest")
    assert house.contents() == before
    etags = []
    for number, part in enumerate((LARGE[:PART], LARGE[PART : 2 * PART], b"end"), 1):
        stored = await ask(house, "PUT", f"/photos/k?partNumber={number}&uploadId={upload_id}", part, key())
        assert (stored.status, stored.headers[f"{NAME}key-md5"]) == (200, "GoDL8oWeAZVZNl1r5Hh5Tg==")
        etags.append(stored.headers["etag"])
    assert (await complete(house, upload_id, etags)).status == 200
    whole = LARGE[: 2 * PART] + b"end"
    assert (await get(house)).refusal == (400, "InvalidRequest")
    assert (await get(house, headers=key())).body == whole
    assert (await get(house, headers={**key(), "range": "bytes=102390-204810"})).body == whole[102390:204811]
    assert (await get(house, "/photos/k?partNumber=2", key())).body == LARGE[PART : 2 * PART]


async def test_an_upload_without_a_key_takes_none(house: House) -> None:
    upload_id = await upload(house, {})
    refused = await ask(house, "PUT", f"/photos/k?partNumber=1&uploadId={upload_id}", b"x", key())
    assert refused.refusal == (400, "InvalidRequest")


@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize("target", ["plain", "one", "two"])
@pytest.mark.parametrize("source", SOURCES)
async def test_a_part_is_copied_from_one_key_to_another(house: House, source: str, target: str, content: bytes) -> None:
    await ask(house, "PUT", "/photos/from", content, SOURCES[source])
    upload_id = await upload(house, TARGETS[target])
    place = f"/photos/k?partNumber=1&uploadId={upload_id}"
    named = {"x-amz-copy-source": "/photos/from", "x-amz-copy-source-range": "bytes=3-20"} | TARGETS[target]
    if source == "one":
        assert (await ask(house, "PUT", place, b"", named)).refusal == (400, "InvalidRequest")
        assert (await ask(house, "PUT", place, b"", named | source_key(TWO))).refusal == (403, "AccessDenied")
        named |= source_key(ONE)
    copied = await ask(house, "PUT", place, b"", named)
    assert copied.status == 200, copied.body
    assert (await complete(house, upload_id, [copied.text("{*}ETag") or ""])).status == 200
    reading = {} if target == "plain" else TARGETS[target]
    assert (await get(house, headers=reading)).body == content[3:21]
    assert is_customers(await stored_label(house)) == (target != "plain")
    assert not house.store.unkept


async def test_a_form_brings_the_key_in_its_fields(house: House) -> None:
    named = [["starts-with", f"${name}", ""] for name in ("key", *key())]
    stored = await post(house, a_form(form_fields(named, key())))
    assert (stored.status, stored.headers[f"{NAME}algorithm"]) == (204, "AES256")
    assert (await get(house, "/photos/a.txt")).refusal == (400, "InvalidRequest")
    assert (await get(house, "/photos/a.txt", key())).body == b"hello"
    wrong = key() | {f"{NAME}key-md5": "x"}
    assert (await post(house, a_form(form_fields(named, wrong)))).refusal == (400, "InvalidArgument")


async def test_the_rule_of_the_bucket_stands_back_behind_a_key(house: House) -> None:
    assert (await ask(house, "PUT", "/photos?encryption", encryption("AES256"))).status == 200
    put = await ask(house, "PUT", "/photos/k", SMALL, key())
    assert (put.status, "x-amz-server-side-encryption" in put.headers) == (200, False)
    assert (await get(house)).refusal == (400, "InvalidRequest")
    assert (await get(house, headers=key())).body == SMALL


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_replica_is_under_the_key_of_its_source(house: House, content: bytes) -> None:
    await house.with_bucket("copies")
    assert (await ask(house, "PUT", "/copies?encryption", encryption("AES256"))).status == 200
    rule = await house.ask("POST", "/photos/?replication&comp=add", a_document())
    assert rule.status == 200, rule.body
    await ask(house, "PUT", "/photos/k", content, key())
    await ask(house, "PUT", "/photos/plain", content)
    runs = Replications(Ports(house.catalog, house.encrypting), house.keyring, Notices())
    assert await runs.run(NOW) == 2
    assert (await get(house, "/copies/k")).refusal == (400, "InvalidRequest")
    assert (await get(house, "/copies/k", key())).body == content
    assert (await get(house, "/copies/plain")).body == content


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_lifecycle_moves_and_deletes_what_it_cannot_read(house: House, content: bytes) -> None:
    await ask(house, "PUT", "/photos/k", content, key())
    rule = (
        "<LifecycleConfiguration><Rule><ID>r</ID><Filter/><Status>Enabled</Status>"
        "<Transition><Days>1</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
        "<Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    assert (await ask(house, "PUT", "/photos?lifecycle", rule.encode())).status == 200
    await run_lifecycle(house.ports, now=house.now + 3 * DAY_S)
    got = await get(house, headers=key())
    assert (got.body, got.headers["x-amz-storage-class"]) == (content, "STANDARD_IA")
    assert (await get(house)).refusal == (400, "InvalidRequest")
    await run_lifecycle(house.ports, now=house.now + 11 * DAY_S)
    assert (await get(house, headers=key())).refusal == (404, "NoSuchKey")
    assert house.store.blobs == {}


async def test_an_inventory_lists_it_as_encrypted() -> None:
    scene = await Scene().begin()
    request = replace(signed(scene.house, "PUT", "/photos/k", key()), client="127.0.0.1")
    assert (await send(scene.house, request, SMALL)).status == 200
    await scene.house.put("/photos/plain", SMALL)
    await scene.set_up(fields="Size EncryptionStatus")
    assert await scene.runs.run(NOW) == 1
    assert await scene.rows() == [["photos", "k", "32", "true"], ["photos", "plain", "32", "false"]]


def test_a_label_proves_its_key_and_no_other() -> None:
    label, again = CustomerKey(ONE).new_label(), CustomerKey(ONE).new_label()
    assert label != again  # two objects under one key don't look alike
    assert len(label) <= LABEL_MAX_CHARS
    assert [CustomerKey(ONE).proves(text) for text in (label, again, "", "AES256", "KMS:SM4:k")] == [
        *(True, True),
        *(False, False, False),
    ]
    assert not CustomerKey(TWO).proves(label)
    assert "1111" not in repr(CustomerKey(ONE))
    assert OWNER.access_key_secret not in label
