"""What the log says of work that stops and goes on; and who does it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from coatcheck.background.leader import FileLeader
from coatcheck.background.notices import Notices


def test_a_stop_is_said_once_and_so_is_that_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    notices = Notices()
    notices.goes("logging bucket=photos")
    for why in ("no right", "no right", "no bucket", "no bucket"):
        notices.stopped("logging bucket=photos", why)
    notices.goes("logging bucket=photos")
    notices.goes("logging bucket=photos")
    assert [record.getMessage() for record in caplog.records] == [
        "stopped: logging bucket=photos: no right",
        "stopped: logging bucket=photos: no bucket",
        "goes on: logging bucket=photos",
    ]


def test_a_fault_is_told_with_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices()
    for _ in range(2):
        notices.ended("logging bucket=photos", ZeroDivisionError("x"))
    (record,) = caplog.records
    assert record.getMessage() == "stopped: logging bucket=photos: a fault of the server: ZeroDivisionError"
    assert record.exc_info is not None


async def test_one_leads_until_it_ends(tmp_path: Path) -> None:
    first, second = FileLeader(tmp_path / "a.lock"), FileLeader(tmp_path / "a.lock")
    assert [await first.leads(), await second.leads(), await first.leads()] == [True, False, True]
    await first.close()
    await first.close()
    assert await second.leads()
    await second.close()
    assert (tmp_path / "a.lock").stat().st_mode & 0o777 == 0o600
