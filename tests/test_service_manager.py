"""What a service manager is told: heard at a datagram socket, as systemd does."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.service_manager import ServiceManager

from .patience import HANG_S
from .server_process import ServerProcess


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(HANG_S)
        yield listening


def said(heard: socket.socket) -> list[str]:
    """All that has been said up to now."""
    heard.setblocking(False)
    words = []
    while True:
        try:
            words.append(heard.recv(1000).decode())
        except BlockingIOError:
            return words


def test_ready_is_said_once_and_stopping_at_the_end(heard: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": heard.getsockname()})
    manager.say_ready()
    manager.say_ready()
    manager.say_stopping()
    assert said(heard) == ["READY=1", "STOPPING=1"]


def test_name_behind_an_at_sign_is_no_file() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0coatcheck-test-{os.getpid()}")
        ServiceManager({"NOTIFY_SOCKET": f"@coatcheck-test-{os.getpid()}"}).say_ready()
        assert said(listening) == ["READY=1"]


def test_watchdog_hears_twice_in_its_time(heard: socket.socket) -> None:
    manager = ServiceManager(
        {"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    )
    for now in (100.0, 100.25, 114.9, 115.0, 120.0, 130.0):
        manager.beat(now)
    assert said(heard) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize("watch", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}])
def test_nobody_who_doesnt_watch_is_told_of_life(heard: socket.socket, watch: dict[str, str]) -> None:
    ServiceManager({"NOTIFY_SOCKET": heard.getsockname(), **watch}).beat(100.0)
    assert said(heard) == []


@pytest.mark.parametrize("place", ["", "relative", "/nowhere/at/all"])
def test_manager_that_doesnt_listen_is_no_fault(place: str) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "1000"})
    manager.say_ready()
    manager.beat(1.0)
    manager.say_stopping()


@pytest.mark.live
def test_server_says_that_it_is_ready_lives_and_stops(
    heard: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", heard.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    server = ServerProcess(tmp_path / "data")
    words = [heard.recv(100)]
    while b"READY=1" not in words:
        words.append(heard.recv(100))
    assert heard.recv(100) == b"WATCHDOG=1"
    server.terminate()
    while words[-1] != b"STOPPING=1":
        words.append(heard.recv(100))
    assert server.wait() == 0
    assert set(words) <= {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}
    assert words.count(b"READY=1") == 1
