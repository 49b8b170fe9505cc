"""What only Linux has, and what happens where it is missing."""

from __future__ import annotations

import ast
import ctypes
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck import linux
from coatcheck.linux import CAN_SEND_FILES, drop_stalled, end_with, is_cached, raise_open_files, start_writeback

from .test_rooms import ALL, parsed


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


@pytest.mark.parametrize("is_linux", [True, False])
def test_file_of_secrets_is_read_by_its_path_and_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch, is_linux: bool
) -> None:
    monkeypatch.setattr(linux, "_IS_LINUX", is_linux)
    with linux.file_in_memory(b"a key") as path:
        assert Path(path).read_bytes() == b"a key"
        assert Path(path).stat().st_mode & 0o077 == 0 or is_linux
    assert not Path(path).exists()


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


LINUX_ONLY = (
    "/proc/",
    "/sys/",
    "RWF_",
    "prctl",
    "posix_fadvise",
    "TCP_USER_TIMEOUT",
    "TCP_CORK",
    "TCP_DEFER_ACCEPT",
    "MSG_MORE",
    "sched_getaffinity",
    "memfd_create",
    "splice",
    "sys.platform",
    "setns",
    "epoll",
    "eventfd",
    "pidfd_open",
    "O_TMPFILE",
    "O_PATH",
)


@pytest.mark.parametrize("name", [name for name in ALL if name != "linux"])
def test_linux_is_asked_in_one_file(name: str) -> None:
    """In code: names, attributes and texts, docstrings apart."""
    said = [
        word
        for node in ast.walk(parsed(name))
        for word in (
            [ast.unparse(node)]
            if isinstance(node, ast.Attribute)
            else [node.value]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
            else []
        )
        if any(only in word for only in LINUX_ONLY)
    ]
    assert [word for word in said if " " not in word] == []


PLAIN = (
    "tests/engines/test_files.py",
    "tests/engines/test_encrypted.py",
    "tests/engines/test_opening.py::TestLocalBytes",
)


@pytest.mark.live
def test_all_is_done_without_linux() -> None:
    """The engines that ask Linux for something, and a server with its workers, once more without it."""
    live = "tests/clients/test_memory_store.py::test_a_store_of_files_is_a_data_directory"
    line = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *PLAIN, live]
    environment = {**_environment(), "COATCHECK_NO_LINUX": "1"}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stdout


def test_without_linux_nothing_of_it_is_called() -> None:
    code = (
        "import os, socket, coatcheck.linux as linux\n"
        "print(linux.READ_CACHED, repr(linux.boot_id()))\n"
        "linux.start_writeback(-1, 0, 1); linux.end_with(os.getppid())\n"
        "linux.drop_stalled(None, 1.0); linux.drop_cached(-1)"
    )
    environment = {**_environment(), "COATCHECK_NO_LINUX": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "0 ''\n"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_freed_memory_is_kept_for_the_next_pieces() -> None:
    code = (
        "import resource, sys; from coatcheck.linux import keep_freed_memory;"
        "keep_freed_memory(8 * 1024**2) if sys.argv[1] == 'kept' else None;"
        "pieces = lambda: [b'x' * 1024**2 for _ in range(6)];"
        "pieces(); pieces(); before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt;"
        "sum(len(pieces()) for _ in range(20)); print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    faults = {
        how: int(subprocess.check_output([sys.executable, "-c", code, how], text=True, env=_environment()))
        for how in ("kept", "as usual")
    }
    assert faults["as usual"] > 10 * 1536  # pages of six pieces, taken again and again
    assert faults["kept"] < faults["as usual"] / 4


def test_writeback_begins_and_bytes_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as file:
        file.write(b"x" * 1024**2)
        start_writeback(file.fileno(), 0, 1024**2)
        assert is_cached(file.fileno(), 0, 1) is False  # opened for writing alone: nobody can say
    with path.open("rb") as file:
        assert is_cached(file.fileno(), 0, 1024**2) == CAN_SEND_FILES
