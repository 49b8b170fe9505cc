"""A file that one process appends to, durably, until another moves it away: for log lines and audit rows.

Whoever appends and whoever moves hold the file's lock, so what is moved away is complete. All of it waits for the disk.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from coatcheck.core.limits import LOG_ROOM_BYTES


class NoRoom(OSError):
    """The disk is nearly full."""


def need_room(directory: Path) -> None:
    """Raises: NoRoom."""
    state = os.statvfs(directory)
    if state.f_bavail * state.f_frsize < LOG_ROOM_BYTES:
        raise NoRoom("the disk is nearly full")


def append(path: Path, text: bytes, *, most_bytes: int, head: bytes = b"", create: int = os.O_CREAT) -> bool:
    """Write all of it, on disk when this returns; `head` first where the file is new.

    Args:
        create: 0 for a file that is there, unless it has been moved away.
    Returns: False for a file that has been moved away meanwhile, or is full: begin another.
    Raises: OSError, and nothing of it is there then.
    """
    try:
        fd = os.open(path, os.O_WRONLY | create | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        if create:
            raise
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        state = os.fstat(fd)
        if not _is_at(path, state) or state.st_size >= most_bytes:
            return False
        try:
            _write_all(fd, text if state.st_size else head + text)
            os.fdatasync(fd)
            if not state.st_size:
                sync_directory(path.parent)
        except OSError:
            os.ftruncate(fd, state.st_size)
            raise
        return True
    finally:
        os.close(fd)


def when_complete(path: Path, move: Callable[[Path], object]) -> None:
    """Call `move` while nobody writes: who is writing finishes first, who comes later finds the file gone."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        move(path)
    finally:
        os.close(fd)


def sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _is_at(path: Path, state: os.stat_result) -> bool:
    try:
        return path.stat().st_ino == state.st_ino
    except FileNotFoundError:
        return False


def _write_all(fd: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
