"""How a coroutine that was started by hand, without a task, goes on as one. (mypyc has no such generators.)"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from typing import Any


async def go_on_with(run: Coroutine[Any, Any, None], waits_for: Any) -> None:
    """Go on with a coroutine that has been started by hand and waits.

    Args:
        waits_for: what its last step gave.
    """
    await _resume(run, waits_for)


@types.coroutine
def _resume(run: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    while True:
        try:
            answer = yield waits_for
        except BaseException as error:
            step: Any = run.throw
            argument: Any = error
        else:
            step, argument = run.send, answer
        try:
            waits_for = step(argument)
        except StopIteration:
            return
