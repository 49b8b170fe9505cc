"""The histories of `tests/links/test_uses.py` with the account of uses in SQLite: each step is a commit, and the store
is closed and opened again in between."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.links.uses import Uses
from coatcheck.links.uses_text import read_uses, write_uses
from coatcheck.ports.links import Limits, Link

from ..links.test_uses import NOW, World
from ..soak import SOAKING

HISTORIES = 30_000 if SOAKING else 300
STEPS = 15


@pytest.mark.soak(HISTORIES)
async def test_no_history_passes_the_budget_in_sqlite(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data, lambda: NOW).close()
    engines = open_local(data, lambda: NOW)
    refused = 0
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        world = World(chance, limit=chance.choice((1, 1, 2, 5)), size=chance.choice((1, 2, 7, 40)))
        row = Link(f"lk_{seed}", "1", "Key", "photos", "a.bin", int(NOW), limits=Limits(downloads=world.limit))
        await engines.links.change_link(row.id, lambda _, row=row: row)  # type: ignore[misc]
        for _ in range(STEPS):

            def change(text: str, world: World = world) -> str:
                world.uses = read_uses(text) if text else Uses()
                world.step()
                return write_uses(world.uses)

            await engines.links.change_uses(row.id, {"": change})
            world.check()
        if chance.random() < 0.1:
            engines.close()
            engines = open_local(data, lambda: NOW)
        assert read_uses(await engines.links.find_uses(row.id)) == world.uses
        refused += world.begun > world.uses.taken + len(world.sending)
    engines.close()
    assert refused > HISTORIES // 10
