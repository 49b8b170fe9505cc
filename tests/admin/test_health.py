"""Whether GETs can be answered and anything written, looked at seldom and told to all."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from coatcheck.admin import health
from coatcheck.admin.health import Board, Condition, Health, find_write_trouble
from coatcheck.ports.catalog import Unwritable


async def fine() -> None:
    """It can be read."""


async def test_however_often_it_is_asked_it_looks_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: now[0]))  # the loop's own time goes on
    board = Board()
    workers = [Health(board, fine, tmp_path, tmp_path / "health.lock") for _ in range(3)]
    for second in range(3):
        now[0] = 1000.0 + 1.01 * second
        found = await asyncio.gather(*(worker.look() for worker in workers for _ in range(50)))
        assert set(found) == {Condition("", "")}
        assert sum(worker.probes for worker in workers) == second + 1
    for worker in workers:
        worker.close()


async def test_what_one_finds_the_others_tell(tmp_path: Path) -> None:
    async def broken() -> None:
        raise OSError(errno.EIO, "secret path")

    board = Board()
    first = Health(board, broken, None, tmp_path / "health.lock")
    second = Health(board, fine, None, tmp_path / "health.lock")
    assert await first.look() == Condition("input/output error", "")
    assert await second.look() == Condition("input/output error", "")
    assert (first.probes, second.probes) == (1, 0)


async def test_an_error_that_is_not_the_system_s_is_told_by_its_kind(tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError("a secret")

    assert (await Health(Board(), broken, None, tmp_path / "health.lock").look()).reads == "RuntimeError"


async def test_a_store_that_reads_and_cannot_write_is_told(tmp_path: Path) -> None:
    async def read_only() -> None:
        raise Unwritable("a standby")

    health = Health(Board(), fine, tmp_path, tmp_path / "health.lock", read_only)
    assert await health.look() == Condition("", "Unwritable")


def test_a_directory_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    assert find_write_trouble(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk full"), (errno.EDQUOT, "disk full"), (errno.EROFS, "read-only"), (errno.EACCES, "read-only")],
)
def test_why_nothing_can_be_written_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(health, "os", SimpleNamespace(**vars(os) | {"write": refuse}))  # nobody else's
    assert find_write_trouble(tmp_path) == words
    assert list(tmp_path.iterdir()) == []


def test_what_uploads_leave_free_counts_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DISK_RESERVE_BYTES", 1 << 62)
    assert find_write_trouble(tmp_path) == "disk full"
