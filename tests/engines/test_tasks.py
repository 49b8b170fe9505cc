"""Tasks that go on after their reply: done once, in turn, and named in the log if the server ends before them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from coatcheck.core.errors import NO_SUCH_KEY, OssError
from coatcheck.core.limits import TASKS_WAITING_MAX
from coatcheck.engines.tasks import LocalTasks

from ..patience import HANG_S


def made(tmp_path: Path) -> LocalTasks:
    tasks = LocalTasks(tmp_path / "tasks", lambda: 17.0)
    tasks.open()
    return tasks


def journal(tmp_path: Path) -> str:
    return "".join(path.read_text() for path in (tmp_path / "tasks").iterdir())


async def finish(tasks: LocalTasks) -> None:
    async with asyncio.timeout(HANG_S):
        await asyncio.gather(*tasks._running)


async def test_a_task_is_done_once_at_its_own_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "coatcheck")
    tasks, began = made(tmp_path), list[float]()

    async def work(now: float) -> None:
        assert "a to b" in journal(tmp_path)
        began.append(now)

    name = await tasks.accept("a to b", work)
    await finish(tasks)
    assert began == [17.0]
    assert journal(tmp_path) == ""
    assert f"task={name} done: a to b" in caplog.text
    await tasks.close()


async def test_one_at_a_time_and_a_failure_stops_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tasks, order = made(tmp_path), list[str]()

    def work(name: str, error: Exception | None = None):  # type: ignore[no-untyped-def]
        async def do(now: float) -> None:
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")
            if error is not None:
                raise error

        return do

    await tasks.accept("first", work("first", NO_SUCH_KEY()))
    await tasks.accept("second", work("second", ValueError("a fault of ours")))
    await tasks.accept("third", work("third"))
    await finish(tasks)
    assert order == [f"{name} {what}" for name in ("first", "second", "third") for what in ("begins", "ends")]
    assert "refused NoSuchKey: first" in caplog.text
    assert "failed: second" in caplog.text
    await tasks.close()


async def test_more_than_may_wait_are_refused(tmp_path: Path) -> None:
    tasks, go = made(tmp_path), asyncio.Event()

    async def work(now: float) -> None:
        await go.wait()

    for number in range(TASKS_WAITING_MAX):
        await tasks.accept(str(number), work)
    with pytest.raises(OssError, match="More tasks wait"):
        await tasks.accept("one more", work)
    go.set()
    await finish(tasks)
    await tasks.accept("now", work)
    await finish(tasks)
    await tasks.close()


async def test_what_a_server_left_undone_is_named_by_the_next_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = made(tmp_path)

    async def work(now: float) -> None:
        await asyncio.Event().wait()

    name = await tasks.accept("photos/a.jpg to photos/b.jpg", work)
    made(tmp_path)
    assert "is lost" not in caplog.text  # its process lives
    await tasks.close()
    made(tmp_path)
    assert f'a task was accepted and is lost, since its server ended: ["{name}", "photos/a.jpg to photos/b.jpg"]' in (
        caplog.text
    )
    assert list((tmp_path / "tasks").iterdir()) == []
