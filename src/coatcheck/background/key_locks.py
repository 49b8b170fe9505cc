"""Who of all processes of a server does something to a key: whoever has its lock, as long as it lives."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path


class KeyLocks:
    """A file in the data directory, of which each key has a byte to lock. The kernel gives locks up when their holder
    dies. Between the tasks of one process they keep nothing apart, and the file may be open in it only once.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, bucket_id: int, key: str) -> bool:
        """Never waits."""
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(bucket_id, key))
        except OSError:
            return False
        return True

    def give_back(self, bucket_id: int, key: str) -> None:
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, _place(bucket_id, key))

    def close(self) -> None:
        """Give all of them up. May be called twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _place(bucket_id: int, key: str) -> int:
    text = f"{bucket_id} {key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest())
