"""What is done when an operation lost a race: it runs again, on what is there now. The request itself never does: its
body was read, its signature verified, and what it stored so far stays stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from coatcheck.core.errors import INTERNAL_ERROR

from .context import Context

T = TypeVar("T")

_ATTEMPTS: Final = 5


class ReplacedMeanwhile(Exception):
    """An object was replaced or deleted between finding it and reading or naming its bytes."""


async def repeated(ctx: Context, attempt: Callable[[Context], Awaitable[T]]) -> T:
    """The outcome of an attempt that lost no race; each starts with what is there, and may be done to it, by then.

    Args:
        attempt: reads no body of the request's, and changes nothing where it raises ReplacedMeanwhile.
    """
    for _ in range(_ATTEMPTS):
        try:
            return await attempt(ctx)
        except ReplacedMeanwhile:
            ctx = await ctx.look_again()
    raise INTERNAL_ERROR("The object is being replaced faster than it can be read. Try again.")
