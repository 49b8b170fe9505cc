"""One process sweeps; another does when that one has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import coatcheck.sweep_schedule as schedule
from coatcheck.background.leader import FileLeader

from .patience import HANG_S


async def test_one_sweeps_and_another_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: asyncio.Queue[tuple[Any, float]] = asyncio.Queue()

    async def sweep(ports: Any, now: float) -> int:
        swept.put_nowait((ports, now))
        raise OSError("what goes wrong once is tried again")

    monkeypatch.setattr("coatcheck.operations.sweep.sweep", sweep)
    monkeypatch.setattr(schedule, "SWEEP_EVERY_S", 0.001)
    ports: list[Any] = ["one", "two"]
    one = asyncio.create_task(schedule.keep_sweeping(ports[0], FileLeader(tmp_path / "a.lock"), lambda: 7.0))
    async with asyncio.timeout(HANG_S):
        assert await swept.get() == ("one", 7.0)
        two = asyncio.create_task(schedule.keep_sweeping(ports[1], FileLeader(tmp_path / "a.lock"), lambda: 8.0))
        for _ in range(20):
            assert await swept.get() == ("one", 7.0)
        one.cancel()
        while await swept.get() != ("two", 8.0):
            pass
    two.cancel()
    await asyncio.wait([one, two])
