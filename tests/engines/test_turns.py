"""Fair turns: who comes next, how many may wait, and that nobody's leaving loses or doubles a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.engines.turns import Bounds, Full, Turns

MANY = Bounds(100, 100, 100)


async def order(asked: Sequence[tuple[str, str]], bounds: Bounds = MANY) -> list[str]:
    """The clients in the order of their turns; all ask while one turn is taken."""
    turns, served = Turns(1, bounds), list[str]()
    await turns.take("first", "first")

    async def ask(client: str, bucket: str) -> None:
        await turns.take(client, bucket)
        served.append(client)
        turns.end()

    tasks = [asyncio.create_task(ask(client, bucket)) for client, bucket in asked]
    await asyncio.sleep(0)
    turns.end()
    await asyncio.gather(*tasks)
    return served


async def test_clients_of_a_bucket_take_turns() -> None:
    assert await order([("a", "x")] * 3 + [("b", "x")] * 2 + [("c", "x")]) == ["a", "b", "c", "a", "b", "a"]


async def test_buckets_take_turns_however_many_clients_ask_for_one() -> None:
    crowd = [(f"crowd{number}", "x") for number in range(4)]
    assert await order([*crowd, ("own", "y")]) == ["crowd0", "own", "crowd1", "crowd2", "crowd3"]


@pytest.mark.parametrize(
    ("bounds", "fits"),
    [
        (Bounds(4, 9, 9), [("a", "x"), ("b", "y"), ("c", "z"), ("d", "x")]),
        (Bounds(9, 2, 9), [("e", "x"), ("e", "y")]),
        (Bounds(9, 9, 2), [("a", "x"), ("e", "x")]),
    ],
)
async def test_more_than_may_wait_are_refused(bounds: Bounds, fits: list[tuple[str, str]]) -> None:
    turns = Turns(1, bounds)
    await turns.take("first", "first")
    waiting = [asyncio.create_task(turns.take(client, bucket)) for client, bucket in fits]
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await turns.take("e", "x")
    for task in waiting:
        turns.end()
        await task
    for _ in range(bounds.all):  # and all is given back
        turns.end()
        await turns.take("e", "x")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(["ask", "leave", "end"]))))
async def test_no_turn_is_lost_or_doubled_whoever_leaves(steps: list[tuple[str, str, str]]) -> None:
    turns, running, waiting = Turns(2, MANY), 0, list[asyncio.Task[None]]()

    def settle() -> int:
        got = [task for task in waiting if task.done()]
        for task in got:
            waiting.remove(task)
        return sum(not task.cancelled() for task in got)

    for client, bucket, step in steps:
        if step == "ask":
            waiting.append(asyncio.create_task(turns.take(client, bucket)))
        elif step == "leave" and waiting:
            waiting[0].cancel()
        elif step == "end" and running:
            turns.end()
            running -= 1
            if waiting:
                waiting[-1].cancel()  # perhaps the one that has just got it
        for _ in range(4):
            await asyncio.sleep(0)
        running += settle()
        assert running <= 2
        assert running == 2 or not waiting
    for _ in range(running):
        turns.end()
    for _ in range(4):
        await asyncio.sleep(0)
    assert not turns._waiting or running + settle() <= 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
