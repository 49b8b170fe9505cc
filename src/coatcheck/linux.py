"""What only Linux has, in one place, each with what happens elsewhere."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from contextlib import suppress
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_TRACKED_MAX: Final = 1 << 20  # files; beyond that a limit means no limit


def drop_stalled(listening: socket.socket, timeout_s: float) -> None:
    """Have the kernel end connections whose peer acknowledges nothing for so long; they take it over from the socket
    that accepts them. Elsewhere only what the application sees is dropped."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout_s * 1000))


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies. Elsewhere, and for a parent that is dead already, whoever
    calls this looks at `os.getppid` now and then."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def raise_open_files() -> int:
    """Raise the limit of open files as far as an ordinary user may; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _TRACKED_MAX if hard == resource.RLIM_INFINITY else min(hard, _TRACKED_MAX)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # macOS has a second limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return _TRACKED_MAX if soft == resource.RLIM_INFINITY else soft
