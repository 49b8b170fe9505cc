from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, audit, open_local, prepare_local


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared data directory that nobody has open."""
    data = tmp_path / "data"
    prepare_local(data).close()
    return data


@pytest.fixture
def engines(data: Path) -> Iterator[LocalEngines]:
    """The engines of a fresh directory; after the test every row must have its bytes."""
    with open_local(data) as engines:
        yield engines
    report = audit(data)
    assert not report.miscounted
