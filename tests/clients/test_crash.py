"""kill -9 of the server, or of one worker, while clients write: what was answered is there, nothing is half there."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import re
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from coatcheck import Presigner
from coatcheck.engines.upkeep.check import check

from ..audit import audit
from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from ..soak import count
from .raw import send

BUCKET: Final = "crash"
KILLS: Final = count(50)
WRITERS: Final = 6
KEYS_EACH: Final = 12
SIZES: Final = (0, 1, 1_000, 60_000, 70_000, 400_000, 3_000_000)  # in the catalog row, and in blobs
GONE: Final = -1


def content(key: str, generation: int, size: int) -> bytes:
    """What a writer puts: no two generations of a key have the same bytes, but for empty ones."""
    seed = hashlib.sha256(f"{key} {generation}".encode()).digest()
    return (seed * (size // 32 + 1))[:size]


@dataclass(slots=True)
class Told:
    """What a writer knows of one key: what the server has answered, and what it was asked and didn't answer."""

    acknowledged: int = GONE
    pending: int | None = None
    sizes: dict[int, int] = field(default_factory=dict)

    def possible(self, key: str) -> list[bytes | None]:
        """The contents the key may have now; None: it isn't there."""
        generations = [self.acknowledged] if self.pending is None else [self.acknowledged, self.pending]
        return [None if g == GONE else content(key, g, self.sizes[g]) for g in generations]


class WritingClient(threading.Thread):
    """Puts, overwrites and deletes its own keys, one request at a time, until told to stop or the server is gone.

    It keeps on after a broken connection if `stubborn`: then another worker takes the next request.
    """

    def __init__(self, server: ServerProcess, number: int, seed: int, *, stubborn: bool = False) -> None:
        super().__init__(daemon=True)
        self.told = {f"w{number}/key {n} 文": Told() for n in range(KEYS_EACH)}
        self.answered = 0
        self.broken = 0
        self.stop = threading.Event()
        self._random = random.Random(f"{seed} {number}")
        self._presigner: Presigner = a_presigner(server.endpoint)
        self._address = server.host, server.port
        self._stubborn = stubborn
        self._generation = 0
        self._connection = http.client.HTTPConnection(*self._address, timeout=HANG_S)

    def run(self) -> None:
        try:
            self._write_on()
        finally:
            self._connection.close()

    def _write_on(self) -> None:
        while not self.stop.is_set():
            key = self._random.choice(list(self.told))
            try:
                self._write(key, self.told[key])
                self.answered += 1
            except (OSError, http.client.HTTPException):
                self.broken += 1
                self._connection.close()
                if not self._stubborn:
                    return

    def _write(self, key: str, told: Told) -> None:
        if told.pending is not None:
            self._settle(key, told)
        if told.acknowledged != GONE and self._random.random() < 0.25:
            told.pending = GONE
            self._ask("DELETE", key, None, 204)
        else:
            self._generation += 1
            size = self._random.choice(SIZES)
            told.sizes[self._generation] = size
            told.pending = self._generation
            self._ask("PUT", key, content(key, self._generation, size), 200)
        told.acknowledged, told.pending = told.pending, None

    def _settle(self, key: str, told: Told) -> None:
        """After a broken request: see which of the two it was, before the next one makes it three."""
        status, body = self._ask("GET", key, None, 200, 404)
        found = body if status == 200 else None
        assert found in told.possible(key), key
        if found != told.possible(key)[0]:
            told.acknowledged = told.pending or GONE
        told.pending = None

    def _ask(self, method: str, key: str, body: bytes | None, *expected: int) -> tuple[int, bytes]:
        link = urlsplit(self._presigner.presign(method, BUCKET, key).url)
        self._connection.request(method, f"{link.path}?{link.query}", body)
        reply = self._connection.getresponse()
        received = reply.read()
        assert reply.status in expected, (reply.status, received)
        return reply.status, received


def start(data: Path) -> ServerProcess:
    return ServerProcess(data, workers=2)


def start_writers(server: ServerProcess, seed: int, *, stubborn: bool = False) -> list[WritingClient]:
    writers = [WritingClient(server, number, seed, stubborn=stubborn) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    return writers


def answered(writers: list[WritingClient]) -> int:
    return sum(writer.answered for writer in writers)


def let_them_write(writers: list[WritingClient], more: int) -> None:
    """Wait until so many more of their requests were answered."""
    enough = answered(writers) + more
    wait_until(lambda: answered(writers) >= enough or not any(writer.is_alive() for writer in writers))


def assert_kept(server: ServerProcess, writers: list[WritingClient]) -> None:
    """Each key has one of the contents it may have, byte for byte, and the listing says the same."""
    there: dict[str, tuple[int, str]] = {}
    for writer in writers:
        for key, told in writer.told.items():
            answer = send(a_presigner(server.endpoint).presign("GET", BUCKET, key).url)
            assert answer.status in (200, 404), answer
            found = answer.body if answer.status == 200 else None
            assert found in told.possible(key), f"{key}: {len(found or b'')} bytes of none of its generations"
            if found is not None:
                there[key] = len(found), hashlib.md5(found).hexdigest().upper()
    query = {"max-keys": "1000", "encoding-type": "url"}
    listing = send(a_presigner(server.endpoint).presign("GET", BUCKET, None, query=query).url).body.decode()
    entries = re.findall(r"<Key>(.*?)</Key>.*?<ETag>(?:&quot;|\")(\w+).*?<Size>(\d+)</Size>", listing, re.DOTALL)
    assert {unquote(key): (int(size), etag) for key, etag, size in entries} == there


@pytest.mark.soak(KILLS)
@pytest.mark.parametrize("seed", range(KILLS))
def test_what_was_answered_survives_kill_9_of_every_process(tmp_path: Path, seed: int) -> None:
    data = tmp_path / "data"
    server = start(data)
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        writers = start_writers(server, seed)
        let_them_write(writers, random.Random(seed).randint(WRITERS + 1, 150))
        server.kill()
        for writer in writers:
            writer.join(HANG_S)
            assert not writer.is_alive()
        assert answered(writers) > WRITERS
        assert any(told.pending is not None for writer in writers for told in writer.told.values())
        server = start(data)
        assert audit(data).clean
        assert list(check(data)) == []
        assert_kept(server, writers)
        server.stop()
        assert audit(data).clean
        assert list(check(data)) == []
    finally:
        server.kill()


def test_server_goes_on_when_a_worker_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = start(data)
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        writers = start_writers(server, seed=7, stubborn=True)
        for _ in range(3):
            let_them_write(writers, 20)
            victim = server.workers()[0]  # in turn; one that dies again within 5 s is a crash loop, and ends the server
            os.kill(victim, signal.SIGKILL)
            wait_until(
                lambda dead=victim: dead not in server.processes() and len(server.workers()) >= 2,  # type: ignore[misc]
                "no worker came in place of the killed one",
            )
        let_them_write(writers, 20)
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(HANG_S)
            assert not writer.is_alive()
        assert sum(writer.broken for writer in writers) > 0
        assert_kept(server, writers)
        server.stop()
        server = start(data)
        assert audit(data).clean
        assert list(check(data)) == []
        assert_kept(server, writers)
    finally:
        server.kill()
