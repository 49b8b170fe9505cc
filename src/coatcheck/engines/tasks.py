"""Tasks in this process, one at a time, and a journal of those that aren't done: `DATA/tasks/<process>`.

A process holds the lock of its own journal as long as it lives. Whoever starts finds journals that nobody holds, says
in the log which tasks they name, and removes them: nobody does these tasks any more.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import Final

from ..clock import Clock
from ..core.errors import OssError
from ..core.limits import TASKS_WAITING_MAX
from ..core.select_errors import TASKS_BUSY
from ..ports.tasks import Work
from .blob_paths import sync_directory

_NEW: Final = ".new"

log: Final = logging.getLogger("coatcheck")


class LocalTasks:
    """See the module, and `ports.tasks`."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._turn = asyncio.Lock()
        self._notes: dict[str, str] = {}  # of the tasks that aren't done
        self._running: set[asyncio.Task[None]] = set()
        self._journal: int | None = None
        self._writing = threading.Lock()

    def open(self) -> None:
        """Name what was left undone."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._directory.iterdir():
            if path.suffix != _NEW:
                _report(path)

    async def accept(self, note: str, work: Work) -> str:
        if len(self._notes) >= TASKS_WAITING_MAX:
            raise TASKS_BUSY()
        name = secrets.token_hex(16)
        self._notes[name] = note
        try:
            await asyncio.to_thread(self._write)
        except OSError:
            del self._notes[name]
            raise
        task = asyncio.create_task(self._do(name, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return name

    async def _do(self, name: str, work: Work) -> None:
        async with self._turn:
            try:
                await work(self._clock())
                log.info("task=%s done: %s", name, self._notes[name])
            except OssError as error:
                log.warning("task=%s refused %s: %s", name, error.code, self._notes[name])
            except Exception:
                log.exception("task=%s failed: %s", name, self._notes[name])
        del self._notes[name]
        await asyncio.to_thread(self._write)

    def _write(self) -> None:
        """The journal, anew: it is short."""
        with self._writing:
            text = "".join(f"{json.dumps([name, note])}\n" for name, note in list(self._notes.items())).encode()
            if self._journal is None:
                self._journal = _make_journal(self._directory)
            os.pwrite(self._journal, text, 0)
            os.ftruncate(self._journal, len(text))
            os.fsync(self._journal)

    async def close(self) -> None:
        """What runs or waits is given up; the next start names it."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None


def _make_journal(directory: Path) -> int:
    """It is locked before another process may look at it."""
    path = directory / secrets.token_hex(8)
    fresh = path.with_suffix(_NEW)
    journal = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(journal, fcntl.LOCK_EX)
    fresh.rename(path)
    sync_directory(directory)
    return journal


def _report(path: Path) -> None:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its process lives
            return
        for line in file.read().decode("utf-8", "replace").splitlines():
            log.error("a task was accepted and is lost, since its server ended: %s", line)
        path.unlink(missing_ok=True)
