"""What one request may cost is bounded, whoever sends it and however long it is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from coatcheck.core.wildcards import Wildcards
from coatcheck.wire.asgi import Message
from coatcheck.wire.query import NO_QUERY
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import Request

from ..oss.house import GivenBody, House
from ..oss.test_post_object import BOUNDARY, a_form, post, signed
from ..test_asgi import DISCONNECT, Client, Remember, Served, a_scope, an_application, ask, code_of, piece
from .crafting import a_house, a_policy, objects, v4_link

MANY = 8 * 1024 * 1024


@pytest.fixture
def bounded() -> Iterator[None]:
    """Ends what would go on for ever; what is bounded takes a thousandth of this."""

    def stop(*_: object) -> None:
        raise TimeoutError("it goes on and on")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 20)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class Endless(GivenBody):
    """A body without end: one piece, and then another again and again. `taken` are the bytes of it."""

    async def chunks(self) -> AsyncIterator[bytes]:
        beginning, piece = self.pieces
        yield beginning
        while True:
            assert self.taken < 4 * MANY, "it takes whatever comes"
            self.taken += len(piece)
            yield piece


def endless_form(beginning: str, piece: bytes) -> tuple[Request, Endless]:
    body = Endless([beginning.encode(), piece])
    headers = {"host": "127.0.0.1", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Request("POST", b"/photos/", NO_QUERY, headers, body=body), body


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "*" * 500 + "b", "a*" * 100 + "?*b", "*".join("?" * 100) + "b"])
def test_a_pattern_of_a_stranger_does_not_backtrack(pattern: str) -> None:
    """Patterns of policies, referers and CORS are matched in one walk over the text."""
    assert not Wildcards(pattern).match("a" * 20_000)
    assert Wildcards(pattern).match("a" * 20_000 + "b")


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    "header", ["accept", "referer", "user-agent", "origin", "if-none-match", "range", "authorization"]
)
@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "a/b;" * 25_000, "*/*,;q=" * 10_000, '"' * 100_000, " \t" * 50_000, "bytes=0-0" + ",0-0" * 20_000],
)
async def test_a_long_header_is_no_work(header: str, text: str) -> None:
    """No header is read by something whose time grows faster than the header."""
    house = await a_house(acl="public-read")
    document = a_policy(
        "oss:GetObject", objects(), "Deny", Principal=["*"], Condition={"StringLike": {"acs:UserAgent": "*a*a*a*a*c"}}
    )
    assert (await house.ask("PUT", "/photos/?policy", document.encode())).status == 200
    answer = await house.ask("GET", "/photos/secret.txt", headers={header: text}, by=None)
    assert answer.status < 500


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n', b"x" * 65536),
        (f"--{BOUNDARY}\r\nContent-Disposition: form-data; x=", b"x" * 65536),
        ("", b"x" * 65536),
        ("", f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{"x" * 60000}'.encode()),
    ],
    ids=["value", "header", "preamble", "fields"],
)
async def test_a_form_before_its_file_is_small(beginning: str, piece: bytes) -> None:
    """What has to be kept of a form before anybody knows who sends it is bounded: it is refused, not gathered."""
    house = await a_house(acl="public-read-write")
    request, body = endless_form(beginning, piece)
    answer = await house.send(request)
    assert answer.status == 400
    assert body.taken <= MANY


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "/photos/?cors"), ("PUT", "/photos/?policy"), ("PUT", "/photos/?lifecycle"),
        ("PUT", "/photos/?website"), ("PUT", "/photos/?tagging"), ("PUT", "/photos/?referer"),
        ("PUT", "/photos/secret.txt?tagging"), ("PUT", "/photos/?style&styleName=s"),
        ("POST", "/photos/?delete"), ("PUT", "/new-bucket/"), ("POST", "/photos/secret.txt?x-oss-process"),
        ("POST", "/photos/big?uploadId={upload}"), ("POST", "/photos/secret.txt?restore"),
        ("POST", "/?Action=AssumeRole"),
    ],
)  # fmt: skip
async def test_a_document_has_an_end(method: str, address: str) -> None:
    """A body that is read whole is read up to its limit, and refused there."""
    house = await a_house()
    upload = (await house.ask("POST", "/photos/big?uploads")).text("UploadId") or ""
    body = Endless([b"<x>", b" " * 65536])
    sent = {"content-type": "application/xml"}
    answer = await house.ask(method, address.replace("{upload}", upload), body, sent, chunked=True)
    assert 400 <= answer.status < 500
    assert body.taken <= MANY


@pytest.mark.parametrize("how", ["put", "form", "initiate", "copy", "symlink", "append", "persistent"])
async def test_metadata_has_a_bound_however_it_comes(how: str) -> None:
    """Eight KiB of metadata are the most an object has, by whichever operation it is made."""
    house = await a_house()
    large = {f"x-oss-meta-{number}": "x" * 1000 for number in range(9)}
    address, method, extra = "/photos/a", "PUT", dict[str, str]()
    match how:
        case "form":
            assert (await post(house, a_form(signed("a", fields=large)))).refusal == (400, "InvalidArgument")
            return
        case "initiate":
            method, address = "POST", "/photos/a?uploads"
        case "copy":
            extra = {"x-oss-copy-source": "/photos/secret.txt", "x-oss-metadata-directive": "REPLACE"}
        case "symlink":
            address, extra = "/photos/a?symlink", {"x-oss-symlink-target": "secret.txt"}
        case "append":
            method, address = "POST", "/photos/a?append&position=0"
        case "persistent":
            large = {"x-oss-persistent-headers": "my-name:" + "eHh4" * 3000}
    answer = await house.ask(method, address, b"", large | extra)
    assert answer.refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/a")).status == 404


async def test_many_ranges_are_one() -> None:
    """Of a thousand ranges the first is served: a small request asks for no more than the object."""
    house = await a_house(acl="public-read")
    text = "bytes=0-0," + ",".join(f"{start}-" for start in range(1000))
    answer = await house.ask("GET", "/photos/secret.txt", headers={"range": text}, by=None)
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"a", "bytes 0-0/8")


async def test_an_address_has_an_end() -> None:
    """Path and query together are 16 KiB at most."""
    client = await ask(a_scope(path=b"/photos/" + b"a" * 20_000))
    assert (client.status, code_of(client)) == (400, "InvalidRequest")
    assert (await ask(a_scope(path=b"/photos/a", query=b"&" * 20_000))).status == 400


async def test_who_falls_silent_is_not_waited_for() -> None:
    """An upload that stops without going away ends, and its connection with it."""
    house = await a_house()
    path, _, query = v4_link("/photos/a", "PUT").partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"10")]
    scope = a_scope("PUT", path.encode(), query.encode(), headers)
    async with asyncio.timeout(20):
        client = await ask(scope, piece(b"half"), answer=Served(house), timeout_s=0.05)
    assert (client.status, code_of(client)) == (400, "RequestTimeout")
    assert (await house.ask("GET", "/photos/a")).status == 404


@pytest.mark.parametrize("goes", ["before", "during"])
async def test_who_goes_away_leaves_nothing_open(goes: str) -> None:
    """A download whose reader has gone is closed: its file, its connection, its place."""
    closed: list[bool] = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000

    async def close() -> None:
        closed.append(True)

    client = Client(DISCONNECT) if goes == "before" else Client()
    heard = client.send

    async def send(message: Message) -> None:
        await heard(message)
        if len(client.heard) > 3:
            client.gone.set()

    answer = Remember(Reply(200, (), Stream(chunks(), 1_000_000, close)))
    await an_application(answer)(a_scope(), client.receive, send)
    assert closed == [True]
    assert len(client.heard) < 1000


async def test_a_body_larger_than_it_may_be_is_refused_by_its_length() -> None:
    """What says that it is too large is refused before it is read."""
    house = House()
    await house.with_bucket()
    body = GivenBody([b"x"] * 10)
    answer = await house.ask("PUT", "/photos/a", body, {"content-length": str(5 * 1024**3 + 1)})
    assert answer.refusal == (400, "EntityTooLarge")
    assert body.taken == 0
