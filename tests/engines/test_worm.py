"""What an engine of a data directory holds: the contract, the clock over starts, the columns of rows."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.sql.rows import read_legal_hold, read_retention, write_worm
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.ports.links import Link
from coatcheck.ports.object import COMPLIANCE, GOVERNANCE, Deletion, Retention
from coatcheck.ports.worm import OBJECT_WORM, ObjectWorm, write_object_worm

from ..audit import audit
from ..moved_clock import DAY_S, MovedClock
from ..ports.catalog_contract import a_bucket, an_object
from ..ports.worm_contract import NOW, STRICT, WormContract


class TestSqliteWorm(WormContract):
    @pytest.fixture
    def catalog(self, data: Path, clock: MovedClock) -> Iterator[SqliteCatalog]:
        set_noted(data, 0)  # the directory was prepared by the real clock
        with open_local(data, clock.wall, clock.monotonic) as engines:
            yield engines.catalog
        report = audit(data)
        assert not report.miscounted
        assert not report.wrong_rows


@pytest.mark.parametrize(
    ("retention", "hold", "column"),
    [
        (None, False, None),
        (None, True, "ON"),
        (Retention(GOVERNANCE, 1_790_000_000), False, "GOVERNANCE 1790000000"),
        (Retention(COMPLIANCE, 5), True, "COMPLIANCE 5 ON"),
    ],
)
def test_the_column_says_mode_end_and_hold(retention: Retention | None, hold: bool, column: str | None) -> None:
    assert write_worm(retention, hold) == column
    assert (read_retention(column), read_legal_hold(column)) == (retention, hold)


# --- the clock over starts -------------------------------------------------------------------------------------------


def set_noted(data: Path, moment: int) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE noted_time SET moment = ?, row_crc32 = NULL", (moment,))


def noted(data: Path) -> int:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        (moment,) = connection.execute("SELECT moment FROM noted_time").fetchone()
    return int(moment)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(NOW)


@pytest.fixture
async def held(tmp_path: Path, clock: MovedClock) -> Path:
    """A directory with a version that is retained for ten days; nobody has it open."""
    data = tmp_path / "held"
    prepare_local(data, clock.wall).close()
    with start(data, clock) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)
        await engines.catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await engines.catalog.set_configuration(bucket.bucket_id, OBJECT_WORM, write_object_worm(ObjectWorm()))
        record = replace(an_object("coat", version_id="v1"), retention=STRICT)
        await engines.catalog.put_object(bucket.bucket_id, record)
    return data


def start(data: Path, clock: MovedClock, *, accept_clock: bool = False) -> LocalEngines:
    """As a server does: prepared by its first process, opened by a worker."""
    prepare_local(data, clock.wall, accept_clock=accept_clock).close()
    return open_local(data, clock.wall, clock.monotonic)


async def is_free(engines: LocalEngines) -> bool:
    """Whether the version can be deleted; it is, if so."""
    bucket = await engines.catalog.find_bucket("photos")
    assert bucket is not None
    return not (await engines.catalog.delete_object(bucket.bucket_id, Deletion("coat", "v1"))).immutable


async def test_a_start_within_a_day_of_the_newest_commit_believes_its_clock(held: Path, clock: MovedClock) -> None:
    for _ in range(10):
        clock.go_by(DAY_S - 60)
        with start(held, clock) as engines:
            assert not await is_free(engines)
    clock.go_by(600)
    with start(held, clock) as engines:
        assert await is_free(engines)


async def test_a_start_long_after_the_newest_commit_ends_no_retention_until_its_clock_is_accepted(
    held: Path, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.go_by(11 * DAY_S)
    with caplog.at_level(logging.WARNING, logger="coatcheck"):
        for _ in range(2):  # at every start: what it notes is not the wall clock
            with start(held, clock) as engines:
                assert not await is_free(engines)
                assert not await is_free(engines)
    lines = [record.getMessage() for record in caplog.records]
    assert (
        lines
        == [
            "the clock is more than 24 hours past the newest commit (2026-03-05T07:08:09.000Z), so no retention ends "
            "by it: if the clock is right, start once with --accept-clock"
        ]
        * 2
    )
    with start(held, clock, accept_clock=True) as engines:
        assert await is_free(engines)


async def test_what_was_accepted_counts_from_then_on_without_the_option(held: Path, clock: MovedClock) -> None:
    clock.go_by(11 * DAY_S)
    start(held, clock, accept_clock=True).close()
    with start(held, clock) as engines:
        assert await is_free(engines)


async def test_a_start_with_a_clock_years_ahead_ends_nothing_and_notes_nothing_of_it(
    held: Path, clock: MovedClock
) -> None:
    clock.wrong_by = 4000 * DAY_S
    with start(held, clock) as engines:
        assert not await is_free(engines)
        clock.go_by(DAY_S)
        assert not await is_free(engines)
    assert noted(held) == NOW + DAY_S
    clock.wrong_by = 0
    with start(held, clock) as engines:
        assert not await is_free(engines)
        clock.go_by(9 * DAY_S)
        assert await is_free(engines)


async def test_a_worker_that_is_started_after_a_jump_believes_it_no_more_than_the_others(
    held: Path, clock: MovedClock
) -> None:
    with start(held, clock):
        clock.wrong_by = 400 * DAY_S
        with open_local(held, clock.wall, clock.monotonic) as later:
            assert not await is_free(later)


async def test_a_clock_that_was_set_back_notes_nothing_earlier(held: Path, clock: MovedClock) -> None:
    clock.wrong_by = -100 * DAY_S
    with start(held, clock) as engines:
        assert not await is_free(engines)
        assert engines.catalog.moments() == (NOW - 100 * DAY_S, NOW)
    assert noted(held) == NOW


async def test_a_server_without_writes_notes_the_time(held: Path, clock: MovedClock) -> None:
    with start(held, clock) as engines:
        clock.go_by(5 * DAY_S)
        await engines.catalog.note_time()
    assert noted(held) == NOW + 5 * DAY_S


async def test_commits_note_the_time_once_a_minute(held: Path, clock: MovedClock) -> None:
    with start(held, clock) as engines:
        await engines.catalog.note_time()
        clock.go_by(59)
        await engines.catalog.note_time()
        assert noted(held) == NOW
        clock.go_by(1)
        await engines.catalog.note_time()
        assert noted(held) == NOW + 60


async def test_where_nothing_is_retained_any_clock_is_believed(data: Path) -> None:
    set_noted(data, NOW)
    clock = MovedClock(NOW + 400 * DAY_S)
    with start(data, clock) as engines:
        assert engines.catalog.moments() == (clock.true, clock.true)
    clock.wrong_by = -300 * DAY_S  # it was wrong before, and nothing depended on it
    start(data, clock).close()
    assert noted(data) == NOW + 100 * DAY_S


async def test_a_start_with_a_clock_that_would_forget_a_link_does_not_believe_it(data: Path) -> None:
    """A cancelled V1 link of a year: its row is kept until 30 days after its end, by a clock that is believed."""
    clock = MovedClock(NOW)
    row = Link("lk_a", "1", "k", "photos", "cat.jpg", NOW, ends_at=NOW + 365 * DAY_S, cancelled_at=NOW)
    with start(data, clock) as engines:
        await engines.links.change_link("lk_a", lambda _: row)
        await engines.catalog.note_time()
    clock.wrong_by = 396 * DAY_S
    with start(data, clock) as engines:
        assert engines.catalog.moments().earliest < NOW + DAY_S
    with start(data, clock, accept_clock=True) as engines:
        assert engines.catalog.moments().earliest == NOW + 396 * DAY_S


async def test_links_that_a_late_start_would_not_forget_hold_no_clock_up(data: Path) -> None:
    clock = MovedClock(NOW)
    row = Link("lk_a", "1", "k", "photos", "cat.jpg", NOW, ends_at=NOW + 365 * DAY_S, cancelled_at=NOW)
    with start(data, clock) as engines:
        await engines.links.change_link("lk_a", lambda _: row)
        await engines.catalog.note_time()
    clock.go_by(394 * DAY_S)
    with start(data, clock) as engines:
        assert engines.catalog.moments().earliest == clock.true
