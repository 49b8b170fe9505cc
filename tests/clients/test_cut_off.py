"""Uploads that go wrong on the wire: cut off, stalled, damaged, too large. Each is refused and leaves nothing."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from ..audit import audit
from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from .certificates import make_certificate, trusting
from .raw import connect, exchange, read_until_closed

PATIENCE_S: Final = 2.0
BUCKET: Final = "cut-off"
SMALL: Final = b"s" * 1_000  # for the catalog row
LARGE: Final = b"L" * 300_000  # for a blob
CHUNKED: Final = {"Transfer-Encoding": "chunked"}
OLD: Final = b"what was there before"
FIVE_GIB: Final = 5 * 1024**3


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# What is sent after the head, and the head's own fields, for bodies that aren't whole.
CUT_OFF: Final[dict[str, tuple[Mapping[str, str], bytes]]] = {
    "before the first byte": ({"Content-Length": "1000"}, b""),
    "within a counted body": ({"Content-Length": "1000"}, SMALL[:500]),
    "within a large counted body": ({"Content-Length": "300000"}, LARGE[:200_000]),
    "one byte short": ({"Content-Length": "300000"}, LARGE[:-1]),
    "inside a chunk": (CHUNKED, b"3e8\r\n" + SMALL[:500]),
    "inside a large chunk": (CHUNKED, b"493e0\r\n" + LARGE[:200_000]),
    "within a chunk's size": (CHUNKED, chunk(SMALL) + b"3e"),
    "between two chunks": (CHUNKED, chunk(SMALL)),
    "between two large chunks": (CHUNKED, chunk(LARGE) + chunk(LARGE)),
    "before the last line end": (CHUNKED, chunk(LARGE) + b"0\r\n"),
}
MALFORMED: Final[dict[str, tuple[Mapping[str, str], bytes]]] = {
    "a size that is no number": (CHUNKED, chunk(SMALL) + b"zz\r\nabc\r\n0\r\n\r\n"),
    "the same after a large chunk": (CHUNKED, chunk(LARGE) + b"zz\r\nabc\r\n0\r\n\r\n"),
    "a negative size": (CHUNKED, chunk(SMALL) + b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": (CHUNKED, b"3e8\r\n" + SMALL + b"x\r\n0\r\n\r\n"),
    "a size beyond 64 bits": (CHUNKED, chunk(SMALL) + b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n"),
}


class House:
    """A server with little patience, and one object that no failed upload may touch."""

    def __init__(self, server: ServerProcess, certificate: Path | None = None) -> None:
        self.server = server
        self.certificate = certificate

    def connect(self, *protocols: str) -> socket.socket:
        wire = connect(self.server, timeout_s=HANG_S)
        if self.certificate is None:
            return wire
        return trusting(self.certificate, *protocols).wrap_socket(wire, server_hostname="127.0.0.1")

    def path(self, method: str, key: str | None, **signed: str) -> str:
        link = a_presigner(self.server.endpoint).presign(method, BUCKET, key, headers=signed).url
        return link.removeprefix(self.server.endpoint)

    def head(self, method: str, key: str | None, fields: Mapping[str, str], **signed: str) -> bytes:
        lines = [f"{method} {self.path(method, key, **signed)} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}"]
        lines += [f"{name}: {value}" for name, value in {**fields, **signed}.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, method: str, key: str | None, body: bytes = b"", **fields: str) -> bytes:
        """One whole request on a connection of its own; the whole reply."""
        fields = {"Content-Length": str(len(body)), "Connection": "close", **fields}
        with self.connect() as wire:
            wire.sendall(self.head(method, key, fields) + body)
            return read_until_closed(wire)

    def refused(self) -> int:
        """How many requests the server has refused so far, by its log."""
        return self.server.log.read_text().count(" refusal=I")  # IncompleteBody

    def assert_untouched(self) -> None:
        """The old object is as it was, nothing else is listed, and no file lies around."""
        assert self.ask("GET", "kept").endswith(OLD)
        assert re.findall(rb"<Key>(.*?)</Key>", self.ask("GET", None)) == [b"kept"]
        wait_until(lambda: audit(self.server.data).clean and self.files() == [], lambda: repr(audit(self.server.data)))

    def files(self) -> list[str]:
        return [
            name for place in ("incoming", "blobs") for *_, names in os.walk(self.server.data / place) for name in names
        ]


def a_house(folder: Path, *, tls: bool) -> Iterator[House]:
    options, certificate = ["--body-timeout", str(PATIENCE_S)], None
    if tls:
        certificate, key = make_certificate(folder)
        options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    server = ServerProcess(folder / "data", *options)
    try:
        house = House(server, certificate)
        assert b" 200 " in house.ask("PUT", None)[:20]
        assert b" 200 " in house.ask("PUT", "kept", OLD)[:20]
        yield house
        assert "Traceback" not in server.log.read_text()
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from a_house(tmp_path_factory.mktemp("plain"), tls=False)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from a_house(tmp_path_factory.mktemp("secure"), tls=True)


def refusal(answer: bytes) -> tuple[int, str]:
    """Status and code; the document is whole, and carries the header's request id."""
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"<Code>(\w+)</Code>", body)
    assert found, answer
    request_id = re.search(rb"x-oss-request-id: ([0-9A-F]{24})\r\n", head + b"\r\n")
    assert request_id
    assert b"<RequestId>" + request_id[1] + b"</RequestId>" in body
    assert body.rstrip().endswith(b"</Error>")
    return int(head.split()[1]), found[1].decode()


@pytest.mark.parametrize("where", CUT_OFF)
def test_upload_whose_client_stops_for_good_is_refused(plain: House, where: str) -> None:
    """The client closes its side and listens, so it hears why."""
    fields, sent = CUT_OFF[where]
    for key in ("kept", "new"):
        answer = exchange(plain.server, plain.head("PUT", key, fields) + sent, half_close=True)
        assert refusal(answer) == (400, "IncompleteBody")
    plain.assert_untouched()


@pytest.mark.parametrize("where", MALFORMED)
def test_upload_with_a_malformed_chunk_is_refused(plain: House, where: str) -> None:
    fields, sent = MALFORMED[where]
    for key in ("kept", "new"):
        assert refusal(exchange(plain.server, plain.head("PUT", key, fields) + sent)) == (400, "IncompleteBody")
    plain.assert_untouched()


@pytest.mark.parametrize("kind", ["plain", "secure"])
def test_upload_whose_connection_breaks_leaves_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    house: House = request.getfixturevalue(kind)
    before = house.refused()
    broken = [*CUT_OFF.values(), *MALFORMED.values()]
    for fields, sent in broken:
        for key in ("kept", "new"):
            wire = house.connect()
            wire.sendall(house.head("PUT", key, fields) + sent)
            wire.close()  # over TLS this says no goodbye either
    wait_until(lambda: house.refused() >= before + 2 * len(broken))
    house.assert_untouched()


def test_upload_that_stalls_is_told_so_and_leaves_nothing(plain: House) -> None:
    wires = []
    for fields, sent in CUT_OFF.values():
        wire = plain.connect()
        wire.sendall(plain.head("PUT", "kept", fields) + sent)
        wires.append(wire)
    for wire in wires:
        with wire:
            answer = read_until_closed(wire)
        assert refusal(answer) == (400, "RequestTimeout")
    plain.assert_untouched()


def test_upload_slower_than_the_time_out_but_never_silent_is_stored(plain: House) -> None:
    wait_until(lambda: upload_slowly(plain), "we never were fast enough ourselves")
    assert plain.ask("GET", "slow").endswith(b"\r\n\r\nslowly")
    assert b" 204 " in plain.ask("DELETE", "slow")[:20]
    plain.assert_untouched()


def upload_slowly(house: House) -> bool:
    """Whether we managed never to be silent for as long as the time-out; if so, the server must have stored it."""
    with house.connect() as wire:
        wire.sendall(house.head("PUT", "slow", {"Content-Length": "6", "Connection": "close"}))
        moments = [time.monotonic()]
        for letter in (b"s", b"l", b"o", b"w", b"l", b"y"):
            time.sleep(PATIENCE_S / 4)
            with contextlib.suppress(ConnectionError):
                wire.sendall(letter)
            moments.append(time.monotonic())
        answer = read_until_closed(wire)
    kept_on = max(later - sooner for sooner, later in pairwise(moments)) < PATIENCE_S / 2
    assert not kept_on or b" 200 " in answer[:20], answer
    return kept_on


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Content-MD5", base64.b64encode(hashlib.md5(b"another").digest()).decode(), "InvalidDigest"),
        ("Content-MD5", "no base64!", "InvalidDigest"),
        ("x-oss-hash-crc64ecma", "11051210869376104954", "InvalidCRC64"),
        ("x-oss-hash-crc64ecma", "-1", "InvalidCRC64"),
    ],
)
def test_upload_that_was_damaged_on_the_way_is_refused(
    plain: House, body: bytes, name: str, value: str, code: str
) -> None:
    for key in ("kept", "new"):
        head = plain.head("PUT", key, {"Content-Length": str(len(body)), "Connection": "close"}, **{name: value})
        assert refusal(exchange(plain.server, head + body)) == (400, code)
    plain.assert_untouched()


def test_client_that_waits_for_permission_gets_it(plain: House) -> None:
    with plain.connect() as wire:
        head = {"Content-Length": "5", "Expect": "100-continue", "Connection": "close"}
        wire.sendall(plain.head("PUT", "asked", head))
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(b"hello")
        assert b" 200 " in read_until_closed(wire)[:20]
    assert b" 204 " in plain.ask("DELETE", "asked")[:20]


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}], ids=["sending", "waiting for permission"])
def test_body_of_more_than_5_gib_is_refused_before_it_travels(plain: House, expect: dict[str, str]) -> None:
    head = {"Content-Length": str(FIVE_GIB + 1), **expect}
    answer = exchange(plain.server, plain.head("PUT", "kept", head))
    assert refusal(answer) == (400, "EntityTooLarge")
    assert b"100 Continue" not in answer
    plain.assert_untouched()


def test_refused_client_that_waits_for_permission_never_sends_its_body(plain: House) -> None:
    head = plain.head("PUT", "kept", {"Content-Length": "300000", "Expect": "100-continue"})
    answer = exchange(plain.server, head.replace(b"x-oss-signature=", b"x-oss-signature=0"))
    assert refusal(answer) == (403, "SignatureDoesNotMatch")
    assert b"100 Continue" not in answer


def test_upload_without_a_length_is_refused(plain: House) -> None:
    assert refusal(exchange(plain.server, plain.head("PUT", "kept", {"Connection": "close"}))) == (
        411,
        "MissingContentLength",
    )
    plain.assert_untouched()
