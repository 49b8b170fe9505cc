"""The line to an object store: what is asked over it is answered, or known to be out of reach, within seconds.

A slow store and one that hangs look the same from one request. So when an answer takes longer than BYTES_DOUBT_S, the
store is asked for its smallest object, once for all who wait: if that is answered, it is only slow, and waiting goes
on; if not, nobody waits any longer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from ...core.limits import BYTES_DOUBT_S, BYTES_STALL_S
from ...ports.catalog import BytesAway
from ..trouble import tell_trouble
from .place import MARKER

if TYPE_CHECKING:
    from obstore.store import ObjectStore

T = TypeVar("T")

_REFUSALS: Final = (PermissionDeniedError, UnauthenticatedError)
_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w{1,80})</Code>")
_KINDS: Final = (
    ("ConnectionRefused", "connection refused"),
    ("dns error", "its name is not known"),
    ("timed out", "timed out"),
    ("TimedOut", "timed out"),
    ("error sending request", "connection failed"),
    ("AccessDenied", "access denied"),
)


class Line:
    """Of one process, or one event loop in it."""

    def __init__(self, client: ObjectStore) -> None:
        self.client = client
        self._probe: asyncio.Task[bool] | None = None

    async def ask(self, call: Awaitable[T]) -> T:
        """What the call gives. It is cancelled when nobody waits for it any more.

        Raises: FileNotFoundError; BytesAway.
        """
        task = asyncio.ensure_future(call)
        give_up_at = monotonic() + BYTES_STALL_S
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=BYTES_DOUBT_S)
                if not task.done() and (monotonic() > give_up_at or not await self.answers()):
                    raise _away("the byte store does not answer", "timed out")
            return task.result()
        except _REFUSALS as error:
            raise _away("the byte store refuses what the server asks", describe(error)) from None
        except BaseError as error:
            raise _away("the byte store does not answer", describe(error)) from None
        finally:
            if not task.done():
                task.cancel()

    async def answers(self) -> bool:
        """Whether the store gives out its marker now, in no more than BYTES_DOUBT_S."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._look())
        return await asyncio.shield(self._probe)

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(BYTES_DOUBT_S):
                await self.client.head_async(MARKER)
        except FileNotFoundError:  # also what a bucket that is gone looks like
            tell_trouble("the byte store is not the one that it was", f"its object {MARKER} is missing")
            return False
        except (BaseError, TimeoutError):
            return False
        return True


def _away(what: str, why: str) -> BytesAway:
    tell_trouble(what, why)
    return BytesAway(f"{what}: {why}")


def describe(error: Exception) -> str:
    """In a few words: the error's own text has the address of the request, and pages of its insides."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if status or code:
        return " ".join(found[1] for found in (status, code) if found)
    return next((words for part, words in _KINDS if part in text), type(error).__name__)
