from __future__ import annotations

import asyncio
import base64
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.needed_keys import set_fingerprints
from coatcheck.ports.secrets import ENCRYPTION

from ...oss.house import MASTER_KEYS
from ..test_rot import a_house, fill


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an object of each kind in CONTENTS, whose master key is the house's; nobody has it open."""
    data = tmp_path_factory.mktemp("upkeep") / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        asyncio.run(fill(a_house(engines)))
    (data / "encryption.key").write_bytes(base64.b64encode(MASTER_KEYS.keys[0]) + b"\n")
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        set_fingerprints(connection, ENCRYPTION, MASTER_KEYS.keys)
    return data


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    """A copy of it, to be harmed."""
    return shutil.copytree(original, tmp_path / "data")
