"""Work on one thing after the other, of which some are under way at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(work: Callable[[Given], Made], items: Iterable[Given], at_once: int, given_up: Event) -> Iterator[Made]:
    """What the work makes of each item, in the order of the items, which are asked for in the caller's thread.

    Args:
        at_once: so many are worked on at the same time, in threads of their own; 1: in the caller's.
        given_up: is set when the caller wants no more, or the work failed, so that what is under way can end soon.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(at_once) as threads:
        try:
            for item in items:
                waiting.append(threads.submit(work, item))
                if len(waiting) > at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            given_up.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
