"""The latest refusals in a file of the data directory: a ring of records of one size, which all processes write to.

    0                    how many were ever written, as text
    REFUSAL_ROOM_BYTES   the record of the first, of the one that took its place, and so on; JSON, filled up with spaces

Nothing is synced: a power cut may take the last ones. A record that is no JSON is none. Everything here waits for the
disk: not for the event loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from coatcheck.core.limits import LOG_ROOM_BYTES, REFUSAL_ROOM_BYTES, REFUSALS_KEPT
from coatcheck.ports.refusals import Refusal

FILE_NAME: Final = "refusals"
_READ_RECORDS: Final = 256
_LONGEST: Final = (("hint", 320), ("reason", 160), ("operation", 64), ("access_key_id", 128), ("bucket", 63))


class RefusalRing:
    """The file at `path`, made when the first is written.

    Args:
        most: how many are kept.
    """

    def __init__(self, path: Path, most: int = REFUSALS_KEPT) -> None:
        self._path = path
        self._most = most

    def write(self, refusals: Sequence[Refusal]) -> None:
        """Keep them in the place of the oldest. Raises: OSError."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            self._check_room(fd)
            written = _read_count(fd)
            for refusal in refusals[-self._most :]:
                os.pwrite(fd, _write_record(refusal), self._place(written))
                written += 1
            os.pwrite(fd, str(written).encode().ljust(REFUSAL_ROOM_BYTES), 0)
        finally:
            os.close(fd)

    async def find(self, request_id: str) -> Refusal | None:
        return await asyncio.to_thread(self.find_now, request_id)

    def find_now(self, request_id: str) -> Refusal | None:
        """As `find`, for who may wait for the disk. Raises: OSError, but for a file that isn't there."""
        mark = json.dumps(request_id).encode()
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(REFUSAL_ROOM_BYTES)
            while block := file.read(_READ_RECORDS * REFUSAL_ROOM_BYTES):
                if mark not in block:
                    continue
                for start in range(0, len(block), REFUSAL_ROOM_BYTES):
                    found = _read_record(block[start : start + REFUSAL_ROOM_BYTES])
                    if found is not None and found.id == request_id:
                        return found
        return None

    def _place(self, number: int) -> int:
        return (1 + number % self._most) * REFUSAL_ROOM_BYTES

    def _check_room(self, fd: int) -> None:
        """What is left of a full disk is for commits; a ring that has its room takes no more."""
        room = os.fstatvfs(fd)
        whole = (1 + self._most) * REFUSAL_ROOM_BYTES
        if os.fstat(fd).st_size < whole and room.f_bavail * room.f_frsize < LOG_ROOM_BYTES:
            raise OSError("the disk is nearly full")


def _read_count(fd: int) -> int:
    text = os.pread(fd, REFUSAL_ROOM_BYTES, 0).strip()
    return int(text) if len(text) < 20 and text.isdigit() else 0


def _write_record(refusal: Refusal) -> bytes:
    """Texts are cut so that any record fits; JSON writes what isn't ASCII in six bytes or twelve."""
    record = json.dumps(refusal).encode()
    if len(record) > REFUSAL_ROOM_BYTES - 1:
        record = json.dumps(_cut(refusal, 1)).encode()
    if len(record) > REFUSAL_ROOM_BYTES - 1:
        record = json.dumps(_cut(refusal, 12)).encode()
    return record.ljust(REFUSAL_ROOM_BYTES - 1) + b"\n"


def _cut(refusal: Refusal, share: int) -> Refusal:
    return refusal._replace(**{name: getattr(refusal, name)[: most // share] for name, most in _LONGEST})


def _read_record(record: bytes) -> Refusal | None:
    try:
        return Refusal(*json.loads(record))
    except (ValueError, TypeError):
        return None
