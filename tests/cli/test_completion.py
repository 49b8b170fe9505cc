"""`coatcheck completion`: shells in a terminal of their own, in which the key TAB is pressed."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from coatcheck.cli import completing
from coatcheck.cli.completion import SCRIPTS
from tests.client.fake import Fake
from tests.patience import HANG_S, wait_until
from tests.server_process import clean_environment

from .conftest import Run, call

STARTS: Final = {
    "bash": (["--norc", "--noprofile", "-i"], "source <(coatcheck completion bash)"),
    "zsh": (["-f", "-i"], "autoload -Uz compinit && compinit -u -D && source <(coatcheck completion zsh)"),
    "fish": (["--no-config", "-i"], "coatcheck completion fish | source"),
}
# Runs the real command to complete and to print scripts; else only notes what it was called with.
COMMAND: Final = f"""#!/bin/sh
if [ -n "$_COATCHECK_COMPLETE" ] || [ "$1" = completion ]; then exec "{sys.executable}" -m coatcheck "$@"; fi
printf '%s\\n' "$@" > called.new && mv called.new called
"""


class Terminal:
    """A shell in which `coatcheck` completes."""

    def __init__(self, shell: str, folder: Path, **settings: str) -> None:
        (folder / "bin").mkdir()
        (folder / "bin" / "coatcheck").write_text(COMMAND)
        (folder / "bin" / "coatcheck").chmod(0o700)
        environment = clean_environment(
            PATH=f"{folder / 'bin'}:{os.environ['PATH']}", HOME=str(folder), TERM="dumb", LC_ALL="C.UTF-8", **settings
        )
        self._folder, self.said = folder, b""
        self._keys, terminal = pty.openpty()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", shell, *STARTS[shell][0]],
            cwd=folder,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        self._reader = Thread(target=self._read)
        self._reader.start()

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def called(self) -> list[str]:
        """The arguments of the next call of `coatcheck`."""
        file = self._folder / "called"
        wait_until(file.exists, lambda: self.said.decode(errors="replace"))
        words = file.read_text("utf-8").splitlines()
        file.unlink()
        return words

    def close(self) -> None:
        self._process.kill()
        self._process.wait(HANG_S)
        self._reader.join(HANG_S)
        os.close(self._keys)

    def _read(self) -> None:
        with suppress(OSError):  # how a terminal says that nobody is there any more
            while piece := os.read(self._keys, 65536):
                self.said += piece


@contextmanager
def open_terminal(shell: str, folder: Path, fake: Fake) -> Iterator[Terminal]:
    terminal = Terminal(
        shell, folder, OSS_ENDPOINT=fake.endpoint, OSS_ACCESS_KEY_ID="testid", OSS_ACCESS_KEY_SECRET="testsecret"
    )
    try:
        terminal.type(f"{STARTS[shell][1]}; coatcheck is there\r")
        assert terminal.called() == ["is", "there"]
        yield terminal
    finally:
        terminal.close()


@pytest.mark.live
@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_shell_completes_verbs_options_buckets_and_keys(shell: str, tmp_path: Path, fake: Fake) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"MISSING: {shell} is not installed")
    fake.buckets["photos"] = {"2026/it's @ 5: $HOME.jpg": b"", "2026/plain.jpg": b""}
    fake.buckets["other"] = {}
    with open_terminal(shell, tmp_path, fake) as terminal:
        terminal.type("coatcheck explai\t--metho\tHEAD\r")
        assert terminal.called() == ["explain", "--method", "HEAD"]
        terminal.type("coatcheck ls oss://ph\t20\tit\t--recur\t\r")
        assert terminal.called() == ["ls", "oss://photos/2026/it's @ 5: $HOME.jpg", "--recursive"]
        terminal.type('coatcheck get "oss://photos/2026/it\t--force\r')
        assert terminal.called() == ["get", "oss://photos/2026/it's @ 5: $HOME.jpg", "--force"]
        terminal.type("coatcheck link cancel --object=oss://photos/2026/pl\t\r")
        assert terminal.called() == ["link", "cancel", "--object=oss://photos/2026/plain.jpg"]


def offers(line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("_COATCHECK_COMPLETE", "fish_complete")
    monkeypatch.setenv("_COATCHECK_LINE", line)
    result = call()
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_what_can_be_a_file_or_an_object_is_offered_as_both(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offers("coatcheck share ", monkeypatch) == "part\toss://\t\nfile\t\t\n"
    assert offers("coatcheck share re", monkeypatch) == "file\t\t\n"
    assert offers("coatcheck --vers", monkeypatch) == "whole\t--version\tShow the version and exit.\n"


def test_key_with_a_line_break_is_not_offered(run: Run, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.buckets["photos"] = {"a\nb": b"", "ab": b""}
    assert offers("coatcheck ls oss://photos/", monkeypatch) == "whole\toss://photos/ab\t\n"


@pytest.mark.parametrize("refusal", [(403, "AccessDenied", "no"), (500, "InternalError", "no")])
def test_refusal_is_silent(
    refusal: tuple[int, str, str], run: Run, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.refusals.append(refusal)
    assert offers("coatcheck ls oss://ph", monkeypatch) == "\n"


def test_no_server_and_no_key_are_silent(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offers("coatcheck ls oss://ph", monkeypatch) == "\n"


def test_server_that_does_not_answer_is_not_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "_PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OSS_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert offers("coatcheck ls oss://ph", monkeypatch) == "\n"


@pytest.mark.parametrize(
    ("line", "word", "inserted"),
    [
        ("coatcheck ls oss://ph", "oss://photos/", "//photos/"),
        ("coatcheck ls 'oss://ph", "oss://photos/", "oss://photos/"),
        ('coatcheck ls "oss://photos/a', 'oss://photos/a"$', 'oss://photos/a\\"\\$'),
        ("coatcheck ls 'oss://photos/a", "oss://photos/a'b", "oss://photos/a'\\''b"),
        ("coatcheck ls oss://photos/a\\ ", "oss://photos/a b c", "//photos/a\\ b\\ c"),
        ("coatcheck ls oss://photos/a@", "oss://photos/a@b=c", "b=c"),
        ("coatcheck ls --region=cn", "--region=cn-x", "cn-x"),
    ],
)
def test_bash_is_given_what_it_replaces(line: str, word: str, inserted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_COATCHECK_LINE", line)
    monkeypatch.setenv("_COATCHECK_BREAKS", " \t\n\"'><=;|&(:@")
    assert completing._Bash(None, {}, "coatcheck", "").write(word) == inserted  # type: ignore[arg-type]
