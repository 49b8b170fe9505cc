"""KMS and SM4 with local keys, where the server was told to (--local-kms)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from coatcheck.engines.encrypted import HEADER_BYTES
from coatcheck.engines.master_keys import label_of
from coatcheck.ports.byte_store import is_encrypted
from coatcheck.ports.object import ObjectRecord

from .house import Answer, House
from .test_post_object import a_form, post, signed

ALGORITHM: Final = "x-oss-server-side-encryption"
KEY_ID: Final = f"{ALGORITHM}-key-id"
DATA: Final = "x-oss-server-side-data-encryption"
LARGE: Final = b"a sentence of the large one. " * 10_000

# What an upload asks for, what replies say, and the label in the row.
WAYS: Final[list[tuple[dict[str, str], dict[str, str], str]]] = [
    ({ALGORITHM: "KMS"}, {ALGORITHM: "KMS", KEY_ID: "default"}, "KMS:AES256:default"),
    ({ALGORITHM: "KMS", KEY_ID: "team/a-1"}, {ALGORITHM: "KMS", KEY_ID: "team/a-1"}, "KMS:AES256:team/a-1"),
    (
        {ALGORITHM: "KMS", KEY_ID: "k", DATA: "SM4"},
        {ALGORITHM: "KMS", KEY_ID: "k", DATA: "SM4"},
        "KMS:SM4:k",
    ),
    ({ALGORITHM: "SM4"}, {ALGORITHM: "SM4"}, "SM4"),
    ({ALGORITHM: "AES256"}, {ALGORITHM: "AES256"}, "AES256"),
]
each_way = pytest.mark.parametrize(("asked", "said", "label"), WAYS, ids=lambda way: str(way)[:40])


@pytest.fixture
async def house() -> House:
    return await House(options={"local_kms": True}).with_bucket()


def what_it_says(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "server-side" in name}


async def record(house: House, key: str) -> ObjectRecord:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    found = house.catalog.look_for_object(bucket.bucket_id, key, None)
    assert found is not None
    return found


async def is_kept_as(house: House, key: str, label: str) -> None:
    """The row says so, and so does what lies with the bytes."""
    found = await record(house, key)
    assert found.encryption == label
    written = "" if label == "AES256" else label
    if found.body:
        assert label_of(found.body) == written
        assert b"sentence" not in found.body
    for segment in found.segments:
        assert is_encrypted(segment.blob_id)
        stored = house.store.blobs[segment.blob_id]
        assert label_of(bytes(stored[:HEADER_BYTES])) == written
        assert b"sentence" not in stored


@each_way
async def test_objects_are_kept_as_they_say(
    house: House, asked: dict[str, str], said: dict[str, str], label: str
) -> None:
    for key, content in {"a.txt": b"hello, a sentence", "big": LARGE}.items():
        put = await house.ask("PUT", f"/photos/{key}", content, asked)
        assert (put.status, what_it_says(put)) == (200, said)
        got = await house.ask("GET", f"/photos/{key}")
        assert (got.body, what_it_says(got)) == (content, said)
        assert what_it_says(await house.ask("HEAD", f"/photos/{key}")) == said
        part = await house.ask("GET", f"/photos/{key}", headers={"range": "bytes=7-13"})
        assert (part.status, part.body) == (206, content[7:14])
        await is_kept_as(house, key, label)
    assert len(house.store.blobs) == 1


@each_way
async def test_every_write_can_ask_for_it(
    house: House, asked: dict[str, str], said: dict[str, str], label: str
) -> None:
    for content in (b"one sentence. ", LARGE):
        position = "0" if content != LARGE else "14"
        appended = await house.ask("POST", f"/photos/log?append&position={position}", content, asked)
        assert what_it_says(appended) == said
    assert (await house.ask("GET", "/photos/log")).body == b"one sentence. " + LARGE
    await is_kept_as(house, "log", label)

    posted = await post(house, a_form(signed("form", fields=asked), LARGE))
    assert (posted.status, what_it_says(posted)) == (204, said)
    await is_kept_as(house, "form", label)

    begun = await house.ask("POST", "/photos/parts?uploads", headers=asked)
    assert what_it_says(begun) == said
    address = f"/photos/parts?uploadId={begun.text('UploadId')}"
    assert what_it_says(await house.ask("PUT", f"{address}&partNumber=1", LARGE)) == said
    await house.put("/photos/plain", LARGE)
    await house.put("/photos/other", LARGE, {ALGORITHM: "KMS", KEY_ID: "of-another"})
    await house.put("/photos/small", b"a sentence")
    for number, source in enumerate(("plain", "other", "form", "small"), 2):
        copied = {"x-oss-copy-source": f"/photos/{source}"}
        assert (await house.ask("PUT", f"{address}&partNumber={number}", headers=copied)).status == 200
    done = await house.ask("POST", address, headers={"x-oss-complete-all": "yes"})
    assert (done.status, what_it_says(done)) == (200, said)
    assert (await house.ask("GET", "/photos/parts")).body == LARGE * 4 + b"a sentence"
    await is_kept_as(house, "parts", label)


@each_way
@pytest.mark.parametrize("before", [{}, {ALGORITHM: "AES256"}, {ALGORITHM: "KMS", KEY_ID: "old", DATA: "SM4"}], ids=str)
async def test_a_copy_is_kept_as_it_asks(
    house: House, asked: dict[str, str], said: dict[str, str], label: str, before: dict[str, str]
) -> None:
    for content in (b"a sentence", LARGE):
        await house.put("/photos/source", content, before)
        for key in ("copy", "source"):
            copied = await house.ask("PUT", f"/photos/{key}", headers={"x-oss-copy-source": "/photos/source", **asked})
            assert (copied.status, what_it_says(copied)) == (200, said)
            assert (await house.ask("GET", f"/photos/{key}")).body == content
            await is_kept_as(house, key, label)


async def test_a_copy_that_asks_for_nothing_shares_the_bytes(house: House) -> None:
    await house.put("/photos/source", LARGE, {ALGORITHM: "KMS", KEY_ID: "k"})
    copied = await house.ask("PUT", "/photos/copy", headers={"x-oss-copy-source": "/photos/source"})
    assert what_it_says(copied) == {ALGORITHM: "KMS", KEY_ID: "k"}
    assert (await record(house, "copy")).segments == (await record(house, "source")).segments
    assert len(house.store.blobs) == 1


def a_rule(*elements: tuple[str, str]) -> bytes:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in elements)
    default = f"<ApplyServerSideEncryptionByDefault>{inner}</ApplyServerSideEncryptionByDefault>"
    return f"<ServerSideEncryptionRule>{default}</ServerSideEncryptionRule>".encode()


async def test_a_bucket_may_ask_for_it_by_default(house: House) -> None:
    given = (("SSEAlgorithm", "KMS"), ("KMSMasterKeyID", "k-1"), ("KMSDataEncryption", "SM4"))
    assert (await house.ask("PUT", "/photos/?encryption", a_rule(*given))).status == 200
    shown = await house.ask("GET", "/photos/?encryption")
    info = await house.ask("GET", "/photos/?bucketInfo")
    for name, text in given:
        assert shown.text(f"ApplyServerSideEncryptionByDefault/{name}") == text
        assert info.text(f"Bucket/ServerSideEncryptionRule/{name}") == text
    put = await house.put("/photos/a.txt", LARGE)
    assert what_it_says(put) == {ALGORITHM: "KMS", KEY_ID: "k-1", DATA: "SM4"}
    await is_kept_as(house, "a.txt", "KMS:SM4:k-1")
    assert what_it_says(await house.put("/photos/b.txt", b"x", {ALGORITHM: "AES256"})) == {ALGORITHM: "AES256"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({ALGORITHM: "KMS", KEY_ID: "a:b"}, "InvalidArgument"),
        ({ALGORITHM: "KMS", KEY_ID: ""}, "InvalidArgument"),
        ({ALGORITHM: "KMS", KEY_ID: "k" * 65}, "InvalidArgument"),
        ({ALGORITHM: "KMS", DATA: "AES256"}, "InvalidDataEncryptionAlgorithmError"),
        ({ALGORITHM: "SM4", KEY_ID: "k"}, "InvalidArgument"),
        ({ALGORITHM: "SM4", DATA: "SM4"}, "InvalidArgument"),
        ({KEY_ID: "k"}, "InvalidArgument"),
        ({ALGORITHM: "kms"}, "InvalidEncryptionAlgorithmError"),
    ],
)
async def test_what_does_not_go_together_is_refused(house: House, headers: dict[str, str], code: str) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", headers)).refusal == (400, code)
    assert (await house.ask("POST", "/photos/a.txt?uploads", b"", headers)).refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize("rule", [(("SSEAlgorithm", "KMS"),), (("SSEAlgorithm", "SM4"),)])
async def test_after_it_is_switched_off_objects_can_be_read_and_none_is_stored_in_clear(
    house: House, rule: tuple[tuple[str, str], ...]
) -> None:
    await house.ask("PUT", "/photos/?encryption", a_rule(*rule))
    await house.put("/photos/a.txt", LARGE)
    later = House(house.catalog, house.store)
    assert (await later.ask("GET", "/photos/a.txt")).body == LARGE
    before = later.contents()
    code = (403, "KmsServiceNotEnabled") if rule[0][1] == "KMS" else (400, "NotImplemented")
    for answer in (
        await later.ask("PUT", "/photos/b.txt", b"hello"),
        await later.ask("POST", "/photos/log?append&position=0", b"hello"),
        await later.ask("POST", "/photos/parts?uploads"),
        await later.ask("PUT", "/photos/c.txt", headers={"x-oss-copy-source": "/photos/a.txt"}),
        await later.ask("PUT", "/photos/?encryption", a_rule(*rule)),
    ):
        assert answer.refusal == code
    assert later.contents() == before
    plain = await later.ask("PUT", "/photos/b.txt", b"hello", {ALGORITHM: "AES256"})
    assert what_it_says(plain) == {ALGORITHM: "AES256"}


async def test_where_openssl_has_no_sm4_it_is_refused(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("coatcheck.engines.encrypted.has_sm4", lambda: False)
    for asked in ({ALGORITHM: "SM4"}, {ALGORITHM: "KMS", DATA: "SM4"}):
        assert (await house.ask("PUT", "/photos/a.txt", b"x", asked)).refusal == (400, "NotImplemented")
    assert (await house.ask("PUT", "/photos/a.txt", b"x", {ALGORITHM: "KMS"})).status == 200
