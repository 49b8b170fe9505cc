"""Inventories: what is listed, when, where to, as whom; each object once, whatever interrupts the work."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import logging
from calendar import timegm
from typing import Any

import pytest
from msgspec.structs import replace

import coatcheck.background.inventory_run as inventory_run
from coatcheck.background.inventory_run import InventoryRuns
from coatcheck.background.inventory_state import Run, from_json, is_due, period_of, to_json
from coatcheck.background.notices import Notices
from coatcheck.configurations.inventory import RUN_KIND, Inventory, Target
from coatcheck.core.author import Author
from coatcheck.core.limits import LIST_MAX_KEYS
from coatcheck.core.times import DAY_S
from coatcheck.operations.context import Ports
from coatcheck.ports.catalog import NoSpace
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal, Role

from ..oss.house import NOW, OWNER, STRANGER, House
from .test_acting import a_policy, a_trust

ACCOUNT = OWNER.account
ALICE = "201234567890123456"
ROLE = Role("301234567890123456", ACCOUNT, "writer", a_trust(Service="oss.aliyuncs.com"))
STAMP = "2026-03-05T07-08Z"


def a_document(
    *,
    inventory_id: str = "one",
    fields: str = "",
    versions: str = "Current",
    frequency: str = "Once",
    account: str = ACCOUNT,
    bucket: str = "lists",
    prefix: str = "p",
    more: str = "",
    encryption: str = "",
) -> bytes:
    chosen = "".join(f"<Field>{name}</Field>" for name in fields.split())
    return (
        f"<InventoryConfiguration><Id>{inventory_id}</Id><IsEnabled>true</IsEnabled>{more}"
        f"<Destination><OSSBucketDestination><Format>CSV</Format><AccountId>{account}</AccountId>"
        f"<RoleArn>acs:ram::{ACCOUNT}:role/writer</RoleArn><Bucket>acs:oss:::{bucket}</Bucket><Prefix>{prefix}</Prefix>"
        f"{encryption}</OSSBucketDestination></Destination><Schedule><Frequency>{frequency}</Frequency></Schedule>"
        f"<IncludedObjectVersions>{versions}</IncludedObjectVersions>"
        f"<OptionalFields>{chosen}</OptionalFields></InventoryConfiguration>"
    ).encode()


class Scene:
    """A house with the bucket photos, lists for inventories, and a role that may write there."""

    def __init__(self) -> None:
        self.house = House()
        self.runs = InventoryRuns(Ports(self.house.catalog, self.house.encrypting), self.house.keyring, Notices())

    async def begin(self) -> Scene:
        identities = self.house.identities
        await identities.put_role(ROLE, replace=False)
        writes = a_policy("oss:PutObject", "acs:oss:*:*:lists/*")
        await identities.put_policy(StoredPolicy(ACCOUNT, "writes", writes), replace=False)
        await identities.attach(ACCOUNT, "writes", role="writer")
        await (await self.house.with_bucket()).with_bucket("lists")
        return self

    async def set_up(self, by: AccessKey = OWNER, **more: Any) -> None:
        inventory_id = more.get("inventory_id", "one")
        answer = await self.house.ask(
            "PUT", f"/photos/?inventory&inventoryId={inventory_id}", a_document(**more), by=by
        )
        assert answer.status == 200, answer.body

    async def keys(self, bucket: str = "lists") -> list[str]:
        return (await self.house.ask("GET", f"/{bucket}/?max-keys=1000")).texts("Contents/Key")

    async def get(self, key: str) -> bytes:
        answer = await self.house.ask("GET", f"/lists/{key}")
        assert answer.status == 200
        return answer.body

    async def manifest(self, stamp: str = STAMP) -> Any:
        return json.loads(await self.get(f"p/photos/one/{stamp}/manifest.json"))

    async def rows(self, stamp: str = STAMP) -> list[list[str]]:
        """All lines of the list, in order; each file is what the manifest says."""
        rows: list[list[str]] = []
        for file in (await self.manifest(stamp))["files"]:
            content = await self.get(file["key"])
            assert (len(content), hashlib.md5(content).hexdigest().upper()) == (file["size"], file["MD5checksum"])
            rows += csv.reader(io.StringIO(gzip.decompress(content).decode()))
        return rows


async def test_a_list_has_its_manifest_and_its_file() -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/b", b"hello")
    await scene.house.put(
        "/photos/a%20%22%0A%3D", b"hello", {"x-oss-tagging": "k=v", "x-oss-object-acl": "public-read"}
    )
    fields = "Size LastModifiedDate ETag StorageClass IsMultipartUploaded EncryptionStatus ObjectAcl TaggingCount"
    await scene.set_up(fields=f"{fields} ObjectType Crc64 TransitionTime")
    assert await scene.runs.run(NOW) == 1
    checksum, manifest, data = sorted(await scene.keys(), key=lambda key: "/data/" in key)
    assert (checksum, manifest) == (f"p/photos/one/{STAMP}/manifest.checksum", f"p/photos/one/{STAMP}/manifest.json")
    assert data.startswith("p/photos/one/data/")
    assert data.endswith(".csv.gz")
    told = await scene.manifest()
    assert {name: value for name, value in told.items() if name != "files"} == {
        "creationTimestamp": "1772694489",
        "destinationBucket": "lists",
        "fileFormat": "CSV",
        "fileSchema": f"Bucket, Key, {', '.join(fields.split())}, ObjectType, Crc64, TransitionTime",
        "sourceBucket": "photos",
        "version": "2019-09-01",
    }
    assert [file["key"] for file in told["files"]] == [data]
    md5 = hashlib.md5(await scene.get(manifest)).hexdigest().upper()
    assert (await scene.get(checksum)).decode() == md5
    moment = "2026-03-05T07:08:09.000Z"
    assert await scene.rows() == [
        [
            *("photos", "a%20%22%0A%3D", "5", moment, "5D41402ABC4B2A76B9719D911017C592", "Standard", "false", "false"),
            *("public-read", "1", "Normal", "11177612005948864433", ""),
        ],
        [
            *("photos", "b", "5", moment, "5D41402ABC4B2A76B9719D911017C592", "Standard", "false", "false"),
            *("default", "0", "Normal", "11177612005948864433", ""),
        ],
    ]


async def test_versions_and_markers_are_listed_if_asked_for() -> None:
    scene = await Scene().begin()
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await scene.house.ask("PUT", "/photos/?versioning", body)).status == 200
    first = (await scene.house.put("/photos/a", b"1")).headers["x-oss-version-id"]
    second = (await scene.house.put("/photos/b", b"22")).headers["x-oss-version-id"]
    marker = (await scene.house.ask("DELETE", "/photos/a")).headers["x-oss-version-id"]
    await scene.set_up(versions="All", fields="Size")
    await scene.runs.run(NOW)
    assert (await scene.manifest())["fileSchema"] == "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size"
    assert await scene.rows() == [
        ["photos", "a", marker, "true", "true", ""],
        ["photos", "a", first, "false", "false", "1"],
        ["photos", "b", second, "true", "false", "2"],
    ]
    await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")
    scene.house.now = NOW + 60
    await scene.set_up(fields="Size")
    await scene.runs.run(NOW + 60)
    assert await scene.rows("2026-03-05T07-09Z") == [["photos", "b", "2"]]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("<Prefix>a/</Prefix>", ["a/1", "a/22"]),
        ("<LowerSizeBound>2</LowerSizeBound>", ["a/22", "b/22"]),
        ("<UpperSizeBound>1</UpperSizeBound>", ["a/1"]),
        ("<LowerSizeBound>1</LowerSizeBound><UpperSizeBound>1</UpperSizeBound>", ["a/1"]),
        ("<StorageClass>IA, Archive</StorageClass>", ["b/22"]),
        ("<StorageClass>All</StorageClass>", ["a/1", "a/22", "b/22"]),
        (f"<LastModifyBeginTimeStamp>{NOW + 5}</LastModifyBeginTimeStamp>", ["b/22"]),
        (f"<LastModifyEndTimeStamp>{NOW + 4}</LastModifyEndTimeStamp>", ["a/1", "a/22"]),
        ("<Prefix>c</Prefix>", []),
    ],
)
async def test_a_filter_chooses(chosen: str, found: list[str]) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a/1", b"1")
    await scene.house.put("/photos/a/22", b"22")
    scene.house.now = NOW + 5
    await scene.house.put("/photos/b/22", b"22", {"x-oss-storage-class": "IA"})
    scene.house.now = NOW
    await scene.set_up(more=f"<Filter>{chosen}</Filter>")
    assert await scene.runs.run(NOW) == 1
    assert [key for _, key in await scene.rows()] == [name.replace("/", "%2F") for name in found]
    assert len((await scene.manifest())["files"]) == (1 if found else 0)


async def many_objects(scene: Scene, count: int) -> list[str]:
    await scene.house.put("/photos/k")
    bucket = await scene.house.catalog.find_bucket("photos")
    assert bucket is not None
    record = await scene.house.catalog.find_object(bucket.bucket_id, "k")
    assert record is not None
    names = [f"k{number:05}" for number in range(count)]
    for name in names:
        await scene.house.catalog.put_object(bucket.bucket_id, dataclasses.replace(record, key=name))
    return ["k", *names]


async def test_a_large_bucket_is_listed_in_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_run, "INVENTORY_FILE_MAX_BYTES", 10_000)
    scene = await Scene().begin()
    names = await many_objects(scene, 3500)
    await scene.set_up()
    assert await scene.runs.run(NOW) == 1
    files = [file["key"].rpartition("/")[2] for file in (await scene.manifest())["files"]]
    token = files[0].removesuffix(".csv.gz")
    assert files == [f"{token}.csv.gz", f"{token}-1.csv.gz", f"{token}-2.csv.gz", f"{token}-3.csv.gz"]
    assert [key for _, key in await scene.rows()] == names


async def test_a_run_that_dies_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_run, "INVENTORY_FILE_MAX_BYTES", 1000)
    scene = await Scene().begin()
    names = await many_objects(scene, 3500)
    await scene.set_up()
    pages: list[tuple[str, str]] = []
    listing = scene.house.catalog.list_versions

    async def dying(*arguments: Any, **named: Any) -> Any:
        pages.append(named["marker"])
        if len(pages) in (2, 4):
            raise KeyboardInterrupt
        return await listing(*arguments, **named)

    monkeypatch.setattr(scene.house.catalog, "list_versions", dying)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            await scene.runs.run(NOW)
    assert await scene.runs.run(NOW + 60) == 1
    first = ("k00998", "null")
    assert pages[:4] == [("", ""), first, first, ("k01998", "null")]  # behind the file that was stored
    assert [key for _, key in await scene.rows()] == names


async def test_a_run_that_dies_between_a_file_and_its_note_lists_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_run, "INVENTORY_FILE_MAX_BYTES", 1000)
    scene = await Scene().begin()
    names = await many_objects(scene, 2500)
    await scene.set_up()
    kept = 0
    change = scene.house.catalog.change_entry

    async def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal kept
        kept += 1
        if kept in (2, 5):
            raise KeyboardInterrupt
        return await change(*arguments, **named)

    monkeypatch.setattr(scene.house.catalog, "change_entry", dying)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            await scene.runs.run(NOW)
    assert await scene.runs.run(NOW) == 1
    assert [key for _, key in await scene.rows()] == names
    assert len([key for key in await scene.keys() if "/data/" in key]) == 3


async def test_a_store_that_takes_nothing_for_a_while_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    await scene.set_up()

    async def full(*_: Any, **__: Any) -> Any:
        raise NoSpace("full")

    with monkeypatch.context() as patch:
        patch.setattr(scene.house.catalog, "put_object", full)
        assert await scene.runs.run(NOW) == 0
    assert await scene.runs.run(NOW + 5) == 1
    assert [record.getMessage() for record in caplog.records if "photos" in record.getMessage()] == [
        "stopped: inventory bucket=photos id='one': the store takes no change at the moment: full",
        "goes on: inventory bucket=photos id='one'",
        "inventory bucket=photos id='one' objects=1 files=1",
    ]


# --- when ------------------------------------------------------------------------------------------------------------


def at(text: str) -> int:
    year, month, day = map(int, text.split("-"))
    return timegm((year, month, day, 12, 0, 0))


def an_inventory(frequency: str, day: int | None = None) -> Inventory:
    author = Author(ACCOUNT, at=1)
    return Inventory("one", True, "Current", frequency, Target("b", "1", "r"), day_of_month=day, author=author)


@pytest.mark.parametrize(
    ("frequency", "day", "same", "next_one"),
    [
        ("Daily", None, ("2026-03-05", "2026-03-05"), "2026-03-06"),
        ("Weekly", None, ("2026-03-02", "2026-03-08"), "2026-03-09"),  # Monday to Sunday
        ("Monthly", None, ("2026-03-01", "2026-03-31"), "2026-04-01"),
        ("Monthly", 15, ("2026-03-15", "2026-04-14"), "2026-04-15"),
        ("Monthly", 31, ("2026-01-31", "2026-02-27"), "2026-02-28"),
        ("Monthly", 10, ("2025-12-10", "2026-01-09"), "2026-01-10"),
    ],
)
def test_a_list_is_due_once_a_period(frequency: str, day: int | None, same: tuple[str, str], next_one: str) -> None:
    inventory = an_inventory(frequency, day)
    first, last = (at(text) for text in same)
    run = Run(1, period_of(inventory, first), first, "t", done=True)
    assert is_due(inventory, None, first)
    assert not is_due(inventory, run, last)
    assert is_due(inventory, run, at(next_one))
    assert not is_due(inventory, replace(run, done=False), at(next_one))  # it is finished first
    assert not is_due(inventory, run, first - DAY_S)  # a clock that went back a little
    assert is_due(inventory, run, first - 100 * DAY_S)  # or was far ahead


def test_once_is_once_unless_it_is_set_up_anew() -> None:
    inventory = an_inventory("Once")
    run = Run(1, 0, NOW, "t", done=True)
    assert not is_due(inventory, run, NOW + 9999 * DAY_S)
    assert is_due(replace(inventory, author=Author(ACCOUNT, at=2)), run, NOW)


def test_how_far_it_has_come_is_stored_and_read() -> None:
    run = Run(1, 2, 3, "t", "k", "v", 4, (), done=False)
    assert from_json(to_json(run)) == run


async def test_the_clock_moves_by_days(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    await scene.set_up(frequency="Daily")
    done = [await scene.runs.run(NOW + hours * 3600) for hours in (0, 1, 16, 17, 40, 41, 24 * 30)]
    assert done == [1, 0, 0, 1, 0, 1, 1]  # at 07:08 on the first day, then after each midnight
    assert len([key for key in await scene.keys() if key.endswith("manifest.json")]) == 4


async def test_one_that_is_not_enabled_or_is_deleted_is_not_written() -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    off = a_document().replace(b"<IsEnabled>true", b"<IsEnabled>false")
    assert (await scene.house.ask("PUT", "/photos/?inventory&inventoryId=one", off)).status == 200
    assert await scene.runs.run(NOW) == 0
    await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")
    await scene.set_up()
    await scene.runs.run(NOW)
    await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")
    bucket = await scene.house.catalog.find_bucket("photos")
    assert bucket is not None
    assert await scene.house.catalog.count_entries(bucket.bucket_id, RUN_KIND) == 0
    assert await scene.runs.run(NOW) == 0


async def test_one_that_is_deleted_while_it_is_written_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_run, "INVENTORY_FILE_MAX_BYTES", 1000)
    scene = await Scene().begin()
    await many_objects(scene, 2500)
    await scene.set_up()
    listing = scene.house.catalog.list_versions

    async def deleting(*arguments: Any, **named: Any) -> Any:
        await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")
        return await listing(*arguments, **named)

    monkeypatch.setattr(scene.house.catalog, "list_versions", deleting)
    assert await scene.runs.run(NOW) == 0
    assert [key for key in await scene.keys() if "manifest" in key] == []


# --- as whom ---------------------------------------------------------------------------------------------------------


async def stops(scene: Scene, caplog: pytest.LogCaptureFixture) -> str:
    """Why nothing is written."""
    caplog.clear()
    assert await scene.runs.run(NOW) == 0
    assert await scene.keys() == []
    (line,) = (record.getMessage() for record in caplog.records)
    before, _, why = line.partition("id='one': ")
    assert before == "stopped: inventory bucket=photos "
    return why


async def test_it_is_written_in_the_role_that_was_named(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    await scene.set_up()
    await scene.house.identities.detach(ACCOUNT, "writes", role="writer")
    assert (await stops(scene, caplog)).startswith("AccessDenied: ")
    await scene.house.identities.remove_role(ACCOUNT, "writer")
    assert "is not there" in await stops(scene, caplog)
    await scene.house.identities.put_role(ROLE, replace=False)
    await scene.house.identities.attach(ACCOUNT, "writes", role="writer")
    assert await scene.runs.run(NOW) == 1


async def test_its_author_must_still_be_allowed_to_list_and_to_pass_the_role(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    identities = scene.house.identities
    await identities.add_user(User(ALICE, ACCOUNT, "alice", 1))
    for name, action in (("sets", "oss:PutBucketInventory"), ("passes", "ram:PassRole"), ("lists", "oss:ListObjects")):
        await identities.put_policy(StoredPolicy(ACCOUNT, name, a_policy(action)), replace=False)
    await identities.attach(ACCOUNT, "sets", user="alice")
    alice = AccessKey("AliceKey", "alice-secret", ACCOUNT, principal=Principal(ALICE, "alice"))
    scene.house.keyring.keys["AliceKey"] = alice
    await scene.set_up(by=alice)
    assert "may not pass the role writer on" in await stops(scene, caplog)
    await identities.attach(ACCOUNT, "passes", user="alice")
    assert (await stops(scene, caplog)).startswith("AccessDenied: ")
    await identities.attach(ACCOUNT, "lists", user="alice")
    assert await scene.runs.run(NOW) == 1
    await identities.remove_user(ACCOUNT, "alice")
    scene.house.now = NOW + 60
    await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")


async def test_a_user_who_is_gone_lists_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    identities = scene.house.identities
    await identities.add_user(User(ALICE, ACCOUNT, "alice", 1))
    await identities.put_policy(StoredPolicy(ACCOUNT, "all", a_policy("*")), replace=False)
    await identities.attach(ACCOUNT, "all", user="alice")
    alice = AccessKey("AliceKey", "alice-secret", ACCOUNT, principal=Principal(ALICE, "alice"))
    scene.house.keyring.keys["AliceKey"] = alice
    await scene.set_up(by=alice)
    await identities.remove_user(ACCOUNT, "alice")
    assert await stops(scene, caplog) == "the user who set it up is no longer there"


async def test_a_target_that_will_not_do_is_said(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.set_up(bucket="nowhere")
    assert await stops(scene, caplog) == "the target bucket 'nowhere' is not there"
    await scene.house.ask("DELETE", "/photos/?inventory&inventoryId=one")
    await scene.set_up(account="999")
    assert await stops(scene, caplog) == "the target bucket lists is not one of the account '999'"


async def test_nobody_else_s_bucket_is_written_to(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    assert (await scene.house.ask("PUT", "/theirs/", by=STRANGER)).status == 200
    await scene.set_up(bucket="theirs", account=STRANGER.account)
    assert (await stops(scene, caplog)).startswith("AccessDenied: ")


async def test_what_nobody_is_known_to_have_set_up_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    await scene.set_up()
    bucket = await scene.house.catalog.find_bucket("photos")
    assert bucket is not None
    entries = scene.house.catalog.entries[bucket.bucket_id, "inventory"]
    stored = json.loads(entries["one"])
    del stored["author"]
    entries["one"] = json.dumps(stored)
    assert await stops(scene, caplog) == "nobody knows who set it up; set it up again"


@pytest.mark.parametrize(
    ("element", "encrypted"), [("", None), ("<Encryption><SSE-OSS></SSE-OSS></Encryption>", "AES256")]
)
async def test_lists_are_encrypted_if_asked_for(element: str, encrypted: str | None) -> None:
    scene = await Scene().begin()
    await scene.house.put("/photos/a")
    await scene.set_up(encryption=element)
    await scene.runs.run(NOW)
    assert [key for _, key in await scene.rows()] == ["a"]
    for key in await scene.keys():
        head = await scene.house.ask("HEAD", f"/lists/{key}")
        assert head.headers.get("x-oss-server-side-encryption") == encrypted


async def test_a_page_is_a_page() -> None:
    assert LIST_MAX_KEYS == 1000  # what the numbers of files and markers above come from
