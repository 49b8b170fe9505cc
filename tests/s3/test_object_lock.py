"""Object lock: buckets that have it from the first, retention, holds, and who may end what."""

from __future__ import annotations

import pytest

from coatcheck.engines.memory import MemoryCatalog

from ..moved_clock import MovedClock
from ..oss.house import NOW, House
from .asking import ask

LOCK = {"x-amz-bucket-object-lock-enabled": "true"}


def configuration(inside: str) -> bytes:
    rule = f"<Rule><DefaultRetention>{inside}</DefaultRetention></Rule>" if inside else ""
    return (
        f"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
    ).encode()


def retention(mode: str, until: str) -> bytes:
    return f"<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>".encode()


@pytest.fixture
async def house() -> House:
    made = House(MemoryCatalog(MovedClock(NOW).wall, MovedClock(NOW).monotonic))
    assert (await ask(made, "PUT", "/locked", b"", LOCK)).status == 200
    assert (await ask(made, "PUT", "/plain")).status == 200
    return made


async def test_a_bucket_has_it_from_its_first_moment(house: House) -> None:
    assert (await ask(house, "GET", "/locked?versioning")).text("{*}Status") in ("Enabled", None)
    shown = await ask(house, "GET", "/locked?object-lock")
    assert shown.text("{*}ObjectLockEnabled") == "Enabled"
    assert (await house.ask("GET", "/locked?objectWorm")).text("ObjectWormEnabled") == "Enabled"
    assert (await ask(house, "GET", "/plain?object-lock")).refusal == (404, "ObjectLockConfigurationNotFoundError")
    suspend = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
    assert (await ask(house, "PUT", "/locked?versioning", suspend)).refusal == (409, "InvalidBucketState")
    assert (await ask(house, "PUT", "/plain?object-lock", configuration(""))).refusal == (409, "InvalidBucketState")


async def test_the_default_holds_new_versions_by_either_dialect(house: House) -> None:
    document = configuration("<Mode>COMPLIANCE</Mode><Days>2</Days>")
    assert (await ask(house, "PUT", "/locked?object-lock", document)).status == 200
    assert (await ask(house, "GET", "/locked?object-lock")).texts(".//{*}Days") == ["2"]
    version = (await house.put("/locked/k")).headers["x-oss-version-id"]
    held = await ask(house, "HEAD", "/locked/k")
    assert held.headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert held.headers["x-amz-object-lock-retain-until-date"] == "2026-03-07T07:08:09.000Z"
    bypass = {"x-amz-bypass-governance-retention": "true"}
    refused = await ask(house, "DELETE", f"/locked/k?versionId={version}", b"", bypass)
    assert refused.refusal == (403, "AccessDenied")


async def test_governance_ends_for_who_may_bypass_it(house: House) -> None:
    stored = await ask(
        house,
        "PUT",
        "/locked/k",
        b"x",
        {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2026-04-01T00:00:00Z"},
    )
    version = stored.headers["x-amz-version-id"]
    shown = await ask(house, "GET", "/locked/k?retention")
    assert shown.texts("*") == ["GOVERNANCE", "2026-04-01T00:00:00.000Z"]
    shorter = retention("GOVERNANCE", "2026-03-10T00:00:00Z")
    assert (await ask(house, "PUT", "/locked/k?retention", shorter)).refusal == (403, "AccessDenied")
    assert (await ask(house, "DELETE", f"/locked/k?versionId={version}")).refusal == (403, "AccessDenied")
    bypass = {"x-amz-bypass-governance-retention": "true"}
    assert (await ask(house, "PUT", "/locked/k?retention", shorter, bypass)).status == 200
    assert (await ask(house, "DELETE", f"/locked/k?versionId={version}", b"", bypass)).status == 204


async def test_a_hold_is_put_and_taken(house: House) -> None:
    stored = await ask(house, "PUT", "/locked/k", b"x", {"x-amz-object-lock-legal-hold": "ON"})
    version = stored.headers["x-amz-version-id"]
    assert (await ask(house, "GET", "/locked/k?legal-hold")).text("{*}Status") == "ON"
    assert (await house.ask("GET", "/locked/k?legalHold")).text("Status") == "ON"
    assert (await ask(house, "DELETE", f"/locked/k?versionId={version}")).refusal == (403, "AccessDenied")
    off = b"<LegalHold><Status>OFF</Status></LegalHold>"
    assert (await ask(house, "PUT", "/locked/k?legal-hold", off)).status == 200
    assert (await ask(house, "DELETE", f"/locked/k?versionId={version}")).status == 204


async def test_copies_and_uploads_in_parts_are_held_too(house: House) -> None:
    await ask(house, "PUT", "/plain/k", b"x")
    hold = {"x-amz-object-lock-legal-hold": "ON"}
    copied = await ask(house, "PUT", "/locked/copy", b"", {"x-amz-copy-source": "/plain/k", **hold})
    assert copied.status == 200
    begun = await ask(house, "POST", "/locked/parts?uploads", b"", hold)
    upload = begun.text("{*}UploadId")
    part = await ask(house, "PUT", f"/locked/parts?partNumber=1&uploadId={upload}", b"x")
    listed = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    done = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    assert (await ask(house, "POST", f"/locked/parts?uploadId={upload}", done.encode())).status == 200
    for key in ("copy", "parts"):
        assert (await ask(house, "HEAD", f"/locked/{key}")).headers["x-amz-object-lock-legal-hold"] == "ON"


async def test_a_bucket_without_it_takes_none(house: House) -> None:
    await ask(house, "PUT", "/plain/k", b"x")
    until = retention("COMPLIANCE", "2027-01-01T00:00:00Z")
    assert (await ask(house, "PUT", "/plain/k?retention", until)).refusal == (400, "InvalidRequest")
    assert (await ask(house, "GET", "/plain/k?retention")).refusal == (400, "InvalidRequest")
    assert (await ask(house, "GET", "/plain/k?legal-hold")).refusal == (400, "InvalidRequest")
    refused = await ask(house, "PUT", "/plain/k", b"y", {"x-amz-object-lock-legal-hold": "ON"})
    assert refused.refusal == (400, "InvalidRequest")
    assert (await ask(house, "GET", "/locked/none?retention")).refusal == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        (configuration("<Mode>COMPLIANCE</Mode><Days>0</Days>"), (400, "InvalidRetentionPeriod")),
        (configuration("<Mode>COMPLIANCE</Mode><Years>-1</Years>"), (400, "InvalidRetentionPeriod")),
        (configuration("<Mode>COMPLIANCE</Mode><Days>1</Days><Years>1</Years>"), (400, "MalformedXML")),
        (configuration("<Mode>COMPLIANCE</Mode><Days>9999999999</Days>"), (400, "MalformedXML")),
        (configuration("<Mode>COMPLIANCE</Mode><Days>x</Days>"), (400, "MalformedXML")),
        (configuration("<Mode>compliance</Mode><Days>1</Days>"), (400, "MalformedXML")),
        (configuration("<Mode>COMPLIANCE</Mode><Mode>COMPLIANCE</Mode><Days>1</Days>"), (400, "MalformedXML")),
        (configuration("").replace(b">Enabled<", b">Disabled<"), (400, "MalformedXML")),
        (configuration("<Other>1</Other>"), (400, "MalformedXML")),
        (b"<ObjectLockConfiguration/>", (400, "MalformedXML")),
        (b"", (400, "MalformedXML")),
    ],
)
async def test_a_document_that_is_none_changes_nothing(house: House, document: bytes, refusal: tuple[int, str]) -> None:
    assert (await ask(house, "PUT", "/locked?object-lock", document)).refusal == refusal
    assert (await ask(house, "GET", "/locked?object-lock")).texts(".//{*}DefaultRetention") == []


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (retention("governance", "2027-01-01T00:00:00Z"), "MalformedXML"),
        (retention("GOVERNANCE", "2027"), "MalformedXML"),
        (retention("GOVERNANCE", "2020-01-01T00:00:00Z"), "InvalidArgument"),
        (retention("GOVERNANCE", "9999-01-01T00:00:00Z"), "InvalidArgument"),
        (b"<Retention><Mode>GOVERNANCE</Mode></Retention>", "MalformedXML"),
    ],
)
async def test_a_retention_that_is_none_is_refused(house: House, document: bytes, code: str) -> None:
    await ask(house, "PUT", "/locked/k", b"x")
    assert (await ask(house, "PUT", "/locked/k?retention", document)).refusal == (400, code)
    assert (await ask(house, "GET", "/locked/k?retention")).refusal == (404, "NoSuchObjectLockConfiguration")


async def test_an_empty_retention_takes_one_away_from_who_may_bypass_it(house: House) -> None:
    version = (await house.put("/locked/k")).headers["x-oss-version-id"]
    held = f"/locked/k?versionId={version}"
    governed = retention("GOVERNANCE", "2026-03-09T00:00:00.000Z")
    assert (await ask(house, "PUT", "/locked/k?retention", governed)).status == 200
    assert (await ask(house, "PUT", "/locked/k?retention", b"<Retention/>")).refusal == (403, "AccessDenied")
    assert (await ask(house, "DELETE", held)).refusal == (403, "AccessDenied")
    bypass = {"x-amz-bypass-governance-retention": "true"}
    assert (await ask(house, "PUT", "/locked/k?retention", b"<Retention/>", bypass)).status == 200
    assert (await ask(house, "GET", "/locked/k?retention")).refusal == (404, "NoSuchObjectLockConfiguration")
    assert (await ask(house, "DELETE", held)).status == 204
    await house.put("/locked/strict")
    strict = retention("COMPLIANCE", "2026-03-09T00:00:00.000Z")
    assert (await ask(house, "PUT", "/locked/strict?retention", strict)).status == 200
    refused = await ask(house, "PUT", "/locked/strict?retention", b"<Retention/>", bypass)
    assert refused.refusal == (403, "AccessDenied")
    half = b"<Retention><Mode>GOVERNANCE</Mode></Retention>"
    assert (await ask(house, "PUT", "/locked/strict?retention", half, bypass)).refusal == (400, "MalformedXML")
