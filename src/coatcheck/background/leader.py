"""Which process does a kind of background work: whoever has the lock, as long as it lives; then another."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Leader:
    """A lock file in the data directory. The kernel gives it up when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def leads(self) -> bool:
        """Whether this process has the lock, or gets it now. Never waits."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give it up. May be called twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
