"""Of CRC-32s the latest are remembered."""

from __future__ import annotations

import pytest

from coatcheck.engines.local import LocalEngines
from coatcheck.engines.memory_content_sums import MemoryContentSums
from coatcheck.engines.sql.content_sums import SqlContentSums
from coatcheck.ports.content_sums import ContentSums

NAMES = [number.to_bytes(16) for number in range(6)]


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
async def test_the_oldest_are_forgotten(engines: LocalEngines, engine: str) -> None:
    sums: ContentSums
    sums = MemoryContentSums(4) if engine == "memory" else SqlContentSums(engines._reader, engines._writer, 4)
    await sums.note({NAMES[0]: 0, NAMES[1]: 1, NAMES[2]: 2})
    await sums.note({NAMES[3]: 3, NAMES[4]: 4, NAMES[5]: 5})
    assert await sums.find(NAMES) == {NAMES[2]: 2, NAMES[3]: 3, NAMES[4]: 4, NAMES[5]: 5}
