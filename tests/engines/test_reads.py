"""The first question of every request, put to each store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.opening import open_store
from coatcheck.ports.store import Store

from ..ports.reads_contract import ReadsContract


class TestMemoryReads(ReadsContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = open_store("memory:", wall_clock)
        yield store
        store.close()


class TestLocalReads(ReadsContract):
    @pytest.fixture
    def store(self, data: Path) -> Iterator[Store]:
        store = open_store(f"file:{data}", wall_clock)
        yield store
        store.close()
