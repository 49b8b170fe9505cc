"""What does a presigned GET cost inside the application, without the server underneath?

    python benchmarks/gateway.py [--objects 1000] [--rounds 7] [--profile SIZE] [--json] [--store URL]

The real application on real engines, asked through ASGI by a client that takes what it gets; many different links. One
line a size: microseconds of one request, the best round. `--profile` prints where the time goes. `--json` is for
`compare.py`: CPU microseconds of a GET and a PUT of 1 KiB, and of a listing of 100 keys. `--store` names an empty
database.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import logging
import os
import pstats
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from coatcheck import Presigner
from coatcheck.app import Server
from coatcheck.clock import wall_clock
from coatcheck.engines.opening import prepare_store
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

KEY_ID, SECRET, HOST = "BenchmarkAk0001", "BenchmarkSecret0123456789abcdef", "127.0.0.1:8000"
SIZES = (1024, 16 * 1024, 64 * 1024, 1024**2)
PRESIGNER = Presigner(KEY_ID, SECRET, region="cn-hangzhou", endpoint=f"http://{HOST}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", type=int, metavar="SIZE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--store", default="", metavar="URL")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-gateway-"))
    try:
        settings = ServerSettings(root, store=given.store)
        prepare_store(settings.store_url, wall_clock, data=root).close()
        if given.json:
            print(json.dumps({"results": uvloop.run(measure_cpu(settings, given.rounds))}))
        else:
            uvloop.run(measure(settings, given.objects, given.rounds, given.profile))
    finally:
        shutil.rmtree(root)


async def measure(settings: ServerSettings, objects: int, rounds: int, profiled: int | None) -> None:
    server = Server(settings, RootCredentials(KEY_ID, SECRET))
    await server.open()
    logging.disable()
    try:
        await ask(server, scope("PUT", PRESIGNER.presign("PUT", "bench", None).url))
        for size in (profiled,) if profiled else SIZES:
            count = min(objects, 64 * 1024**2 // size)
            await store(server, size, count)
            scopes = [
                scope("GET", PRESIGNER.presign("GET", "bench", f"{size}/image-{n:06d}.jpg").url) for n in range(count)
            ]
            if profiled:
                await profile(server, scopes * 20)
                return
            best = min([await one_round(server, scopes) for _ in range(rounds)])
            print(f"{size:>8} bytes {best:8.1f} us")
    finally:
        await server.close()


async def measure_cpu(settings: ServerSettings, rounds: int) -> dict[str, dict[str, float]]:
    """CPU microseconds of one request, all threads together: what a busy machine changes little."""
    server = Server(settings, RootCredentials(KEY_ID, SECRET))
    await server.open()
    logging.disable()
    count, size = 200, 1024
    try:
        await ask(server, scope("PUT", PRESIGNER.presign("PUT", "bench", None).url))
        await store(server, size, count)
        gets = [scope("GET", PRESIGNER.presign("GET", "bench", key(size, n)).url) for n in range(count)]
        puts = [scope("PUT", PRESIGNER.presign("PUT", "bench", key(size, n)).url, size) for n in range(count)]
        query = {"max-keys": "100", "list-type": "2"}
        lists = [
            scope("GET", PRESIGNER.presign("GET", "bench", None, query=query, expires=900 + n).url) for n in range(50)
        ]
        return {
            "get-1k": {"us": min([await cpu_us(server, gets * 5) for _ in range(rounds)])},
            "put-1k": {"us": min([await cpu_us(server, puts, bytes(size)) for _ in range(rounds)])},
            "list-100": {"us": min([await cpu_us(server, lists) for _ in range(rounds)])},
        }
    finally:
        await server.close()


async def cpu_us(server: Server, scopes: list[dict[str, Any]], body: bytes = b"") -> float:
    start = time.process_time()
    for each in scopes:
        await ask(server, each, body)
    return (time.process_time() - start) / len(scopes) * 1e6


def key(size: int, number: int) -> str:
    return f"{size}/image-{number:06d}.jpg"


async def store(server: Server, size: int, count: int) -> None:
    for number in range(count):
        url = PRESIGNER.presign("PUT", "bench", key(size, number)).url
        await ask(server, scope("PUT", url, size), os.urandom(size))


async def one_round(server: Server, scopes: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    for each in scopes:
        await ask(server, each)
    return (time.perf_counter() - start) / len(scopes) * 1e6


async def profile(server: Server, scopes: list[dict[str, Any]]) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    for each in scopes:
        await ask(server, each)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def scope(method: str, url: str, length: int | None = None) -> dict[str, Any]:
    raw_path, _, query = url.partition(HOST)[2].partition("?")
    headers = [(b"host", HOST.encode()), (b"user-agent", b"benchmark"), (b"accept", b"*/*")]
    if method == "PUT":
        headers.append((b"content-length", b"%d" % (length or 0)))
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 40000),
    }


async def ask(server: Server, asked: dict[str, Any], body: bytes = b"") -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"status {message['status']}")

    await server(asked, receive, send)


if __name__ == "__main__":
    main()
