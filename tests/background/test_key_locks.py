from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck.background.key_locks import KeyLocks

from ..server_process import clean_environment

TAKE = (
    "import sys; from pathlib import Path; from coatcheck.background.key_locks import KeyLocks; "
    "locks = KeyLocks(Path(sys.argv[1])); print(locks.take(1, sys.argv[2]), flush=True); sys.stdin.read()"
)


@pytest.mark.live
def test_one_process_has_a_key_until_it_gives_it_back_or_dies(tmp_path: Path) -> None:
    path = tmp_path / "mirror.lock"
    ours = KeyLocks(path)
    assert ours.take(1, "a")

    def another(key: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", TAKE, str(path), key]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env=clean_environment(), stdin=pipe, stdout=pipe, text=True)

    for key, taken in (("a", "False"), ("b", "True")):
        with another(key) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == taken
            if key == "b":
                assert not ours.take(1, "b")
                assert ours.take(2, "b")
            process.kill()
    assert ours.take(1, "b")
    ours.give_back(1, "a")
    with another("a") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        process.kill()
    ours.close()
    ours.close()
