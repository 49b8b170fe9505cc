"""What only Linux has, and what happens where it is missing."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import subprocess
import sys

import pytest

from coatcheck.linux import drop_stalled, end_with, raise_open_files


def test_kernel_is_told_to_drop_stalled_connections() -> None:
    with socket.socket() as listening:
        drop_stalled(listening, 1.5)
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500


def test_elsewhere_it_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")
    with socket.socket() as listening:
        drop_stalled(listening, 1.5)


def test_elsewhere_the_parent_is_only_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    end_with(os.getppid())


def test_process_whose_parent_is_another_ends() -> None:
    code = "from coatcheck.linux import end_with; end_with(1 << 30); print('still here')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert (done.returncode, done.stdout) == (1, "")


def test_limit_of_open_files_is_raised_as_far_as_it_may() -> None:
    code = (
        "import resource; from coatcheck.linux import raise_open_files;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 500));"
        "print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment(), check=True)
    assert done.stdout.split() == ["500", "500", "500"]


def test_limit_that_cannot_be_raised_is_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == 256


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
