"""One request's life: it ends once, in every path, and closes what its reply opened."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest

import coatcheck.exchange as exchange_module
from coatcheck.configurations import cors
from coatcheck.core.errors import NO_SUCH_KEY
from coatcheck.exchange import Exchange
from coatcheck.operations.pacing import Meter, paced_content
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import Request

from .oss.house import NOW, REQUEST_ID, House

CORS = (
    b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
    b"</CORSConfiguration>"
)


class Opened:
    """A reply's stream that counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"hello"

    async def close(self) -> None:
        self.closed += 1

    def reply(self) -> Reply:
        return Reply(200, (), Stream(self.chunks(), 5, self.close))


def an_exchange(reply: Reply | Exception, heard: list[Exchange]) -> Exchange:
    async def answer(_: Exchange) -> Reply:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return Exchange(Request("GET", b"/photos/a.txt"), REQUEST_ID, NOW, answer, (heard.append,))


def because(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


async def test_its_end_is_told_once_with_what_went_out() -> None:
    heard: list[Exchange] = []
    opened = Opened()
    exchange = an_exchange(opened.reply(), heard)
    await exchange.answer()
    assert heard == []
    await exchange.end(3, whole=False)
    await exchange.end(5, whole=True)
    assert heard == [exchange]
    assert (exchange.sent_bytes, exchange.whole, opened.closed) == (3, False, 1)
    assert exchange.seconds > 0


async def test_the_generator_of_a_broken_reply_is_ended_with_it() -> None:
    """Somebody may hold it still: the traceback of what broke, for one."""
    ended: list[str] = []

    async def chunks(name: str) -> AsyncIterator[bytes]:
        try:
            yield b"hello"
            yield b"world"
        finally:
            ended.append(name)

    for content in (
        Stream(chunks("plain"), 10, Opened().close),
        paced_content(Stream(chunks("paced"), 10, Opened().close), (Meter(1_000_000_000),)),
    ):
        assert isinstance(content, Stream)
        exchange = an_exchange(Reply(200, (), content), [])
        await exchange.answer()
        assert await anext(aiter(content.chunks)) == b"hello"
        await exchange.end(5, whole=False)
    assert ended == ["plain", "paced"]


async def test_one_that_ends_before_it_was_answered_has_no_reply() -> None:
    heard: list[Exchange] = []
    exchange = an_exchange(Reply(200), heard)
    await exchange.end(0, whole=False)
    assert (heard, exchange.reply) == ([exchange], None)


async def test_whatever_is_raised_is_answered_and_noted() -> None:
    for error, status, code in (
        (NO_SUCH_KEY(Key="a.txt"), 404, "NoSuchKey"),
        (RuntimeError("the cellar"), 500, "InternalError"),
    ):
        exchange = an_exchange(error, [])
        assert (await exchange.answer()).status == status
        assert exchange.refusal == code


async def test_listeners_hear_of_the_end_though_closing_fails() -> None:
    async def fail() -> None:
        raise OSError("the disk broke")

    heard: list[Exchange] = []
    exchange = an_exchange(Reply(200, (), Stream(Opened().chunks(), 5, fail)), heard)
    await exchange.answer()
    with pytest.raises(OSError, match="the disk broke"):
        await exchange.end(5, whole=True)
    assert heard == [exchange]


async def test_what_an_operation_opened_is_closed_though_the_reply_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket's CORS rules are read when the object is open already; that can fail."""

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("no rules")

    house = await House().with_bucket()
    await house.put("/photos/a.bin", b"x" * 100_000)
    assert (await house.ask("PUT", "/photos/?cors", CORS)).status == 200
    link = house.link("GET", "a.bin")
    query = read_query(link.partition("?")[2].encode())
    request = Request("GET", b"/photos/a.bin", query, {"host": "127.0.0.1", "origin": "http://example.com"})
    monkeypatch.setattr(cors, "sharing_headers", fail)
    exchange = Exchange(request, REQUEST_ID, NOW, house.services.answer)
    assert (await exchange.answer()).status == 500
    await exchange.end(0, whole=False)
    assert house.store.opened == 0


# --- files and memory that run out ---


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENFILE, "Too many open files in system"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        MemoryError(),
        because(RuntimeError("no process"), OSError(errno.EMFILE, "Too many open files")),
    ],
)
async def test_a_shortage_is_for_the_moment(
    error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "_shortages", exchange_module._ShortageLog())
    for _ in range(100):
        reply = await an_exchange(error, []).answer()
        assert (reply.status, dict(reply.headers)[b"Retry-After"]) == (503, b"1")
        assert isinstance(reply.body, bytes)
        assert b"<Code>ServiceUnavailable</Code>" in reply.body
    assert len(caplog.records) == 1
    assert "files or memory ran out" in caplog.text


async def test_other_faults_of_the_system_are_ours(caplog: pytest.LogCaptureFixture) -> None:
    reply = await an_exchange(OSError(errno.EIO, "Input/output error"), []).answer()
    assert reply.status == 500
    assert "request failed" in caplog.text


async def test_an_upload_that_finds_no_file_stores_nothing_and_one_that_is_stored_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    house = await House().with_bucket()
    await house.put("/photos/a", b"a" * 100_000)
    before = house.contents()
    with monkeypatch.context() as patch:
        patch.setattr(house.store, "new_blob", fails)
        patch.setattr(house.store, "open", fails)
        assert (await house.ask("PUT", "/photos/b", b"b" * 100_000)).refusal == (503, "ServiceUnavailable")
        assert (await house.ask("GET", "/photos/a")).refusal == (503, "ServiceUnavailable")
    assert house.contents() == before
    monkeypatch.setattr(house.store, "remove", fails)
    assert (await house.ask("PUT", "/photos/a", b"b")).status == 200
    assert (await house.ask("GET", "/photos/a")).body == b"b"
    assert (await house.ask("DELETE", "/photos/a")).status == 204
