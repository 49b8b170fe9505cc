"""Work that goes on until it is ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from coatcheck.background import schedule
from coatcheck.background.leader import FileLeader
from coatcheck.background.schedule import end, keep_doing


async def test_work_that_was_cancelled_during_a_commit_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit's outcome is told in place of the first cancellation."""
    monkeypatch.setattr(schedule, "LOOK_S", 0)
    committing, swallowed = asyncio.Event(), 0

    async def work(now: float) -> None:
        nonlocal swallowed
        if not swallowed:
            with suppress(asyncio.CancelledError):
                committing.set()
                await asyncio.Event().wait()
            swallowed += 1

    task = asyncio.create_task(keep_doing(work, FileLeader(tmp_path / "work.lock"), lambda: 0.0, "work"))
    await committing.wait()
    await end(task)
    assert (task.cancelled(), swallowed) == (True, 1)
