"""Who may remove blobs: everybody, unless a backup is copying what its catalog names.

Whoever removes a blob shares `blobs.lock` for as long as that takes; a backup owns it. What can't be removed meanwhile
stays in the catalog's list of released blobs, and the next sweep removes it. One who shares the lock has come through
`blobs-gate.lock`, which a backup owns first: so removals that follow each other without a pause don't keep it waiting.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_GATE: Final = "blobs-gate.lock"
_REMOVING: Final = "blobs.lock"
_OWN_WAIT_S: Final = 30.0  # for removals that are under way; each takes milliseconds


class HeldByOther(Exception):
    """Another backup of this data directory is under way."""


@contextmanager
def removing(root: str | os.PathLike[str]) -> Iterator[bool]:
    """Within the block blobs may be removed, if it gives True. Never waits."""
    with _opened(root, _REMOVING) as removals:
        with _opened(root, _GATE) as gate:
            allowed = _lock(gate, fcntl.LOCK_SH) and _lock(removals, fcntl.LOCK_SH)
        yield allowed


@contextmanager
def nothing_removed(root: str | os.PathLike[str]) -> Iterator[None]:
    """Within the block nobody removes a blob of this data directory. Raises: HeldByOther."""
    with _opened(root, _GATE) as gate, _opened(root, _REMOVING) as removals:
        for fd in (gate, removals):
            _own(fd, f"Another backup of {os.fspath(root)} is under way.")
        yield


def _own(fd: int, otherwise: str) -> None:
    give_up_at = time.monotonic() + _OWN_WAIT_S
    while not _lock(fd, fcntl.LOCK_EX):
        if time.monotonic() >= give_up_at:
            raise HeldByOther(otherwise)
        time.sleep(0.01)


@contextmanager
def _opened(root: str | os.PathLike[str], name: str) -> Iterator[int]:
    fd = os.open(os.path.join(root, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
