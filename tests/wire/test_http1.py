"""Connections over real sockets, with a pipeline of the test's own: what goes over the wire, how exchanges ended."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import Final

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.body import UNKNOWN_SIZE
from coatcheck.core.errors import INCOMPLETE_BODY, NO_SUCH_KEY, REQUEST_TIMEOUT, Broken
from coatcheck.exchange import Exchange
from coatcheck.wire import connections as connections_module
from coatcheck.wire.connections import ConnectionLimits, Connections, connections_allowed
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import BodyFailed, BodyStalled, Request

Pipeline = Callable[[Exchange], Awaitable[Reply]]
GET: Final = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE: Final = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LARGE: Final = 8 * 1024**2


class Alone:
    """There is no other worker."""

    def note(self, connections: float) -> None:
        pass

    def least(self) -> float:
        return inf


class House:
    """A server of one worker, and how each exchange ended: status, bytes of the body, whole."""

    def __init__(self, connections: Connections, port: int) -> None:
        self.connections = connections
        self.port = port
        self.ended: list[tuple[int, int, bool]] = []
        self.requests: list[Request] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, room: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """`room`: of the client's side for what it has not read, bytes; 0 for as much as usual."""
        client = socket.socket()
        client.setblocking(False)
        if room:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
        wire = await asyncio.open_connection(sock=client)
        self._writers.append(wire[1])
        return wire

    async def close(self) -> None:
        self.connections.stop_accepting(take_waiting=False)
        await self.connections.close()
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def say(self, *pieces: bytes, half_close: bool = False) -> bytes:
        """Everything that comes back until the server closes."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        return answer

    async def all_ended(self, number: int) -> None:
        async with asyncio.timeout(20):
            while len(self.ended) < number:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_house(pipeline: Pipeline, **changes: float) -> AsyncIterator[House]:
    listening = socket.create_server(("127.0.0.1", 0))
    limits = {"head_timeout_s": 5.0, "idle_timeout_s": 5.0, "body_timeout_s": 5.0, **changes}
    house: House

    def note(exchange: Exchange) -> None:
        assert exchange.reply is not None
        house.ended.append((exchange.reply.status, exchange.sent_bytes, exchange.whole))

    def begin(request: Request, request_id: str, now: float) -> Exchange:
        house.requests.append(request)
        return Exchange(request, request_id, now, pipeline, (note,))

    connections = Connections(
        begin,
        ConnectionLimits(per_address=100, in_all=int(limits.pop("in_all", 100)), **limits),
        listening,
        tls=lambda: None,
        is_proxy=lambda _: False,
        share=Alone(),
        clock=wall_clock,
    )
    house = House(connections, listening.getsockname()[1])
    connections.start()
    try:
        yield house
    finally:
        await house.close()


def replying(reply: Reply) -> Pipeline:
    async def pipeline(_: Exchange) -> Reply:
        return reply

    return pipeline


async def reading(exchange: Exchange) -> Reply:
    """Reads the body, as an upload does."""
    try:
        body = b"".join([piece async for piece in exchange.request.body.chunks()])
    except BodyStalled:
        raise REQUEST_TIMEOUT() from None
    except BodyFailed:
        raise INCOMPLETE_BODY() from None
    return Reply(200, (), body)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", answer)]


# --- replies ---


async def test_reply_says_who_when_which_and_how_long() -> None:
    async with a_house(replying(Reply(200, ((b"ETag", b'"x"'),), b"hello"))) as house:
        answer = await house.say(CLOSE)
        head, _, body = answer.partition(b"\r\n\r\n")
        names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
        assert body == b"hello"
        assert names == [
            *(b"server", b"date", b"x-oss-request-id", b"x-oss-server-time", b"content-length", b"etag", b"connection")
        ]
        assert house.ended == [(200, 5, True)]


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 2048, b"x" * 2049, b"x" * LARGE])
async def test_body_of_any_size_goes_out_whole(body: bytes) -> None:
    async with a_house(replying(Reply(200, (), body))) as house:
        answer = await house.say(GET, CLOSE)
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
        assert answer.endswith(b"\r\n\r\n" + body)
        await house.all_ended(2)
        assert house.ended == [(200, len(body), True)] * 2


@pytest.mark.parametrize("status", [204, 304])
async def test_status_without_a_body_announces_none(status: int) -> None:
    async with a_house(replying(Reply(status))) as house:
        answer = await house.say(CLOSE)
        assert b"content-length" not in answer
        assert answer.endswith(b"\r\n\r\n")


async def test_head_announces_a_body_that_it_does_not_send() -> None:
    async with a_house(replying(Reply(200, (), b"hello"))) as house:
        answer = await house.say(CLOSE.replace(b"GET", b"HEAD"))
        assert b"content-length: 5\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")


async def test_header_with_a_line_break_never_goes_out() -> None:
    async with a_house(replying(Reply(200, ((b"X", b"a\r\nSet-Cookie: b"),)))) as house:
        assert await house.say(GET) == b""
        assert house.ended == [(200, 0, False)]


async def test_old_client_is_told_whether_its_connection_is_kept() -> None:
    async with a_house(replying(Reply(200))) as house:
        old = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        answer = await house.say(old, b"GET / HTTP/1.0\r\n\r\n")
        assert re.findall(rb"connection: (\S+)", answer) == [b"keep-alive", b"close"]


class Source:
    """A stream that counts what was taken of it, and whether it was closed."""

    def __init__(self, pieces: list[bytes], size: int | None = None) -> None:
        self.pieces = pieces
        self.size = sum(map(len, pieces)) if size is None else size
        self.taken = self.closed = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece

    async def close(self) -> None:
        self.closed += 1

    def reply(self) -> Reply:
        return Reply(200, (), Stream(self.chunks(), self.size, self.close))


@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"abc", b"def"], [b"x" * LARGE, b"y" * LARGE]])
async def test_stream_is_sent_whole_and_closed_once(pieces: list[bytes]) -> None:
    source = Source(pieces)
    async with a_house(replying(source.reply())) as house:
        answer = await house.say(CLOSE)
        assert answer.partition(b"\r\n\r\n")[2] == b"".join(pieces)
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, source.size, True)], 1)


async def test_stream_of_unknown_size_goes_out_in_chunks_and_its_content_is_counted() -> None:
    source = Source([b"abc", b"", b"x" * 5000], size=UNKNOWN_SIZE)
    async with a_house(replying(source.reply())) as house:
        head, _, body = (await house.say(CLOSE)).partition(b"\r\n\r\n")
        assert b"\r\ntransfer-encoding: chunked" in head
        assert b"content-length" not in head
        assert body == b"3\r\nabc\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n"
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, 5003, True)], 1)


async def test_connection_is_kept_behind_a_stream_of_unknown_size() -> None:
    async def pipeline(exchange: Exchange) -> Reply:
        return Source([b"abc"], size=UNKNOWN_SIZE).reply()

    async with a_house(pipeline) as house:
        assert (await house.say(GET, CLOSE)).count(b"3\r\nabc\r\n0\r\n\r\n") == 2


async def test_stream_of_unknown_size_that_breaks_has_no_end() -> None:
    class Breaking(Source):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"abc"
            raise Broken

    source = Breaking([], size=UNKNOWN_SIZE)
    async with a_house(replying(source.reply())) as house:
        answer = b""
        with suppress(ConnectionError):
            answer = await house.say(GET, GET)
        assert not answer.endswith(b"0\r\n\r\n")
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, 3, False)], 1)


async def test_old_client_takes_no_chunks_and_the_request_says_so() -> None:
    async def pipeline(exchange: Exchange) -> Reply:
        return Reply(200, (), b"yes" if exchange.request.takes_chunks else b"no")

    async with a_house(pipeline) as house:
        assert (await house.say(b"GET / HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\nno")
        assert (await house.say(CLOSE)).endswith(b"\r\n\r\nyes")


async def test_stream_of_another_length_than_announced_ends_the_connection() -> None:
    source = Source([b"abc"], size=5)
    async with a_house(replying(source.reply())) as house:
        with suppress(ConnectionError):
            assert (await house.say(GET, GET)).count(b"HTTP/1.1") == 1
        assert (house.ended, source.closed) == ([(200, 3, False)], 1)


async def test_client_that_goes_stops_a_stream_and_the_bytes_are_counted() -> None:
    source = Source([b"x" * 1024**2] * 100)
    async with a_house(replying(source.reply())) as house:
        reader, writer = await house.connect()
        writer.write(GET)
        await reader.readexactly(100_000)
        writer.transport.abort()
        await house.all_ended(1)
        status, sent, whole = house.ended[0]
        assert (status, whole, source.closed) == (200, False, 1)
        assert 0 < sent < source.size
        assert source.taken < 100


async def test_reader_that_stops_is_dropped_and_a_slow_one_is_not() -> None:
    async with a_house(replying(Reply(200, (), b"x" * LARGE * 4)), body_timeout_s=1.0) as house:
        stopped = await house.connect()
        stopped[1].write(GET)
        slow = await house.connect(room=256 * 1024)
        slow[1].write(CLOSE)
        received = 0
        while piece := await slow[0].read(1024**2):
            received += len(piece)
            await asyncio.sleep(0.03)
        assert received > LARGE * 4
        await house.all_ended(2)
        assert sorted(whole for _, _, whole in house.ended) == [False, True]
        stopped[1].close()


# --- requests that follow each other ---


async def test_requests_sent_without_waiting_are_answered_in_order() -> None:
    async def pipeline(exchange: Exchange) -> Reply:
        if exchange.request.raw_path == b"/slow":
            await asyncio.sleep(0.05)
        return Reply(200, (), exchange.request.raw_path + b"\n")

    async with a_house(pipeline) as house:
        asked = [b"/1", b"/slow", b"/2", b"/slow", b"/3"] * 20  # more than may wait for their turn
        requests = [b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in asked]
        answer = await house.say(b"".join(requests) + CLOSE)
        assert re.findall(rb"\r\n\r\n(/\w+)\n", answer) == [*asked, b"/a"]


async def test_half_closed_connection_is_still_answered() -> None:
    async def pipeline(_: Exchange) -> Reply:
        await asyncio.sleep(0.05)
        return Reply(200, (), b"late")

    async with a_house(pipeline) as house:
        answer = await house.say(GET, GET, half_close=True)
        assert answer.count(b"late") == 2


async def test_connection_is_kept_after_a_refusal_whose_body_was_read() -> None:
    async with a_house(replying(Reply(404, (), b"no"))) as house:
        put = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
        answer = await house.say(put, b"hello", GET, CLOSE)
        assert statuses(answer) == [404, 404, 404]


async def test_malformed_request_is_refused_behind_those_before_it() -> None:
    async with a_house(replying(Reply(200))) as house:
        answer = await house.say(GET + b"GET / HTTP/1.1\r\n\r\n" + GET)
        assert statuses(answer) == [200, 400]
        found = re.search(rb"x-oss-request-id: (\w{24})", answer[answer.index(b" 400 ") :])
        assert found
        assert b"<RequestId>" + found[1] in answer
        assert [status for status, _, _ in house.ended] == [200, 400]


async def test_requests_in_the_queue_of_a_client_that_has_gone_are_not_all_begun() -> None:
    async def pipeline(_: Exchange) -> Reply:
        await asyncio.sleep(0.1)
        return Reply(200)

    async with a_house(pipeline) as house:
        _, writer = await house.connect()
        writer.write(GET * 5)
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await house.all_ended(1)
        await asyncio.sleep(0.2)
        assert len(house.requests) < 5


# --- bodies in ---


async def test_body_in_pieces_and_chunks_arrives() -> None:
    async with a_house(reading) as house:
        counted = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
        chunked = b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        answer = await house.say(counted, b"hello", b"world", chunked + b"5\r\nHEL", b"LO\r\n0\r\n\r\n")
        assert re.findall(rb"\r\n\r\n(helloworld|HELLO)", answer) == [b"helloworld", b"HELLO"]


async def test_client_that_sends_faster_than_is_taken_is_held_back() -> None:
    taken = asyncio.Event()

    async def pipeline(exchange: Exchange) -> Reply:
        await taken.wait()
        return await reading(exchange)

    async with a_house(pipeline) as house:
        reader, writer = await house.connect()
        writer.write(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (LARGE * 4))
        writer.write(b"x" * LARGE * 4)
        await asyncio.sleep(0.3)
        assert isinstance(writer.transport, asyncio.WriteTransport)
        assert writer.transport.get_write_buffer_size() > LARGE
        taken.set()
        answer = await reader.read()
        assert answer.endswith(b"x" * LARGE)
        writer.close()


async def test_leave_to_send_is_given_when_the_body_is_first_read() -> None:
    async with a_house(reading) as house:
        reader, writer = await house.connect()
        writer.write(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readexactly(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello" + CLOSE)
        assert statuses(await reader.read()) == [200, 200]
        writer.close()


async def test_refused_client_that_asks_for_leave_gets_none_and_its_connection_ends() -> None:
    async with a_house(replying(Reply(403))) as house:
        answer = await house.say(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert statuses(answer) == [403]
        assert b"connection: close" in answer


async def test_body_that_breaks_off_fails_and_one_that_stalls_is_told_so() -> None:
    put = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"
    async with a_house(reading, body_timeout_s=0.5) as house:
        assert b"<Code>IncompleteBody</Code>" in await house.say(put, half_close=True)
        assert b"<Code>RequestTimeout</Code>" in await house.say(put)
        _, writer = await house.connect()
        writer.write(put)
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await house.all_ended(3)
        assert [status for status, _, _ in house.ended] == [400, 400, 400]


async def test_endless_refused_upload_is_cut_off_and_its_client_can_read_why() -> None:
    async def pipeline(_: Exchange) -> Reply:
        raise NO_SUCH_KEY()

    async with a_house(pipeline) as house:
        reader, writer = await house.connect()
        writer.write(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000000\r\n\r\n")
        for _ in range(12):
            writer.write(b"x" * 1024**2)
        with suppress(ConnectionError):
            await writer.drain()
        assert statuses(await reader.readuntil(b"\r\n")) == [404]
        writer.transport.abort()


# --- time and number ---


async def test_head_that_takes_too_long_is_refused_and_silence_is_closed() -> None:
    async with a_house(replying(Reply(200)), head_timeout_s=0.4, idle_timeout_s=0.4) as house:
        assert statuses(await house.say(b"GET / HTTP/1.1\r\n")) == [408]
        assert await house.say() == b""
        assert statuses(await house.say(GET)) == [200]
        assert statuses(await house.say(GET, b"GET / HT")) == [200, 408]


async def test_oldest_silent_connection_goes_first_and_a_busy_one_never() -> None:
    release = asyncio.Event()

    async def pipeline(exchange: Exchange) -> Reply:
        if exchange.request.raw_path == b"/busy":
            await release.wait()
        return Reply(200)

    async with a_house(pipeline, in_all=4) as house:
        busy = await house.connect()
        busy[1].write(b"GET /busy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        silent = []
        for _ in range(3):
            silent.append(await house.connect())
            await asyncio.sleep(0.02)
        for reader, writer in silent[:1]:
            writer.write(GET)
            assert statuses(await reader.readuntil(b"\r\n\r\n")) == [200]
        assert statuses(await house.say(CLOSE)) == [200]
        assert await silent[1][0].read() == b"", "it was silent for longest"
        release.set()
        assert statuses(await busy[0].read()) == [200]
        for _, writer in [busy, *silent]:
            writer.close()


async def test_when_all_are_busy_a_newcomer_is_told_so() -> None:
    release = asyncio.Event()

    async def pipeline(_: Exchange) -> Reply:
        await release.wait()
        return Reply(200)

    async with a_house(pipeline, in_all=2) as house:
        writers = [(await house.connect())[1] for _ in range(2)]
        for writer in writers:
            writer.write(GET)
        while len(house.requests) < 2:
            await asyncio.sleep(0.01)
        answer = await house.say()
        assert statuses(answer) == [503]
        assert b"Retry-After: 5" in answer
        release.set()
        await house.all_ended(2)
        assert statuses(await house.say(CLOSE)) == [200]
        for writer in writers:
            writer.close()


async def test_accepting_goes_on_after_the_kernel_refused_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(socket.socket):
        """A listening socket whose process has no file left, at first."""

        refusals = 3

        def accept(self) -> tuple[socket.socket, object]:
            if Full.refusals:
                Full.refusals -= 1
                raise OSError(24, "Too many open files")
            return super().accept()

    async with a_house(replying(Reply(200))) as house:
        listening = house.connections._listening
        house.connections._listening = Full(fileno=listening.detach())
        assert statuses(await house.say(CLOSE)) == [200]
        assert Full.refusals == 0


def test_connections_leave_room_for_the_files_they_open() -> None:
    assert connections_allowed(64) == 16
    assert connections_allowed(1024) == 320
    assert connections_allowed(20_000) == 9808
    assert connections_allowed(1 << 20) == 65_536


# --- memory ---


async def test_freed_memory_is_given_back_when_no_body_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(connections_module, "_SWEEP_S", 0.01)
    monkeypatch.setattr(connections_module, "_KEPT_S", 0.0)
    async with a_house(reading) as house:
        monkeypatch.setattr(
            connections_module, "give_back_freed_memory", lambda: given_back.append(len(house.connections._tasks))
        )
        put = b"PUT /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
        _, writer = await house.connect()
        writer.write(put + b"he")
        async with asyncio.timeout(20):
            while not house.connections._tasks:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert given_back == []
        writer.write(b"llo")
        await house.all_ended(1)
        async with asyncio.timeout(20):
            while not given_back:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert given_back == [0]  # once for what there was
