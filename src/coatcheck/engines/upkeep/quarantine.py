"""Blobs whose bytes aren't what was written, moved aside: `quarantine/<id>`. Who asks for their objects gets an error.

Nothing is thrown away: a file that turns out to be right, or one from a backup, is put back under `blobs/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..blob_paths import BlobPaths, sync_directory
from .problems import Place, Problem


class Quarantine:
    """That of one data directory."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "quarantine"
        self._paths = BlobPaths(data)

    def has(self, blob_id: str) -> bool:
        return (self._folder / blob_id).exists()

    def stored(self) -> Iterator[str]:
        """The ids of what lies here."""
        with suppress(FileNotFoundError):
            yield from sorted(os.listdir(self._folder))

    def take(self, blob_id: str) -> bool:
        """Move a blob aside, durably; False if it has gone. Whoever has it open looks at it anew: its time is another.

        Raises: OSError.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        source, target = self._paths.blob(blob_id), self._folder / blob_id
        try:
            status = os.stat(source)
            os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
            os.rename(source, target)
        except FileNotFoundError:
            return False
        for directory in (self._folder, os.path.dirname(source), self._folder.parent):
            sync_directory(directory)
        return True

    def drop(self, blob_id: str) -> None:
        """Remove one that no row names any more."""
        (self._folder / blob_id).unlink(missing_ok=True)

    def problem(self, blob_id: str, places: tuple[Place, ...]) -> Problem:
        return Problem("quarantined", f"blob {blob_id}", f"it is damaged, and lies in {self._folder}", places)
