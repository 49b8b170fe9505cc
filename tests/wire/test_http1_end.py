"""The end of a worker, seen by clients that keep their connections: no request is lost that a reply had invited."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import cast

import pytest
import uvloop

from coatcheck.core.body import nothing
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import ANONYMOUS, UsedLink
from coatcheck.wire.reply import Reply, Stream

from ..patience import until
from .test_http1 import GET, LARGE, a_house, replying, statuses

SMALL_ROOM = 4096


async def test_when_the_server_ends_what_has_begun_is_answered_and_told_that_it_is_the_last() -> None:
    release = asyncio.Event()

    async def pipeline(exchange: Exchange) -> Reply:
        if exchange.request.raw_path == b"/slow":
            await release.wait()
        return Reply(200)

    async with a_house(pipeline, last_request_s=3.0) as house:
        slow, idle, late = [await house.connect() for _ in range(3)]
        slow[1].write(GET.replace(b"/a", b"/slow"))
        for reader, writer in (idle, late):
            writer.write(GET)
            assert statuses(await reader.readuntil(b"\r\n\r\n")) == [200]
        house.connections.stop_accepting(take_waiting=False)
        draining = asyncio.create_task(house.connections.drain())
        await asyncio.sleep(0.05)
        late[1].write(GET)
        answer = await late[0].read()
        assert (statuses(answer), b"connection: close" in answer) == ([200], True)
        assert await idle[0].read() == b""
        release.set()
        answer = await slow[0].read()
        assert (statuses(answer), b"connection: close" in answer) == ([200], True)
        async with asyncio.timeout(20):
            await draining
        for _, writer in (slow, idle, late):
            writer.close()


async def test_who_was_told_before_the_end_that_the_connection_stays_is_answered_once_more() -> None:
    """The head went out before the end was known, the rest of the body long after."""
    async with a_house(replying(Reply(200, (), b"x" * LARGE)), last_request_s=3.0) as house:
        reader, writer = await house.connect(SMALL_ROOM)
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head
        house.connections.stop_accepting(take_waiting=False)
        draining = asyncio.create_task(house.connections.drain())
        await asyncio.sleep(3.2)  # longer than who has nothing under way is waited for
        await reader.readexactly(LARGE)
        await house.all_ended(1)
        await asyncio.sleep(0.05)
        writer.write(GET)
        answer = await reader.read()
        assert (statuses(answer), b"connection: close" in answer) == ([200], True)
        async with asyncio.timeout(20):
            await draining


# --- connections that are reset, so that what is buffered never arrives ---


async def by_a_link(exchange: Exchange) -> Reply:
    exchange.link = UsedLink(ANONYMOUS, "", "", None)
    return Reply(200, (), b"x" * int(exchange.request.raw_path[1:]))


async def test_a_client_that_has_all_of_its_reply_keeps_the_connection() -> None:
    async with a_house(by_a_link) as house:
        reader, writer = await house.connect()
        writer.write(GET.replace(b"/a", b"/5"))
        await reader.readuntil(b"xxxxx")
        await house.all_ended(1)
        (connection,) = house.connections.with_exchange()
        connection.reset()
        await asyncio.sleep(0.25)  # Linux acknowledges after 200 ms at the latest, however busy the machine is
        assert connection.reset()
        writer.write(GET.replace(b"/a", b"/5"))
        assert statuses(await reader.readuntil(b"xxxxx")) == [200]
        writer.close()


async def test_what_a_client_has_not_taken_yet_never_arrives() -> None:
    async with a_house(by_a_link) as house:
        reader, writer = await house.connect(SMALL_ROOM)
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # nothing is read beyond what has come
        writer.write(GET.replace(b"/a", b"/100000"))
        await house.all_ended(1)  # the kernel has it
        (connection,) = house.connections.with_exchange()
        assert not connection.reset()
        assert connection.reset()
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(100_000)


async def test_a_client_that_ends_while_it_is_waited_for_is_seen_to_have_gone() -> None:
    """It has said its last word, so nobody reads, and its reset isn't heard of by the loop."""
    ended: list[int] = []

    async def note(sent: int) -> None:
        ended.append(sent)

    async def pipeline(_: Exchange) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x" * 100_000

        return Reply(200, (), Stream(pieces(), 100_000, nothing), when_ended=note)

    async with a_house(pipeline) as house:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_ROOM)
            client.connect(("127.0.0.1", house.port))
            client.sendall(GET)
            client.shutdown(socket.SHUT_WR)
            await asyncio.to_thread(client.recv, 1)
            await asyncio.sleep(0.3)  # the kernel has all of it, and what the client sent has been read to its end
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await house.all_ended(1)
        assert house.ended == [(200, ended[0], False)]
        assert 0 < ended[0] < 100_000


class Client(asyncio.Protocol):
    """A client in the server's loop."""

    def __init__(self) -> None:
        self.answer = b""
        self.when_heard: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self.answer += data
        self.when_heard()


@pytest.mark.parametrize("ends", ["the worker", "its patience"])
def test_a_request_that_came_while_the_loop_was_held_up_is_answered(ends: str) -> None:
    """Timers are called before sockets are looked at (by libuv), so a connection may look idle that isn't."""

    patient = Client()
    other = Client()

    def ask_and_hold_up() -> None:
        patient.transport.write(GET)
        time.sleep(1)  # nobody in this loop has a turn

    async def ask() -> None:
        async with a_house(replying(Reply(200, (), b"hello")), idle_timeout_s=0.4) as house:
            connect = partial(asyncio.get_running_loop().create_connection, host="127.0.0.1", port=house.port)
            for client in (patient, other):
                await connect(lambda client=client: client)
            patient.transport.write(GET)
            await until(lambda: statuses(patient.answer) == [200])
            draining = asyncio.create_task(house.connections.drain()) if ends == "the worker" else None
            other.when_heard = ask_and_hold_up
            other.transport.write(GET)
            await until(lambda: statuses(patient.answer) == [200, 200] or patient.transport.is_closing())
            assert statuses(patient.answer) == [200, 200]
            for client in (patient, other):
                client.transport.abort()
            if draining is not None:
                await asyncio.wait_for(draining, 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())
