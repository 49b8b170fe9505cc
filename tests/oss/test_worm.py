"""WORM as a client sees it: every way to write is tried on what is held."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import pytest

from coatcheck.configurations.lifecycle import Due, Lifecycle, Rule, to_json
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.ports.keyring import AccessKey

from ..moved_clock import DAY_S, MovedClock
from .house import NOW, OWNER, STRANGER, Answer, House
from .test_post_object import BOUNDARY, a_form, signed

LATER: Final = "2026-04-05T00:00:00.000Z"
ENABLED: Final = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
SUSPENDED: Final = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
FORM: Final = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def days(root: str, count: object) -> bytes:
    return f"<{root}><RetentionPeriodInDays>{count}</RetentionPeriodInDays></{root}>".encode()


def object_worm(default: str = "") -> bytes:
    rule = f"<Rule><DefaultRetention>{default}</DefaultRetention></Rule>" if default else ""
    return (
        f"<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled>{rule}</ObjectWormConfiguration>"
    ).encode()


def retention(mode: str, until: str) -> bytes:
    return f"<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>".encode()


def hold(status: str) -> bytes:
    return f"<LegalHold><Status>{status}</Status></LegalHold>".encode()


class WormHouse(House):
    """Its catalog tells the time by a clock that tests move."""

    def __init__(self) -> None:
        self.clock = MovedClock(NOW)
        super().__init__(MemoryCatalog(self.clock.wall, self.clock.monotonic))

    def go_by(self, seconds: float) -> None:
        self.clock.go_by(seconds)
        self.now = self.clock.wall()

    async def versioned(self, default: str = "") -> WormHouse:
        await self.with_bucket()
        assert (await self.ask("PUT", "/photos/?versioning", ENABLED)).status == 200
        assert (await self.ask("PUT", "/photos/?objectWorm", object_worm(default))).status == 200
        return self

    async def with_policy(self, count: int = 30, *, locked: bool = True) -> str:
        await self.with_bucket()
        begun = await self.ask("POST", "/photos/?worm", days("InitiateWormConfiguration", count))
        worm_id = begun.headers["x-oss-worm-id"]
        if locked:
            assert (await self.ask("POST", f"/photos/?wormId={worm_id}")).status == 200
        return worm_id

    async def expire_everything(self, now: float) -> dict[str, int]:
        bucket = await self.catalog.find_bucket("photos")
        assert bucket is not None
        rules = Lifecycle(
            (
                Rule(
                    "all",
                    "",
                    enabled=True,
                    expiration=Due(before_s=4_000_000_000),
                    noncurrent=Due(before_s=4_000_000_000),
                ),
            )
        )
        await self.catalog.set_configuration(bucket.bucket_id, "lifecycle", to_json(rules))
        report = await run_lifecycle(Ports(self.catalog, self.encrypting), now=now)
        return {kind: number for kind, number in report.done.items() if number}


@pytest.fixture
def house() -> WormHouse:
    return WormHouse()


# --- a bucket's retention policy -------------------------------------------------------------------------------------


async def test_a_policy_is_begun_locked_extended_and_shown(house: WormHouse) -> None:
    worm_id = await house.with_policy(locked=False)
    begun = await house.ask("GET", "/photos/?worm")
    assert [(node.tag, node.text) for node in begun.xml] == [
        ("WormId", worm_id),
        ("State", "InProgress"),
        ("RetentionPeriodInDays", "30"),
        ("CreationDate", "2026-03-05T07:08:09.000Z"),
        ("ExpirationDate", "2026-03-06T07:08:09.000Z"),
    ]
    assert (await house.ask("POST", f"/photos/?wormId={worm_id}")).status == 200
    longer = days("ExtendWormConfiguration", 31)
    assert (await house.ask("POST", f"/photos/?wormExtend&wormId={worm_id}", longer)).status == 200
    locked = await house.ask("GET", "/photos/?worm")
    assert [(node.tag, node.text) for node in locked.xml] == [
        ("WormId", worm_id),
        ("State", "Locked"),
        ("RetentionPeriodInDays", "31"),
        ("CreationDate", "2026-03-05T07:08:09.000Z"),
    ]


async def test_a_locked_policy_is_neither_dropped_nor_shortened_nor_begun_again(house: WormHouse) -> None:
    worm_id = await house.with_policy()
    begin, extend = days("InitiateWormConfiguration", 1), f"/photos/?wormExtend&wormId={worm_id}"
    assert (await house.ask("DELETE", "/photos/?worm")).refusal == (403, "WORMConfigurationLocked")
    assert (await house.ask("POST", "/photos/?worm", begin)).refusal == (409, "WORMConfigurationAlreadyExists")
    for count in (1, 30):
        answer = await house.ask("POST", extend, days("ExtendWormConfiguration", count))
        assert answer.refusal == (400, "InvalidWORMConfiguration")
    unknown = await house.ask("POST", "/photos/?wormId=ABC")
    assert unknown.refusal == (404, "NoSuchWORMConfiguration")
    assert unknown.text("Message") == "The specified WORM ID does not exist."
    assert (await house.ask("POST", f"/photos/?wormId={worm_id}")).status == 200  # locking it again changes nothing
    assert (await house.ask("GET", "/photos/?worm")).text("RetentionPeriodInDays") == "30"


async def test_a_policy_in_progress_is_dropped_or_vanishes_after_a_day(house: WormHouse) -> None:
    worm_id = await house.with_policy(locked=False)
    longer = days("ExtendWormConfiguration", 31)
    answer = await house.ask("POST", f"/photos/?wormExtend&wormId={worm_id}", longer)
    assert answer.refusal == (400, "InvalidWORMConfiguration")
    assert (await house.ask("DELETE", "/photos/?worm")).status == 204
    assert (await house.ask("GET", "/photos/?worm")).refusal == (404, "NoSuchWORMConfiguration")
    assert (await house.ask("DELETE", "/photos/?worm")).status == 204
    begun = await house.ask("POST", "/photos/?worm", days("InitiateWormConfiguration", 30))
    worm_id = begun.headers["x-oss-worm-id"]
    await house.put("/photos/a.txt")
    house.go_by(DAY_S - 1)
    assert (await house.ask("DELETE", "/photos/a.txt")).refusal == (409, "FileImmutable")
    house.go_by(1)
    assert (await house.ask("GET", "/photos/?worm")).refusal == (404, "NoSuchWORMConfiguration")
    assert (await house.ask("POST", f"/photos/?wormId={worm_id}")).refusal == (404, "NoSuchWORMConfiguration")
    assert (await house.ask("DELETE", "/photos/a.txt")).status == 204
    assert (await house.ask("POST", "/photos/?worm", days("InitiateWormConfiguration", 1))).status == 200


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (0, "InvalidWORMConfiguration"),
        (25_551, "InvalidWORMConfiguration"),
        (10**18, "InvalidWORMConfiguration"),
        (10**30, "MalformedXML"),
        (-1, "MalformedXML"),
        ("1.5", "MalformedXML"),
        ("", "MalformedXML"),
        ("１", "MalformedXML"),
        ("1</RetentionPeriodInDays><RetentionPeriodInDays>2", "MalformedXML"),
    ],
)
async def test_a_period_is_1_to_25550_days(house: WormHouse, count: object, code: str) -> None:
    worm_id = await house.with_policy(1)
    extend = f"/photos/?wormExtend&wormId={worm_id}"
    assert (await house.ask("POST", extend, days("ExtendWormConfiguration", count))).refusal == (400, code)
    await house.with_bucket("coats")
    answer = await house.ask("POST", "/coats/?worm", days("InitiateWormConfiguration", count))
    assert answer.refusal == (400, code)
    assert (await house.ask("POST", "/coats/?worm", days("InitiateWormConfiguration", 25_550))).status == 200


async def test_a_policy_and_versioning_exclude_each_other(house: WormHouse) -> None:
    await house.with_policy(locked=False)
    for status in (ENABLED, SUSPENDED):
        assert (await house.ask("PUT", "/photos/?versioning", status)).refusal == (400, "InvalidBucketStatus")
    assert (await house.ask("PUT", "/photos/?objectWorm", object_worm())).refusal == (400, "InvalidBucketStatus")
    await house.with_bucket("coats")
    assert (await house.ask("PUT", "/coats/?versioning", SUSPENDED)).status == 200
    answer = await house.ask("POST", "/coats/?worm", days("InitiateWormConfiguration", 1))
    assert answer.refusal == (400, "InvalidBucketStatus")
    house.go_by(DAY_S)
    assert (await house.ask("PUT", "/photos/?versioning", ENABLED)).status == 200


async def test_an_empty_bucket_goes_with_a_locked_policy(house: WormHouse) -> None:
    await house.with_policy()
    assert (await house.ask("DELETE", "/photos/")).status == 204


async def uploaded(house: House, key: str) -> str:
    """The address at which an upload of one part is completed."""
    upload_id = (await house.ask("POST", f"/photos/{key}?uploads")).text("UploadId")
    assert (await house.ask("PUT", f"/photos/{key}?partNumber=1&uploadId={upload_id}", b"part")).status == 200
    return f"/photos/{key}?uploadId={upload_id}"


async def test_no_way_to_write_replaces_or_removes_what_a_policy_covers(house: WormHouse) -> None:
    await house.with_bucket()
    complete = await uploaded(house, "a.txt")
    await house.put("/photos/a.txt", b"hello", {"x-oss-meta-a": "1"})
    await house.ask("POST", "/photos/log?append&position=0", b"hello")
    await house.put("/photos/other", b"other")
    begun = await house.ask("POST", "/photos/?worm", days("InitiateWormConfiguration", 30))
    await house.ask("POST", f"/photos/?wormId={begun.headers['x-oss-worm-id']}")
    before = house.contents()
    tries: list[tuple[str, str, bytes, Mapping[str, str]]] = [
        ("PUT", "/photos/a.txt", b"other", {}),
        ("PUT", "/photos/a.txt", b"x" * 100_000, {}),
        ("PUT", "/photos/a.txt", b"", {"x-oss-copy-source": "/photos/other"}),
        ("PUT", "/photos/a.txt", b"", {"x-oss-copy-source": "/photos/a.txt", "x-oss-meta-a": "2"}),
        ("PUT", "/photos/a.txt?symlink", b"", {"x-oss-symlink-target": "other"}),
        ("POST", "/photos/log?append&position=5", b"more", {}),
        ("POST", complete, b"", {"x-oss-complete-all": "yes"}),
        ("DELETE", "/photos/a.txt", b"", {}),
        ("DELETE", "/photos/a.txt", b"", {"x-oss-bypass-governance-retention": "true"}),
        ("DELETE", "/photos/a.txt?versionId=null", b"", {}),
    ]
    for method, address, body, headers in tries:
        answer = await house.ask(method, address, body, headers)
        assert answer.refusal == (409, "FileImmutable"), (method, address, answer.body)
    form = await house.ask("POST", "/photos/", a_form(signed(key="a.txt")), FORM, by=None)
    assert form.refusal == (409, "FileImmutable")
    assert (await house.ask("DELETE", "/photos/")).refusal == (409, "BucketNotEmpty")
    assert house.contents() == before
    assert (
        await house.ask("POST", "/photos/a.txt?uploads")
    ).status == 200  # it may be completed when the days are over
    document = b"<Delete><Object><Key>a.txt</Key></Object><Object><Key>nothing</Key></Object></Delete>"
    many = await house.ask("POST", "/photos/?delete", document)
    assert many.texts("Deleted/Key") == ["nothing"]
    quiet = document.replace(b"<Delete>", b"<Delete><Quiet>true</Quiet>")
    assert (await house.ask("POST", "/photos/?delete", quiet)).body == b""
    assert await house.expire_everything(house.now) == {}
    got = await house.ask("GET", "/photos/a.txt")
    assert (got.body, got.headers["x-oss-meta-a"]) == (b"hello", "1")
    assert (await house.ask("GET", "/photos/log")).body == b"hello"
    house.go_by(30 * DAY_S)
    assert await house.expire_everything(house.now) == {"expire": 3}


async def test_what_is_said_of_a_held_object_may_change(house: WormHouse) -> None:
    await house.with_policy()
    await house.put("/photos/a.txt", b"hello", {"x-oss-storage-class": "Archive"})
    await house.ask("POST", "/photos/log?append&position=0", b"hello")
    tagging = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    assert (await house.ask("PUT", "/photos/a.txt?tagging", tagging)).status == 200
    assert (await house.ask("PUT", "/photos/a.txt?acl", b"", {"x-oss-object-acl": "private"})).status == 200
    assert (await house.ask("POST", "/photos/a.txt?restore")).status == 202
    assert (await house.ask("POST", "/photos/log?seal&position=5")).status == 200


# --- retention and legal holds of versions ---------------------------------------------------------------------------


async def test_object_worm_is_shown_as_it_was_put(house: WormHouse) -> None:
    await house.with_bucket()
    assert (await house.ask("GET", "/photos/?objectWorm")).refusal == (404, "NoSuchObjectWormConfiguration")
    assert (await house.ask("PUT", "/photos/?objectWorm", object_worm())).refusal == (400, "InvalidBucketStatus")
    await house.ask("PUT", "/photos/?versioning", ENABLED)
    for default in ("", "<Mode>GOVERNANCE</Mode><Days>1</Days>", "<Mode>COMPLIANCE</Mode><Years>100</Years>"):
        assert (await house.ask("PUT", "/photos/?objectWorm", object_worm(default))).status == 200
        got = await house.ask("GET", "/photos/?objectWorm")
        assert "".join(got.body.partition(b"?>")[2].decode().split()) == object_worm(default).decode()


@pytest.mark.parametrize(
    "default",
    [
        "<Mode>GOVERNANCE</Mode>",
        "<Days>1</Days>",
        "<Mode>governance</Mode><Days>1</Days>",
        "<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>",
        "<Mode>GOVERNANCE</Mode><Days>0</Days>",
        "<Mode>GOVERNANCE</Mode><Days>36501</Days>",
        "<Mode>GOVERNANCE</Mode><Years>101</Years>",
        "<Mode>GOVERNANCE</Mode><Years>-1</Years>",
        "<Mode>GOVERNANCE</Mode><Days>1</Days><Days>2</Days>",
        "<Mode>GOVERNANCE</Mode><Days>99999999999999999999</Days>",
        "<Mode>GOVERNANCE</Mode><Days/>",
        "</DefaultRetention><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days>",
    ],
)
async def test_a_default_that_is_none_is_refused(house: WormHouse, default: str) -> None:
    await house.versioned()
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?objectWorm", object_worm(default))).refusal == (400, "MalformedXML")
    disabled = b"<ObjectWormConfiguration><ObjectWormEnabled>Disabled</ObjectWormEnabled></ObjectWormConfiguration>"
    assert (await house.ask("PUT", "/photos/?objectWorm", disabled)).refusal == (400, "MalformedXML")
    assert house.contents() == before


async def test_object_worm_is_for_good(house: WormHouse) -> None:
    await house.versioned()
    assert (await house.ask("PUT", "/photos/?versioning", SUSPENDED)).refusal == (400, "InvalidBucketStatus")
    assert (await house.ask("DELETE", "/photos/?objectWorm")).refusal == (405, "MethodNotAllowed")
    assert (await house.ask("PUT", "/photos/?versioning", ENABLED)).status == 200


async def test_a_retention_and_a_hold_are_put_and_shown(house: WormHouse) -> None:
    await house.versioned()
    version_id = (await house.put("/photos/a.txt")).headers["x-oss-version-id"]
    await house.put("/photos/a.txt")
    one = f"/photos/a.txt?versionId={version_id}"
    assert (await house.ask("GET", one + "&retention")).refusal == (404, "NoSuchObjectRetention")
    assert (await house.ask("GET", one + "&legalHold")).text("Status") == "OFF"
    put = await house.ask("PUT", one + "&retention", retention("GOVERNANCE", LATER))
    assert (put.status, put.body, put.headers["x-oss-version-id"]) == (200, b"", version_id)
    held = await house.ask("PUT", one + "&legalHold", hold("ON"))
    assert (held.status, held.headers["x-oss-version-id"]) == (200, version_id)
    shown = await house.ask("GET", one + "&retention")
    assert [(node.tag, node.text) for node in shown.xml] == [("Mode", "GOVERNANCE"), ("RetainUntilDate", LATER)]
    assert (await house.ask("GET", one + "&legalHold")).text("Status") == "ON"
    assert (await house.ask("GET", "/photos/a.txt?retention")).refusal == (404, "NoSuchObjectRetention")
    for method in ("GET", "HEAD"):
        got = await house.ask(method, one)
        assert worm_headers(got) == {"mode": "GOVERNANCE", "retain-until-date": LATER, "legal-hold": "ON"}
        assert worm_headers(await house.ask(method, "/photos/a.txt")) == {}
    assert (await house.ask("PUT", one + "&legalHold", hold("OFF"))).status == 200
    assert worm_headers(await house.ask("GET", one)) == {"mode": "GOVERNANCE", "retain-until-date": LATER}


def worm_headers(answer: Answer) -> dict[str, str]:
    prefix = "x-oss-object-worm-"
    return {name.removeprefix(prefix): value for name, value in answer.headers.items() if name.startswith(prefix)}


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
async def test_a_retained_version_goes_when_its_time_is_over(house: WormHouse, mode: str) -> None:
    await house.versioned()
    version_id = (await house.put("/photos/a.txt")).headers["x-oss-version-id"]
    one = f"/photos/a.txt?versionId={version_id}"
    await house.ask("PUT", one + "&retention", retention(mode, iso(NOW + DAY_S)))
    house.go_by(DAY_S - 1)
    assert (await house.ask("DELETE", one)).refusal == (409, "FileImmutable")
    assert await house.expire_everything(house.now + 40 * DAY_S) == {"expire": 1}  # a delete marker on top
    assert await house.expire_everything(house.now + 40 * DAY_S) == {}
    assert (await house.ask("GET", one)).body == b"hello"
    house.go_by(1)
    assert (await house.ask("DELETE", one)).status == 204
    assert (await house.ask("GET", one)).refusal == (404, "NoSuchVersion")


async def test_writes_bring_a_retention_and_a_hold(house: WormHouse) -> None:
    await house.versioned()
    given = {
        "x-oss-object-worm-mode": "COMPLIANCE",
        "x-oss-object-worm-retain-until-date": LATER,
        "x-oss-object-worm-legal-hold": "ON",
    }
    await house.put("/photos/put", b"hello", given)
    await house.put("/photos/copy", b"", {"x-oss-copy-source": "/photos/put", **given})
    await house.ask("POST", "/photos/append?append&position=0", b"hello", given)
    await house.put("/photos/link?symlink", b"", {"x-oss-symlink-target": "put", **given})
    upload_id = (await house.ask("POST", "/photos/upload?uploads", b"", given)).text("UploadId")
    await house.ask("PUT", f"/photos/upload?partNumber=1&uploadId={upload_id}", b"hello")
    await house.ask("POST", f"/photos/upload?uploadId={upload_id}", b"", {"x-oss-complete-all": "yes"})
    form = await house.ask("POST", "/photos/", a_form(signed(key="form") | given), FORM, by=None)
    assert form.status == 204, form.body
    expected = {"mode": "COMPLIANCE", "retain-until-date": LATER, "legal-hold": "ON"}
    for key in ("put", "copy", "append", "link", "upload", "form"):
        got = await house.ask("GET", f"/photos/{key}")
        assert got.status == 200
        assert worm_headers(got) == expected, key
        assert (await house.ask("DELETE", f"/photos/{key}?versionId={got.headers['x-oss-version-id']}")).status == 409
    assert (await house.ask("POST", "/photos/append?append&position=5", b"more")).refusal == (409, "FileImmutable")


async def test_a_copy_has_not_the_retention_of_its_source(house: WormHouse) -> None:
    await house.versioned()
    await house.put("/photos/a.txt", b"hello", {"x-oss-object-worm-legal-hold": "ON"})
    await house.put("/photos/b.txt", b"", {"x-oss-copy-source": "/photos/a.txt"})
    await house.put("/photos/a.txt", b"", {"x-oss-copy-source": "/photos/a.txt"})
    assert worm_headers(await house.ask("GET", "/photos/b.txt")) == {}
    assert worm_headers(await house.ask("GET", "/photos/a.txt")) == {}


async def test_new_versions_get_the_default(house: WormHouse) -> None:
    await house.versioned("<Mode>COMPLIANCE</Mode><Days>2</Days>")
    await house.put("/photos/a.txt")
    got = await house.ask("HEAD", "/photos/a.txt")
    assert worm_headers(got) == {"mode": "COMPLIANCE", "retain-until-date": iso(NOW + 2 * DAY_S)}
    await house.put("/photos/a.txt", b"", {"x-oss-copy-source": "/photos/a.txt"})
    assert (await house.ask("DELETE", "/photos/a.txt")).headers["x-oss-delete-marker"] == "true"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"mode": "COMPLIANCE"}, "InvalidArgument"),
        ({"retain-until-date": LATER}, "InvalidArgument"),
        ({"mode": "compliance", "retain-until-date": LATER}, "InvalidArgument"),
        ({"mode": "COMPLIANCE", "retain-until-date": "tomorrow"}, "InvalidArgument"),
        ({"mode": "COMPLIANCE", "retain-until-date": "2026-03-05T07:08:09.000Z"}, "InvalidArgument"),
        ({"mode": "COMPLIANCE", "retain-until-date": "2126-03-05T07:08:09.000Z"}, "InvalidArgument"),
        ({"legal-hold": "on"}, "InvalidArgument"),
        ({"legal-hold": ""}, "InvalidArgument"),
    ],
)
async def test_headers_that_say_nothing_that_can_be_are_refused(
    house: WormHouse, headers: dict[str, str], code: str
) -> None:
    await house.versioned()
    named = {f"x-oss-object-worm-{name}": value for name, value in headers.items()}
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", named)).refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (retention("COMPLIANCE", "2026-03-05T07:08:09.000Z"), "InvalidArgument"),  # now
        (retention("COMPLIANCE", "9999-12-31T23:59:59.000Z"), "InvalidArgument"),
        (retention("COMPLIANCE", "0000-00-00T00:00:00.000Z"), "MalformedXML"),
        (retention("compliance", LATER), "MalformedXML"),
        (retention("COMPLIANCE", ""), "MalformedXML"),
        (retention("", LATER), "MalformedXML"),
        (retention("COMPLIANCE</Mode><Mode>GOVERNANCE", LATER), "MalformedXML"),
        (b"<Retention/>", "MalformedXML"),
        (b"", "MalformedXML"),
    ],
)
async def test_a_retention_that_is_none_is_refused(house: WormHouse, document: bytes, code: str) -> None:
    await house.versioned()
    await house.put("/photos/a.txt")
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt?retention", document)).refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize("document", [hold("on"), hold(""), b"<LegalHold/>", b"", hold("ON</Status><Status>OFF")])
async def test_a_hold_that_is_none_is_refused(house: WormHouse, document: bytes) -> None:
    await house.versioned()
    await house.put("/photos/a.txt")
    assert (await house.ask("PUT", "/photos/a.txt?legalHold", document)).refusal == (400, "MalformedXML")


async def test_without_object_worm_nothing_of_it_is_taken(house: WormHouse) -> None:
    await house.with_bucket()
    await house.put("/photos/a.txt")
    before = house.contents()
    given = {"x-oss-object-worm-legal-hold": "ON"}
    for answer in (
        await house.ask("PUT", "/photos/a.txt?retention", retention("COMPLIANCE", LATER)),
        await house.ask("PUT", "/photos/a.txt?legalHold", hold("ON")),
        await house.ask("PUT", "/photos/b.txt", b"hello", given),
        await house.ask("POST", "/photos/b.txt?uploads", b"", given),
        await house.ask("PUT", "/photos/b.txt", b"", {"x-oss-copy-source": "/photos/a.txt", **given}),
    ):
        assert answer.refusal == (400, "InvalidRequest")
    assert house.contents() == before
    assert (await house.ask("PUT", "/photos/nothing?legalHold", hold("ON"))).refusal == (404, "NoSuchKey")
    await house.put("/photos/b.txt", b"hello", {"x-oss-object-worm-legal-hold": "OFF"})


async def test_a_delete_marker_cannot_be_held(house: WormHouse) -> None:
    await house.versioned()
    await house.put("/photos/a.txt")
    marker = (await house.ask("DELETE", "/photos/a.txt")).headers["x-oss-version-id"]
    assert (await house.ask("PUT", "/photos/a.txt?legalHold", hold("ON"))).refusal == (404, "NoSuchKey")
    answer = await house.ask("PUT", f"/photos/a.txt?legalHold&versionId={marker}", hold("ON"))
    assert answer.refusal == (405, "MethodNotAllowed")


# --- rights ----------------------------------------------------------------------------------------------------------


async def test_a_governed_retention_is_ended_by_who_may_bypass_it(house: WormHouse) -> None:
    await house.versioned()
    bypass = {"x-oss-bypass-governance-retention": "true"}
    one = f"/photos/a.txt?versionId={(await house.put('/photos/a.txt')).headers['x-oss-version-id']}"
    sooner = retention("GOVERNANCE", iso(NOW + 60))
    await house.ask("PUT", one + "&retention", retention("GOVERNANCE", LATER))
    assert (await house.ask("PUT", one + "&retention", sooner)).refusal == (409, "FileImmutable")
    assert (await house.ask("PUT", one + "&retention", sooner, bypass)).status == 200
    assert (await house.ask("DELETE", one)).refusal == (409, "FileImmutable")
    answer = await house.ask("DELETE", one, b"", {"x-oss-bypass-governance-retention": "yes"})
    assert answer.refusal == (400, "InvalidArgument")
    assert (await house.ask("DELETE", one, b"", bypass)).status == 204


async def test_nobody_ends_a_retention_under_compliance_or_bypasses_a_hold(house: WormHouse) -> None:
    await house.versioned()
    bypass = {"x-oss-bypass-governance-retention": "true"}
    one = f"/photos/a.txt?versionId={(await house.put('/photos/a.txt')).headers['x-oss-version-id']}"
    await house.ask("PUT", one + "&retention", retention("COMPLIANCE", LATER))
    for weaker in (retention("COMPLIANCE", iso(NOW + 60)), retention("GOVERNANCE", LATER)):
        assert (await house.ask("PUT", one + "&retention", weaker, bypass)).refusal == (409, "FileImmutable")
    assert (await house.ask("DELETE", one, b"", bypass)).refusal == (409, "FileImmutable")
    other = f"/photos/b.txt?versionId={(await house.put('/photos/b.txt')).headers['x-oss-version-id']}"
    await house.ask("PUT", other + "&legalHold", hold("ON"))
    assert (await house.ask("DELETE", other, b"", bypass)).refusal == (409, "FileImmutable")


ALLOWED: Final = (
    "oss:PutObject",
    "oss:GetObject",
    "oss:DeleteObject",
    "oss:DeleteObjectVersion",
    "oss:PutObjectRetention",
)


async def allow(house: House, *actions: str) -> None:
    """A policy of the bucket that gives a stranger's root key these rights to its objects."""
    listed = ",".join(f'"{action}"' for action in actions)
    policy = (
        f'{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":["{STRANGER.account}"],"Action":[{listed}],'
        '"Resource":["acs:oss:*:*:photos/*"]}]}'
    )
    assert (await house.ask("PUT", "/photos/?policy", policy.encode())).status == 200


async def by_stranger(house: House, method: str, address: str, body: bytes = b"", **headers: str) -> Answer:
    named = {f"x-oss-{name.replace('_', '-')}": value for name, value in headers.items()}
    return await house.ask(method, address, body, named, by=STRANGER)


async def test_each_of_it_is_a_right_of_its_own(house: WormHouse) -> None:
    await house.versioned()
    one = f"/photos/a.txt?versionId={(await house.put('/photos/a.txt')).headers['x-oss-version-id']}"
    denied = (403, "AccessDenied")
    await allow(house, *ALLOWED)
    governed = retention("GOVERNANCE", LATER)
    assert (await by_stranger(house, "PUT", one + "&retention", governed)).status == 200
    assert (await by_stranger(house, "PUT", one + "&legalHold", hold("ON"))).refusal == denied
    assert (await by_stranger(house, "GET", one + "&retention")).refusal == denied
    assert (await by_stranger(house, "GET", one + "&legalHold")).refusal == denied
    with_hold = await by_stranger(house, "PUT", "/photos/b.txt", b"hello", object_worm_legal_hold="ON")
    assert with_hold.refusal == denied
    assert (await by_stranger(house, "DELETE", one)).refusal == (409, "FileImmutable")
    assert (await by_stranger(house, "DELETE", one, bypass_governance_retention="true")).refusal == denied
    sooner = retention("GOVERNANCE", iso(NOW + 60))
    answer = await by_stranger(house, "PUT", one + "&retention", sooner, bypass_governance_retention="true")
    assert answer.refusal == denied
    version_id = one.partition("versionId=")[2]
    many = f"<Delete><Object><Key>a.txt</Key><VersionId>{version_id}</VersionId></Object></Delete>".encode()
    answer = await by_stranger(house, "POST", "/photos/?delete", many, bypass_governance_retention="true")
    assert answer.refusal == denied
    await allow(house, *ALLOWED, "oss:BypassGovernanceRetention")
    assert (await by_stranger(house, "POST", "/photos/?delete", many)).texts("Deleted/Key") == []
    answer = await by_stranger(house, "POST", "/photos/?delete", many, bypass_governance_retention="true")
    assert answer.texts("Deleted/Key") == ["a.txt"]


async def test_a_write_that_retains_needs_the_right_to(house: WormHouse) -> None:
    await house.versioned()
    given = {"object_worm_mode": "COMPLIANCE", "object_worm_retain_until_date": LATER}
    await allow(house, "oss:PutObject", "oss:GetObject")
    await house.put("/photos/a.txt")
    for method, address, body, more in (
        ("PUT", "/photos/b.txt", b"hello", {}),
        ("POST", "/photos/b.txt?uploads", b"", {}),
        ("POST", "/photos/b.txt?append&position=0", b"hello", {}),
        ("PUT", "/photos/b.txt", b"", {"copy_source": "/photos/a.txt"}),
    ):
        assert (await by_stranger(house, method, address, body, **given, **more)).refusal == (403, "AccessDenied")
    await allow(house, "oss:PutObject", "oss:GetObject", "oss:PutObjectRetention")
    assert (await by_stranger(house, "PUT", "/photos/b.txt", b"hello", **given)).status == 200


@pytest.mark.parametrize("by", [None, STRANGER], ids=["anybody", "stranger"])
async def test_an_open_bucket_lets_nobody_retain(house: WormHouse, by: AccessKey | None) -> None:
    """What nobody could delete any more would fill the owner's disk for years."""
    await house.versioned()
    assert (await house.ask("PUT", "/photos/?acl", b"", {"x-oss-acl": "public-read-write"})).status == 200
    given = {"x-oss-object-worm-legal-hold": "ON"}
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", by=by)).status == 200
    assert (await house.ask("PUT", "/photos/a.txt", b"hello", given, by=by)).refusal == (403, "AccessDenied")
    assert OWNER.account != STRANGER.account
