"""A server that others fetch from, and which may misbehave: it answers each path with the bytes it was given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from coatcheck.core.addresses import read_network

LOOPBACK = (read_network("127.0.0.0/8"),)


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(code: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {code} So", "Content-Length: 0", *headers]).encode() + b"\r\n\r\n"


@dataclass
class Origin:
    """`answers`: by path, what is sent, then the connection ends; or what makes it of the request's head, in turns.

    `heard`: the heads of all requests. An answer that is held waits for `released`.
    """

    port: int = 0
    answers: dict[str, bytes | Callable[[str], bytes]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    endless: set[str] = field(default_factory=set)

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heard]

    def header(self, name: str, request: int = -1) -> str | None:
        for line in self.heard[request].split("\r\n")[1:]:
            known, _, value = line.partition(": ")
            if known.lower() == name.lower():
                return value
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heard.append(head)
            path = head.split(" ")[1]
            answer = self.answers.get(path.partition("?")[0], status(404))
            content = answer if isinstance(answer, bytes) else answer(head)
            begin, _, body = content.partition(b"\r\n\r\n")
            half = len(body) // 2
            writer.write(begin + b"\r\n\r\n" + body[:half])
            await writer.drain()
            if path in self.held:
                await self.released.wait()
            writer.write(body[half:])
            await writer.drain()
            while path in self.endless:
                writer.write(b"x" * 65536)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def an_origin(**answers: bytes) -> AsyncIterator[Origin]:
    """Answers by path without its slash."""
    origin = Origin(answers={f"/{path}": answer for path, answer in answers.items()})
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    try:
        yield origin
    finally:
        origin.released.set()
        server.close()
