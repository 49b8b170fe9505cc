"""An upload in parts that isn't finished: a file that says which parts of which file are on the server already.

A line of JSON for what is uploaded, then one for each part, added when it is there. It lies in the user's state
directory, because the file's own directory may not be writable, and is gone when the upload is done. Nothing here knows
HTTP. After an interruption the same command finds it, if file (size, time of change) and destination are the same.
One that nobody went on with for 30 days is removed by the next upload in parts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final, TextIO

from msgspec import Struct, to_builtins

from coatcheck.clock import wall_clock

from .errors import ClientError

_FORMAT: Final = 1
_KEPT_S: Final = 30 * 86_400


class Undertaking(Struct, frozen=True):
    """What is uploaded, and where to: a journal of anything else is of no use.

    Attributes:
        path: the file's absolute path.
        modified_ns: when its content last changed.
        headers: that the object gets, in the order of their names.
    """

    endpoint: str
    bucket: str
    key: str
    path: str
    size_bytes: int
    modified_ns: int
    part_bytes: int
    headers: tuple[tuple[str, str], ...]


class StoredPart(Struct, frozen=True):
    """A part that the server has; `etag` as sent, in quotes; `crc64` of what was read here."""

    number: int
    etag: str
    crc64: int
    size_bytes: int


def state_directory(environ: Mapping[str, str], home: Path) -> Path:
    """~/.local/state/coatcheck, or below XDG_STATE_HOME."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else home / ".local" / "state") / "coatcheck"


def remove_old(directory: Path, now_s: float) -> None:
    """Remove the journals that were last written more than 30 days before `now_s`, unless a run works on one."""
    for file in directory.glob("*.upload"):
        with suppress(OSError), file.open("rb") as stream:  # another run may have been quicker
            if os.fstat(stream.fileno()).st_mtime < now_s - _KEPT_S:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink()


class Journal:
    """Locked while one run works on it. Parts may be added from several threads."""

    def __init__(self, directory: Path, undertaking: Undertaking) -> None:
        """Open or make it, keeping what is there if it is of the same undertaking.

        Raises: ClientError when another run holds it; OSError.
        """
        self.undertaking = undertaking
        self.upload_id = ""
        self.parts: dict[int, StoredPart] = {}
        self._lock = Lock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        u = undertaking
        name = hashlib.sha256("\0".join((u.endpoint, u.bucket, u.key, u.path)).encode("utf-8", "surrogateescape"))
        self.file = directory / f"{name.hexdigest()[:32]}.upload"
        self._stream: TextIO = os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            raise ClientError("AlreadyRunning", f"Another upload of {u.path} to the same key is running.") from None
        self._read()
        remove_old(directory, wall_clock())

    def begin(self, upload_id: str) -> None:
        """A new upload: whatever was noted before is forgotten."""
        self.upload_id, self.parts = upload_id, {}
        self._stream.seek(0)
        self._stream.truncate()
        self._add({"format": _FORMAT, "upload_id": upload_id, **to_builtins(self.undertaking)})

    def add(self, part: StoredPart) -> None:
        with self._lock:
            self.parts[part.number] = part
            self._add(to_builtins(part))

    def keep(self, numbers: set[int]) -> None:
        """Parts that the server doesn't have are forgotten."""
        self.parts = {number: part for number, part in self.parts.items() if number in numbers}

    def close(self) -> None:
        self._stream.close()

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self.close()

    def _add(self, facts: dict[str, Any]) -> None:
        self._stream.write(json.dumps(facts) + "\n")
        self._stream.flush()

    def _read(self) -> None:
        """What is there, up to the first line that can't be read: the last one may have been cut off."""
        try:
            head = json.loads(self._stream.readline())
            wanted = {"format": _FORMAT, **json.loads(json.dumps(to_builtins(self.undertaking)))}
            if {name: head[name] for name in wanted} != wanted:
                return
            self.upload_id = str(head["upload_id"])
        except (ValueError, KeyError, TypeError):
            return
        for line in self._stream:
            try:
                part = StoredPart(**json.loads(line))
            except (ValueError, TypeError):
                break
            self.parts[part.number] = part
        self._stream.seek(0, os.SEEK_END)
