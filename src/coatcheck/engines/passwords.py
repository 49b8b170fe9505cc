"""Passwords by argon2id, one at a time in a thread of its own: a guess costs 19 MiB and some 30 ms, so that many cost
the guesser, and not everybody else.

Source: RFC 9106; OWASP, password storage: 19 MiB, 2 passes, 1 lane.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ..core.limits import PASSWORDS_WAITING_MAX
from ..ports.passwords import TooManyPasswords

_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_LANES: Final = 1
_BYTES: Final = 32
_SALT_BYTES: Final = 16
_T = TypeVar("_T")


class Argon2Passwords:
    """See `ports.passwords`."""

    def __init__(self) -> None:
        self._waiting = 0
        self._thread: ThreadPoolExecutor | None = None

    async def hash(self, password: str) -> str:
        return await self._run(lambda: _hash(password))

    async def fits(self, password: str, kept: str) -> bool:
        return await self._run(lambda: _fits(password, kept))

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._waiting > PASSWORDS_WAITING_MAX:
            raise TooManyPasswords
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "coatcheck-passwords")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


def _hash(password: str) -> str:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # loads OpenSSL: not before it is needed

    salt = os.urandom(_SALT_BYTES)
    return Argon2id(
        salt=salt, length=_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB
    ).derive_phc_encoded(password.encode())


def _fits(password: str, kept: str) -> bool:
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password.encode("utf-8", "surrogatepass"), kept)
    except InvalidKey:
        return False
    return True
