from __future__ import annotations

import pytest

from .house import ANYBODY, Answer, House


async def cold(house: House, storage_class: str = "Archive") -> None:
    await house.put("/photos/a", b"brr", {"x-oss-storage-class": storage_class})


async def restore(house: House, body: bytes = b"") -> Answer:
    return await house.ask("POST", "/photos/a?restore", body)


@pytest.mark.parametrize("storage_class", ["Archive", "ColdArchive", "DeepColdArchive"])
async def test_an_archived_object_is_read_only_while_it_is_restored(house: House, storage_class: str) -> None:
    await cold(house, storage_class)
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")
    head = await house.ask("HEAD", "/photos/a")
    assert (head.status, head.headers["x-oss-storage-class"], "x-oss-restore" in head.headers) == (
        200,
        storage_class,
        False,
    )
    assert (await restore(house, b"<RestoreRequest><Days>2</Days></RestoreRequest>")).status == 202
    again = await restore(house)
    assert (again.refusal, again.text("EC")) == ((409, "RestoreAlreadyInProgress"), "0016-00000701")
    assert (await house.ask("HEAD", "/photos/a")).headers["x-oss-restore"] == 'ongoing-request="true"'
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")
    house.now += 1
    got = await house.ask("GET", "/photos/a")
    expiry = 'ongoing-request="false", expiry-date="Sat, 07 Mar 2026 07:08:10 GMT"'
    assert (got.body, got.headers["x-oss-restore"]) == (b"brr", expiry)
    assert (await house.ask("GET", "/photos/")).text("Contents/RestoreInfo") == expiry
    assert (await house.ask("GET", "/photos/?versions")).text("Version/RestoreInfo") == expiry
    house.now += 2 * 24 * 3600
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")
    assert "x-oss-restore" not in (await house.ask("HEAD", "/photos/a")).headers
    assert (await house.ask("GET", "/photos/")).text("Contents/RestoreInfo") is None
    assert (await restore(house)).status == 202


async def test_restoring_again_extends_the_time(house: House) -> None:
    await cold(house)
    await restore(house)
    house.now += 60
    assert (await restore(house, b"<RestoreRequest><Days>3</Days></RestoreRequest>")).status == 200
    assert "Sun, 08 Mar 2026 07:09:09 GMT" in (await house.ask("HEAD", "/photos/a")).headers["x-oss-restore"]
    assert (await restore(house)).status == 200
    assert "Sun, 08 Mar 2026 07:09:09 GMT" in (await house.ask("HEAD", "/photos/a")).headers["x-oss-restore"]


async def test_the_priority_of_a_cold_restore_is_told(house: House) -> None:
    await cold(house, "ColdArchive")
    body = b"<RestoreRequest><Days>7</Days><JobParameters><Tier>Expedited</Tier></JobParameters></RestoreRequest>"
    assert (await restore(house, body)).headers == {"x-oss-object-restore-priority": "Expedited"}


@pytest.mark.parametrize("storage_class", ["Standard", "IA"])
async def test_what_is_not_archived_is_not_restored(house: House, storage_class: str) -> None:
    await cold(house, storage_class)
    assert (await restore(house)).refusal == (400, "OperationNotSupported")
    answer = await house.ask("POST", "/photos/a?cleanRestoredObject")
    assert answer.refusal == (400, "OperationNotSupported")


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"<Restore></Restore>",
        b"<RestoreRequest><Days>0</Days></RestoreRequest>",
        b"<RestoreRequest><Days>8</Days></RestoreRequest>",
        b"<RestoreRequest><Days>x</Days></RestoreRequest>",
        b"<RestoreRequest><Days>1</Days><Days>2</Days></RestoreRequest>",
        b"<RestoreRequest><JobParameters></JobParameters></RestoreRequest>",
        b"<RestoreRequest><JobParameters><Tier>Bulk</Tier></JobParameters></RestoreRequest>",
        b"<!DOCTYPE a><RestoreRequest></RestoreRequest>",
        b"<RestoreRequest></RestoreRequest>" + b" " * 70_000,
    ],
)
async def test_a_document_that_breaks_a_rule_restores_nothing(house: House, body: bytes) -> None:
    await cold(house)
    before = house.contents()
    assert (await restore(house, body)).refusal == (400, "MalformedXML")
    assert house.contents() == before


@pytest.mark.parametrize("storage_class", ["Standard", "ColdArchive", "DeepColdArchive"])
async def test_a_tier_that_is_none_is_refused_before_the_class_is_looked_at(house: House, storage_class: str) -> None:
    await cold(house, storage_class)
    before = house.contents()
    answer = await restore(house, b"<RestoreRequest><JobParameters><Tier>Now</Tier></JobParameters></RestoreRequest>")
    assert (answer.refusal, answer.text("ArgumentName")) == ((400, "InvalidArgument"), "Tier")
    assert house.contents() == before


async def test_the_document_is_judged_before_anything_else(house: House) -> None:
    assert (await restore(house, b"x")).refusal == (400, "MalformedXML")
    await cold(house, "Standard")
    assert (await restore(house, b"x")).refusal == (400, "MalformedXML")


async def test_a_restored_object_can_be_archived_again_at_once(house: House) -> None:
    await cold(house, "ColdArchive")

    async def clean() -> Answer:
        return await house.ask("POST", "/photos/a?cleanRestoredObject")

    stale = await clean()
    assert (stale.refusal, stale.text("EC")) == ((409, "ArchiveRestoreFileStale"), "0016-00000718")
    await restore(house)
    early = await clean()
    assert (early.refusal, early.text("EC")) == ((409, "ArchiveRestoreNotFinished"), "0016-00000719")
    house.now += 60
    assert (await clean()).status == 200
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")


async def test_only_what_is_there_is_restored_and_by_its_owner(house: House) -> None:
    assert (await restore(house)).refusal == (404, "NoSuchKey")
    await cold(house)
    assert (await house.ask("POST", "/photos/a?restore", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_one_version_is_restored(house: House) -> None:
    await cold(house)
    await house.ask(
        "PUT",
        "/photos/?versioning",
        b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    )
    await cold(house)
    answer = await house.ask("POST", "/photos/a?restore&versionId=null")
    assert (answer.status, answer.headers["x-oss-version-id"]) == (202, "null")
    house.now += 60
    assert (await house.ask("GET", "/photos/a?versionId=null")).body == b"brr"
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")


async def test_a_bucket_may_archive_by_default(house: House) -> None:
    body = b"<CreateBucketConfiguration><StorageClass>Archive</StorageClass></CreateBucketConfiguration>"
    assert (await house.ask("PUT", "/vault/", body)).status == 200
    await house.put("/vault/a")
    assert (await house.ask("GET", "/vault/a")).refusal == (403, "InvalidObjectState")
    await house.put("/vault/b", headers={"x-oss-storage-class": "Standard"})
    assert (await house.ask("GET", "/vault/b")).status == 200


async def test_a_restore_that_began_when_the_clock_was_ahead_can_be_begun_again(house: House) -> None:
    await cold(house)
    house.now += 365 * 86_400
    assert (await restore(house)).status == 202
    house.now -= 365 * 86_400
    assert (await restore(house)).status == 202
    assert (await restore(house)).refusal == (409, "RestoreAlreadyInProgress")
    house.now += 1
    assert (await house.ask("GET", "/photos/a")).status == 200
