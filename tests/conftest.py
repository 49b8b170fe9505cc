"""What every test may ask for: a fixed moment, and a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .builders import FROZEN
from .server_process import ServerProcess


@pytest.fixture
def now() -> int:
    return FROZEN


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server with two workers for the whole run; it must end cleanly."""
    server = ServerProcess(tmp_path_factory.mktemp("live") / "data", "--callback-network", "127.0.0.0/8")
    try:
        yield server
        server.stop()
    finally:
        server.kill()
