"""How verbs move many files: several at once, one display, failures named as they come, a summary at the end."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct, field

from coatcheck.client.batch import WORKERS, run_all
from coatcheck.client.errors import ClientError, Unreachable
from coatcheck.client.journal import state_directory
from coatcheck.client.moving import Job, Moved
from coatcheck.client.multipart import PART_BYTES
from coatcheck.client.transfer import Progress
from coatcheck.client.upload import MULTIPART_ABOVE_BYTES, Parts

from .batch_progress import Tally, tally
from .failures import DAMAGED, FAILED, NOT_FOUND, OK, UNREACHABLE, read_failure, write_json, write_line
from .options import SIZE
from .terminal import print_json, print_line, printable, say, write_count, write_size

R = TypeVar("R")

_UNREACHABLE_MAX = 20  # one after another: the server is gone, and nothing is gained by asking for the rest


class Batch(Struct):
    """One run of a verb, as it tells of itself.

    Attributes:
        verb: what was done, as "Copied".
        trial: jobs are named and not done.
    """

    verb: str
    as_json: bool
    trial: bool = False
    workers: int = WORKERS
    done: Counter[str] = field(default_factory=Counter)
    _codes: list[int] = field(default_factory=list)
    _unreachable: int = 0

    def pass_over(self, path: str, why: str) -> None:
        """A name that can't be copied: the rest goes on, the exit code says so."""
        self.done["skipped"] += 1
        self._codes.append(FAILED)
        shown = printable(os.fsencode(path).decode("utf-8", "backslashreplace"))
        if self.as_json:
            click.echo(json.dumps({"skipped": shown, "why": why}), err=True)
        else:
            say(f"skipped {shown}: {why}", "yellow")

    def fail(self, what: str, failure: ClientError | OSError) -> None:
        """Raises: the failure, if the server has been unreachable for long."""
        found = read_failure(failure)
        self.done["failed"] += 1
        self._codes.append(found.exit_code)
        if self.as_json:
            click.echo(write_json(found, about=what), err=True)
        else:
            click.echo(write_line(found, about=printable(what)), err=True)
        self._unreachable = self._unreachable + 1 if isinstance(failure, Unreachable) else 0
        if self._unreachable == _UNREACHABLE_MAX:
            raise failure

    def run(
        self,
        jobs: Iterable[Job],
        work: Callable[[Job, Progress], R | None],
        describe: Callable[[Job, R], dict[str, object]] | None = None,
    ) -> Tally:
        """Do every job; `work` returns None for one that there was nothing to do about.

        Args:
            describe: what is printed of each job that is done, under --json; None prints nothing.
        """
        with tally(wanted=not self.as_json and not self.trial) as counted:
            planned = _count(jobs, counted)
            if self.trial:
                for job in planned:
                    self._tell_trial(job)
                return counted

            def one(job: Job) -> R | None:
                progress = counted.watch()
                try:
                    return work(job, progress)
                except BaseException:
                    progress.take_back()
                    raise

            for outcome in run_all(planned, one, self.workers):
                if outcome.failure is not None:
                    self.fail(str(outcome.job.source), outcome.failure)
                elif outcome.result is None:
                    self.done["unchanged"] += 1
                    counted.unplan(outcome.job.size_bytes)
                else:
                    self._unreachable = 0
                    counted.file_done()
                    if describe is not None and self.as_json:
                        print_json(describe(outcome.job, outcome.result))
            return counted

    def finish(self, counted: Tally) -> int:
        """The summary; returns the exit code."""
        if self.as_json:
            facts = {"files": counted.files, "bytes": counted.bytes, "seconds": round(counted.seconds, 3)}
            print_json({"summary": {**facts, "failed": 0, "skipped": 0, **self.done}})
        elif self.trial:
            say(f"Would have {self.verb.lower()} {write_count(counted.total_files, 'file')}; nothing was done.", "dim")
        else:
            rest = "".join(f"; {count:,} {what}" for what, count in self.done.items() if count)
            say(f"{counted.summarize(self.verb)}{rest}.")
        return self.exit_code

    @property
    def exit_code(self) -> int:
        """That of the worst that happened."""
        return max(self._codes, key=_SEVERITY.index, default=OK)

    def _tell_trial(self, job: Job) -> None:
        if self.as_json:
            facts = {"source": str(job.source), "target": str(job.target), "size_bytes": job.size_bytes}
            print_json({**facts, "dry_run": True})
        else:
            size = write_size(job.size_bytes)
            print_line(f"{size:>10}  {printable(str(job.source))} -> {printable(str(job.target))}")


_SEVERITY = (OK, NOT_FOUND, FAILED, UNREACHABLE, DAMAGED)


def describe_copy(job: Job, moved: Moved) -> dict[str, object]:
    """A copy that is done, for --json."""
    return {
        "source": str(job.source),
        "target": str(job.target),
        "size_bytes": moved.size_bytes,
        "crc64": None if moved.crc64 is None else str(moved.crc64),
        "resumed_bytes": moved.resumed_bytes,
    }


def _count(jobs: Iterable[Job], counted: Tally) -> Iterator[Job]:
    for job in jobs:
        counted.plan(job.size_bytes)
        yield job
    counted.planned = True


def jobs_option(function: Any) -> Any:
    """--jobs."""
    workers = click.IntRange(1, 64)
    return click.option("--jobs", "workers", type=workers, default=WORKERS, show_default=True, help="Files at once.")(
        function
    )


def transfer_options(function: Any) -> Any:
    """Sizes that tests make small: from which parts are used, and theirs."""
    for option in (
        click.option("--part-size", "part_bytes", type=SIZE, default=PART_BYTES, hidden=True),
        click.option("--parts-above", "above_bytes", type=SIZE, default=MULTIPART_ABOVE_BYTES, hidden=True),
        jobs_option,
    ):
        function = option(function)
    return function


def make_parts(above_bytes: int, part_bytes: int) -> Parts:
    return Parts(state_directory(os.environ, Path.home()), above_bytes, part_bytes)
