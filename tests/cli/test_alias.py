"""ALIAS/BUCKET/KEY: a profile's name in the place of oss://, never taken for a file and no file for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.fake import Fake

from .conftest import Run, call


@pytest.fixture(autouse=True)
def profiles(work: Path, fake: Fake, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two profiles, and an environment that names another server, which nobody answers for."""
    monkeypatch.setenv("OSS_ENDPOINT", "http://127.0.0.1:1")
    config = work.parent / ".config" / "coatcheck" / "config.toml"
    config.parent.mkdir(parents=True)
    key = 'access_key_id = "i"\naccess_key_secret = "s"\n'
    config.write_text(f'[profile.home]\nendpoint = "{fake.endpoint}"\n{key}[profile.work]\n{key}')


def test_alias_stands_for_an_address_on_its_server(fake: Fake, work: Path) -> None:
    (work / "f").write_text("1")
    fake.store("box", "a", b"hello")
    assert call("cat", "home/box/a").stdout == "hello"
    assert call("cp", "f", "home/box/p/").exit_code == 0
    assert call("cp", "home/box/a", "copy").exit_code == 0
    assert (work / "copy").read_text() == "hello"
    assert call("sync", "home/box", "back").exit_code == 0
    assert call("get", "home/box/a", "-o", "-").stdout == "hello"
    assert call("presign", "home/box/a").stdout.startswith(f"{fake.endpoint}/box/a?")
    assert call("share", "home/box/a").stdout.startswith(f"{fake.endpoint}/box/a?")
    assert call("mv", "home/box/a", "moved").exit_code == 0
    assert sorted(fake.buckets["box"]) == ["p/f"]
    assert "Credential=i/" in fake.sent_headers[-1]["authorization"]


def test_file_of_the_same_name_is_not_guessed_about(fake: Fake, work: Path) -> None:
    (work / "home" / "box").mkdir(parents=True)
    (work / "home" / "box" / "a").write_text("mine")
    fake.buckets["box"] = {}
    for words in (("cp", "home/box/a", "oss://box/a"), ("cp", "-r", "oss://box", "home/box"), ("share", "home/box/a")):
        refused = call(*words)
        assert (refused.exit_code, "home is a profile, and there is a file" in refused.stderr) == (2, True), words
    assert call("cp", "./home/box/a", "oss://box/a", "--profile", "home", "--endpoint", fake.endpoint).exit_code == 0
    assert fake.buckets["box"] == {"a": b"mine"}


@pytest.mark.parametrize(
    "words",
    [
        ("cp", "home/box/a", "work/box/a"),
        ("cp", "home/box/a", "oss://box/a"),
        ("cat", "home/box/a", "--profile", "work"),
    ],
)
def test_one_command_is_for_one_server(fake: Fake, words: tuple[str, ...]) -> None:
    refused = call(*words)
    assert refused.exit_code == 2
    assert "One command works with one server" in refused.stderr or "--profile another" in refused.stderr
    assert fake.seen == []


def test_other_names_are_files_and_links(fake: Fake, work: Path) -> None:
    (work / "elsewhere").mkdir()
    (work / "elsewhere" / "a").write_text("1")
    fake.buckets["box"] = {}
    assert call("cp", "elsewhere/a", "home/box/").exit_code == 0
    assert call("get", fake.store("box", "k", b"x"), "-o", "-").stdout == "x"
    assert call("cat", "nobody/box/a").exit_code == 2
