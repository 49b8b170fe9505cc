"""`import coatcheck` is for people who sign links: quick, and without the server's weight."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

HEAVY: Final = {
    *("httptools", "uvloop", "sqlite3", "cryptography", "fastcrc", "asyncio", "ssl"),  # the server's and the engines'
    *("pyvips", "PIL", "numpy"),  # pictures
    *("httpx", "click", "rich", "segno", "defusedxml"),  # the command line's
}
SIGN: Final = (
    "from coatcheck import Presigner; "
    "Presigner('id', 'secret', region='cn-hangzhou').presign('GET', 'bucket', 'key', download_as='ü'); "
)


def run(code: str) -> str:
    """What the code prints, in an interpreter of its own that loads nothing of its own accord."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        SIGN,  # of what the package exports, only what asks a server needs more
        "import coatcheck; [getattr(coatcheck, n) for n, home in coatcheck._HOMES.items() if 'client' not in home]; ",
    ],
)
def test_signing_loads_no_server_no_engine_and_no_picture_library(code: str) -> None:
    loaded = set(run(f"{code} print(*sys.modules, sep='\\n')").split())
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    rooms = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("coatcheck.")}
    assert rooms == {"coatcheck.clock", "coatcheck.core", "coatcheck.signing", "coatcheck.wire"}
    assert "coatcheck.wire.asgi" not in loaded


def test_import_loads_few_modules() -> None:
    """Which is what makes it quick: 30 ms for some 30 modules, those of the standard library included."""
    code = "import sys; before = set(sys.modules); import coatcheck; print(len(set(sys.modules) - before))"
    assert int(run(code)) < 60
