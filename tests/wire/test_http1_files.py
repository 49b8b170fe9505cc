"""Bytes of files that the kernel sends: in order with all else, counted, and given up when the client is gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from coatcheck.core.body import FileSlice, Slice, Stream
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import ANONYMOUS, UsedLink
from coatcheck.wire.reply import Reply

from .test_http1 import CLOSE, GET, a_house, replying

MIB = 1024**2
CONTENT = bytes(range(256)) * (16 * MIB // 256)  # more than the kernel takes at once


class Source:
    """A file, in slices of these sizes; what was taken of it, and how often it was closed."""

    def __init__(self, path: Path, *sizes: int, content: bytes = CONTENT, at_hand: bool = False) -> None:
        path.write_bytes(content)
        self.fd = os.open(path, os.O_RDONLY)
        self.sizes = sizes
        self.at_hand = FileSlice(self.fd, 0, sizes[0]) if at_hand else None
        self.taken = self.closed = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        raise AssertionError("the slices are to be sent")
        yield b""

    async def slices(self) -> AsyncIterator[FileSlice]:
        offset = 0
        for size in self.sizes:
            self.taken += 1
            yield FileSlice(self.fd, offset, size)
            offset += size

    async def close(self) -> None:
        self.closed += 1
        os.close(self.fd)

    def reply(self, size: int | None = None) -> Reply:
        announced = sum(self.sizes) if size is None else size
        return Reply(200, (), Stream(self.chunks(), announced, self.close, self.slices(), self.at_hand))


@pytest.mark.parametrize("sizes", [(), (1,), (100, 200, 300), (MIB, 15 * MIB)])
async def test_file_is_sent_whole_and_closed_once(sizes: tuple[int, ...], tmp_path: Path) -> None:
    source = Source(tmp_path / "file", *sizes)
    async with a_house(replying(source.reply())) as house:
        answer = await house.say(CLOSE)
        assert answer.partition(b"\r\n\r\n")[2] == CONTENT[: sum(sizes)]
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, sum(sizes), True)], 1)


async def test_file_that_is_at_hand_is_sent_without_asking_for_slices(tmp_path: Path) -> None:
    source = Source(tmp_path / "file", 16 * MIB, at_hand=True)
    async with a_house(replying(source.reply())) as house:
        answer = await house.say(CLOSE)
        assert answer.partition(b"\r\n\r\n")[2] == CONTENT
        await house.all_ended(1)
        assert (house.ended, source.closed, source.taken) == ([(200, 16 * MIB, True)], 1, 0)


async def test_files_and_bytes_come_in_the_order_of_their_requests(tmp_path: Path) -> None:
    async def pipeline(exchange: Exchange) -> Reply:
        name = exchange.request.raw_path.decode()[1:]
        if name.startswith("f"):
            return Source(tmp_path / name, 2 * MIB, content=CONTENT[: 2 * MIB]).reply()
        return Reply(200, (), name.encode() * MIB)

    names = ["f1", "b", "f2", "f3", "c", "d", "f4"]
    async with a_house(pipeline) as house:
        requests = [b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode() for name in names]
        answer = await house.say(b"".join(requests) + CLOSE)
    for name in names:
        head, _, answer = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        expected = CONTENT[: 2 * MIB] if name.startswith("f") else name.encode() * MIB
        assert answer[: len(expected)] == expected
        answer = answer[len(expected) :]


@pytest.mark.parametrize("at_hand", [False, True])
async def test_a_file_shorter_than_it_was_ends_the_connection(at_hand: bool, tmp_path: Path) -> None:
    source = Source(tmp_path / "file", 10, content=b"12345", at_hand=at_hand)
    async with a_house(replying(source.reply())) as house:
        with suppress(ConnectionError):
            assert (await house.say(GET, GET)).count(b"HTTP/1.1") == 1
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, 5, False)], 1)


async def test_slices_of_another_length_than_announced_end_the_connection(tmp_path: Path) -> None:
    source = Source(tmp_path / "file", 10)
    async with a_house(replying(source.reply(size=11))) as house:
        with suppress(ConnectionError):
            assert (await house.say(GET, GET)).count(b"HTTP/1.1") == 1
        await house.all_ended(1)
        assert (house.ended, source.closed) == ([(200, 10, False)], 1)


async def test_client_that_goes_stops_a_file_and_the_bytes_are_counted(tmp_path: Path) -> None:
    source = Source(tmp_path / "file", *[4 * MIB] * 4)
    async with a_house(replying(source.reply())) as house:
        reader, writer = await house.connect(room=4096)
        writer.write(GET)
        await reader.readexactly(100_000)
        writer.transport.abort()
        await house.all_ended(1)
        status, sent, whole = house.ended[0]
        assert (status, whole, source.closed) == (200, False, 1)
        assert 0 < sent < len(CONTENT)
        assert source.taken < 4


@pytest.mark.parametrize("at_hand", [False, True])
async def test_reader_that_stops_is_dropped(at_hand: bool, tmp_path: Path) -> None:
    source = Source(tmp_path / "file", len(CONTENT), at_hand=at_hand)
    async with a_house(replying(source.reply()), body_timeout_s=0.3) as house:
        _, writer = await house.connect(room=4096)
        writer.write(GET)
        await house.all_ended(1)
        assert house.ended[0][2] is False
        assert source.closed == 1
        writer.close()


@pytest.mark.parametrize("at_hand", [False, True])
async def test_reader_that_takes_its_time_gets_all_of_it(at_hand: bool, tmp_path: Path) -> None:
    source = Source(tmp_path / "file", len(CONTENT), at_hand=at_hand)
    async with a_house(replying(source.reply())) as house:
        reader, writer = await house.connect(room=256 * 1024)
        writer.write(CLOSE)
        received = bytearray()
        while piece := await reader.read(MIB):
            received += piece
            await asyncio.sleep(0.005)
        assert received.partition(b"\r\n\r\n")[2] == CONTENT


async def test_head_sends_no_byte_of_it(tmp_path: Path) -> None:
    source = Source(tmp_path / "file", 100)
    async with a_house(replying(source.reply())) as house:
        answer = await house.say(b"HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"content-length: 100\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")
        await house.all_ended(1)
        assert (source.taken, source.closed) == (0, 1)


async def test_bytes_go_out_between_files_in_their_order(tmp_path: Path) -> None:
    """As the parts of an archive do: some are longer than the kernel takes at once, some are none at all."""
    between = [b"a" * 100, b"", b"b" * 8 * MIB, b"last"]
    source = Source(tmp_path / "file", 4 * MIB, 3)

    async def slices() -> AsyncIterator[Slice]:
        files = source.slices()
        yield between[0]
        yield between[1]
        yield await anext(files)
        yield bytearray(between[2])
        yield await anext(files)
        yield between[3]

    size = 12 * MIB + 107
    reply = Reply(200, (), Stream(source.chunks(), size, source.close, slices()))
    async with a_house(replying(reply)) as house:
        answer = await house.say(CLOSE)
        await house.all_ended(1)
    expected = between[0] + CONTENT[: 4 * MIB] + between[2] + CONTENT[4 * MIB : 4 * MIB + 3] + between[3]
    assert answer.partition(b"\r\n\r\n")[2] == expected
    assert (house.ended, source.closed) == ([(200, size, True)], 1)


async def test_no_bytes_at_all_find_out_that_the_client_has_gone(tmp_path: Path) -> None:
    source, asked = Source(tmp_path / "file", 1), 0

    async def slices() -> AsyncIterator[Slice]:
        nonlocal asked
        while True:
            asked += 1
            if asked == 3:
                for connection in list(house.connections.with_exchange()):
                    connection.reset()
            yield b""

    reply = Reply(200, (), Stream(source.chunks(), 10, source.close, slices()))

    async def pipeline(exchange: Exchange) -> Reply:
        exchange.link = UsedLink(ANONYMOUS, "", "", None)
        return reply

    async with a_house(pipeline) as house:
        with suppress(ConnectionResetError):
            await house.say(CLOSE)
        await house.all_ended(1)
    assert (asked, house.ended) == (3, [(200, 0, False)])
