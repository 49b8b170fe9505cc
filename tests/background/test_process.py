"""Pictures made after the reply: as who asked for them, tried again while they may come, visibly failed if not."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from coatcheck.background import process_run
from coatcheck.background.process_run import ProcessDoer
from coatcheck.background.task_runs import TaskRuns
from coatcheck.configurations import process_task
from coatcheck.configurations.process_task import ProcessTask
from coatcheck.configurations.task import Progress
from coatcheck.core.errors import RENDERERS_BUSY
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.renderer import Job, Rendered

from ..moved_clock import DAY_S, MovedClock
from ..oss.house import NOW, OWNER, STRANGER, House
from ..oss.test_object_process import ASYNC, StubRenderer, save_later

MADE = b"image/resize,w_100/format,png of 110000 bytes"
EVERYBODY = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Principal": ["*"], "Action": ["oss:*"], "Resource": ["*"]}],
}


@dataclass
class BusyRenderer(StubRenderer):
    """Has no time for the first jobs."""

    busy_for: int = 0
    refused: int = field(default=0)

    async def render(self, job: Job) -> Rendered:
        if self.refused < self.busy_for:
            self.refused += 1
            raise RENDERERS_BUSY()
        return await super().render(job)


class Scene:
    """A house with a picture, and what makes pictures of it."""

    def __init__(self, busy_for: int = 0) -> None:
        self.house = House()
        ports = self.house.pipeline._ports = self.house.ports._replace(renderer=BusyRenderer(busy_for=busy_for))
        self.clock = MovedClock(NOW)
        self.runs: TaskRuns[ProcessTask] = TaskRuns(
            self.house.catalog, process_run.KIND, ProcessDoer(ports, self.house.keyring), self.clock.wall
        )

    async def begin(self) -> Scene:
        await self.house.with_bucket()
        await self.house.put("/photos/a.jpg", b"the picture" * 10_000)
        return self

    async def ask(self, key: str = "b.png", *, by: AccessKey = OWNER) -> str:
        answer = await self.house.ask("POST", ASYNC, save_later(key), by=by)
        assert answer.status == 200
        return str(json.loads(answer.body)["EventId"])

    async def run(self) -> int:
        return await self.runs.run(self.clock.wall())

    def progress(self, name: str) -> Progress | None:
        """Of a task that is done; None for one that waits, or was forgotten."""
        bucket = self.house.catalog.look_for_bucket("photos")
        assert bucket is not None
        document = self.house.catalog.entries_of(bucket.bucket_id, process_task.DONE).get(name)
        return None if document is None else process_task.from_json(document).progress

    async def get(self, key: str = "b.png") -> Any:
        return await self.house.ask("GET", f"/photos/{key}")


async def test_a_picture_is_made_and_stored() -> None:
    scene = await Scene().begin()
    name = await scene.ask()
    assert (await scene.get()).status == 404
    assert await scene.run() == 1
    assert scene.progress(name) == Progress("Success", 1, ended_at=NOW)
    got = await scene.get()
    assert (got.body, got.headers["content-type"]) == (MADE, "image/png")
    assert await scene.run() == 0


async def test_what_a_link_shows_is_taken() -> None:
    scene = await Scene().begin()
    await scene.house.ask("PUT", "/photos/link.jpg?symlink", headers={"x-oss-symlink-target": "a.jpg"})
    asked = ASYNC.replace("a.jpg", "link.jpg")
    assert (await scene.house.ask("POST", asked, save_later("b.png"))).status == 200
    assert await scene.run() == 1
    assert (await scene.get()).body == MADE


async def test_whether_the_caller_may_is_asked_again_when_the_work_begins(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene().begin()
    assert (await scene.house.ask("PUT", "/photos/?policy", json.dumps(EVERYBODY).encode())).status == 200
    name = await scene.ask(by=STRANGER)
    assert (await scene.house.ask("DELETE", "/photos/?policy")).status == 204
    with caplog.at_level(logging.WARNING, "coatcheck"):
        assert await scene.run() == 1
    progress = scene.progress(name)
    assert progress is not None
    assert (progress.state, progress.error[:13]) == ("Failed", "AccessDenied:")
    assert f"processTask bucket=photos task={name} Failed: AccessDenied" in caplog.text
    assert (await scene.get()).status == 404


@pytest.mark.parametrize(
    ("what", "code"),
    [("DELETE", "NoSuchKey"), ("text", "BadRequest"), ("hidden", "NoSuchKey")],
)
async def test_what_cannot_be_made_fails_at_once(what: str, code: str) -> None:
    scene = await Scene().begin()
    if what == "hidden":
        versions = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert (await scene.house.ask("PUT", "/photos/?versioning", versions)).status == 200
    name = await scene.ask()
    if what == "text":
        await scene.house.put("/photos/a.jpg", b"text" * 100)
    else:
        assert (await scene.house.ask("DELETE", "/photos/a.jpg")).status == 204
    assert await scene.run() == 1
    progress = scene.progress(name)
    assert progress is not None
    assert (progress.state, progress.error.partition(":")[0]) == ("Failed", code)


async def test_what_may_go_better_is_tried_again() -> None:
    scene = await Scene(busy_for=2).begin()
    name = await scene.ask()
    attempts = []
    for wait in (0, 9, 1, 59, 1):
        scene.clock.go_by(wait)
        attempts.append(await scene.run())
    assert attempts == [1, 0, 1, 0, 1]
    assert scene.progress(name) == Progress("Success", 3, error="", ended_at=NOW + 70)


async def test_days_later_a_task_is_done_and_then_forgotten() -> None:
    scene = await Scene().begin()
    name = await scene.ask()
    scene.clock.go_by(3 * DAY_S)  # the server was off
    assert await scene.run() == 1
    assert scene.progress(name) == Progress("Success", 1, ended_at=NOW + 3 * DAY_S)
    scene.clock.go_by(7 * DAY_S)
    await scene.run()
    assert scene.progress(name) is not None
    scene.clock.go_by(1000)
    await scene.run()
    assert scene.progress(name) is None
    assert (await scene.get()).body == MADE
