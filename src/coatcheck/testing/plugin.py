"""The pytest plugin: fixtures for a server in memory, and the refused requests of a test that failed in its report.

pytest loads this file wherever coatcheck is installed, so it imports nothing of ours before a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from .face import Bucket, Oss

_SETTINGS: Final = "oss_settings"
_SUBPROCESS: Final = "oss_subprocess"
_SHOWN_MAX: Final = 20
_running: Final = pytest.StashKey["Oss"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("coatcheck", "an OSS for tests")
    group.addoption(
        "--oss-subprocess",
        action="store_true",
        default=None,
        help="Run the server of oss_server in a process of its own instead of a thread.",
    )
    group.addoption(
        "--oss-setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="A setting of the server, as in a file with settings: region=cn-beijing; may be repeated.",
    )
    parser.addini(_SUBPROCESS, "Run the server of oss_server in a process of its own.", type="bool", default=False)
    parser.addini(_SETTINGS, "Settings of the server, one a line: NAME=VALUE.", type="linelist", default=[])


@pytest.fixture(scope="session")
def oss_server(pytestconfig: pytest.Config) -> Iterator[Oss]:
    """One OSS in memory for the session; with xdist one for each worker. Nobody resets it: see `oss`."""
    from .running import oss_server as serve
    from .setting_words import read_settings

    words = [*pytestconfig.getini(_SETTINGS), *pytestconfig.getoption("oss_setting")]
    try:
        settings = read_settings(words)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    beside = pytestconfig.getoption("oss_subprocess")
    with serve(subprocess=pytestconfig.getini(_SUBPROCESS) if beside is None else beside, **settings) as oss:
        pytestconfig.stash[_running] = oss
        yield oss
        del pytestconfig.stash[_running]


@pytest.fixture
def oss(oss_server: Oss) -> Oss:
    """The session's OSS, emptied for this test: no bucket, no user, no fault, real time."""
    oss_server.reset()
    return oss_server


@pytest.fixture
def oss_bucket(oss: Oss) -> Bucket:
    """An empty private bucket of the OSS of this test."""
    return oss.bucket("test-bucket")


@pytest.fixture
def oss_environment(oss: Oss, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables that SDKs read, set to the OSS of this test until it ends."""
    for name in ("OSS_SESSION_TOKEN", "OSS_SECURITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in oss.environment.items():
        monkeypatch.setenv(name, value)
    return oss.environment


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """What was refused during a test that failed is in its report, the cause in a line each."""
    report: pytest.TestReport = yield
    oss = item.config.stash.get(_running, None)
    if (
        report.when == "call"
        and report.failed
        and oss is not None
        and "oss_server" in getattr(item, "fixturenames", ())
    ):
        lines = _lines_of(oss)
        if lines:
            report.sections.append(("Requests that the OSS refused", "\n".join(lines)))
    return report


def _lines_of(oss: Oss) -> list[str]:
    """Never raises: what a report says of a server must not hide the failure."""
    try:
        refused = [str(request) for request in oss.requests.refused()]
    except Exception as error:
        return [f"They can't be asked for: {error}"]
    left_out = len(refused) - _SHOWN_MAX
    return refused[:_SHOWN_MAX] + ([f"... and {left_out} more"] if left_out > 0 else [])
