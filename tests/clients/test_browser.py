"""A person with a browser and a link: headless Chromium shows, opens, fetches and downloads objects."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess
from .conftest import Put
from .programs import need, run_node

WIDTH, HEIGHT = 321, 7


def a_picture() -> bytes:
    """A PNG of WIDTH x HEIGHT of noise, made by hand."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + os.urandom(3 * WIDTH) for _ in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


@pytest.fixture
def gallery() -> Iterator[tuple[str, list[str]]]:
    """Somebody's web server: its address, and the pictures that its one page shows."""
    pictures: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tags = "".join(f'<img src="{link.replace("&", "&amp;")}">' for link in pictures)
            body = f"<!doctype html><meta charset=utf-8>{tags}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", pictures
    server.shutdown()
    server.server_close()
    thread.join()


def test_browser_takes_the_links(
    live_server: ServerProcess, bucket: str, put: Put, gallery: tuple[str, list[str]]
) -> None:
    chromium = need("chromium")
    picture, text, archive = a_picture(), "Grüße aus der 寄物处\n" * 20, os.urandom(3_000_000)
    put("a b/图.png", picture, **{"Content-Type": "image/png"})
    put("note.txt", text.encode(), **{"Content-Type": "text/plain; charset=utf-8"})
    put("archive.bin", archive)
    signer = a_presigner(live_server.endpoint)
    page, pictures = gallery
    pictures.append(signer.presign("GET", bucket, "a b/图.png").url)
    outcomes = run_node(
        "browser.js",
        "playwright-core",
        live_server,
        chromium=chromium,
        gallery=page,
        picture=pictures[0],
        text=signer.presign("GET", bucket, "note.txt").url,
        download=signer.presign("GET", bucket, "archive.bin", download_as="报告 März.pdf").url,
        expired=signer.presign("GET", bucket, "note.txt", expires=60, now=int(time.time()) - 100).url,
    )
    said = {outcome["what"]: outcome for outcome in outcomes}
    assert said["picture"] | {"what": ""} == {
        "what": "", "status": 200, "md5": hashlib.md5(picture).hexdigest(), "width": WIDTH,
    }  # fmt: skip
    assert (said["opened"]["status"], said["opened"]["text"].strip()) == (200, text.strip())
    assert (said["fetched"]["status"], said["fetched"]["md5"]) == (200, hashlib.md5(text.encode()).hexdigest())
    assert (said["fetched"]["part"], said["fetched"]["piece"]) == (206, text.encode()[10:20].decode("utf-8", "replace"))
    assert said["downloaded"]["name"] == "报告 März.pdf"
    assert said["downloaded"]["md5"] == hashlib.md5(archive).hexdigest()
    assert (said["refused"]["status"], said["refused"]["code"]) == (403, "AccessDenied")
