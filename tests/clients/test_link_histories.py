"""Random histories of a limited link on a running server: what goes out never passes its budget, and no count is lost.

Several clients at once fetch all of it or a range, break off, come back for the rest, look with HEAD, preview it as
robots do; workers and the whole server are killed in between. The model is the promise itself: fewer bytes than one
size more than the uses that were counted.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coatcheck import Links, Presigner
from coatcheck.client.errors import ClientError

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import wait_until
from ..server_process import ServerProcess
from ..soak import count
from .test_links import REGION, bucket_of

pytestmark = pytest.mark.live

SIZE = 1024 * 1024
CONTENT = os.urandom(SIZE)
AGENTS = ("anna/1.0", "ben/1.0", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)")
HISTORIES = count(200)


@dataclass(frozen=True)
class Fetch:
    """One request; `take` is how many bytes of its body are read before the client goes."""

    method: str
    agent: str
    first: int
    until: int
    take: int


class Home:
    """A server that may be killed, and is there again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.server = ServerProcess(data)

    def kill_worker(self, chance: random.Random) -> None:
        workers = self.server.processes()[1:]
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)

    def restart(self) -> None:
        port = self.server.port
        self.server.kill()
        self.server = ServerProcess(self.data, port=port)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "data")
    try:
        bucket_of(home.server).create_bucket()
        bucket_of(home.server).put_object("a.bin", CONTENT)
        yield home
        home.server.stop()
    finally:
        home.server.kill()


def choose(chance: random.Random) -> Fetch:
    method = "HEAD" if chance.random() < 0.1 else "GET"
    first, until = sorted(chance.sample(range(SIZE + 1), 2)) if chance.random() < 0.5 else (0, SIZE)
    take = until - first if chance.random() < 0.5 else chance.randrange(until - first + 1)
    return Fetch(method, chance.choices(AGENTS, (4, 3, 1))[0], first, until, take)


def run(url: str, fetch: Fetch) -> int:
    """How many bytes of the object came; whoever is cut off keeps what came."""
    parts, came = urlsplit(url), bytearray()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {"User-Agent": fetch.agent}
    if (fetch.first, fetch.until) != (0, SIZE):
        headers["Range"] = f"bytes={fetch.first}-{fetch.until - 1}"
    with suppress(OSError, http.client.HTTPException):
        connection.request(fetch.method, f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        if answer.status not in (200, 206):
            assert answer.status in (403, 503)
        else:
            while len(came) < fetch.take and (piece := answer.read1(min(65_536, fetch.take - len(came)))):
                came += piece
    connection.close()
    assert fetch.agent is not AGENTS[2] or not came
    assert came == CONTENT[fetch.first : fetch.first + len(came)]
    return len(came)


@pytest.mark.soak(HISTORIES)
def test_no_history_passes_the_budget_of_a_running_server(home: Home) -> None:
    refused = 0
    with ThreadPoolExecutor(4) as clients:
        for seed in range(HISTORIES):
            chance = random.Random(seed)
            limit = chance.choice((1, 1, 2, 3))
            presigner = Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=home.server.endpoint)
            url = presigner.presign("GET", "photos", "a.bin", query={"x-coatcheck-id": str(seed)}).url
            with Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=home.server.endpoint, region=REGION) as links:
                link_id = links.register(url, downloads=limit).id
                came = 0
                for _ in range(5):
                    running = [clients.submit(run, url, choose(chance)) for _ in range(4)]
                    if chance.random() < 0.1:
                        home.kill_worker(chance)
                    elif chance.random() < 0.05:
                        home.restart()
                    came += sum(one.result() for one in running)
                taken = taken_of(links, link_id)
            assert taken <= limit, seed
            assert came < (taken + 1) * SIZE, f"seed {seed}: bytes went out that nothing has paid for"
            refused += taken == limit
    assert refused > HISTORIES // 4


def taken_of(links: Links, link_id: str) -> int:
    """Once nothing runs any more, or what a killed process ran is all that does: asked until two answers agree."""
    answers: list[int] = []

    def agrees() -> bool:
        with suppress(ClientError):  # a worker that was killed while it answered
            answers.append(links.show(link_id).downloads_taken or 0)
        time.sleep(0.05)
        return len(answers) > 1 and answers[-1] == answers[-2]

    wait_until(agrees)
    return answers[-1]
