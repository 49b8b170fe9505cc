"""The select process: many queries side by side, and none of them harms the server or, for long, another one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coatcheck.core.errors import OssError
from coatcheck.core.limits import SELECT_OPEN_MAX
from coatcheck.engines.select_pool import SelectPool
from coatcheck.ports.selector import Found, Selecting
from coatcheck.queries.options import CsvInput, Query
from coatcheck.queries.text import write_query

from ..patience import HANG_S

ROWS = b"1,a\n2,b\n3,c\n"


@contextmanager
def pool(**limits: Any) -> Iterator[SelectPool]:
    made = SelectPool(**{"piece_s": HANG_S, **limits})
    try:
        yield made
    finally:
        made.close()


def query(sql: str = "select _2 from ossobject where _1 > 1") -> str:
    return write_query(Query(sql, CsvInput()))


async def rest_of(selecting: Selecting, found: Found) -> bytes:
    output = found.output
    while found.unfinished:
        found = await selecting.go_on()
        output += found.output
    return output


async def ask(made: SelectPool, data: bytes = ROWS, sql: str = "select _2 from ossobject where _1 > 1") -> bytes:
    selecting = await made.open(query(sql), "a client", "a bucket")
    try:
        output = await rest_of(selecting, await selecting.feed(data))
        return output + await rest_of(selecting, await selecting.end())
    finally:
        selecting.close()


def process_id(made: SelectPool) -> int:
    assert made._process is not None
    return made._process._process.pid


async def test_queries_are_carried_out_by_one_process() -> None:
    with pool() as made:
        assert await ask(made) == b"b\nc\n"
        first = process_id(made)
        assert first != os.getpid()
        assert await asyncio.gather(*(ask(made) for _ in range(5))) == [b"b\nc\n"] * 5
        assert process_id(made) == first
        assert not made._clients


async def test_each_query_keeps_its_own_state() -> None:
    with pool() as made:
        one = await made.open(query("select count(*) from ossobject"), "a", "x")
        other = await made.open(query(), "b", "x")
        for _ in range(3):
            await rest_of(one, await one.feed(ROWS))
        assert await rest_of(other, await other.feed(ROWS)) == b"b\nc\n"
        assert await rest_of(one, await one.end()) == b"9\n"


async def test_a_refusal_comes_over_with_its_code() -> None:
    with pool() as made:
        for sql, code in (("select", "SqlSyntaxError"), ("select x from ossobject", "SqlInvalidColumnName")):
            with pytest.raises(OssError) as caught:
                await ask(made, sql=sql)
            assert (caught.value.status, caught.value.code) == (400, code)
        with pytest.raises(OssError, match="Row 2") as caught:
            await ask(made, b"1,a\nx,b\n")
        assert caught.value.code == "InvalidCsvLine"
        assert await ask(made) == b"b\nc\n"
        assert not made._clients


async def test_a_process_that_takes_too_long_is_killed_and_the_next_query_has_another() -> None:
    with pool() as made:
        lost = await made.open(query(), "another", "x")
        before = process_id(made)
        os.kill(before, signal.SIGSTOP)
        made._limits = (1.0, 0.2, made._limits[2])
        with pytest.raises(OssError) as caught:
            await ask(made)
        assert (caught.value.status, caught.value.code) == (400, "SqlUnsupportedSql")
        made._limits = (60.0, HANG_S, made._limits[2])
        with pytest.raises(OssError) as caught:
            await lost.feed(ROWS)
        assert (caught.value.status, caught.value.code) == (500, "InternalError")
        lost.close()
        assert await ask(made) == b"b\nc\n"
        assert process_id(made) != before


async def test_a_query_that_takes_too_much_of_the_processor_ends() -> None:
    with pool(cpu_s=0.01) as made:
        selecting = await made.open(query(), "a", "x")

        async def feed_on() -> None:
            for _ in range(10_000):
                await rest_of(selecting, await selecting.feed(ROWS * 1000))

        with pytest.raises(OssError) as caught:
            await feed_on()
        assert caught.value.code == "SqlUnsupportedSql"
        selecting.close()


async def test_who_leaves_in_the_middle_leaves_the_process_in_order() -> None:
    with pool() as made:
        selecting = await made.open(query(), "a", "x")
        asked = asyncio.create_task(selecting.feed(ROWS * 10_000))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        selecting.close()
        before = process_id(made)
        assert await ask(made) == b"b\nc\n"
        assert process_id(made) == before


async def test_queries_under_way_are_bounded_for_a_client_and_in_all() -> None:
    with pool() as made:
        opened = [await made.open(query(), "a", "x") for _ in range(SELECT_OPEN_MAX // 2)]
        with pytest.raises(OssError) as caught:
            await made.open(query(), "a", "y")
        assert (caught.value.status, caught.value.code) == (503, "ServiceUnavailable")
        opened += [await made.open(query(), f"b{number}", "x") for number in range(SELECT_OPEN_MAX // 2)]
        with pytest.raises(OssError, match="More queries are under way"):
            await made.open(query(), "c", "y")
        for each in opened:
            each.close()
            each.close()
        assert await ask(made) == b"b\nc\n"


async def test_the_process_has_no_secrets_and_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "hush")
    with pool() as made:
        await ask(made)
        place = f"/proc/{process_id(made)}"
        with open(f"{place}/environ", "rb") as file:
            assert b"hush" not in file.read()
        with open(f"{place}/limits", encoding="ascii") as file:
            limits = {line[:26].strip(): line[26:47].strip() for line in file}
        assert limits["Max address space"] == str(512 * 1024**2)
        assert limits["Max file size"] == "0"
