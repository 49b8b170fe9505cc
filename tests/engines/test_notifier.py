from __future__ import annotations

import asyncio
import base64
import contextlib
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import coatcheck.engines.notifier as notifier_module
from coatcheck.core.addresses import read_network
from coatcheck.engines.noted_secrets import NotedSecrets
from coatcheck.engines.notifier import HttpNotifier
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.notifier import Forbidden, Notice, Unreachable, Webhook

LOOPBACK = (read_network("127.0.0.0/8"),)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def an_application(answer: bytes, heard: list[bytes]) -> AsyncIterator[int]:
    """A server that says one thing to everybody; if that is nothing, it waits for the other side to go."""

    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            heard.append(head + await reader.readexactly(int(lengths[0])))
            writer.write(answer)
            await writer.drain()
            if not answer:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for _ in range(50):  # turns of the event loop: one that came and went at once is accepted by then
            await asyncio.sleep(0)
    for connection in connections:
        connection.close()
        with contextlib.suppress(ConnectionError):
            await connection.wait_closed()


def a_notifier(directory: Path) -> HttpNotifier:
    return HttpNotifier(NotedSecrets(FileSecrets(directory)), "http://keys.example.com/key.pem", LOOPBACK)


def a_notice(port: int, path: str = "/uploaded", body: bytes = b"a=b") -> Notice:
    return Notice(
        f"http://127.0.0.1:{port}{path}", "", "application/x-www-form-urlencoded", body, (("x-oss-tag", "A"),)
    )


async def test_what_is_sent_is_signed_as_oss_signs_it(tmp_path: Path) -> None:
    heard: list[bytes] = []
    teller = a_notifier(tmp_path)
    async with an_application(OK, heard) as port:
        response = await teller.send(a_notice(port, "/up%20loaded?id=1&x=%20y", "größe".encode()))
    assert (response.status, response.announced, response.body) == (200, True, b"{}")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert lines[0] == "POST /up%20loaded?id=1&x=%20y HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{port}"
    assert headers["user-agent"] == "aliyun-oss-callback"
    assert headers["x-oss-tag"] == "A"
    assert base64.b64decode(headers["x-oss-pub-key-url"]) == b"http://keys.example.com/key.pem"
    key = serialization.load_pem_public_key(await teller.public_key())
    assert isinstance(key, rsa.RSAPublicKey)
    text = b"/up loaded?id=1&x=%20y\n" + body
    key.verify(base64.b64decode(headers["authorization"]), text, padding.PKCS1v15(), hashes.MD5())


async def test_two_processes_make_one_key_that_nobody_else_reads(tmp_path: Path) -> None:
    keys = await asyncio.gather(*(a_notifier(tmp_path).public_key() for _ in range(4)))
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["callback.key"]
    assert stat.S_IMODE((tmp_path / "callback.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "[::127.0.0.1]"]
)
async def test_an_address_that_is_not_public_is_not_connected_to(tmp_path: Path, host: str) -> None:
    teller = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "")
    with pytest.raises(Forbidden):
        await teller.send(Notice(f"http://{host}:9/", "", "text/plain", b""))


def test_what_can_be_told_without_looking_up_is_told(tmp_path: Path) -> None:
    teller = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "")
    assert [teller.may_reach(host) for host in ("127.0.0.1", "::1", "1.1.1.1", "localhost")] == [
        False,
        False,
        True,
        True,
    ]


async def test_a_metadata_service_is_refused_by_its_name_before_it_is_looked_up(tmp_path: Path) -> None:
    teller = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "", (read_network("169.254.0.0/16"),))
    for host in ("metadata.google.internal", "Metadata.Google.Internal.", "instance-data"):
        assert not teller.may_reach(host)
        with pytest.raises(Forbidden):
            await teller.send(Notice(f"http://{host}/computeMetadata/v1/", "", "text/plain", b""))


async def test_no_redirect_is_followed(tmp_path: Path) -> None:
    heard: list[bytes] = []
    async with an_application(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", heard) as port:
        assert (await a_notifier(tmp_path).send(a_notice(port))).status == 302
    assert len(heard) == 1


async def test_an_answer_without_length_is_told_apart(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    async with an_application(chunked, []) as port:
        response = await a_notifier(tmp_path).send(a_notice(port))
    assert (response.announced, response.body) == (False, b"{}")


async def test_a_long_answer_is_not_read_to_its_end(tmp_path: Path) -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (1024**2 + 65536)
    async with an_application(long, []) as port:
        assert (await a_notifier(tmp_path).send(a_notice(port))).body is None


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
async def test_no_answer_and_half_of_one_are_unreachable(
    tmp_path: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier_module, "CALLBACK_TIMEOUT_S", 0.3)
    async with an_application(answer, []) as port:
        with pytest.raises(Unreachable):
            await a_notifier(tmp_path).send(a_notice(port))


async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    async with an_application(OK, []) as port:
        pass
    with pytest.raises(Unreachable):
        await a_notifier(tmp_path).send(a_notice(port))
    with pytest.raises(Unreachable):
        await a_notifier(tmp_path).send(Notice("http://no-such-name.invalid/", "", "text/plain", b""))


HMAC_KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def a_webhook(port: int, key: str = HMAC_KEY) -> Webhook:
    return Webhook(f"http://127.0.0.1:{port}/hook?room=1", "msg_1", 1_772_694_489, b'{"event":"use"}', key)


def headers_of(heard: bytes) -> dict[str, str]:
    lines = heard.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def test_a_notice_of_links_is_signed_with_its_id_its_time_and_its_body(tmp_path: Path) -> None:
    heard: list[bytes] = []
    async with an_application(OK, heard) as port:
        assert await a_notifier(tmp_path).post(a_webhook(port)) == 200
    head, _, body = heard[0].partition(b"\r\n\r\n")
    headers = headers_of(heard[0])
    assert head.startswith(b"POST /hook?room=1 HTTP/1.1\r\n")
    assert body == b'{"event":"use"}'
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1772694489")
    assert headers["webhook-signature"] == "v1,ZqOIZrxyTjjwnpzxQ7ZDYOu4z++Od8Yst2KRU5oy0FY="
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers
    assert list(tmp_path.iterdir()) == []  # no key of callbacks is made


async def test_by_ed25519_whoever_has_the_public_key_can_check(tmp_path: Path) -> None:
    heard: list[bytes] = []
    teller = a_notifier(tmp_path)
    key = teller.make_ed25519_key()
    async with an_application(OK, heard) as port:
        await teller.post(a_webhook(port, key.secret))
    assert key.public.startswith("whpk_")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public.removeprefix("whpk_")))
    version, _, signature = headers_of(heard[0])["webhook-signature"].partition(",")
    assert version == "v1a"
    public.verify(base64.b64decode(signature), b'msg_1.1772694489.{"event":"use"}')


def test_keys_are_new_each_time(tmp_path: Path) -> None:
    teller = a_notifier(tmp_path)
    keys = [make() for make in (teller.make_hmac_key, teller.make_ed25519_key) for _ in range(3)]
    assert len({key.secret for key in keys}) == 6
    assert all(len(base64.b64decode(key.secret.partition("_")[2])) == 32 for key in keys)


async def test_a_notice_of_links_follows_no_redirect_and_waits_for_no_answer_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    async with an_application(b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", heard) as port:
        assert await a_notifier(tmp_path).post(a_webhook(port)) == 307
    assert len(heard) == 1
    monkeypatch.setattr(notifier_module, "CALLBACK_TIMEOUT_S", 0.3)
    async with an_application(b"", []) as port:
        with pytest.raises(Unreachable):
            await a_notifier(tmp_path).post(a_webhook(port))


async def test_a_notice_of_links_goes_to_no_address_inside(tmp_path: Path) -> None:
    teller = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "")
    with pytest.raises(Forbidden):
        await teller.post(a_webhook(9))
