"""Archived objects that are read without being restored, where their bucket says so."""

from __future__ import annotations

import pytest

from .house import House


def a_document(enabled: str) -> bytes:
    return f"<ArchiveDirectReadConfiguration><Enabled>{enabled}</Enabled></ArchiveDirectReadConfiguration>".encode()


async def a_house(enabled: str | None = "true", storage_class: str = "Archive") -> House:
    house = await House().with_bucket()
    await house.put("/photos/old.txt", b"hello", {"x-oss-storage-class": storage_class})
    if enabled is not None:
        assert (await house.ask("PUT", "/photos/?bucketArchiveDirectRead", a_document(enabled))).status == 200
    return house


async def test_it_is_off_where_nothing_was_said() -> None:
    answer = await (await a_house(None)).ask("GET", "/photos/?bucketArchiveDirectRead")
    assert (answer.status, answer.xml.tag) == (200, "ArchiveDirectReadConfiguration")
    assert answer.text("Enabled") == "false"


@pytest.mark.parametrize(("enabled", "shown"), [("true", "true"), ("True", "true"), ("false", "false")])
async def test_what_was_put_comes_back(enabled: str, shown: str) -> None:
    house = await a_house(enabled)
    assert (await house.ask("GET", "/photos/?bucketArchiveDirectRead")).text("Enabled") == shown


@pytest.mark.parametrize(
    "document", [b"", a_document(""), a_document("1"), a_document("true</Enabled><Enabled>true"), b"<Enabled/>"]
)
async def test_nothing_but_true_and_false_is_taken(document: bytes) -> None:
    house = await a_house(None)
    assert (await house.ask("PUT", "/photos/?bucketArchiveDirectRead", document)).refusal == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("enabled", "storage_class", "readable"),
    [
        (None, "Archive", False),
        ("false", "Archive", False),
        ("true", "Archive", True),
        ("true", "ColdArchive", False),
        ("true", "DeepColdArchive", False),
    ],
)
async def test_archived_objects_are_read_at_once_and_the_cold_classes_are_not(
    enabled: str | None, storage_class: str, readable: bool
) -> None:
    house = await a_house(enabled, storage_class)
    got = await house.ask("GET", "/photos/old.txt")
    copied = await house.ask("PUT", "/photos/new.txt", headers={"x-oss-copy-source": "/photos/old.txt"})
    begun = await house.ask("POST", "/photos/parts?uploads")
    address = f"/photos/parts?partNumber=1&uploadId={begun.text('UploadId')}"
    part = await house.ask("PUT", address, headers={"x-oss-copy-source": "/photos/old.txt"})
    if readable:
        assert (got.body, copied.status, part.status) == (b"hello", 200, 200)
    else:
        for answer in (got, copied, part):
            assert answer.refusal == (403, "InvalidObjectState")


async def test_a_link_to_an_archived_object_is_read_too() -> None:
    house = await a_house()
    await house.ask("PUT", "/photos/link?symlink", headers={"x-oss-symlink-target": "old.txt"})
    assert (await house.ask("GET", "/photos/link")).body == b"hello"


async def test_the_bucket_of_the_source_says_it() -> None:
    house = await (await a_house()).with_bucket("other")
    await house.put("/other/old.txt", b"hello", {"x-oss-storage-class": "Archive"})
    for source, status in (("photos", 200), ("other", 403)):
        headers = {"x-oss-copy-source": f"/{source}/old.txt"}
        assert (await house.ask("PUT", "/other/new.txt", headers=headers)).status == status


async def test_it_can_be_restored_all_the_same() -> None:
    assert (await (await a_house()).ask("POST", "/photos/old.txt?restore")).status == 202
