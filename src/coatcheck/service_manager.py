"""What the first process tells the service manager that started it, as systemd's sd_notify(3) has it.

A manager names a datagram socket in NOTIFY_SOCKET; without it nothing is said. A word that can't be sent is lost: the
server goes on, and the manager draws its own conclusions.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The manager that an environment names, or nobody."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Args: environment: NOTIFY_SOCKET, a path, or a name behind "@" (Linux); WATCHDOG_USEC and WATCHDOG_PID."""
        place = environment.get("NOTIFY_SOCKET", "")
        self._place = f"\0{place[1:]}" if place.startswith("@") else place if place.startswith("/") else ""
        self._beat_every_s = _find_watchdog_s(environment) / 2  # sd_watchdog_enabled(3) asks for half of it
        self._beaten_at = float("-inf")
        self._is_ready = False

    def say_ready(self) -> None:
        """Every worker takes connections. Said once."""
        if not self._is_ready:
            self._is_ready = True
            self._say("READY=1")

    def say_stopping(self) -> None:
        """Nothing new is accepted."""
        self._say("STOPPING=1")

    def beat(self, now: float) -> None:
        """A sign of life, as often as the manager's watchdog needs it. Args: now: monotonic seconds."""
        if self._beat_every_s and now - self._beaten_at >= self._beat_every_s:
            self._beaten_at = now
            self._say("WATCHDOG=1")

    def _say(self, word: str) -> None:
        if not self._place:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(word.encode(), self._place)


def _find_watchdog_s(environment: Mapping[str, str]) -> float:
    """Seconds after which silence counts as death; 0.0 if nobody watches this process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    span = environment.get("WATCHDOG_USEC", "")
    return int(span) / 1_000_000 if span.isascii() and span.isdigit() else 0.0
