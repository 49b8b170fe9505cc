"""The Testcontainers module, against an engine that is none: it starts what the image would, on this machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from coatcheck.testing.containers import CONTROLS_PORT, OSS_PORT, ContainerFailed, OssContainer

from ..server_process import clean_environment

pytestmark = pytest.mark.live

CONTAINERFILE: Final = Path(__file__).parents[2] / "containers" / "testing" / "Containerfile"


def entrypoint() -> list[str]:
    found = re.search(r"^ENTRYPOINT (.*)$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return words


class FakeContainer:
    """A container of the image, as a process: its two ports are free ones of this machine."""

    def __init__(self, image: str, log: Path, words: list[str]) -> None:
        self.image = image
        self.environment: dict[str, str] = {}
        self.exposed: tuple[int, ...] = ()
        self.ended = False
        self._log = log
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    def with_env(self, key: str, value: str) -> FakeContainer:
        self.environment[key] = value
        return self

    def with_exposed_ports(self, *ports: int) -> FakeContainer:
        self.exposed = ports
        return self

    def start(self) -> None:
        words = [
            word.replace("0.0.0.0:8000", "127.0.0.1:0").replace("0.0.0.0:8001", "0.0.0.0:0") for word in self._words
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env=clean_environment(**self.environment),
                stdout=log,
                stderr=subprocess.DEVNULL,
            )

    def stop(self) -> None:
        assert self._process is not None
        self.ended = True
        self._process.terminate()
        self._process.wait()

    def get_container_host_ip(self) -> str:
        return "localhost"

    def get_exposed_port(self, port: int) -> str:
        assert port in self.exposed
        facts = json.loads(self._log.read_bytes().splitlines()[0])
        return str(facts["endpoint" if port == OSS_PORT else "controls"].rpartition(":")[2])

    def get_logs(self) -> tuple[bytes, bytes]:
        return self._log.read_bytes(), b"what it wrote"


@pytest.fixture
def fakes() -> Iterator[list[FakeContainer]]:
    made: list[FakeContainer] = []
    yield made
    assert all(fake.ended for fake in made)


def test_a_container_is_an_oss_with_controls(tmp_path: Path, fakes: list[FakeContainer]) -> None:
    def make(image: str) -> FakeContainer:
        fakes.append(FakeContainer(image, tmp_path / "log", entrypoint()))
        return fakes[-1]

    with OssContainer(make=make) as oss:
        assert oss.endpoint.startswith("http://127.0.0.1:")
        bucket = oss.bucket("photos")
        bucket.put("a", b"x")
        oss.clock.move(hours=1)
        assert oss.oss2(bucket).get_object("a").read() == b"x"
    assert fakes[0].image == "coatcheck-testing"
    assert fakes[0].exposed == (OSS_PORT, CONTROLS_PORT)
    assert len(fakes[0].environment["COATCHECK_TEST_TOKEN"]) >= 24


def test_one_that_does_not_come_up_is_stopped(
    tmp_path: Path, fakes: list[FakeContainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(image: str) -> FakeContainer:
        fakes.append(FakeContainer(image, tmp_path / "log", ["coatcheck", "--version"]))
        return fakes[-1]

    monkeypatch.setattr("coatcheck.testing.containers._READY_S", 0.0)
    with pytest.raises(ContainerFailed, match="what it wrote"), OssContainer(make=make):
        pass


def test_the_image_serves_on_the_ports_that_are_asked_for() -> None:
    text = CONTAINERFILE.read_text("utf-8")
    assert f"EXPOSE {OSS_PORT} {CONTROLS_PORT}\n" in text
    assert entrypoint() == [
        *("coatcheck", "serve", "--ephemeral", "--listen", f"0.0.0.0:{OSS_PORT}"),
        *("--test-controls", f"0.0.0.0:{CONTROLS_PORT}"),
    ]
