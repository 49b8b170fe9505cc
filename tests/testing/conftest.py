"""The test kit, tested without its plugin: coatcheck's own suite must not depend on what it tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coatcheck.testing import Oss, oss_server


@pytest.fixture(scope="session")
def threaded() -> Iterator[Oss]:
    """One server on a thread for the session."""
    with oss_server() as oss:
        yield oss


@pytest.fixture(scope="session")
def spawned() -> Iterator[Oss]:
    """One server in a process of its own."""
    with oss_server(subprocess=True) as oss:
        yield oss


@pytest.fixture(params=["threaded", "spawned"])
def oss(request: pytest.FixtureRequest) -> Oss:
    """Each in turn, emptied."""
    found: Oss = request.getfixturevalue(request.param)
    found.reset()
    return found
