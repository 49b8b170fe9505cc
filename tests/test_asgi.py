"""The application in process: scopes and messages by hand, as a server underneath would give them."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.errors import NO_SUCH_KEY
from coatcheck.exchange import Exchange, Listener
from coatcheck.wire.asgi import Application, Message
from coatcheck.wire.faults import fault_reply
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import Request

from .oss.house import House
from .patience import HANG_S

DISCONNECT: Message = {"type": "http.disconnect"}


def piece(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """The other side: what it says is queued, what it hears is kept. Silent when it has said all."""

    def __init__(self, *said: Message) -> None:
        self._said = list(said)
        self.heard: list[Message] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        if self._said:
            return self._said.pop(0)
        await self.gone.wait()
        return DISCONNECT

    async def send(self, message: Message) -> None:
        self.heard.append(dict(message))
        await asyncio.sleep(0)

    @property
    def status(self) -> int:
        assert self.heard[0]["type"] == "http.response.start"
        status = self.heard[0]["status"]
        assert isinstance(status, int)
        return status

    @property
    def headers(self) -> dict[str, str]:
        pairs = self.heard[0]["headers"]
        headers = {name.decode().lower(): value.decode() for name, value in pairs}
        assert len(headers) == len(pairs), "a header goes out twice"
        return headers

    @property
    def body(self) -> bytes:
        assert {message["type"] for message in self.heard[1:]} == {"http.response.body"}
        return b"".join(message["body"] for message in self.heard[1:])

    @property
    def complete(self) -> bool:
        return bool(self.heard) and not self.heard[-1].get("more_body", False)


def a_scope(
    method: str = "GET",
    path: bytes = b"/",
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = ((b"host", b"127.0.0.1"),),
    **changes: Any,
) -> Message:
    scope = {
        "type": "http",
        "method": method,
        "raw_path": path,
        "query_string": query,
        "headers": list(headers),
        "client": ("192.0.2.7", 4711),
        "scheme": "http",
    }
    return scope | changes


def an_application(answer: Any, timeout_s: float = HANG_S, *listeners: Listener) -> Application:
    """The application before an answer: a function of request, request id and time."""

    def begin(request: Request, request_id: str, now: float) -> Exchange:
        return Exchange(request, request_id, now, lambda _: answer(request, request_id, now), listeners)

    return Application(begin, body_timeout_s=timeout_s, clock=wall_clock)


async def ask(scope: Message, *said: Message, answer: Any = None, timeout_s: float = 5.0) -> Client:
    client = Client(*said)
    await an_application(answer or Remember(), timeout_s)(scope, client.receive, client.send)
    return client


class Remember:
    """An answer that keeps the request, and reads its body if told to."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.reply = reply or Reply(200)
        self.request: Request | None = None

    async def __call__(self, request: Request, request_id: str, now: float) -> Reply:
        self.request = request
        return self.reply


async def read(scope: Message) -> Request:
    remember = Remember()
    await ask(scope, answer=remember)
    assert remember.request is not None
    return remember.request


class Served:
    """A whole server behind the application."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def __call__(self, request: Request, request_id: str, now: float) -> Reply:
        exchange = Exchange(request, request_id, self.house.now, self.house.services.answer)
        return await exchange.answer()


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


async def put(house: House, *said: Message, headers: dict[str, str] | None = None, timeout_s: float = 5.0) -> Client:
    """PUT by a link, with these messages as the body."""
    query = house.link("PUT", "a.bin").partition("?")[2].encode()
    sent = {"host": "127.0.0.1", **({"content-length": "10"} if headers is None else headers)}
    scope = a_scope("PUT", b"/photos/a.bin", query, [(name.encode(), value.encode()) for name, value in sent.items()])
    return await ask(scope, *said, answer=Served(house), timeout_s=timeout_s)


def code_of(client: Client) -> str:
    found = re.search(rb"<Code>(\w+)</Code>", client.body)
    return found[1].decode() if found else ""


# --- scope -> Request ---


async def test_nothing_that_a_signature_covers_is_decoded() -> None:
    request = await read(a_scope("GET", b"/a%2Fb/%E5%86%99", b"x=%20&acl"))
    assert request.raw_path == b"/a%2Fb/%E5%86%99"
    assert [tuple(parameter)[:2] for parameter in request.query.parameters] == [("x", " "), ("acl", "")]
    assert (request.method, request.client, request.secure, request.host) == ("GET", "192.0.2.7", False, "127.0.0.1")


async def test_headers_are_trimmed_lower_case_and_joined() -> None:
    headers = [(b"Host", b"a:80"), (b"X-Oss-Meta-A", b" \t1 "), (b"x-oss-meta-a", b"2"), (b"x-raw", b"\xff\xc3\xa9")]
    request = await read(a_scope(headers=headers))
    assert dict(request.headers) == {"host": "a:80", "x-oss-meta-a": "1,2", "x-raw": "\udcffé"}


async def test_tls_and_an_unknown_peer_are_noticed() -> None:
    request = await read(a_scope(scheme="https", client=None))
    assert (request.secure, request.client) == (True, "")


async def test_two_host_headers_are_no_host_of_ours(house: House) -> None:
    headers = [(b"host", b"localhost"), (b"host", b"evil.test")]
    client = await ask(a_scope(headers=headers), answer=Served(house))
    assert (client.status, code_of(client)) == (403, "NonStandardHostForbidden")


async def test_a_target_that_is_too_long_is_refused_unanswered() -> None:
    remember = Remember()
    client = await ask(a_scope(path=b"/" + b"a" * 8 * 1024, query=b"b" * 8 * 1024), answer=remember)
    assert (client.status, code_of(client)) == (400, "InvalidRequest")
    assert remember.request is None
    assert (await ask(a_scope(path=b"/" + b"a" * (8 * 1024 - 1), query=b"b" * 8 * 1024))).status == 200


@pytest.mark.parametrize("path", [b"/photos/\xff", b"/photos/%FF", b"/photos/%C3%28", b"/photos/\xc3"])
async def test_a_path_that_is_not_utf8_is_no_object(house: House, path: bytes) -> None:
    client = await ask(a_scope(path=path), answer=Served(house))
    assert (client.status, code_of(client)) == (400, "InvalidObjectName")


# --- Reply -> messages ---


async def test_every_reply_says_who_when_and_which() -> None:
    before = int(time.time())
    client = await ask(a_scope())
    assert client.headers["server"] == "AliyunOSS"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", client.headers["date"])
    assert re.fullmatch(r"[0-9A-F]{24}", client.headers["x-oss-request-id"])
    assert before <= int(client.headers["x-oss-request-id"][:8], 16) <= time.time()
    assert client.headers["x-oss-server-time"].isdigit()
    assert client.headers["content-length"] == "0"
    assert client.complete


async def test_a_reply_that_names_its_request_itself_gets_no_name_of_oss() -> None:
    client = await ask(a_scope(), answer=Remember(Reply(200, ((b"x-amz-request-id", b"1"),), has_ids=True)))
    assert list(client.headers) == ["server", "date", "content-length", "x-amz-request-id"]


async def test_no_two_requests_have_the_same_id() -> None:
    ids = {(await ask(a_scope())).headers["x-oss-request-id"] for _ in range(100)}
    assert len(ids) == 100


async def test_a_refusal_carries_the_same_id_in_header_and_document(house: House) -> None:
    client = await ask(a_scope(path=b"/photos/a"), answer=Served(house))
    assert client.status == 403
    assert f"<RequestId>{client.headers['x-oss-request-id']}</RequestId>".encode() in client.body
    assert client.headers["content-length"] == str(len(client.body))


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_announces_none(status: int) -> None:
    client = await ask(a_scope(), answer=Remember(Reply(status)))
    assert "content-length" not in client.headers
    assert (client.body, client.complete) == (b"", True)


async def test_a_head_announces_a_body_that_it_does_not_send() -> None:
    reply = Reply(200, content_length=1024)
    client = await ask(a_scope("HEAD"), answer=Remember(reply))
    assert (client.headers["content-length"], client.body, client.complete) == ("1024", b"", True)
    client = await ask(a_scope("HEAD"), answer=Remember(Reply(200, body=b"hello")))
    assert (client.headers["content-length"], client.body) == ("5", b"")


async def test_a_refused_head_has_no_body(house: House) -> None:
    client = await ask(a_scope("HEAD", b"/photos/a"), answer=Served(house))
    assert (client.status, client.body, client.headers["content-length"]) == (403, b"", "0")
    assert b"<Code>AccessDenied</Code>" in base64.b64decode(client.headers["x-oss-err"])


# --- bodies in ---


async def test_a_body_in_pieces_is_stored_whole(house: House) -> None:
    client = await put(house, piece(b"hello"), piece(b""), piece(b"world", more=False))
    assert (client.status, client.headers["content-length"]) == (200, "0")
    assert (await house.ask("GET", "/photos/a.bin")).body == b"helloworld"


async def test_a_chunked_body_is_stored_whole(house: House) -> None:
    headers = {"transfer-encoding": "chunked"}
    client = await put(house, piece(b"hello"), piece(b"world", more=False), headers=headers)
    assert client.status == 200
    assert (await house.ask("GET", "/photos/a.bin")).body == b"helloworld"


LARGE = b"x" * 3_000_000
CUT_OFF: dict[str, tuple[list[Message], dict[str, str]]] = {
    "before the first piece": ([DISCONNECT], {"content-length": "10"}),
    "within a counted body": ([piece(b"hello"), DISCONNECT], {"content-length": "10"}),
    "at the last byte of a counted body": ([piece(b"helloworld"), DISCONNECT], {"content-length": "10"}),
    "between two chunks": ([piece(b"hello"), DISCONNECT], {"transfer-encoding": "chunked"}),
    "within a large chunked body": ([piece(LARGE), piece(LARGE), DISCONNECT], {"transfer-encoding": "chunked"}),
    "within a large counted body": ([piece(LARGE), DISCONNECT], {"content-length": "6000000"}),
}


@pytest.mark.parametrize("where", CUT_OFF)
async def test_a_disconnect_within_a_body_is_never_its_end(house: House, where: str) -> None:
    await house.put("/photos/a.bin", b"before")
    before = house.contents()
    said, headers = CUT_OFF[where]
    client = await put(house, *said, headers=headers)
    assert (client.status, code_of(client)) == (400, "IncompleteBody")
    assert house.contents() == before


@pytest.mark.parametrize("length", ["4", "6", "0"])
async def test_a_body_of_another_length_than_announced_is_refused(house: House, length: str) -> None:
    before = house.contents()
    client = await put(house, piece(b"hello", more=False), headers={"content-length": length})
    assert (client.status, code_of(client)) == (400, "IncompleteBody")
    assert house.contents() == before


@pytest.mark.parametrize("said", [[], [piece(b"hello")], [piece(LARGE)]])
async def test_a_client_that_falls_silent_is_told_so(house: House, said: list[Message]) -> None:
    before = house.contents()
    client = await put(house, *said, headers={"transfer-encoding": "chunked"}, timeout_s=0.05)
    assert (client.status, code_of(client)) == (400, "RequestTimeout")
    assert house.contents() == before


async def test_a_refused_upload_is_read_to_its_end_so_that_its_client_hears_why(house: House) -> None:
    query = house.link("PUT", "a.bin").partition("?")[2].encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"10"), (b"x-oss-tagging", b"a=b")]
    client = Client(piece(b"hello"), piece(b"world", more=False))
    application = an_application(Served(house))
    await application(a_scope("PUT", b"/photos/a.bin", query, headers), client.receive, client.send)
    assert client.status in (400, 403)
    assert client._said == []


async def test_an_endless_refused_upload_is_not_read_to_its_end() -> None:
    client = Client(*[piece(b"x" * 1024**2)] * 20)
    refusal = fault_reply(NO_SUCH_KEY(), method="PUT", host="", request_id="")
    application = an_application(Remember(refusal))
    headers = [(b"host", b"127.0.0.1"), (b"transfer-encoding", b"chunked")]
    await application(a_scope("PUT", headers=headers), client.receive, client.send)
    assert client.status == 404
    assert 5 <= len(client._said) <= 15


async def test_a_client_that_holds_its_body_back_is_refused_soon() -> None:
    client = Client(piece(b"hello"))
    refusal = fault_reply(NO_SUCH_KEY(), method="PUT", host="", request_id="")
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"6000000000")]
    application = an_application(Remember(refusal))
    async with asyncio.timeout(5):
        await application(a_scope("PUT", headers=headers), client.receive, client.send)
    assert client.status == 404


async def test_a_client_that_waits_for_permission_is_refused_without_a_byte() -> None:
    client = Client()
    refusal = fault_reply(NO_SUCH_KEY(), method="PUT", host="", request_id="")
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"10"), (b"expect", b"100-continue")]
    await an_application(Remember(refusal))(a_scope("PUT", headers=headers), client.receive, client.send)
    assert client.status == 404


# --- bodies out ---


class Source:
    """A stream that counts what was taken of it, and whether it was closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0
        self.closed = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        for data in self.pieces:
            self.taken += 1
            yield data

    async def close(self) -> None:
        self.closed += 1

    def reply(self) -> Reply:
        return Reply(200, (), Stream(self.chunks(), sum(map(len, self.pieces)), self.close))


@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"abc", b"def", b"g"]])
async def test_a_stream_is_sent_whole_announced_and_closed_once(pieces: list[bytes]) -> None:
    source = Source(pieces)
    client = await ask(a_scope(), answer=Remember(source.reply()))
    assert client.body == b"".join(pieces)
    assert client.headers["content-length"] == str(len(b"".join(pieces)))
    assert client.complete
    assert [message.get("more_body", False) for message in client.heard[1:]][:-1] == [True] * (len(client.heard) - 2)
    assert source.closed == 1


async def test_a_stream_stops_and_closes_when_its_client_has_gone() -> None:
    source = Source([b"x" * 1000] * 1000)
    client = Client()
    client.gone.set()
    await an_application(Remember(source.reply()))(a_scope(), client.receive, client.send)
    assert source.taken < 10
    assert source.closed == 1
    assert not client.complete


async def test_a_stream_whose_client_goes_during_the_first_piece_stops_too() -> None:
    """Sends to a client that has gone return without ever yielding; the stream must not run through to its end."""
    source = Source([b"x" * 1000] * 1000)
    client = Client()
    first = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and not first.is_set():
            first.set()
            await asyncio.sleep(0.01)
            client.gone.set()

    await an_application(Remember(source.reply()))(a_scope(), client.receive, send)
    assert source.taken < 10
    assert source.closed == 1


async def test_a_client_that_takes_nothing_is_dropped() -> None:
    source = Source([b"x" * 1000] * 10)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await an_application(Remember(source.reply()), 0.05)(a_scope(), Client().receive, send)
    assert source.closed == 1


async def test_a_stream_that_breaks_is_closed_and_never_looks_complete() -> None:
    class Breaking(Source):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"x" * 100
            raise OSError("the disk broke")

    source = Breaking([b"x" * 1000])
    client = Client()
    with pytest.raises(OSError, match="the disk broke"):
        await an_application(Remember(source.reply()))(a_scope(), client.receive, client.send)
    assert not client.complete
    assert source.closed == 1


async def test_a_request_that_is_cancelled_closes_its_stream() -> None:
    source = Source([b"x" * 1000] * 10)
    started = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            started.set()
            await asyncio.Event().wait()

    application = an_application(Remember(source.reply()))
    task = asyncio.create_task(application(a_scope(), Client().receive, send))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed == 1


async def test_an_object_goes_out_as_it_came_in(house: House) -> None:
    await house.put("/photos/a.bin", LARGE)
    for link, status, expected in (
        (house.link("GET", "a.bin"), 200, LARGE),
        (house.link("GET", "a.bin", traffic_limit=838_860_800), 200, LARGE),
    ):
        query = link.partition("?")[2].encode()
        client = await ask(a_scope("GET", b"/photos/a.bin", query), answer=Served(house))
        assert (client.status, client.complete) == (status, True)
        assert client.body == expected


async def test_an_empty_throttled_object_ends(house: House) -> None:
    await house.put("/photos/empty", b"")
    query = house.link("GET", "empty", traffic_limit=819_200).partition("?")[2].encode()
    client = await ask(a_scope("GET", b"/photos/empty", query), answer=Served(house))
    assert (client.status, client.body, client.complete) == (200, b"", True)


async def test_a_stream_is_closed_though_not_even_the_start_can_be_sent() -> None:
    source = Source([b"x" * 1000])
    ended: list[Exchange] = []

    async def send(message: Message) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await an_application(Remember(source.reply()), HANG_S, ended.append)(a_scope(), Client().receive, send)
    assert source.closed == 1
    assert [(exchange.sent_bytes, exchange.whole) for exchange in ended] == [(0, False)]


async def test_the_end_is_told_with_the_bytes_that_were_taken() -> None:
    ended: list[Exchange] = []
    for reply in (Reply(200, (), b"hello"), Source([b"hel", b"lo"]).reply(), Reply(404, (), b"12345")):
        client = Client()
        await an_application(Remember(reply), HANG_S, ended.append)(a_scope(), client.receive, client.send)
    client = Client()
    client.gone.set()
    gone = Source([b"x" * 1000] * 100)
    await an_application(Remember(gone.reply()), HANG_S, ended.append)(a_scope(), client.receive, client.send)
    assert [(exchange.sent_bytes, exchange.whole) for exchange in ended[:3]] == [(5, True)] * 3
    assert ended[3].sent_bytes < 10_000
    assert not ended[3].whole


async def test_a_target_that_is_too_long_is_refused_and_told() -> None:
    ended: list[Exchange] = []
    client = Client()
    scope = a_scope("GET", b"/" + b"a" * 100_000)
    await an_application(Remember(), HANG_S, ended.append)(scope, client.receive, client.send)
    assert [(exchange.refusal, exchange.whole) for exchange in ended] == [("InvalidRequest", True)]
