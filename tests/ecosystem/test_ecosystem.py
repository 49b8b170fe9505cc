"""Tools that speak OSS, as they are installed from a registry, against a live server; recipes in `docs/ecosystem.md`.

Those in Python need other versions of some packages than our tests do, so they live in an environment of their own,
which `make ecosystem` fills; each is a program that a person could run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..clients.programs import need
from ..clients.raw import send
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv" / "ecosystem" / "bin" / "python"

needs_environment = pytest.mark.skipif(not PYTHON.exists(), reason="the tools are not installed: make ecosystem")
pytestmark = pytest.mark.live

PROGRAMS = {
    "pandas_ossfs": "sum 22336132",
    "async_aiooss2": "deleted 4",
    "opendal_oss": "paths 3",
    "django_storage": "saved reports/march.txt",
}


@needs_environment
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_tool_works_unmodified(live_server: ServerProcess, program: str) -> None:
    assert (
        run(live_server, f"eco-{program.replace('_', '-')}", [str(PYTHON), str(HERE / f"{program}.py")])
        == (PROGRAMS[program])
    )


def test_gdal_reads_and_writes_rasters(live_server: ServerProcess) -> None:
    for program in ("gdal_create", "gdal_translate", "gdalinfo"):
        need(program)
    assert run(live_server, "eco-gdal", [sys.executable, str(HERE / "gdal_vsioss.py")]) == "mean 7"


def run(server: ServerProcess, bucket: str, words: list[str], **more: str) -> str:
    """What the program prints, with a new bucket, and more variables of the environment."""
    link = a_presigner(server.endpoint).presign("PUT", bucket, None)
    assert send(link.url, "PUT", body=b"").status == 200
    where = {"OSS_ENDPOINT": server.endpoint, "BUCKET": bucket}
    keys = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
    return output(words, **where, **keys, **more)


def output(words: list[str], **variables: str) -> str:
    """What a program prints that knows nothing of our packages."""
    environment = clean_environment(**variables)
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def new_environment(folder: Path, *packages: str) -> Path:
    """The programs of a new environment of Python with these packages: too large for one that every run fills."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages], check=True)
    return folder / "bin"
