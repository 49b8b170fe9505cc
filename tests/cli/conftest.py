from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coatcheck.cli import main
from tests.client.fake import Fake, fake_server

Run = Callable[..., Result]


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_server() as fake:
        yield fake


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A start, also one that is refused, takes hold of the process's log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and home, and nothing of ours in the environment."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    for name in (
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "COATCHECK_LINK_ENDPOINT",
        "COATCHECK_PROFILE",
        "COATCHECK_DATA",
        "OSS_ENDPOINT",
        "OSS_REGION",
        "OSS_ACCESS_KEY_ID",
        "OSS_ACCESS_KEY_SECRET",
        "OSS_SESSION_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def run(work: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call coatcheck with the fake server's settings in the environment."""
    monkeypatch.setenv("OSS_ENDPOINT", fake.endpoint)
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "testid")
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "testsecret")
    return call


def call(*words: str, **options: object) -> Result:
    result: Result = CliRunner().invoke(main, list(words), prog_name="coatcheck", **options)  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
