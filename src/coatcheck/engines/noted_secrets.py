"""The secrets of a running server: wherever they are kept, what it uses of them is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..ports.secrets import SecretLost, Secrets


class NotedSecrets:
    """See `ports.secrets.SecretsInUse`.

    Args:
        needed: whether a secret of that name was noted.
        noting: notes one; None where nothing is remembered of them.
    """

    def __init__(
        self,
        kept: Secrets,
        needed: Callable[[str], bool] = lambda _: False,
        noting: Callable[[str, bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._kept = kept
        self._needed = needed
        self._noting = noting

    async def find(self, name: str) -> bytes | None:
        found = await asyncio.to_thread(self._kept.find, name)
        if found is None and self._needed(name):
            raise SecretLost(f"{self._kept.place(name).where} is missing; restore it from a backup")
        return found

    async def keep(self, name: str, secret: bytes) -> bytes:
        return await asyncio.to_thread(self._kept.keep, name, secret)

    async def note(self, name: str, secret: bytes) -> None:
        if self._noting is not None:
            await self._noting(name, secret)
