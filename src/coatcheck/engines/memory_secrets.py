"""Secrets in one process's memory."""

from __future__ import annotations

from ..ports.secrets import Place


class MemorySecrets:
    """See `ports.secrets.Secrets`."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def find(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def keep(self, name: str, secret: bytes) -> bytes:
        return self._kept.setdefault(name, secret)

    def replace(self, name: str, secret: bytes) -> None:
        self._kept[name] = secret

    def place(self, name: str) -> Place:
        return Place(f"The {name} key in memory", "Start the server again, with another one.")
