from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.upkeep.check import check

from ..audit import audit


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as a first start leaves it; to be copied, not used."""
    prepared = tmp_path_factory.mktemp("prepared") / "data"
    prepare_local(prepared).close()
    return prepared


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    """A prepared data directory that nobody has open."""
    return shutil.copytree(prepared, tmp_path / "data")


@pytest.fixture
def engines(data: Path) -> Iterator[LocalEngines]:
    """The engines of a fresh directory; after the test every row must have its bytes."""
    with open_local(data) as engines:
        yield engines
    assert [problem for problem in check(data) if problem.kind == "usage"] == []
    report = audit(data)
    assert not report.miscounted
