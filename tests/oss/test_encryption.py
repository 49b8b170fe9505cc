from __future__ import annotations

import pytest

from coatcheck.core.limits import INLINE_MAX_BYTES
from coatcheck.ports.byte_store import is_encrypted

from .house import STRANGER, House
from .test_post_object import a_form, post, signed

SSE = {"x-oss-server-side-encryption": "AES256"}
LARGE = b"a sentence of the large one. " * 10_000
RULE = (
    b"<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    b"</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
)


async def test_small_and_large_objects_are_encrypted_and_read_as_ever() -> None:
    house = await House().with_bucket()
    for key, content in {"a.txt": b"hello, a sentence", "big": LARGE}.items():
        answer = await house.ask("PUT", f"/photos/{key}", content, SSE)
        assert (answer.status, answer.headers["x-oss-server-side-encryption"]) == (200, "AES256")
        got = await house.ask("GET", f"/photos/{key}")
        assert (got.body, got.headers["x-oss-server-side-encryption"]) == (content, "AES256")
        assert got.headers["etag"] == answer.headers["etag"]
        head = await house.ask("HEAD", f"/photos/{key}")
        assert (head.announced, head.headers["x-oss-server-side-encryption"]) == (len(content), "AES256")
        part = await house.ask("GET", f"/photos/{key}", headers={"range": "bytes=7-13"})
        assert (part.status, part.body) == (206, content[7:14])
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    small = await house.catalog.find_object(bucket.bucket_id, "a.txt")
    assert small is not None
    assert small.body is not None
    assert b"sentence" not in small.body
    assert all(is_encrypted(blob_id) and b"sentence" not in blob for blob_id, blob in house.store.blobs.items())
    assert len(house.store.blobs) == 1


async def test_the_etag_is_that_of_the_content_and_an_empty_object_is_fine() -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", "/photos/a.txt", b"", SSE)
    assert answer.headers["etag"] == '"D41D8CD98F00B204E9800998ECF8427E"'
    assert (await house.ask("GET", "/photos/a.txt")).body == b""


async def test_a_bucket_may_encrypt_by_default_and_the_rule_comes_back_and_goes() -> None:
    house = await House().with_bucket()
    assert (await house.ask("GET", "/photos/?encryption")).refusal == (404, "NoSuchServerSideEncryptionRule")
    assert (await house.ask("PUT", "/photos/?encryption", RULE)).status == 200
    answer = await house.ask("GET", "/photos/?encryption")
    assert answer.text("ApplyServerSideEncryptionByDefault/SSEAlgorithm") == "AES256"
    info = await house.ask("GET", "/photos/?bucketInfo")
    assert info.text("Bucket/ServerSideEncryptionRule/SSEAlgorithm") == "AES256"
    assert (await house.put("/photos/a.txt")).headers["x-oss-server-side-encryption"] == "AES256"
    assert (await post(house, a_form(signed("b.txt")))).headers["x-oss-server-side-encryption"] == "AES256"
    assert (await house.ask("DELETE", "/photos/?encryption")).status == 204
    assert (await house.ask("DELETE", "/photos/?encryption")).status == 204
    assert "x-oss-server-side-encryption" not in (await house.put("/photos/big")).headers
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"


async def test_a_form_may_ask_for_it() -> None:
    house = await House().with_bucket()
    assert (await post(house, a_form(signed("a.txt", fields=SSE)))).status == 204
    assert (await house.ask("HEAD", "/photos/a.txt")).headers["x-oss-server-side-encryption"] == "AES256"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-oss-server-side-encryption": "KMS"}, 403, "KmsServiceNotEnabled"),
        ({"x-oss-server-side-encryption": "SM4"}, 400, "NotImplemented"),
        ({"x-oss-server-side-encryption": "aes256"}, 400, "InvalidEncryptionAlgorithmError"),
        ({"x-oss-server-side-encryption": ""}, 400, "InvalidEncryptionAlgorithmError"),
        (SSE | {"x-oss-server-side-encryption-key-id": "k"}, 400, "InvalidArgument"),
        ({"x-oss-server-side-data-encryption": "SM4"}, 400, "InvalidArgument"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_nothing_stored(
    headers: dict[str, str], status: int, code: str
) -> None:
    house = await House().with_bucket()
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", headers)).refusal == (status, code)
    assert (await house.ask("POST", "/photos/a.txt?uploads", b"", headers)).refusal == (status, code)
    assert house.contents() == before


def a_rule(inner: bytes) -> bytes:
    return RULE.replace(b"<SSEAlgorithm>AES256</SSEAlgorithm>", inner)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "MalformedXML"),
        (b"<ServerSideEncryptionRule/>", 400, "MalformedXML"),
        (b"<!DOCTYPE a>" + RULE, 400, "MalformedXML"),
        (a_rule(b""), 400, "MalformedXML"),
        (a_rule(b"<SSEAlgorithm>AES256</SSEAlgorithm>" * 2), 400, "MalformedXML"),
        (a_rule(b"<SSEAlgorithm>AES128</SSEAlgorithm>"), 400, "InvalidEncryptionAlgorithmError"),
        (a_rule(b"<SSEAlgorithm>KMS</SSEAlgorithm>"), 403, "KmsServiceNotEnabled"),
        (a_rule(b"<SSEAlgorithm>SM4</SSEAlgorithm>"), 400, "NotImplemented"),
        (
            a_rule(b"<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"),
            400,
            "InvalidArgument",
        ),
    ],
)
async def test_what_is_no_rule_is_refused_and_nothing_changes(body: bytes, status: int, code: str) -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/?encryption", RULE)
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?encryption", body)).refusal == (status, code)
    assert house.contents() == before


async def test_the_rule_is_the_owners_affair() -> None:
    house = await House().with_bucket(acl="public-read-write")
    for method in ("PUT", "GET", "DELETE"):
        assert (await house.ask(method, "/photos/?encryption", RULE, by=STRANGER)).status == 403


async def upload(house: House, headers: dict[str, str], key: str = "big") -> str:
    answer = await house.ask("POST", f"/photos/{key}?uploads", b"", headers)
    assert answer.headers.get("x-oss-server-side-encryption") == headers.get("x-oss-server-side-encryption")
    return answer.text("UploadId") or ""


async def complete(house: House, upload_id: str, key: str = "big") -> None:
    answer = await house.ask("POST", f"/photos/{key}?uploadId={upload_id}", b"", {"x-oss-complete-all": "yes"})
    assert answer.status == 200, answer.body


async def test_parts_are_encrypted_whether_sent_or_copied() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", LARGE)
    await house.put("/photos/b.txt", b"x" * 200)
    plain = set(house.store.blobs)
    upload_id = await upload(house, SSE)
    part = await house.ask("PUT", f"/photos/big?partNumber=1&uploadId={upload_id}", LARGE)
    assert part.headers["x-oss-server-side-encryption"] == "AES256"
    source = {"x-oss-copy-source": "/photos/a.txt", "x-oss-copy-source-range": "bytes=10-110009"}
    await house.ask("PUT", f"/photos/big?partNumber=2&uploadId={upload_id}", b"", source)
    source = {"x-oss-copy-source": "/photos/b.txt"}
    await house.ask("PUT", f"/photos/big?partNumber=3&uploadId={upload_id}", b"", source)
    await complete(house, upload_id)
    got = await house.ask("GET", "/photos/big")
    assert got.body == LARGE + LARGE[10:110_010] + b"x" * 200
    assert got.headers["x-oss-server-side-encryption"] == "AES256"
    assert all(is_encrypted(blob_id) for blob_id in set(house.store.blobs) - plain)
    slice_ = await house.ask("GET", "/photos/big", headers={"range": f"bytes={len(LARGE) - 5}-{len(LARGE) + 4}"})
    assert slice_.body == LARGE[-5:] + LARGE[10:15]


async def test_parts_of_encrypted_objects_may_be_taken_into_plain_uploads() -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/a.txt", LARGE, SSE)
    await house.ask("PUT", "/photos/b.txt", b"small", SSE)
    upload_id = await upload(house, {})
    for number, source in enumerate(("a.txt", "b.txt"), 1):
        headers = {"x-oss-copy-source": f"/photos/{source}"}
        await house.ask("PUT", f"/photos/big?partNumber={number}&uploadId={upload_id}", b"", headers)
    await complete(house, upload_id)
    assert (await house.ask("GET", "/photos/big")).body == LARGE + b"small"


async def test_encryption_is_said_at_the_start_of_an_upload_alone() -> None:
    house = await House().with_bucket()
    upload_id = await upload(house, SSE)
    answer = await house.ask("PUT", f"/photos/big?partNumber=1&uploadId={upload_id}", b"a", SSE)
    assert answer.refusal == (400, "InvalidArgument")


@pytest.mark.parametrize("content", [b"small", LARGE, b""])
async def test_copies_of_encrypted_objects_share_their_bytes(content: bytes) -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/a.txt", content, SSE)
    blobs = set(house.store.blobs)
    answer = await house.ask("PUT", "/photos/copy", b"", {"x-oss-copy-source": "/photos/a.txt"})
    assert answer.headers["x-oss-server-side-encryption"] == "AES256"
    assert set(house.store.blobs) == blobs
    assert (await house.ask("GET", "/photos/copy")).body == content


@pytest.mark.parametrize("content", [b"small sentence", LARGE, b""])
async def test_a_copy_into_a_bucket_that_encrypts_is_encrypted(content: bytes) -> None:
    house = await House().with_bucket()
    await house.with_bucket("safe")
    await house.ask("PUT", "/safe/?encryption", RULE)
    await house.put("/photos/a.txt", content)
    answer = await house.ask("PUT", "/safe/copy", b"", {"x-oss-copy-source": "/photos/a.txt"})
    assert answer.headers["x-oss-server-side-encryption"] == "AES256"
    assert (await house.ask("GET", "/safe/copy")).body == content
    await house.ask("DELETE", "/photos/a.txt")
    assert (await house.ask("GET", "/safe/copy")).body == content
    if len(content) > INLINE_MAX_BYTES:
        assert [is_encrypted(blob_id) for blob_id in house.store.blobs] == [True]
    assert house.store.unkept == set()


@pytest.mark.parametrize("content", [b"small sentence", LARGE])
async def test_an_object_is_encrypted_by_copying_it_onto_itself(content: bytes) -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", content)
    headers = SSE | {"x-oss-copy-source": "/photos/a.txt", "content-type": "text/plain"}
    assert (await house.ask("PUT", "/photos/a.txt", b"", headers)).status == 200
    got = await house.ask("GET", "/photos/a.txt")
    assert (got.body, got.headers["x-oss-server-side-encryption"]) == (content, "AES256")
    assert all(is_encrypted(blob_id) for blob_id in house.store.blobs)
    assert (house.store.unkept, house.catalog.garbage) == (set(), set())


async def test_appends_stay_as_the_first_one_was() -> None:
    house = await House().with_bucket()
    content = b""
    for number, piece in enumerate((b"small sentence ", b"and another ", LARGE, b"tail", LARGE)):
        headers = SSE if number == 0 else {}
        answer = await house.ask("POST", f"/photos/a.txt?append&position={len(content)}", piece, headers)
        assert (answer.status, answer.headers["x-oss-server-side-encryption"]) == (200, "AES256")
        content += piece
        assert (await house.ask("GET", "/photos/a.txt")).body == content
    assert all(is_encrypted(blob_id) for blob_id in house.store.blobs)
