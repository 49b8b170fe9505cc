"""Tools that take minutes to fetch and to build: `COATCHECK_SOAK=1 make ecosystem` runs them too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ..clients.builds import go_program, java_program
from ..server_process import ServerProcess
from ..soak import SOAKING
from .test_ecosystem import HERE, new_environment, run

DVC = ("dvc[oss]==3.67.1", "aiohttp<3.10")  # with a later aiohttp the SDK below it, aiooss2 0.2, fails

pytestmark = [pytest.mark.live, pytest.mark.skipif(not SOAKING, reason="COATCHECK_SOAK=1 runs it: it takes minutes")]


def test_hadoop_reads_and_writes_files(live_server: ServerProcess) -> None:
    words = java_program(HERE / "hadoop", HERE / "hadoop", "HadoopOss")
    assert run(live_server, "eco-hadoop", words) == "[a.txt 13, large.bin 12582912]"


def test_docker_registry_keeps_an_image(live_server: ServerProcess) -> None:
    words = [sys.executable, str(HERE / "docker_registry.py"), go_tool("registry")]
    assert run(live_server, "eco-registry", words) == "pulled True ['latest']"


def test_thanos_keeps_a_block(live_server: ServerProcess) -> None:
    told = run(live_server, "eco-thanos", [go_tool("thanos")])
    assert told == "9437184 0123456789 [blocks/a/chunks blocks/a/meta.json] false true"


def test_dvc_pushes_and_pulls(live_server: ServerProcess, tmp_path: Path) -> None:
    path = os.pathsep.join([str(new_environment(tmp_path, *DVC)), os.environ["PATH"]])
    assert run(live_server, "eco-dvc", [sys.executable, str(HERE / "dvc_remote.py")], PATH=path) == "pulled 8000"


def go_tool(name: str) -> str:
    return go_program(name, HERE / "go", "-tags=include_oss")
