"""Thousands of connections that say nothing, or next to nothing: others are served meanwhile, and they end in time."""

from __future__ import annotations

import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess
from ..soak import count
from .certificates import make_certificate, trusting
from .raw import send

MANY: Final = count(10_000)
ADDRESSES: Final = count(1_000)
EACH: Final = 10
TIMEOUT_S: Final = 6.0
PER_ADDRESS: Final = 100
MAY_GROW: Final = 64 * 1024**2  # bytes, a worker
LOOKS: Final = 10  # at a fresh client, while a flood comes


@pytest.fixture(scope="module", autouse=True)
def _many_files() -> Iterator[None]:
    """The clients are all in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < MANY + 1000:
        pytest.fail(f"this test opens {MANY} connections; ulimit -Hn is {hard}")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Flooded:
    """A server with little patience, and its fresh clients."""

    def __init__(self, server: ServerProcess, certificate: Path | None) -> None:
        self.server = server
        self.certificate = certificate

    def fresh_client(self, source: str = "127.0.0.1") -> float:
        """Seconds that a client takes who has only now come. It is answered."""
        start = time.monotonic()
        wire: socket.socket = socket.create_connection(
            (self.server.host, self.server.port), timeout=30, source_address=(source, 0)
        )
        if self.certificate is not None:
            wire = trusting(self.certificate).wrap_socket(wire, server_hostname="127.0.0.1")
        with wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert wire.recv(12) == b"HTTP/1.1 403"
        return time.monotonic() - start


def a_server(folder: Path, *, tls: bool) -> Iterator[Flooded]:
    options = ["--head-timeout", str(TIMEOUT_S), "--idle-timeout", str(TIMEOUT_S)]
    options += ["--body-timeout", str(TIMEOUT_S), "--connections-per-address", str(PER_ADDRESS)]
    certificate = None
    if tls:
        certificate, key = make_certificate(folder)
        options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    server = ServerProcess(folder / "data", *options)
    try:
        yield Flooded(server, certificate)
        assert "Traceback" not in server.log.read_text()
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flooded]:
    yield from a_server(tmp_path_factory.mktemp("plain"), tls=False)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flooded]:
    yield from a_server(tmp_path_factory.mktemp("secure"), tls=True)


def _hello() -> bytes:
    """The first message of a TLS client."""
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


KINDS: Final[dict[str, tuple[str, bytes]]] = {
    "nothing": ("plain", b""),
    "one byte": ("plain", b"G"),
    "empty lines": ("plain", b"\r\n\r\n"),
    "half a preface": ("plain", b"PRI * HTTP/2.0\r\n\r\nS"),
    "half a head": ("plain", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: y"),
    "nothing over TLS": ("secure", b""),
    "half a handshake": ("secure", _hello()[:100]),
    "a hello and nothing more": ("secure", _hello()),
}


def flood(
    house: Flooded, said: bytes, number: int, source: Callable[[int], str], wires: list[socket.socket]
) -> list[float]:
    """Open so many connections that say this; how long fresh clients took meanwhile."""
    took = []
    for n in range(number):
        wire = socket.socket()
        wires.append(wire)
        wire.settimeout(30)
        wire.bind((source(n), 0))
        with suppress(ConnectionError):  # it may be the oldest already
            wire.connect((house.server.host, house.server.port))
            wire.sendall(said)
        if n % (number // LOOKS) == 0:
            took.append(house.fresh_client())
    return took


def all_end(wires: list[socket.socket], timeout_s: float) -> bool:
    """Whether the server ends every one of them."""
    deadline = time.monotonic() + timeout_s
    for wire in wires:
        wire.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            while wire.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            continue
    return True


def growth(server: ServerProcess, before: dict[int, int]) -> int:
    after = server.resident_bytes()
    assert after.keys() == before.keys(), server.log.read_text()
    return max(after[pid] - before[pid] for pid in before)


@pytest.mark.soak(MANY)
@pytest.mark.parametrize("kind", KINDS)
def test_one_address_that_says_next_to_nothing_harms_nobody(kind: str, request: pytest.FixtureRequest) -> None:
    name, said = KINDS[kind]
    house: Flooded = request.getfixturevalue(name)
    before = house.server.resident_bytes()
    wires: list[socket.socket] = []
    try:
        took = flood(house, said, MANY, lambda _: "127.0.0.9", wires)
        took += [house.fresh_client() for _ in range(LOOKS)]
        took.append(house.fresh_client("127.0.0.9"))
        print(f"{kind}: the slowest fresh client took {max(took):.3f} s")
        assert growth(house.server, before) < MAY_GROW
        assert all_end(wires, TIMEOUT_S + 30)
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.soak(EACH * ADDRESSES)
@pytest.mark.parametrize("kind", KINDS)
def test_many_addresses_that_say_next_to_nothing_harm_nobody(kind: str, request: pytest.FixtureRequest) -> None:
    name, said = KINDS[kind]
    house: Flooded = request.getfixturevalue(name)
    before = house.server.resident_bytes()
    wires: list[socket.socket] = []
    try:
        took = flood(house, said, EACH * ADDRESSES, lambda n: f"127.1.{n % ADDRESSES // 250}.{n % 250 + 1}", wires)
        took += [house.fresh_client() for _ in range(LOOKS)]
        print(f"{kind}: the slowest fresh client took {max(took):.3f} s")
        assert growth(house.server, before) < MAY_GROW
        assert all_end(wires, TIMEOUT_S + 30)
    finally:
        for wire in wires:
            wire.close()


def test_head_that_comes_byte_by_byte_is_refused_in_time(plain: Flooded) -> None:
    start = time.monotonic()
    with socket.create_connection((plain.server.host, plain.server.port), timeout=0.05) as wire:
        received = b""
        while time.monotonic() - start < TIMEOUT_S + 20:
            with suppress(ConnectionError):
                wire.sendall(b"G" if not received else b"")
            try:
                received = wire.recv(65536)
                break
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 4")


def test_kept_connection_that_falls_silent_is_closed(plain: Flooded) -> None:
    with socket.create_connection((plain.server.host, plain.server.port), timeout=TIMEOUT_S + 20) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 403")
        start = time.monotonic()
        assert wire.recv(1) == b""
        assert time.monotonic() - start > TIMEOUT_S / 2


def test_readers_over_tls_that_stop_cost_little_and_are_dropped(secure: Flooded) -> None:
    assert secure.certificate is not None
    signer, context = a_presigner(secure.server.endpoint), trusting(secure.certificate)
    for method, key, body in (("PUT", None, b""), ("PUT", "large", b"x" * 64 * 1024**2)):
        url = signer.presign(method, "floods", key).url
        assert httpx.request(method, url, content=body, verify=context, trust_env=False, timeout=60).status_code == 200
    path = signer.presign("GET", "floods", "large").url.removeprefix(secure.server.endpoint)
    before = secure.server.resident_bytes()
    wires = []
    try:
        for _ in range(60):
            wire = socket.socket()
            wire.settimeout(60)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.connect((secure.server.host, secure.server.port))
            wires.append(context.wrap_socket(wire, server_hostname="127.0.0.1"))
            wires[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{secure.server.port}\r\n\r\n".encode())
        for each in wires:
            assert each.recv(15) == b"HTTP/1.1 200 OK"
        assert growth(secure.server, before) < MAY_GROW
        assert secure.fresh_client() < 30
        deadline = time.monotonic() + TIMEOUT_S + 30
        while secure.server.log.read_text().count("end=broken") < len(wires):
            assert time.monotonic() < deadline, secure.server.log.read_text()[-2000:]
            time.sleep(0.1)
    finally:
        for each in wires:
            each.close()


def test_bound_of_one_address_closes_silent_connections_and_never_a_busy_one(plain: Flooded) -> None:
    """An upload that goes on while its own address floods is stored."""
    signer = a_presigner(plain.server.endpoint)
    wires: list[socket.socket] = []
    assert send(signer.presign("PUT", "floods", None).url, "PUT", body=b"").status == 200
    path = signer.presign("PUT", "floods", "kept").url.removeprefix(plain.server.endpoint)
    busy = socket.create_connection((plain.server.host, plain.server.port), timeout=30, source_address=("127.0.0.8", 0))
    try:
        busy.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{plain.server.port}\r\n".encode())
        busy.sendall(b"Content-Length: 10\r\nConnection: close\r\n\r\nhello")
        flood(plain, b"", PER_ADDRESS * 5, lambda _: "127.0.0.8", wires)
        busy.sendall(b"world")
        assert busy.recv(15) == b"HTTP/1.1 200 OK"
        assert plain.fresh_client("127.0.0.8") < 30
    finally:
        busy.close()
        for wire in wires:
            wire.close()
    assert "its oldest silent ones are closed" in plain.server.log.read_text()


def test_address_whose_connections_are_all_busy_is_told_so_and_others_are_served(plain: Flooded) -> None:
    signer = a_presigner(plain.server.endpoint)
    wires: list[socket.socket] = []
    assert send(signer.presign("PUT", "floods", None).url, "PUT", body=b"").status == 200
    path = signer.presign("PUT", "floods", "busy").url.removeprefix(plain.server.endpoint)
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{plain.server.port}\r\nContent-Length: 10\r\n"
    answer = b"HTTP/1.1 100 Continue\r\n\r\n"
    try:
        while answer.startswith(b"HTTP/1.1 100") and len(wires) <= PER_ADDRESS * len(plain.server.workers()):
            wire = socket.create_connection(
                (plain.server.host, plain.server.port), timeout=30, source_address=("127.0.0.7", 0)
            )
            wires.append(wire)
            wire.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            answer = wire.recv(65536)  # it is busy once this has come
        plain.fresh_client()
    finally:
        for wire in wires:
            wire.close()
    assert len(wires) > PER_ADDRESS
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Retry-After: 5\r\n" in answer
    assert b"<Code>ServiceUnavailable</Code>" in answer
    assert "are turned away" in plain.server.log.read_text()
