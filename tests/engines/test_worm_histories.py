"""Random histories of whole requests, lifecycle runs, starts and clocks that somebody sets: nothing that is held
changes or goes, on either engine.

What is held is worked out here once more, by the true time and by what the catalog says; what a step did is seen by
comparing everything before with everything after.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from coatcheck.configurations.lifecycle import Due, Lifecycle, Rule, to_json
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.operations.sweep import sweep
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import COMPLIANCE, DELETE_MARKER, GOVERNANCE, ObjectRecord, Retention
from coatcheck.ports.worm import BUCKET_WORM, OBJECT_WORM, BucketWorm, read_bucket_worm

from ..audit import audit
from ..moved_clock import DAY_S, MovedClock
from ..oss.house import NOW, STRANGER, Answer, House
from ..soak import count

HISTORIES: Final = count(400)
HISTORIES_ON_DISK: Final = count(200)
STEPS: Final = 60
BUCKETS: Final = ("plain", "waxed", "held", "kept")
KEYS: Final = ("a", "b", "c/d")
LARGE: Final = b"0123456789" * 7_000  # a blob
BYPASS: Final = {"x-oss-bypass-governance-retention": "true"}
HOLD: Final = "x-oss-object-worm-legal-hold"
FAR: Final = 4_000_000_000
EVERYTHING_GOES: Final = to_json(
    Lifecycle((Rule("all", "", enabled=True, expiration=Due(before_s=FAR), noncurrent=Due(before_s=FAR)),))
)

Place = tuple[str, str, str]  # bucket, key, version id


class Kept(NamedTuple):
    """All that was there at a moment."""

    versions: dict[Place, ObjectRecord]
    buckets: dict[str, Bucket]


class Step(NamedTuple):
    """What a step was allowed to end: a governed retention, a legal hold of one place."""

    bypassed: bool = False
    lifted: Place | None = None


class World:
    """A server on one of the engines; `restart` is None where there is nothing to start again from."""

    def __init__(self, seed: int, data: Path | None) -> None:
        self.chance = random.Random(seed)
        self.clock = MovedClock(NOW)
        self.data = data
        self.engines: LocalEngines | None = None
        self.uploads: list[str] = []
        self.contents: dict[Place, bytes] = {}
        if data is None:
            self.house = House(MemoryCatalog(self.clock.wall, self.clock.monotonic))
        else:
            self.open(data, accept_clock=False)

    def open(self, data: Path, *, accept_clock: bool) -> None:
        prepare_local(data, self.clock.wall, accept_clock=accept_clock).close()
        self.engines = open_local(data, self.clock.wall, self.clock.monotonic)
        catalog: Any = self.engines.catalog
        store: Any = self.engines.byte_store
        self.house = House(catalog, store)

    def close(self) -> None:
        if self.engines is not None:
            self.engines.close()

    async def ask(self, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        self.house.now = self.clock.wall()
        answer = await self.house.ask(method, address, body, headers)
        assert answer.status < 500, answer.body
        return answer

    async def begin(self) -> None:
        """`plain` has nothing, `waxed` a locked policy of three days; versions of `held` may be held, those of `kept`
        are for two days. Something is held in the last three."""
        for name in BUCKETS:
            await self.house.with_bucket(name)
        begun = await self.ask("POST", "/waxed/?worm", document("InitiateWormConfiguration", RetentionPeriodInDays=3))
        await self.ask("POST", f"/waxed/?wormId={begun.headers['x-oss-worm-id']}")
        for name, default in (("held", ""), ("kept", "<Mode>COMPLIANCE</Mode><Days>2</Days>")):
            await self.ask("PUT", f"/{name}/?versioning", document("VersioningConfiguration", Status="Enabled"))
            rule = f"<Rule><DefaultRetention>{default}</DefaultRetention></Rule>" if default else ""
            enabled = f"<ObjectWormEnabled>Enabled</ObjectWormEnabled>{rule}"
            await self.ask("PUT", f"/{name}/?objectWorm", inner("ObjectWormConfiguration", enabled))
        for name in BUCKETS:
            await self.ask("PUT", f"/{name}/a", LARGE, {HOLD: "ON"} if name == "held" else {})

    async def look(self) -> Kept:
        catalog, versions, buckets = self.house.catalog, {}, {}
        for name in BUCKETS:
            bucket = await catalog.find_bucket(name)
            if bucket is None:
                continue
            buckets[name] = bucket
            page = await catalog.list_versions(bucket.bucket_id, prefix="", delimiter="", marker=("", ""), limit=1000)
            assert page.next_marker is None
            for listed in page.versions:
                found = await catalog.find_object(bucket.bucket_id, listed.key, listed.version_id)
                assert found is not None
                versions[name, listed.key, listed.version_id] = found
        return Kept(versions, buckets)

    # --- steps ---

    def place(self) -> str:
        return f"/{self.chance.choice(BUCKETS)}/{self.chance.choice(KEYS)}"

    def body(self) -> bytes:
        return self.chance.choice((b"", b"hello", LARGE))

    def moment(self) -> str:
        until = self.clock.true + self.chance.choice((-DAY_S, 3600, DAY_S, 3 * DAY_S, 30 * DAY_S))
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(until))

    def mode(self) -> str:
        return self.chance.choice((GOVERNANCE, COMPLIANCE))

    def held_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.chance.random() < 0.3:
            headers |= {"mode": self.mode(), "retain-until-date": self.moment()}
        if self.chance.random() < 0.15:
            headers["legal-hold"] = "ON"
        return {f"x-oss-object-worm-{name}": value for name, value in headers.items()}

    async def version(self) -> Place | None:
        places = sorted((await self.look()).versions)
        return self.chance.choice(places) if places else None

    async def put(self) -> Step:
        await self.ask("PUT", self.place(), self.body(), self.held_headers())
        return Step()

    async def append(self) -> Step:
        place = self.place()
        size = (await self.ask("HEAD", place)).headers.get("content-length", "0")
        position = size if self.chance.random() < 0.8 else "0"
        await self.ask("POST", f"{place}?append&position={position}", self.body(), self.held_headers())
        return Step()

    async def copy(self) -> Step:
        source, headers = self.place(), self.held_headers() | {"x-oss-meta-n": str(self.chance.random())}
        target = source if self.chance.random() < 0.5 else self.place()
        if self.chance.random() < 0.3:
            headers["x-oss-storage-class"] = "IA"
        if self.chance.random() < 0.3:
            headers["x-oss-server-side-encryption"] = "AES256"
        await self.ask("PUT", target, b"", headers | {"x-oss-copy-source": source})
        return Step()

    async def initiate(self) -> Step:
        place = self.place()
        begun = await self.ask("POST", f"{place}?uploads", b"", self.held_headers())
        if begun.status == 200:
            self.uploads.append(f"{place}?uploadId={begun.text('UploadId')}")
        return Step()

    async def part(self) -> Step:
        for upload in self.uploads:
            await self.ask("PUT", f"{upload}&partNumber=1", LARGE)
        return Step()

    async def complete(self) -> Step:
        for upload in self.uploads:
            await self.ask("POST", upload, b"", {"x-oss-complete-all": "yes"})
        self.uploads.clear()
        return Step()

    async def link(self) -> Step:
        await self.ask("PUT", f"{self.place()}?symlink", b"", {"x-oss-symlink-target": "a"})
        return Step()

    async def delete(self) -> Step:
        bypassed = self.chance.random() < 0.2
        await self.ask("DELETE", self.place(), b"", BYPASS if bypassed else {})
        return Step(bypassed)

    async def delete_version(self) -> Step:
        found, bypassed = await self.version(), self.chance.random() < 0.2
        if found is not None:
            bucket, key, version_id = found
            await self.ask("DELETE", f"/{bucket}/{key}?versionId={version_id}", b"", BYPASS if bypassed else {})
        return Step(bypassed)

    async def delete_many(self) -> Step:
        bucket, bypassed = self.chance.choice(BUCKETS), self.chance.random() < 0.2
        objects = [f"<Object><Key>{key}</Key></Object>" for key in KEYS]
        for where, key, version_id in (await self.look()).versions:
            if where == bucket:
                objects.append(f"<Object><Key>{key}</Key><VersionId>{version_id}</VersionId></Object>")
        self.chance.shuffle(objects)
        await self.ask("POST", f"/{bucket}/?delete", inner("Delete", "".join(objects)), BYPASS if bypassed else {})
        return Step(bypassed)

    async def retain(self) -> Step:
        found, bypassed = await self.version(), self.chance.random() < 0.2
        if found is not None:
            bucket, key, version_id = found
            body = document("Retention", Mode=self.mode(), RetainUntilDate=self.moment())
            address = f"/{bucket}/{key}?retention&versionId={version_id}"
            await self.ask("PUT", address, body, BYPASS if bypassed else {})
        return Step(bypassed)

    async def hold(self) -> Step:
        found = await self.version()
        if found is not None:
            bucket, key, version_id = found
            body = document("LegalHold", Status=self.chance.choice(("ON", "OFF")))
            await self.ask("PUT", f"/{bucket}/{key}?legalHold&versionId={version_id}", body)
        return Step(lifted=found)

    async def say_of_it(self) -> Step:
        place = self.place()
        tags = "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>"
        await self.ask("PUT", f"{place}?tagging", inner("Tagging", tags))
        await self.ask("PUT", f"{place}?acl", b"", {"x-oss-object-acl": "private"})
        await self.ask("POST", f"{place}?seal&position=5")
        await self.ask("POST", f"{place}?restore")
        return Step()

    async def change_bucket(self) -> Step:
        bucket = self.chance.choice(BUCKETS)
        worm = await self.ask("GET", f"/{bucket}/?worm")
        worm_id = worm.text("WormId") if worm.status == 200 else "none"
        period, status = self.chance.choice((1, 3, 5)), self.chance.choice(("Enabled", "Suspended"))
        days = self.chance.choice((1, 2, 5))
        default = f"<Rule><DefaultRetention><Mode>{self.mode()}</Mode><Days>{days}</Days></DefaultRetention></Rule>"
        object_worm = inner("ObjectWormConfiguration", f"<ObjectWormEnabled>Enabled</ObjectWormEnabled>{default}")
        tries = (
            ("POST", "worm", document("InitiateWormConfiguration", RetentionPeriodInDays=period)),
            ("DELETE", "worm", b""),
            ("POST", f"wormId={worm_id}", b""),
            ("POST", f"wormExtend&wormId={worm_id}", document("ExtendWormConfiguration", RetentionPeriodInDays=period)),
            ("PUT", "versioning", document("VersioningConfiguration", Status=status)),
            ("PUT", "objectWorm", object_worm),
        )
        method, query, body = self.chance.choice(tries)
        await self.ask(method, f"/{bucket}/?{query}", body)
        return Step()

    async def delete_bucket(self) -> Step:
        """Of those whose versions can't be held: as long as the others are there, no start believes any clock."""
        bucket = self.chance.choice(("plain", "waxed"))
        await self.ask("DELETE", f"/{bucket}/")
        await self.ask("PUT", f"/{bucket}/")
        return Step()

    async def run_rules(self) -> Step:
        for name in BUCKETS:
            bucket = await self.house.catalog.find_bucket(name)
            if bucket is not None:
                await self.house.catalog.set_configuration(bucket.bucket_id, "lifecycle", EVERYTHING_GOES)
        ports = Ports(self.house.catalog, self.house.encrypting)
        await run_lifecycle(ports, now=self.clock.wall() + 500 * DAY_S)
        await sweep(ports, self.clock.wall() + 500 * DAY_S)
        return Step()

    async def strangers(self) -> Step:
        """Who may do nothing does nothing, by whatever header."""
        self.house.now = self.clock.wall()
        answer = await self.house.ask("DELETE", self.place(), b"", BYPASS, by=STRANGER)
        assert answer.refusal[0] in (403, 404)
        return Step()

    async def wait(self) -> Step:
        self.clock.go_by(self.chance.choice((1, 3600, DAY_S, 2 * DAY_S)))
        return Step()

    async def set_the_clock(self) -> Step:
        self.clock.wrong_by = self.chance.choice((0, 0, 2, 400, 4000, -5, -400)) * DAY_S
        return Step()

    async def restart(self) -> Step:
        """Accepting a clock only where it is right, as an operator is told to."""
        if self.data is not None:
            self.close()
            assert audit(self.data).wrong_rows == ()
            self.open(self.data, accept_clock=self.clock.wrong_by == 0 and self.chance.random() < 0.5)
        return Step()

    def steps(self) -> list[tuple[int, Callable[[], Awaitable[Step]]]]:
        return [
            (8, self.put),
            (4, self.append),
            (6, self.copy),
            (3, self.initiate),
            (2, self.part),
            (3, self.complete),
            (2, self.link),
            (4, self.delete),
            (8, self.delete_version),
            (3, self.delete_many),
            (6, self.retain),
            (5, self.hold),
            (3, self.say_of_it),
            (5, self.change_bucket),
            (1, self.delete_bucket),
            (2, self.run_rules),
            (1, self.strangers),
            (4, self.wait),
            (3, self.set_the_clock),
            (2, self.restart),
        ]

    # --- what must be so after each ---

    async def check(self, before: Kept, step: Step) -> Kept:
        after = await self.look()
        now = self.clock.true
        assert self.house.catalog.moments().earliest <= now
        for place, was in before.versions.items():
            policy = policy_of(before.buckets[place[0]], now)
            if not is_held(was, policy, now):
                continue
            if step.bypassed and is_held_by_governance_alone(was, policy, now):
                continue
            assert place in after.versions, place
            becomes = after.versions[place]
            assert content_of(becomes) == content_of(was), place
            assert is_no_weaker(was.retention, becomes.retention, now) or step.bypassed, place
            assert becomes.legal_hold or not was.legal_hold or step.lifted == place
            await self.check_bytes(place, becomes)
        for name, bucket in before.buckets.items():
            check_bucket(bucket, after.buckets.get(name), empty=not any(place[0] == name for place in after.versions))
        return after

    async def check_bytes(self, place: Place, record: ObjectRecord) -> None:
        """What a held version gives is what it gave when it was seen first."""
        if not record.segments or record.restore is not None or record.storage_class != "Standard":
            return
        bucket, key, version_id = place
        got = await self.ask("GET", f"/{bucket}/{key}?versionId={version_id}")
        assert got.status == 200, got.body
        assert self.contents.setdefault((*place[:2], f"{version_id} {record.etag}"), got.body) == got.body


def inner(root: str, text: str) -> bytes:
    return f"<{root}>{text}</{root}>".encode()


def document(root: str, **fields: object) -> bytes:
    return inner(root, "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()))


# --- what is held, worked out without the rules of the server --------------------------------------------------------


def policy_of(bucket: Bucket, now: float) -> BucketWorm | None:
    stored = bucket.configuration(BUCKET_WORM)
    policy = None if stored is None else read_bucket_worm(stored)
    return policy if policy is not None and (policy.locked or now < policy.created_at + DAY_S) else None


def is_held(version: ObjectRecord, policy: BucketWorm | None, now: float) -> bool:
    if version.kind == DELETE_MARKER:
        return False
    by_policy = policy is not None and now < version.last_modified + policy.days * DAY_S
    by_retention = version.retention is not None and now < version.retention.until
    return version.legal_hold or by_policy or by_retention


def is_held_by_governance_alone(version: ObjectRecord, policy: BucketWorm | None, now: float) -> bool:
    governed = version.retention is not None and version.retention.mode == GOVERNANCE
    return governed and not is_held(replace(version, retention=None), policy, now)


def is_no_weaker(was: Retention | None, becomes: Retention | None, now: float) -> bool:
    if was is None or was.until <= now:
        return True
    return becomes is not None and becomes.until >= was.until and (COMPLIANCE, was.mode).count(becomes.mode) > 0


def content_of(record: ObjectRecord) -> ObjectRecord:
    """All but what may change of a held version."""
    return replace(
        record,
        acl="default",
        tags=(),
        storage_class="Standard",
        restore=None,
        sealed_at=None,
        retention=None,
        legal_hold=False,
    )


def check_bucket(was: Bucket, becomes: Bucket | None, *, empty: bool) -> None:
    """A locked policy stays and only grows, object WORM stays, and with it versioning."""
    if becomes is None or becomes.bucket_id != was.bucket_id:
        assert becomes is None or empty
        return
    stored, later = was.configuration(BUCKET_WORM), becomes.configuration(BUCKET_WORM)
    if stored is not None and (policy := read_bucket_worm(stored)).locked:
        assert later is not None
        kept = read_bucket_worm(later)
        assert (kept.worm_id, kept.locked, kept.days >= policy.days) == (policy.worm_id, True, True)
    if was.configuration(OBJECT_WORM) is not None:
        assert becomes.configuration(OBJECT_WORM) is not None
        assert becomes.versioning == "Enabled"


async def tell(seed: int, data: Path | None) -> int:
    """A history; how many times a held version was looked at."""
    world, seen = World(seed, data), 0
    try:
        await world.begin()
        kept = await world.look()
        weights, steps = zip(*world.steps(), strict=True)
        for _ in range(STEPS):
            (take,) = world.chance.choices(steps, weights)
            kept = await world.check(kept, await take())
            now = world.clock.true
            seen += sum(
                is_held(one, policy_of(kept.buckets[place[0]], now), now) for place, one in kept.versions.items()
            )
    finally:
        world.close()
    if data is not None:
        report = audit(data)
        assert not report.miscounted
        assert not report.missing
        assert not report.wrong_rows
    return seen


def see_nothing_early(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second history runs as if what holds a version had always come between the first look and the commit."""
    if seed % 2:
        for file in ("append", "overwrite"):
            monkeypatch.setattr(f"coatcheck.operations.{file}.need_free", lambda *_: None)


@pytest.mark.soak(HISTORIES)
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nothing_that_is_held_in_memory_changes_or_goes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    see_nothing_early(seed, monkeypatch)
    assert asyncio.run(tell(seed, None)) > 0


@pytest.mark.soak(HISTORIES_ON_DISK)
@pytest.mark.parametrize("seed", range(HISTORIES_ON_DISK))
def test_nothing_that_is_held_on_disk_changes_or_goes_over_any_start(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_nothing_early(seed, monkeypatch)
    assert asyncio.run(tell(seed, tmp_path / "data")) > 0
