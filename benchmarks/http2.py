"""What would HTTP/2 cost, spoken by the `h2` library, beside all that a GET takes today?

    python benchmarks/http2.py [--rounds 9]
    valgrind --tool=cachegrind --cache-sim=no python benchmarks/http2.py --only http2 --count 300

A presigned GET of 1 KiB, in one process and without a socket: `http1` is the whole of it, from the bytes of the request
to those of the reply; `http2` is the frames alone, of the same headers both ways, with the windows that a body needs.
One line each: CPU microseconds of one request, the best round. With `--only` it runs that many and prints nothing: the
difference of two counts tells the instructions of one.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import h2.config
import h2.connection
import h2.events
import uvloop
from gateway import HOST, KEY_ID, PRESIGNER, SECRET, ask, scope

from coatcheck.app import Server
from coatcheck.engines.local import prepare_local
from coatcheck.exchange import Begin
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings
from coatcheck.wire.http1_parsing import Head, RequestParser
from coatcheck.wire.http1_writing import write_head
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

SIZE: Final = 1024
REQUEST_ID: Final = "6B09FF5929880D2184136176"
_FRAMES: Final = 300  # made for any count up to this, so that two counts differ by what is counted

Run = Callable[[int], Awaitable[None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=("http1", "http2"))
    parser.add_argument("--count", type=int, default=2000)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-http2-"))
    try:
        prepare_local(root).close()
        uvloop.run(measure(root, given.rounds, given.only, given.count))
    finally:
        shutil.rmtree(root)


async def measure(root: Path, rounds: int, only: str | None, count: int) -> None:
    server = Server(ServerSettings(root), RootCredentials(KEY_ID, SECRET))
    begin = await server.open()
    logging.disable()
    try:
        await ask(server, scope("PUT", PRESIGNER.presign("PUT", "bench", None).url))
        await ask(server, scope("PUT", PRESIGNER.presign("PUT", "bench", "a.jpg").url, SIZE), os.urandom(SIZE))
        target = PRESIGNER.presign("GET", "bench", "a.jpg").url.partition(HOST)[2]
        runs: dict[str, Run] = {"http1": over_http1(begin, target), "http2": over_http2(target, max(count, _FRAMES))}
        if only is not None:
            await runs[only](count)
            return
        best = dict.fromkeys(runs, float("inf"))
        for _ in range(rounds):
            for name, run in runs.items():
                start = time.process_time()
                await run(count)
                best[name] = min(best[name], (time.process_time() - start) / count * 1e6)
        for name, us in best.items():
            print(f"{name} {us:8.1f} us")
    finally:
        await server.close()


def over_http1(begin: Begin, target: str) -> Run:
    """The bytes of a request -> all of a GET -> the bytes of its reply."""
    sent = f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: benchmark\r\nAccept: */*\r\n\r\n".encode()

    async def run(count: int) -> None:
        parser = RequestParser()
        for _ in range(count):
            (head,) = parser.feed(sent)
            assert isinstance(head, Head)
            request = Request(head.method, head.path, read_query(head.query), head.headers, "127.0.0.1")
            exchange = begin(request, REQUEST_ID, time.time())
            reply = await exchange.answer()
            assert isinstance(reply.body, bytes)
            whole = write_head(reply, REQUEST_ID, exchange.now, 0, connection="") + reply.body
            assert len(whole) > SIZE
            await exchange.end(SIZE, whole=True)

    return run


def over_http2(target: str, most: int) -> Run:
    """The frames of a request -> its headers; and a reply's headers and body -> their frames. Nothing else."""
    names = ("server", "date", "x-oss-request-id", "x-oss-server-time", "content-length", "content-type", "etag")
    more = ("last-modified", "accept-ranges", "x-oss-object-type", "x-oss-hash-crc64ecma", "x-oss-storage-class")
    reply = [(":status", "200"), *((name, f"a value of {name}") for name in (*names, *more))]
    asked = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", target)]
    asked += [("user-agent", "benchmark"), ("accept", "*/*")]
    body = os.urandom(SIZE)

    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    client.increment_flow_control_window(2**30)
    hello = client.data_to_send()
    frames = [_ask(client, asked) for _ in range(most)]  # what a client takes for them doesn't count

    async def run(count: int) -> None:
        server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        server.initiate_connection()
        server.receive_data(hello)
        for wire in frames[:count]:
            for event in server.receive_data(wire):
                if isinstance(event, h2.events.RequestReceived):
                    assert event.stream_id is not None
                    server.send_headers(event.stream_id, reply)
                    server.send_data(event.stream_id, body, end_stream=True)
                    assert len(server.data_to_send()) > SIZE

    return run


def _ask(client: h2.connection.H2Connection, asked: list[tuple[str, str]]) -> bytes:
    client.send_headers(client.get_next_available_stream_id(), asked, end_stream=True)
    return client.data_to_send()


if __name__ == "__main__":
    main()
