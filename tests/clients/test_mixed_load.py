"""Ten minutes of everything at once, while a worker is killed again and again, and workers are replaced by reloads.

Each client owns its keys, so it knows what every reply must be, byte for byte. `make soak` runs the ten minutes, every
other run a thirtieth of them. One of the two workers is left alone from a fifth of the time on: what it holds in memory
and files is looked at then and at the end, when nobody asks, and so is the first process.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from coatcheck.engines.upkeep.check import check

from ..audit import audit
from ..builders import a_presigner
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess
from ..soak import SOAKING
from .raw import send

SECONDS: Final = 600 if SOAKING else 20
KILL_EVERY_S: Final = 8 if SOAKING else 6  # a worker that ends within 10 s of its start is replaced after a pause
CLIENTS: Final = 6
KEYS_EACH: Final = 10
BUCKET: Final = "mixed"
SIZES: Final = (0, 1, 1_000, 60_000, 70_000, 400_000, 3_000_000)  # in the catalog row, and in blobs
PART_BYTES: Final = 150_000
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
# What grows once and stays: objects, buckets and links that are remembered, freed memory that is kept for the next.
GROWTH_MAX_BYTES: Final = 48 * 1024**2
QUIET_S: Final = 0.5  # after which a worker that leaves closes a connection
FILES_MORE_MAX: Final = 4  # threads that listings started have a connection to the catalog each


class Held(NamedTuple):
    """What a process holds while nobody asks anything."""

    files: int
    resident_bytes: int


def _most(before: Held) -> int:
    return before.resident_bytes + GROWTH_MAX_BYTES


def held_by(pid: int) -> Held:
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return Held(len(os.listdir(f"/proc/{pid}/fd")), resident)


def opens_blobs(pid: int) -> bool:
    """Whether a process still has a blob open, as it does for some seconds behind the last reader."""
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):  # closed meanwhile
            if "/blobs/" in os.readlink(f"{folder}/{name}"):
                return True
    return False


class Ends:
    """When a worker was killed, or told to leave. What breaks at another time is a fault."""

    def __init__(self) -> None:
        self._kills: list[float] = []
        self._reloads: list[float] = []

    def kill(self, pid: int) -> None:
        self._kills.append(time.monotonic())
        os.kill(pid, signal.SIGKILL)

    def reload(self, server: ServerProcess) -> None:
        self._reloads.append(time.monotonic())
        server.reload()

    def explain(self, opened: float, asked: float) -> bool:
        """Whether a connection opened then, on which a request was sent then, may lose its next one by now. A worker
        that leaves closes what says nothing for a while, and no server can know that a request is on its way."""
        was_quiet = time.monotonic() - asked > QUIET_S
        return any(when >= opened for when in self._kills + (self._reloads if was_quiet else []))


class MixedClient(threading.Thread):
    """Does this and that with its own keys, one request at a time on a connection that it keeps, until told to stop.

    `wrong` is what must not have been: a reply that wasn't the expected one, a broken connection that no kill explains.
    """

    def __init__(self, server: ServerProcess, number: int, ends: Ends) -> None:
        super().__init__(daemon=True, name=f"client {number}")
        self.wrong: list[str] = []
        self.answered = 0
        self.lost = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_resting = threading.Event()
        self.is_over = False
        self._ends = ends
        self._chance = random.Random(number)
        self._prefix = f"client {number}/"
        self._contents: dict[str, list[bytes | None]] = {f"{self._prefix}{n} 文": [None] for n in range(KEYS_EACH)}
        self._links: dict[tuple[str, str], str] = {}
        self._presigner = a_presigner(server.endpoint)
        self._address = server.host, server.port
        self._connection = self._connect()

    def run(self) -> None:
        steps = [self._put, self._put, self._get, self._get, self._get_range, self._list, self._remove]
        steps += [self._upload_parts, self._leave_upload, self._leave_download]
        try:
            while not self.is_over and not self.wrong:
                if not self.may_go_on.is_set():
                    self._rest()
                self._try(self._chance.choice(steps))
        except Exception as error:  # a reply that can't be read, as much as a bug of the test
            self.wrong.append(repr(error))
        finally:
            self._connection.close()

    def _rest(self) -> None:
        self._connection.close()
        self.is_resting.set()
        self.may_go_on.wait(HANG_S)
        self.is_resting.clear()
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        self._opened = self._asked = self._asked_before = time.monotonic()
        return http.client.HTTPConnection(*self._address, timeout=HANG_S)

    def _try(self, step: Callable[[str], None]) -> None:
        """A step on one of the keys. Where a request was lost, what the key has now is any of what it may have."""
        key = self._chance.choice(list(self._contents))
        try:
            if len(self._contents[key]) > 1:
                self._look(key)
            step(key)
        except (OSError, http.client.HTTPException) as error:
            if not self._ends.explain(self._opened, self._asked_before):
                self.wrong.append(f"{step.__name__} of {key} got no answer, and nobody was killed: {error!r}")
            self.lost += 1
            self._connection.close()
            self._connection = self._connect()

    # --- steps ---

    def _put(self, key: str) -> None:
        body = self._new_content(key)
        self._ask("PUT", key, body, 200)
        self._contents[key] = [body]

    def _remove(self, key: str) -> None:
        self._contents[key].append(None)
        self._ask("DELETE", key, None, 204)
        self._contents[key] = [None]

    def _get(self, key: str) -> None:
        (content,) = self._contents[key]
        found = self._ask("GET", key, None, 404 if content is None else 200)
        if content is not None and found != content:
            self.wrong.append(f"{key} has {len(found)} bytes, and not the {len(content)} that were put")

    def _get_range(self, key: str) -> None:
        (content,) = self._contents[key]
        if not content:
            return
        first = self._chance.randrange(len(content))
        last = self._chance.randrange(first, len(content))
        found = self._ask("GET", key, None, 206, headers={"Range": f"bytes={first}-{last}"})
        if found != content[first : last + 1]:
            self.wrong.append(f"bytes {first} to {last} of {key} are others")

    def _list(self, _: str) -> None:
        if any(len(contents) > 1 for contents in self._contents.values()):
            return
        query = {"list-type": "2", "prefix": self._prefix, "encoding-type": "url"}
        listing = self._ask_at(self._presigner.presign("GET", BUCKET, None, query=query).url, "GET", None, 200).decode()
        entries = re.findall(r"<Key>(.*?)</Key>.*?<Size>(\d+)</Size>", listing, re.DOTALL)
        there = {key: len(content) for key, (content,) in self._contents.items() if content is not None}
        if {unquote(key): int(size) for key, size in entries} != there:
            self.wrong.append(f"the listing of {self._prefix} is another")

    def _upload_parts(self, key: str) -> None:
        pieces = [self._chance.randbytes(PART_BYTES), self._chance.randbytes(1000)]
        begun = self._ask("POST", key, b"", 200, uploads="")
        upload_id = re.findall(r"<UploadId>(\w+)</UploadId>", begun.decode())[0]
        for number, piece in enumerate(pieces, 1):
            self._ask("PUT", key, piece, 200, partNumber=str(number), uploadId=upload_id)
        self._contents[key].append(b"".join(pieces))
        headers, query = {"x-oss-complete-all": "yes"}, {"uploadId": upload_id}
        link = self._presigner.presign("POST", BUCKET, key, query=query, headers=headers).url
        self._ask_at(link, "POST", b"", 200, headers=headers)
        self._contents[key] = [b"".join(pieces)]

    def _leave_upload(self, key: str) -> None:
        """The connection ends in the middle of the body: nothing is stored."""
        link = urlsplit(self._link("PUT", key))
        body = self._chance.randbytes(self._chance.choice((10, 100_000, 1_000_000)))
        self._connection.putrequest("PUT", f"{link.path}?{link.query}")
        self._connection.putheader("Content-Length", str(len(body) + 1))
        self._connection.endheaders(body)
        self._connection.close()
        self._connection = self._connect()

    def _leave_download(self, key: str) -> None:
        """The connection ends in the middle of the reply: nobody else notices."""
        link = urlsplit(self._link("GET", key))
        self._connection.request("GET", f"{link.path}?{link.query}")
        self._connection.getresponse().read(1000)
        self._connection.close()
        self._connection = self._connect()

    # --- requests ---

    def _look(self, key: str) -> None:
        """See which of the contents it has that it may have."""
        found: bytes | None = self._ask("GET", key, None, 200, 404)
        found = found if self._status == 200 else None
        if found not in self._contents[key]:
            self.wrong.append(f"{key} has {len(found or b'')} bytes, and none of what was put")
        self._contents[key] = [found]

    def _new_content(self, key: str) -> bytes:
        body = self._chance.randbytes(self._chance.choice(SIZES))
        self._contents[key].append(body)
        return body

    def _link(self, method: str, key: str) -> str:
        """One for all times: what is remembered of links would grow otherwise, up to its bound."""
        return self._links.setdefault((method, key), self._presigner.presign(method, BUCKET, key, expires=86400).url)

    def _ask(
        self,
        method: str,
        key: str,
        body: bytes | None,
        *expected: int,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> bytes:
        link = self._presigner.presign(method, BUCKET, key, query=query).url if query else self._link(method, key)
        return self._ask_at(link, method, body, *expected, headers=headers)

    def _ask_at(
        self, url: str, method: str, body: bytes | None, *expected: int, headers: dict[str, str] | None = None
    ) -> bytes:
        link = urlsplit(url)
        self._asked_before, self._asked = self._asked, time.monotonic()
        self._connection.request(method, f"{link.path}?{link.query}", body, headers or {})
        reply = self._connection.getresponse()
        received, self._status = reply.read(), reply.status
        if reply.status not in expected:
            self.wrong.append(f"{method} {link.path}: {reply.status}, {received[:300]!r}")
        self.answered += 1
        return received


class Load:
    """A server, its clients, and what is done to its workers."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.ends = Ends()
        self.clients = [MixedClient(server, number, self.ends) for number in range(CLIENTS)]

    def start(self) -> None:
        for client in self.clients:
            client.start()

    def is_well(self) -> bool:
        return all(client.is_alive() and not client.wrong for client in self.clients)

    def go_on(self, seconds: float) -> None:
        """Until then, and until each client had some answers more."""
        until, enough = time.monotonic() + seconds, {client: client.answered + 3 for client in self.clients}
        wait_until(
            lambda: (
                (time.monotonic() >= until and all(c.answered >= n for c, n in enough.items()))
                or not self.is_well()
                or time.monotonic() > until + HANG_S
            ),
        )
        assert [wrong for client in self.clients for wrong in client.wrong] == []

    def reload(self) -> None:
        before = set(self.server.workers())
        self.ends.reload(self.server)
        wait_until(lambda: not before & set(self.server.workers()) and len(self.server.workers()) == 2)

    def kill(self, pid: int) -> None:
        self.ends.kill(pid)
        wait_until(lambda: pid not in self.server.processes() and len(self.server.workers()) == 2)

    def look_at(self, *pids: int, no_more_than: Sequence[Held] = ()) -> list[Held]:
        """While nobody asks; freed memory has some seconds to be given back, down to what is no more than that."""
        for client in self.clients:
            client.may_go_on.clear()
        wait_until(lambda: all(client.is_resting.is_set() for client in self.clients) or not self.is_well())
        wait_until(lambda: self.server.connections() == 0, "connections stay open that clients have closed")
        wait_until(lambda: not any(map(opens_blobs, pids)), "blobs stay open that nobody reads")
        for pid, before in zip(pids, no_more_than, strict=False):
            wait_until(lambda pid=pid, before=before: held_by(pid).resident_bytes <= _most(before))  # type: ignore[misc]
        held = [held_by(pid) for pid in pids]
        for client in self.clients:
            client.may_go_on.set()
        return held

    def stop(self) -> None:
        for client in self.clients:
            client.is_over = True
            client.may_go_on.set()
        for client in self.clients:
            if client.ident is not None:
                client.join(HANG_S)
            assert not client.is_alive()


@pytest.mark.soak(SECONDS)
def test_mixed_load_gets_right_answers_and_leaks_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = ServerProcess(data, workers=2)
    load = Load(server)
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        load.start()
        for _ in range(2):
            load.go_on(SECONDS / 10)
            load.reload()
        lasting = server.workers()[0]
        load.go_on(SECONDS / 10)
        early = load.look_at(lasting, server.pid)
        over = time.monotonic() + SECONDS * 0.7
        while time.monotonic() < over:
            load.go_on(KILL_EVERY_S)
            (victim,) = set(server.workers()) - {lasting}
            load.kill(victim)
        load.go_on(1)
        late = load.look_at(lasting, server.pid, no_more_than=early)
        load.reload()
        load.go_on(1)
        load.stop()
        assert [wrong for client in load.clients for wrong in client.wrong] == []
        for before, after in zip(early, late, strict=True):
            assert after.files <= before.files + FILES_MORE_MAX, (early, late)
            assert after.resident_bytes <= _most(before), (early, late)
        server.stop()
        assert "Traceback" not in server.log.read_text()
        server = ServerProcess(data)  # removes what killed workers left half done
        server.stop()
        assert audit(data).clean
        assert list(check(data)) == []
    finally:
        load.stop()
        server.kill()
