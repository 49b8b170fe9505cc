"""Requests of two meanings through proxies: what a proxy has passed on and what the server has read are the same.

Each goes out on a connection of its own, many at once, with one behind it; the proxy shares its own connections to the
server among them. Whoever smuggles makes the server read a request that the proxy never saw.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

import pytest

from ..server_process import ServerProcess
from .proxies import PROXIES, Passed, a_proxy
from .smuggling import BEHIND, REFUSED, TAKEN, with_mark

CORPUS: Final = {**{f"refused, {name}": sent for name, sent in REFUSED.items()}, **TAKEN}
_AT_ONCE: Final = 24
_SILENCE_S: Final = 2.5  # longer than a proxy waits for the rest of a request
_MARK: Final = re.compile(r"\d{4}[ahs]")
_LINE: Final = re.compile(r"^time=.* bucket=(\S+) key=('.*?'|\".*?\"|\S+) access_key_id=.* status=(\d+) refusal=", re.M)


class Seen(NamedTuple):
    """A request in the server's log; without bucket and key where it was refused before it had one ("-")."""

    bucket: str
    key: str
    status: int

    @property
    def path(self) -> str:
        return f"/{self.bucket}/{self.key}"


def read_log(text: str) -> list[Seen]:
    return [
        Seen(bucket, ast.literal_eval(key) if key[0] in "'\"" else key, int(status))
        for bucket, key, status in _LINE.findall(text)
    ]


async def _send(port: int, request: bytes, turns: asyncio.Semaphore) -> None:
    async with turns:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            while await asyncio.wait_for(reader.read(65536), _SILENCE_S):
                pass
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


async def _send_all(port: int) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)
    requests = (with_mark(request + BEHIND, number) for number, request in enumerate(CORPUS.values()))
    await asyncio.gather(*(_send(port, request, turns) for request in requests))


def key_of(target: str) -> str:
    """The path of a target, as the server has it: absolute or not, a "+" is a space, nothing is encoded."""
    path = re.sub(r"^https?://[^/]*", "", target, flags=re.I).partition("?")[0]
    return unquote(path.replace("+", "%20"), errors="surrogateescape")


def mark_of(text: str) -> str:
    found = _MARK.search(text)
    return found[0] if found else ""


def compare(passed: list[Passed], seen: list[Seen]) -> None:
    """Neither has a request that the other hasn't, and each is the same to both. Raises: AssertionError."""
    names = list(CORPUS)
    by_mark = {mark_of(each.target): each for each in passed}
    for each in seen:
        if each.key != "-":
            mark = mark_of(each.key)
            assert not mark.endswith("h"), f"what lay in the body of {names[int(mark[:4])]!r} was read as a request"
            assert mark in by_mark, f"{each.path} was never passed on"
            assert each.path == key_of(by_mark[mark].target)
    answered = Counter((mark_of(each.target), each.status) for each in passed if each.status)
    left = Counter({mark_of(each.target): 1 for each in passed if not each.status})
    nameless: Counter[int] = Counter()
    for each in seen:
        mark = mark_of(each.key)
        if answered[mark, each.status] > 0:
            answered[mark, each.status] -= 1
        elif left[mark] > 0:  # the client went meanwhile
            left[mark] -= 1
        else:
            assert each.key == "-", f"{each} was answered, and the proxy knows nothing of it"
            nameless[each.status] += 1
    rest: Counter[int] = Counter()
    for (_, status), number in answered.items():
        rest[status] += number
    assert nameless == +rest


def test_corpus_is_large() -> None:
    assert len(REFUSED) > 250
    assert len(TAKEN) > 200
    assert len(set(CORPUS.values())) == len(CORPUS)


def test_smuggled_request_would_be_noticed() -> None:
    """So the test below can fail: in number, in target, in answer, and where it lay in a body."""
    passed = [Passed("/marks/0001a", 404), Passed("/marks/0001s", 404), Passed("/marks/0002a?x", 400)]
    seen = [Seen("marks", "0001a", 404), Seen("marks", "0001s", 404), Seen("-", "-", 400)]
    compare(passed, seen)
    for wrong in (
        [*seen, Seen("marks", "0001s", 404)],
        [*seen, Seen("marks", "0003s", 404)],
        [*seen, Seen("marks", "0001h", 404)],
        [*seen, Seen("-", "-", 400)],
        seen[:2],
        seen[1:],
        [Seen("marks", "x0001a", 404), *seen[1:]],
        [Seen("marks", "0001a", 403), *seen[1:]],
    ):
        with pytest.raises(AssertionError):
            compare(passed, wrong)


@pytest.mark.live
@pytest.mark.parametrize("name", PROXIES)
def test_server_reads_what_the_proxy_has_passed_on(name: str, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", "--access-log", "--trusted-proxy", "127.0.0.1/32", workers=1)
    try:
        with a_proxy(name, tmp_path, server.port) as proxy:
            asyncio.run(_send_all(proxy.port))
        server.stop()
    finally:
        server.kill()
    passed, seen = proxy.passed(), read_log(server.log.read_text("utf-8"))
    assert len(seen) > 400, "most of them come through"
    assert {each.status for each in seen} >= {400, 404}
    compare(passed, seen)
