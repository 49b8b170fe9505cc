from __future__ import annotations

import base64
import hashlib
from xml.sax.saxutils import escape

import pytest

from coatcheck.wire.request import BodyFailed

from .house import ANYBODY, GivenBody, House

KEYS = ["a.txt", "b/1", "b/2", "写"]


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    for key in ("a.txt", "b/1", "b/2", "%E5%86%99"):
        await house.put(f"/photos/{key}")
    await house.put("/photos/large.bin", b"x" * 100_000)
    return house


async def left(house: House) -> list[str]:
    return (await house.ask("GET", "/photos/")).texts("Contents/Key")


def delete(*keys: str, quiet: str = "") -> bytes:
    objects = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f"<Delete>{quiet and f'<Quiet>{quiet}</Quiet>'}{objects}</Delete>".encode()


# --- DeleteObject ---


async def test_delete_object_removes_it_and_its_bytes(house: House) -> None:
    gone = await house.ask("DELETE", "/photos/large.bin")
    assert (gone.status, gone.body, gone.headers) == (204, b"", {})
    assert (await house.ask("GET", "/photos/large.bin")).refusal == (404, "NoSuchKey")
    assert not house.store.blobs
    assert not house.catalog.garbage


async def test_delete_object_succeeds_for_a_key_that_is_not_there(house: House) -> None:
    assert (await house.ask("DELETE", "/photos/none")).status == 204


async def test_delete_object_needs_its_bucket(house: House) -> None:
    assert (await house.ask("DELETE", "/nobody/a.txt")).refusal == (404, "NoSuchBucket")


async def test_deleting_a_version_that_never_was_leaves_the_object(house: House) -> None:
    assert (await house.ask("DELETE", "/photos/a.txt?versionId=CAEQ")).status == 204
    assert (await house.ask("GET", "/photos/a.txt")).status == 200
    assert (await house.ask("DELETE", "/photos/a.txt?versionId=null")).status == 204
    assert (await house.ask("GET", "/photos/a.txt")).status == 404


@pytest.mark.parametrize("version_id", ["", "%20", "a%00"])
async def test_delete_object_refuses_an_impossible_version_id(house: House, version_id: str) -> None:
    assert (await house.ask("DELETE", f"/photos/a.txt?versionId={version_id}")).refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/a.txt")).status == 200


async def test_a_link_may_delete_one_object(house: House) -> None:
    assert (await house.follow(house.link("DELETE", "a.txt"), "DELETE")).status == 204
    assert "a.txt" not in await left(house)


# --- DeleteMultipleObjects ---


async def test_many_are_deleted_and_named_in_the_order_they_were_given(house: House) -> None:
    answer = await house.ask("POST", "/photos/?delete", delete("b/2", "a.txt", "never-was"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/xml")
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<DeleteResult>\n"
        "  <Deleted>\n    <Key>b/2</Key>\n  </Deleted>\n"
        "  <Deleted>\n    <Key>a.txt</Key>\n  </Deleted>\n"
        "  <Deleted>\n    <Key>never-was</Key>\n  </Deleted>\n"
        "</DeleteResult>\n"
    )
    assert await left(house) == ["b/1", "large.bin", "写"]


@pytest.mark.parametrize("quiet", ["true", "True", " TRUE "])
async def test_quietly_nothing_is_named(house: House, quiet: str) -> None:
    answer = await house.ask("POST", "/photos/?delete", delete("a.txt", "large.bin", quiet=quiet))
    assert (answer.status, answer.body, answer.headers) == (200, b"", {})
    assert await left(house) == ["b/1", "b/2", "写"]
    assert not house.store.blobs


async def test_not_quietly_is_the_default(house: House) -> None:
    answer = await house.ask("POST", "/photos/?delete", delete("a.txt", quiet="false"))
    assert answer.texts("Deleted/Key") == ["a.txt"]


async def test_names_are_encoded_on_demand(house: House) -> None:
    answer = await house.ask("POST", "/photos/?delete&encoding-type=url", delete("写", "b/1", "x &<>+y"))
    assert answer.text("EncodingType") == "url"
    assert answer.texts("Deleted/Key") == ["%E5%86%99", "b%2F1", "x%20%26%3C%3E%2By"]
    assert await left(house) == ["a.txt", "b/2", "large.bin"]


async def test_control_characters_come_as_references_from_sdks(house: House) -> None:
    for key in ("%01%1F", "%E5%86%99%0B"):
        await house.put(f"/photos/c/{key}")
    body = "<Delete><Object><Key>c/&#01;&#31;</Key></Object><Object><Key>c/写&#x0B;</Key></Object></Delete>"
    answer = await house.ask("POST", "/photos/?delete&encoding-type=url", body.encode())
    assert answer.texts("Deleted/Key") == ["c%2F%01%1F", "c%2F%E5%86%99%0B"]
    assert not [key for key in await left(house) if key.startswith("c/")]


async def test_control_characters_come_as_they_are_and_go_back_as_references(house: House) -> None:
    for key in ("%01%1F", "%E5%86%99%0B"):
        await house.put(f"/photos/c/{key}")
    listed = await house.ask("GET", "/photos/?prefix=c/")
    assert b"<Key>c/&#x1;&#x1F;</Key>" in listed.body
    for query in ("list-type=2&prefix=c/", "versions&prefix=c/"):
        assert b"<Key>c/&#x1;&#x1F;</Key>" in (await house.ask("GET", f"/photos/?{query}")).body
    body = "<Delete><Object><Key>c/\x01\x1f</Key></Object><Object><Key>c/写\x0b</Key></Object></Delete>"
    answer = await house.ask("POST", "/photos/?delete", body.encode())
    assert "<Key>c/&#x1;&#x1F;</Key>" in answer.body.decode()
    assert "<Key>c/写&#xB;</Key>" in answer.body.decode()
    assert not [key for key in await left(house) if key.startswith("c/")]


async def test_a_name_with_control_characters_goes_back_whole_from_uploads(house: House) -> None:
    begun = await house.ask("POST", "/photos/c/%02?uploads")
    assert b"<Key>c/&#x2;</Key>" in begun.body
    assert b"<Key>c/&#x2;</Key>" in (await house.ask("GET", "/photos/?uploads&prefix=c/")).body


async def test_a_key_keeps_its_blanks(house: House) -> None:
    await house.put("/photos/%20a.txt%20")
    assert (await house.ask("POST", "/photos/?delete", delete(" a.txt "))).texts("Deleted/Key") == [" a.txt "]
    assert await left(house) == ["a.txt", "b/1", "b/2", "large.bin", "写"]


async def test_a_key_named_twice_is_answered_twice(house: House) -> None:
    answer = await house.ask("POST", "/photos/?delete", delete("large.bin", "large.bin"))
    assert answer.texts("Deleted/Key") == ["large.bin", "large.bin"]
    assert not house.store.blobs


async def test_only_the_null_version_is_there_to_be_deleted(house: House) -> None:
    body = (
        b"<Delete><Object><Key>a.txt</Key><VersionId>CAEQ</VersionId></Object>"
        b"<Object><Key>b/1</Key><VersionId>null</VersionId></Object>"
        b"<Object><Key>b/2</Key><VersionId></VersionId></Object></Delete>"
    )
    answer = await house.ask("POST", "/photos/?delete", body)
    assert answer.texts("Deleted/Key") == ["a.txt", "b/1", "b/2"]
    assert answer.texts("Deleted/VersionId") == ["CAEQ", "null"]
    assert await left(house) == ["a.txt", "large.bin", "写"]


async def test_a_thousand_keys_are_deleted_and_one_more_refused(house: House) -> None:
    thousand = [f"key-{number}" for number in range(999)] + ["a.txt"]
    refused = await house.ask("POST", "/photos/?delete", delete(*thousand, "one-more"))
    assert refused.refusal == (400, "MalformedXML")
    assert "a.txt" in await left(house)
    assert (await house.ask("POST", "/photos/?delete", delete(*thousand))).status == 200
    assert "a.txt" not in await left(house)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (b"<Delete></Delete>", "MalformedXML"),
        (b"<Delete><Object><Key>a.txt</Key></Delete>", "MalformedXML"),
        (b"<Remove><Object><Key>a.txt</Key></Object></Remove>", "MalformedXML"),
        (b"<!DOCTYPE Delete><Delete><Object><Key>a.txt</Key></Object></Delete>", "MalformedXML"),
        (delete("a.txt") + b" " * 2 * 1024**2, "MalformedXML"),
        (delete("a.txt", ""), "UserKeyMustBeSpecified"),
        (delete("a.txt", quiet="perhaps"), "MalformedXML"),
        (b"<Delete><Quiet>true</Quiet><Quiet>true</Quiet><Object><Key>a.txt</Key></Object></Delete>", "MalformedXML"),
        (b"<Delete><Object><Key>a.txt</Key><Key>b/1</Key></Object></Delete>", "MalformedXML"),
        (b"<Delete><Object><Key>a.txt<b/></Key></Object></Delete>", "MalformedXML"),
        (
            b"<Delete><Object><Key>a.txt</Key><VersionId>null</VersionId><VersionId>CAEQ</VersionId></Object></Delete>",
            "MalformedXML",
        ),
        (b"<Delete><Object><Key>a.txt</Key></Object><Object></Object></Delete>", "UserKeyMustBeSpecified"),
        (delete("a.txt", "k" * 1024), "InvalidObjectName"),
        (delete("a.txt", "/leading"), "InvalidObjectName"),
        (
            b"<Delete><Object><Key>a.txt</Key></Object>"
            b"<Object><Key>b/1</Key><VersionId>a b</VersionId></Object></Delete>",
            "InvalidArgument",
        ),
    ],
)
async def test_a_document_that_breaks_a_rule_deletes_nothing(house: House, body: bytes, code: str) -> None:
    before = house.contents()
    assert (await house.ask("POST", "/photos/?delete", body)).refusal == (400, code)
    assert house.contents() == before


async def test_a_document_must_have_the_digest_it_claims(house: House) -> None:
    body = delete("a.txt")
    wrong = {"content-md5": base64.b64encode(hashlib.md5(b"x").digest()).decode()}
    assert (await house.ask("POST", "/photos/?delete", body, wrong)).refusal == (400, "InvalidDigest")
    assert "a.txt" in await left(house)
    right = {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    assert (await house.ask("POST", "/photos/?delete", body, right)).status == 200


async def test_a_document_that_is_cut_off_deletes_nothing(house: House) -> None:
    body = GivenBody([delete("a.txt")], BodyFailed())
    assert (await house.ask("POST", "/photos/?delete", body)).refusal == (400, "IncompleteBody")
    assert "a.txt" in await left(house)


async def test_another_encoding_is_refused(house: House) -> None:
    answer = await house.ask("POST", "/photos/?delete&encoding-type=hex", delete("a.txt"))
    assert answer.refusal == (400, "InvalidArgument")


async def test_nobody_in_particular_deletes_nothing(house: House) -> None:
    before = house.contents()
    for answer in (
        await house.ask("DELETE", "/photos/a.txt", by=ANYBODY),
        await house.ask("POST", "/photos/?delete", delete("a.txt"), by=ANYBODY),
    ):
        assert answer.refusal == (403, "AccessDenied")
    assert house.contents() == before
