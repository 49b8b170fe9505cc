"""Access logs on their way: what is noted is delivered once, by who may, and not kept for ever."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coatcheck.background.log_segments as log_segments
import coatcheck.background.segment_file as segment_file
from coatcheck.background.access_log import AccessLog
from coatcheck.background.log_delivery import LogDelivery
from coatcheck.background.log_segments import HOUR_S, Delivery, Header, Segments
from coatcheck.background.notices import Notices
from coatcheck.configurations.bucket_logging import Logging, to_json
from coatcheck.core.author import Author
from coatcheck.operations.context import Ports
from coatcheck.ports.catalog import NoSpace
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal

from ..oss.house import NOW, OWNER, STRANGER, House
from ..oss.test_bucket_logging import enabled
from ..patience import wait_until

ALICE = "201234567890123456"
HOUR = NOW // HOUR_S
LATER = (HOUR + 1) * HOUR_S
BEGIN = "2026-03-05-07-00-00"


class Scene:
    """A house whose bucket photos has its log in the bucket logs, and what gathers and delivers it."""

    def __init__(self, house: House, directory: Path) -> None:
        self.house = house
        self.directory = directory
        self.segments = Segments(directory)
        ports = Ports(house.catalog, house.encrypting)
        self.delivery = LogDelivery(self.segments, ports, house.keyring, Notices())

    async def request(self, address: str, **more: Any) -> None:
        """One request, whose line is written when this returns."""
        log = AccessLog(self.segments, lambda: self.house.now)
        log.note((await self.house.ask("GET", address, **more)).trace)
        log.close()

    async def objects(self) -> dict[str, bytes]:
        listing = await self.house.ask("GET", "/logs/")
        keys = listing.texts("Contents/Key")
        return {key: (await self.house.ask("GET", f"/logs/{key}")).body for key in keys}

    def left(self) -> list[str]:
        return sorted(path.name.split("-")[0] for path in self.directory.iterdir())


async def a_scene(directory: Path, by: AccessKey = OWNER) -> Scene:
    house = await (await House().with_bucket()).with_bucket("logs")
    house.keyring.keys[by.access_key_id] = by
    assert (await house.ask("PUT", "/photos/?logging", enabled("logs"), by=by)).status == 200
    return Scene(house, directory / "access-log")


async def test_an_hour_becomes_an_object_when_it_is_over(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    await scene.request("/photos/b")
    assert await scene.delivery.run(LATER - 1) == 0
    assert await scene.objects() == {}
    assert await scene.delivery.run(LATER) == 1
    ((key, content),) = (await scene.objects()).items()
    assert key.startswith(f"log-photos{BEGIN}-")
    assert [line.split()[6] for line in content.splitlines()] == [b"/photos/a", b"/photos/b"]
    assert scene.left() == []
    assert await scene.delivery.run(LATER + HOUR_S) == 0
    head = await scene.house.ask("HEAD", f"/logs/{key}")
    assert head.headers["content-type"] == "text/plain"


async def test_the_lines_of_all_workers_are_one_object_and_each_hour_is_another(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    await Scene(scene.house, scene.directory).request("/photos/b")  # another process's segments
    scene.house.now = LATER
    await scene.request("/photos/c")
    assert await scene.delivery.run(LATER + 1) == 1
    assert [content.count(b"\n") for content in (await scene.objects()).values()] == [2]
    assert await scene.delivery.run(LATER + 3 * 86_400) == 1
    assert sorted(content.count(b"\n") for content in (await scene.objects()).values()) == [1, 2]


async def test_a_bucket_that_no_longer_has_a_log_gets_the_lines_it_had(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    await scene.house.ask("DELETE", "/photos/?logging")
    await scene.request("/photos/b")
    await scene.delivery.run(LATER)
    assert [content.count(b"\n") for content in (await scene.objects()).values()] == [1]


async def test_the_hour_is_delivered_when_the_clock_was_a_year_ahead(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    scene.house.now = NOW + 365 * 86_400
    await scene.request("/photos/a")
    scene.house.now = NOW
    assert await scene.delivery.run(NOW) == 1


async def as_alice(tmp_path: Path) -> Scene:
    """Alice, who may set logs up and write objects, has set it up."""
    allowed = ["oss:PutBucketLogging", "oss:PutObject"]
    policy = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]})
    alice = AccessKey("AliceKey", "alice-secret", OWNER.account, principal=Principal(ALICE, "alice"))
    house = House()
    await house.identities.add_user(User(ALICE, OWNER.account, "alice", 1))
    await house.identities.put_policy(StoredPolicy(OWNER.account, "writes", policy), replace=False)
    await house.identities.attach(OWNER.account, "writes", user="alice")
    await (await house.with_bucket()).with_bucket("logs")
    house.keyring.keys["AliceKey"] = alice
    assert (await house.ask("PUT", "/photos/?logging", enabled("logs"), by=alice)).status == 200
    return Scene(house, tmp_path / "access-log")


async def test_it_stops_and_says_so_when_the_right_is_gone_and_goes_on_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene = await as_alice(tmp_path)
    await scene.request("/photos/a")
    identities = scene.house.identities
    await identities.detach(OWNER.account, "writes", user="alice")
    assert await scene.delivery.run(LATER) == 0
    assert await scene.delivery.run(LATER + 5) == 0
    assert await scene.objects() == {}
    await identities.attach(OWNER.account, "writes", user="alice")
    assert await scene.delivery.run(LATER + 10) == 1
    assert len(await scene.objects()) == 1
    stopped, goes_on = (record.getMessage() for record in caplog.records if "photos" in record.getMessage())
    assert stopped.startswith("stopped: logging bucket=photos: AccessDenied: ")
    assert goes_on == "goes on: logging bucket=photos"


async def test_nothing_is_written_for_a_user_who_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = await as_alice(tmp_path)
    await scene.request("/photos/a")
    await scene.house.identities.remove_user(OWNER.account, "alice")
    assert await scene.delivery.run(LATER) == 0
    assert "stopped: logging bucket=photos: the user who set it up is no longer there" in caplog.text


async def test_a_deny_of_the_target_bucket_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = await as_alice(tmp_path)
    await scene.request("/photos/a")
    denied = {"Effect": "Deny", "Action": "oss:PutObject", "Principal": ["*"], "Resource": ["acs:oss:*:*:logs/*"]}
    policy = json.dumps({"Version": "1", "Statement": [denied]}).encode()
    assert (await scene.house.ask("PUT", "/logs/?policy", policy)).status == 200
    assert await scene.delivery.run(LATER) == 0
    assert "AccessDenied" in caplog.text


async def test_a_stranger_who_makes_the_target_anew_gets_no_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    assert (await scene.house.ask("DELETE", "/logs/")).status == 204
    acl = {"x-oss-acl": "public-read-write"}
    assert (await scene.house.ask("PUT", "/logs/", headers=acl, by=STRANGER)).status == 200
    assert await scene.delivery.run(LATER) == 0
    assert "the target bucket logs is not one of the account '1000000000000001'" in caplog.text
    assert (await scene.house.ask("GET", "/logs/", by=STRANGER)).texts("Contents/Key") == []


async def test_lines_that_cannot_be_delivered_are_dropped_after_a_week(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    assert (await scene.house.ask("DELETE", "/logs/")).status == 204
    week = LATER + 7 * 86_400
    assert await scene.delivery.run(week) == 0
    assert scene.left() == ["ready"]
    assert "the target bucket 'logs' is not there" in caplog.text
    assert await scene.delivery.run(week + 1) == 0
    assert scene.left() == []
    assert "dropped: logging bucket=photos hour=2026-03-05T07Z bytes=" in caplog.text


async def test_of_too_many_lines_that_cannot_be_delivered_the_oldest_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    scene.house.now = LATER
    await scene.request("/photos/b")
    assert (await scene.house.ask("DELETE", "/logs/")).status == 204
    monkeypatch.setattr("coatcheck.background.log_delivery.LOG_KEPT_MAX_BYTES", 700)
    assert await scene.delivery.run(LATER + HOUR_S) == 0
    assert scene.left() == ["ready"]
    assert "hour=2026-03-05T07Z" in caplog.text


async def test_a_store_that_takes_nothing_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")

    async def full(*_: Any, **__: Any) -> Any:
        raise NoSpace("full")

    with monkeypatch.context() as patch:
        patch.setattr(scene.house.catalog, "put_object", full)
        assert await scene.delivery.run(LATER) == 0
    assert await scene.delivery.run(LATER) == 1


@pytest.mark.parametrize("versioned", [False, True])
async def test_what_was_stored_before_a_crash_is_not_stored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versioned: bool
) -> None:
    scene = await a_scene(tmp_path)
    if versioned:
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert (await scene.house.ask("PUT", "/logs/?versioning", body)).status == 200
    await scene.request("/photos/a")

    def crash(_: Delivery) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            await scene.delivery.run(LATER)
    stored = await scene.objects()
    assert len(stored) == 1
    assert await scene.delivery.run(LATER) == 1
    assert await scene.objects() == stored
    assert scene.left() == []
    versions = await scene.house.ask("GET", "/logs/?versions")
    assert len(versions.texts("Version/Key")) == 1


HEADER = Header("photos", to_json(Logging("logs", "log-", author=Author(OWNER.account))))


async def content_of(delivery: Delivery) -> bytes:
    return b"".join([chunk async for chunk in delivery.chunks()])


async def test_a_crash_while_segments_are_moved_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Segments(tmp_path), Segments(tmp_path)
    one.append(HEADER, [b"a\n"], 5)
    two.append(HEADER, [b"b\n"], 5)
    moves = 0
    rename = Path.rename

    def dying(path: Path, target: Path) -> Path:
        nonlocal moves
        moves += 1
        if moves == 2:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(KeyboardInterrupt):
            one.gather(6)
    (tmp_path / "gathering-5-0-0").mkdir()  # and another crash, before the first move
    deliveries = one.gather(6)
    assert sorted([await content_of(delivery) for delivery in deliveries]) == [b"a\n", b"b\n"]
    assert [delivery.header() for delivery in deliveries] == [HEADER, HEADER]


async def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.append(HEADER, [b"a\n", b"b\n"], 5)
    (path,) = tmp_path.glob("*.log")
    path.write_bytes(path.read_bytes()[:-1])
    (delivery,) = segments.gather(6)
    assert await content_of(delivery) == b"a\n"


async def test_a_segment_that_got_nothing_before_a_crash_goes(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    await scene.request("/photos/a")
    (path,) = scene.directory.glob("*.log")
    path.write_bytes(b"")
    await scene.delivery.run(LATER)
    assert (scene.left(), await scene.objects()) == ([], {})


async def test_a_writer_that_comes_late_begins_another_segment(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.append(HEADER, [b"a\n"], 5)
    (first,) = segments.gather(6)
    segments.append(HEADER, [b"b\n"], 5)
    second = next(delivery for delivery in segments.gather(6) if delivery != first)
    assert [await content_of(first), await content_of(second)] == [b"a\n", b"b\n"]


async def test_segments_and_objects_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_segments, "LOG_SEGMENT_MAX_BYTES", 600)
    monkeypatch.setattr(log_segments, "LOG_OBJECT_MAX_BYTES", 1500)
    segments = Segments(tmp_path)
    for number in range(40):
        segments.append(HEADER, [b"%099d\n" % number], 5)
    assert max(path.stat().st_size for path in tmp_path.glob("*.log")) < 600 + 100
    deliveries = segments.gather(6)
    assert len(deliveries) > 2
    lines = b"".join([await content_of(delivery) for delivery in deliveries]).splitlines()
    assert sorted(map(int, lines)) == list(range(40))


def test_a_disk_that_is_nearly_full_takes_no_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_file, "LOG_ROOM_BYTES", 1 << 62)
    with pytest.raises(segment_file.NoRoom):
        Segments(tmp_path).append(HEADER, [b"a\n"], 5)


def test_of_lines_that_could_not_be_written_whole_none_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = Segments(tmp_path)
    segments.append(HEADER, [b"a\n"], 5)
    (path,) = tmp_path.glob("*.log")
    before = path.read_bytes()

    def full(fd: int, _: Any) -> None:
        import os

        os.write(fd, b"b")
        raise OSError("full")

    with monkeypatch.context() as patch:
        patch.setattr(segment_file, "_write_all", full)
        with pytest.raises(OSError, match="full"):
            segments.append(HEADER, [b"b\n"], 5)
    assert path.read_bytes() == before


async def test_lines_are_written_without_anybody_waiting(tmp_path: Path) -> None:
    scene = await a_scene(tmp_path)
    log = AccessLog(scene.segments, lambda: NOW)
    trace = (await scene.house.ask("GET", "/photos/a")).trace
    for _ in range(3):
        log.note(trace)
    wait_until(lambda: sum(path.read_bytes().count(b"GetObject") for path in scene.directory.glob("*.log")) == 3)
    log.note(trace)
    wait_until(lambda: sum(path.read_bytes().count(b"GetObject") for path in scene.directory.glob("*.log")) == 4)
    log.close()


async def test_what_cannot_be_written_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await a_scene(tmp_path)
    trace = (await scene.house.ask("GET", "/photos/a")).trace
    log = AccessLog(scene.segments, lambda: NOW)
    log._write([], 3)
    log.close()
    assert "access log dropped=3: more requests than lines can be written" in caplog.text
    monkeypatch.setattr(segment_file, "LOG_ROOM_BYTES", 1 << 62)
    log = AccessLog(scene.segments, lambda: NOW)
    log.note(trace)
    log.close()
    assert "access log bucket=photos dropped=1: the disk is nearly full" in caplog.text


def test_without_a_log_no_thread_starts(tmp_path: Path) -> None:
    log = AccessLog(Segments(tmp_path / "access-log"), lambda: NOW)
    noted: Callable[[Any], None] = log.note
    noted(type("Exchange", (), {"logged": None})())
    log.close()
    assert not (tmp_path / "access-log").exists()
