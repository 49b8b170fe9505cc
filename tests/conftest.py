"""What every test may ask for: a fixed moment, a real server; and the table of what was counted, see `soak`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from .builders import FROZEN
from .server_process import EphemeralServer, ServerProcess
from .soak import SOAKING, Row, count, write_table

if TYPE_CHECKING:
    from .seaweed import Seaweed

EXAMPLES = count(200)  # of a property that doesn't say how many it needs

# Random examples differ from run to run only in `make soak`, and none fails because the machine is slow.
settings.register_profile(
    "certain",
    deadline=None,
    derandomize=not SOAKING,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("certain")

_counted: dict[str, Row] = {}


def pytest_collection_finish() -> None:
    """What was collected stays to the end; a garbage collector that visits it each time takes seconds."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def now() -> int:
    return FROZEN


@pytest.fixture(scope="session")
def live_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ServerProcess]:
    """One server with two workers for the whole run, or with --ephemeral one in memory, with --seaweed one that keeps
    bytes in SeaweedFS, with --gateways two behind a relay; it must end cleanly."""
    folder, options = tmp_path_factory.mktemp("live"), ("--callback-network", "127.0.0.0/8")
    if pytestconfig.getoption("--ephemeral"):
        server: ServerProcess = EphemeralServer(folder / "ephemeral.log", *options)
    elif pytestconfig.getoption("--seaweed"):
        store: Seaweed = request.getfixturevalue("seaweed_store")
        where = store.environment()
        server = ServerProcess(folder / "data", "--bytes", store.url("live"), *options, environment=where)
    elif pytestconfig.getoption("--gateways"):
        from .gateways import Gateways

        server = Gateways(
            folder, request.getfixturevalue("database_url"), request.getfixturevalue("seaweed_store"), *options
        )
    else:
        server = ServerProcess(folder / "data", *options)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def seaweed_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """One SeaweedFS for the whole run; who stops it lets it go on."""
    from .seaweed import seaweed  # most runs don't need it, nor its client

    with seaweed(tmp_path_factory.mktemp("seaweed") / "store") as store:
        yield store


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A PostgreSQL database for the whole run."""
    from .postgres_server import postgres_server

    with postgres_server() as server, server.database() as name:
        yield server.url(name)


# --- long counts -----------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ephemeral", action="store_true", help="drive `serve --ephemeral` where one server does for all")
    parser.addoption("--seaweed", action="store_true", help="the same, against a server that keeps bytes in SeaweedFS")
    parser.addoption("--gateways", action="store_true", help="the same, through two on PostgreSQL and SeaweedFS")
    parser.addoption("--soak-table", metavar="FILE", help="write what the tests marked soak have counted to a file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --ephemeral, --seaweed or --gateways only what one server does for all."""
    elsewhere = config.getoption("--seaweed") or config.getoption("--gateways")
    if config.getoption("--ephemeral") or elsewhere:
        chosen = [item for item in items if "live_server" in getattr(item, "fixturenames", ())]
        if elsewhere:
            chosen = [item for item in chosen if item.get_closest_marker("blob_files") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.get_closest_marker("soak") is None and is_hypothesis_test(getattr(item, "obj", None)):
        item.add_marker(pytest.mark.soak(EXAMPLES))
    marker = item.get_closest_marker("soak")
    if marker is not None:
        item.user_properties.append(("soak", marker.args[0]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Also called where xdist's workers report to, with what they saw."""
    counted = dict(report.user_properties).get("soak")
    if not isinstance(counted, int):
        return
    test = report.nodeid.partition("[")[0]
    row = _counted.setdefault(test, Row(test, counted))
    row.seconds += report.duration
    row.failures += report.failed
    row.skips += report.skipped


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _counted or not (SOAKING or config.getoption("--soak-table")):
        return
    table = write_table(list(_counted.values()))
    terminalreporter.write_line(table)
    if config.getoption("--soak-table"):
        Path(config.getoption("--soak-table")).write_text(table, "utf-8")
