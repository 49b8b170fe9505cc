"""What befalls a request: the rule carried out around the service, before it is asked and on the reply it gave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from coatcheck.core.body import Stream, let_go, nothing
from coatcheck.core.errors import Broken
from coatcheck.exchange import Exchange
from coatcheck.wire.reply import Reply

from .rules import Rule

_CRC: Final = b"x-oss-hash-crc64ecma"
_WRONG_CRC: Final = (b"1", b"2")  # either, where the content's own is the other
_PIECES_PER_S: Final = 10  # of a slow body


async def befall(rule: Rule, exchange: Exchange, answer: Callable[[], Awaitable[Reply]]) -> Reply:
    """The reply, or what is made of it. Raises: Broken, to end the connection without one."""
    if rule.delay_s:
        await asyncio.sleep(rule.delay_s)
    if rule.reset:
        raise Broken
    if rule.truncate_upload is not None:
        await _take_some(exchange, rule.truncate_upload)
        raise Broken
    if rule.fault is not None:
        exchange.reply = exchange.refuse(rule.fault())
        return exchange.reply
    reply = await answer()
    if reply.status < 300:
        exchange.reply = reply = _changed(reply, rule)
    return reply


async def _take_some(exchange: Exchange, most: int) -> None:
    """Bytes of the upload, which go nowhere."""
    taken = 0
    chunks = exchange.request.body.chunks()
    try:
        while taken < most:
            taken += len(await anext(chunks))
    except StopAsyncIteration:
        pass
    finally:
        await let_go(chunks)


def _changed(reply: Reply, rule: Rule) -> Reply:
    if rule.wrong_crc:
        reply = replace(reply, headers=tuple(_with_wrong_crc(name, value) for name, value in reply.headers))
    if rule.cut_after is None and not rule.bytes_per_s:
        return reply
    stream = reply.body if isinstance(reply.body, Stream) else _stream_of(reply.body)
    if rule.bytes_per_s:
        stream = replace(stream, chunks=_slowed(stream.chunks, rule.bytes_per_s), slices=None, file=None, let_go=None)
    if rule.cut_after is not None:
        stream = replace(stream, chunks=_cut(stream.chunks, rule.cut_after), slices=None, file=None, let_go=None)
    return replace(reply, body=stream)


def _with_wrong_crc(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != _CRC:
        return name, value
    return name, next(wrong for wrong in _WRONG_CRC if wrong != value)


def _stream_of(body: bytes) -> Stream:
    async def chunks() -> AsyncIterator[bytes]:
        if body:
            yield body

    return Stream(chunks(), len(body), nothing)


Chunks = AsyncIterator[bytes] | AsyncIterator[bytes | bytearray]


async def _slowed(chunks: Chunks, bytes_per_s: float) -> AsyncIterator[bytes]:
    size = max(1, int(bytes_per_s / _PIECES_PER_S))
    try:
        async for chunk in chunks:
            for start in range(0, len(chunk), size):
                piece = bytes(chunk[start : start + size])
                await asyncio.sleep(len(piece) / bytes_per_s)
                yield piece
    finally:
        await let_go(chunks)


async def _cut(chunks: Chunks, most: int) -> AsyncIterator[bytes]:
    """So many bytes, then no more; the head has gone out, so that the client waits for the rest."""
    left = most
    try:
        if not left:
            yield b""
        async for chunk in chunks:
            piece = bytes(chunk[:left])
            left -= len(piece)
            if piece:
                yield piece
            if not left:
                raise Broken
    finally:
        await let_go(chunks)
