"""A large bucket is inventoried and replicated in pages: with flat memory, and on from where it was after kill -9.

The measuring is that of `benchmarks/background.py`, which does the same over millions. Smaller counts, with many kills,
are in the tests of crashes beside this one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import background  # of benchmarks/

from ..soak import SOAKING

OBJECTS = 200_000
MOST_MIB = 192.0  # a million replicated take 152 to 157


@pytest.mark.live
@pytest.mark.soak(OBJECTS)
@pytest.mark.skipif(not SOAKING, reason="takes minutes: only in `make soak`")
@pytest.mark.parametrize("work", background.WORKS)
def test_a_large_bucket_is_done_whole_in_flat_memory_after_a_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], work: str
) -> None:
    assert background.measure(background.WORKS[work], tmp_path / "data", OBJECTS, MOST_MIB), capsys.readouterr().out
