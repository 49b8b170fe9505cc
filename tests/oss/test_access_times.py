"""When objects were last read: noted beside the requests, kept in batches, shown, and heeded by lifecycle rules."""

from __future__ import annotations

from typing import Any, Final

import pytest

from coatcheck.core.limits import ACCESSES_NOTED_MAX
from coatcheck.core.times import DAY_S
from coatcheck.operations.access_times import KIND, AccessDays, AccessNotes
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.ports.catalog import Busy

from .house import ANYBODY, NOW, House

HEADER: Final = "x-oss-last-access-time"
TODAY: Final = NOW // DAY_S


def a_monitor(status: str = "Enabled") -> bytes:
    return f"<AccessMonitorConfiguration><Status>{status}</Status></AccessMonitorConfiguration>".encode()


def a_rule(step: str = "<IsAccessTime>true</IsAccessTime>") -> bytes:
    inner = f"<Transition><Days>10</Days><StorageClass>IA</StorageClass>{step}</Transition>"
    rule = f"<Rule><ID>r</ID><Prefix/><Status>Enabled</Status>{inner}</Rule>"
    return f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>".encode()


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?accessmonitor", a_monitor())).status == 200
    for key in ("a.txt", "b.txt"):
        await house.put(f"/photos/{key}", bytes(70_000))
    return house


def days(house: House) -> dict[str, str]:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    return dict(house.catalog.entries_of(bucket.bucket_id, KIND))


def a_day(number: int) -> str:
    return f'{{"v":1,"day":{number}}}'


async def keep(house: House) -> None:
    await house.accesses.flush(house.catalog)


async def storage_class(house: House, key: str) -> str:
    return (await house.ask("HEAD", f"/photos/{key}")).headers["x-oss-storage-class"]


async def run(house: House) -> dict[str, int]:
    report = await run_lifecycle(Ports(house.catalog, house.encrypting), now=house.now)
    return dict(report.done)


async def test_a_read_is_noted_at_once_and_kept_in_a_batch(house: House) -> None:
    house.now = NOW + 5 * DAY_S
    assert (await house.ask("GET", "/photos/a.txt", headers={"range": "bytes=0-9"})).status == 206
    assert days(house) == {}
    await keep(house)
    assert days(house) == {"a.txt": a_day(TODAY + 5)}


async def test_a_day_is_written_once(house: House, monkeypatch: Any) -> None:
    writes = []
    put_entries = house.catalog.put_entries

    async def counted(*arguments: Any) -> None:
        writes.append(arguments[2])
        await put_entries(*arguments)

    monkeypatch.setattr(house.catalog, "put_entries", counted)
    for _ in range(3):
        for _ in range(3):
            await house.ask("GET", "/photos/a.txt")
        await keep(house)
    assert writes == [[("a.txt", a_day(TODAY))]]
    house.now += DAY_S
    await house.ask("GET", "/photos/a.txt")
    await keep(house)
    assert len(writes) == 2


async def test_what_is_no_read_is_not_noted(house: House) -> None:
    await house.ask("HEAD", "/photos/a.txt")
    await house.ask("GET", "/photos/a.txt?acl")
    await house.ask("GET", "/photos/")
    await house.ask("GET", "/photos/a.txt", by=ANYBODY)
    await house.ask("GET", "/photos/none")
    await house.ask("GET", "/photos/a.txt", headers={"if-none-match": "*"})
    await keep(house)
    assert days(house) == {}
    await house.ask("PUT", "/photos/?accessmonitor", a_monitor("Disabled"))
    await house.ask("GET", "/photos/a.txt")
    await keep(house)
    assert days(house) == {}


async def test_a_link_reads_what_it_stands_for(house: House) -> None:
    await house.ask("PUT", "/photos/link?symlink", headers={"x-oss-symlink-target": "a.txt"})
    assert (await house.ask("GET", "/photos/link")).status == 200
    await keep(house)
    assert days(house) == {"a.txt": a_day(TODAY)}


async def test_what_cannot_be_kept_now_waits(house: House, monkeypatch: Any) -> None:
    async def busy(*_: Any) -> None:
        raise Busy

    await house.ask("GET", "/photos/a.txt")
    with monkeypatch.context() as patched:
        patched.setattr(house.catalog, "put_entries", busy)
        await keep(house)
    assert days(house) == {}
    await keep(house)
    assert days(house) == {"a.txt": a_day(TODAY)}


async def test_what_waits_is_bounded(house: House) -> None:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    notes = AccessNotes()
    for number in range(ACCESSES_NOTED_MAX + 9):
        notes.note(bucket, f"{number}", NOW)
    await notes.flush(house.catalog)
    assert len(days(house)) == ACCESSES_NOTED_MAX


async def test_a_bucket_that_is_gone_is_no_trouble(house: House) -> None:
    await house.ask("GET", "/photos/a.txt")
    for key in ("a.txt", "b.txt"):
        await house.ask("DELETE", f"/photos/{key}")
    assert (await house.ask("DELETE", "/photos/")).status == 204
    await keep(house)


async def test_head_says_when_an_object_was_last_read(house: House) -> None:
    async def said(key: str) -> list[str | None]:
        answers = [await house.ask("HEAD", f"/photos/{key}{meta}") for meta in ("", "?objectMeta")]
        return [answer.headers.get(HEADER) for answer in answers]

    assert await said("a.txt") == ["Thu, 05 Mar 2026 07:08:09 GMT"] * 2  # as it was written
    house.now = NOW + 5 * DAY_S
    await house.ask("GET", "/photos/a.txt")
    await keep(house)
    assert await said("a.txt") == ["Tue, 10 Mar 2026 00:00:00 GMT"] * 2
    await house.put("/photos/a.txt")
    assert await said("a.txt") == ["Tue, 10 Mar 2026 07:08:09 GMT"] * 2
    await house.ask("PUT", "/photos/?accessmonitor", a_monitor("Disabled"))
    assert await said("a.txt") == [None] * 2


async def test_what_was_there_before_counts_from_when_monitoring_began() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    house.now = NOW + 7 * DAY_S
    await house.ask("PUT", "/photos/?accessmonitor", a_monitor())
    house.now += DAY_S
    await house.ask("PUT", "/photos/?accessmonitor", a_monitor())  # it was on already
    assert (await house.ask("HEAD", "/photos/a.txt")).headers[HEADER] == "Thu, 12 Mar 2026 07:08:09 GMT"


async def test_what_is_not_read_moves_and_what_is_read_stays(house: House) -> None:
    assert (await house.ask("PUT", "/photos/?lifecycle", a_rule())).status == 200
    house.now = NOW + 8 * DAY_S
    await house.ask("GET", "/photos/a.txt")
    await keep(house)
    house.now = NOW + 12 * DAY_S
    assert await run(house) == {"transition": 1}
    assert [await storage_class(house, key) for key in ("a.txt", "b.txt")] == ["Standard", "IA"]
    house.now = NOW + 20 * DAY_S
    assert await run(house) == {"transition": 1}
    assert await storage_class(house, "a.txt") == "IA"


async def test_without_the_monitor_nothing_moves_by_it() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", bytes(70_000))
    await house.ask("PUT", "/photos/?lifecycle", a_rule())
    house.now = NOW + 99 * DAY_S
    assert await run(house) == {}


async def test_what_is_read_again_may_come_back(house: House) -> None:
    back = "<IsAccessTime>true</IsAccessTime><ReturnToStdWhenVisit>true</ReturnToStdWhenVisit>"
    await house.ask("PUT", "/photos/?lifecycle", a_rule(back))
    house.now = NOW + 12 * DAY_S
    assert await run(house) == {"transition": 2}
    await house.ask("GET", "/photos/a.txt")
    await keep(house)
    assert [await storage_class(house, key) for key in ("a.txt", "b.txt")] == ["Standard", "IA"]
    assert len((await house.ask("GET", "/photos/a.txt")).body) == 70_000


async def test_the_monitor_stays_on_while_a_rule_needs_it(house: House) -> None:
    await house.ask("PUT", "/photos/?lifecycle", a_rule())
    refused = await house.ask("PUT", "/photos/?accessmonitor", a_monitor("Disabled"))
    assert refused.refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/?accessmonitor")).text("Status") == "Enabled"
    await house.ask("DELETE", "/photos/?lifecycle")
    assert (await house.ask("PUT", "/photos/?accessmonitor", a_monitor("Disabled"))).status == 200


async def test_days_of_keys_that_are_gone_go_with_the_next_run(house: House) -> None:
    for key in ("a.txt", "b.txt"):
        await house.ask("GET", f"/photos/{key}")
    await keep(house)
    await house.ask("DELETE", "/photos/b.txt")
    await house.put("/photos/c.txt")
    assert set(days(house)) == {"a.txt", "b.txt"}
    report = await run_lifecycle(Ports(house.catalog, house.encrypting), now=house.now, dry_run=True)
    assert (dict(report.done), set(days(house))) == ({}, {"a.txt", "b.txt"})
    await run(house)
    assert set(days(house)) == {"a.txt"}


async def test_days_are_found_in_the_order_of_keys(house: House) -> None:
    bucket = house.catalog.look_for_bucket("photos")
    assert bucket is not None
    names = [f"{number:04}" for number in range(1203)]
    await house.catalog.put_entries(bucket.bucket_id, KIND, [(name, a_day(int(name))) for name in names[::2]])
    found = AccessDays(house.catalog, bucket.bucket_id)
    asked = [name for name in names if int(name) % 3 == 0]
    assert [await found.find(name) for name in asked] == [int(name) if int(name) % 2 == 0 else None for name in asked]
    await found.find_end()
    left = [name for name in names[::2] if int(name) % 3 == 0]
    await found.drop_gone()
    assert list(days(house)) == left
