"""Secrets as files of one directory, `NAME.key`, mode 0600."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from ..ports.secrets import SecretLost


class FileSecrets:
    """See `ports.secrets`.

    Args:
        needed: whether a secret of that name was noted.
        noting: notes one; None where nothing is remembered of them.
    """

    def __init__(
        self,
        directory: Path,
        needed: Callable[[str], bool] = lambda _: False,
        noting: Callable[[str, bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._directory = directory
        self._needed = needed
        self._noting = noting

    async def find(self, name: str) -> bytes | None:
        found = await asyncio.to_thread(_read, self._path(name))
        if found is None and self._needed(name):
            raise SecretLost(f"{self._path(name)} is missing; restore it from a backup")
        return found

    async def keep(self, name: str, secret: bytes) -> bytes:
        return await asyncio.to_thread(_keep, self._path(name), secret)

    async def note(self, name: str, secret: bytes) -> None:
        if self._noting is not None:
            await self._noting(name, secret)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.key"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _keep(path: Path, secret: bytes) -> bytes:
    """Of several, the first to link its file wins."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(unfinished, path)
    unfinished.unlink()
    return path.read_bytes()
