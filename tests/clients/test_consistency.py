"""Strong consistency over two workers: a thousand random histories on few keys, each explained by some order.

Puts, completed uploads, copies, deletes, reads and listings run at once on connections that lead to either worker.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final
from xml.etree import ElementTree

from coatcheck import Credentials, sign_request
from coatcheck.core.digests import multipart_etag

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION
from ..server_process import ServerProcess
from .conftest import make_bucket
from .linear import Event, is_linearizable

HISTORIES: Final = 1000
AT_ONCE: Final = 6
CLIENTS: Final = 3  # of one history
STEPS: Final = 4  # of one client
CREDENTIALS: Final = Credentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET)


def test_the_search_finds_what_is_wrong() -> None:
    def put(start: float, end: float, value: str | None) -> Event:
        return Event(start, end, writes={"a": value})

    def get(start: float, end: float, value: str | None) -> Event:
        return Event(start, end, reads={"a": value})

    assert is_linearizable([put(0, 1, "1"), get(2, 3, "1"), put(4, 5, None), get(6, 7, None)])
    assert is_linearizable([put(0, 5, "1"), get(1, 2, None), get(3, 4, "1")])
    assert not is_linearizable([put(0, 1, "1"), get(2, 3, None)])
    assert not is_linearizable([put(0, 5, "1"), get(1, 2, "1"), get(3, 4, None)])
    assert not is_linearizable([put(0, 1, "1"), put(2, 3, "2"), get(4, 5, "1")])
    both = Event(4, 5, reads={"a": "1", "b": None})
    assert not is_linearizable([put(0, 1, "1"), Event(2, 3, writes={"b": "2"}), both])


class Connection:
    """One keep-alive connection; the kernel decided which worker it leads to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    async def ask(
        self, method: str, bucket: str, key: str | None, query: str = "", body: bytes = b"", source: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"x-oss-copy-source": source} if source else {}
        pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
        signed = sign_request(
            method, bucket, key, query=pairs, headers=headers, credentials=CREDENTIALS, region=REGION, now=time.time()
        )
        return await self._send(method, f"/{bucket}/{key or ''}{query and '?' + query}", signed, body)

    async def follow(self, url: str, agent: str) -> int:
        """GET of a link; the status, 0 if the connection ended before its reply. It is opened again then."""
        try:
            return (await self._send("GET", f"/{url.split('/', 3)[3]}", {"user-agent": agent}))[0]
        except (ConnectionResetError, asyncio.IncompleteReadError):
            await self.close()
            self._reader, self._writer = await asyncio.open_connection(*self._host.split(":"))
            return 0

    async def _send(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} {address} HTTP/1.1", f"host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        self._writer.write("\r\n".join(lines).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        told = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        length = int(told.get("content-length", 0)) if method != "HEAD" else 0
        return int(head[0].split()[1]), told, await self._reader.readexactly(length)

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class History:
    """What a few clients did to two keys, as events; a value is named by its ETag."""

    def __init__(self, bucket: str, number: int, connections: asyncio.Queue[Connection]) -> None:
        self._bucket = bucket
        self._prefix = f"h{number:04d}/"
        self._keys = (f"{self._prefix}a", f"{self._prefix}b")
        self._chance = random.Random(number)
        self._connections = connections
        self._values = 0
        self.events: list[Event] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        for _ in range(STEPS):
            connection = await self._connections.get()
            try:
                await self._chance.choice(self._steps())(connection)
            finally:
                self._connections.put_nowait(connection)

    def _steps(self) -> list[Callable[[Connection], Awaitable[None]]]:
        """What a client may do, what it does more often more often."""
        return [self._put, self._get, self._get, self._delete, self._complete, self._copy, self._list]

    def _key(self) -> str:
        return self._chance.choice(self._keys)

    def _content(self) -> tuple[bytes, str]:
        """A content that nothing else has, and its digest."""
        self._values += 1
        body = f"{self._prefix}{self._values}".encode()
        return body, hashlib.md5(body).hexdigest().upper()

    async def _put(self, connection: Connection) -> None:
        key, (body, etag) = self._key(), self._content()
        start = time.monotonic()
        status, _, _ = await connection.ask("PUT", self._bucket, key, body=body)
        assert status == 200
        self.events.append(Event(start, time.monotonic(), writes={key: etag}))

    async def _get(self, connection: Connection) -> None:
        key = self._key()
        start = time.monotonic()
        status, headers, body = await connection.ask("GET", self._bucket, key)
        seen = headers["etag"].strip('"').upper() if status == 200 else None
        assert status in (200, 404)
        if seen is not None:
            digest = hashlib.md5(body).hexdigest().upper()
            assert seen in (digest, multipart_etag([digest]))
        self.events.append(Event(start, time.monotonic(), reads={key: seen}))

    async def _delete(self, connection: Connection) -> None:
        key = self._key()
        start = time.monotonic()
        status, _, _ = await connection.ask("DELETE", self._bucket, key)
        assert status == 204
        self.events.append(Event(start, time.monotonic(), writes={key: None}))

    async def _complete(self, connection: Connection) -> None:
        key, (body, etag) = self._key(), self._content()
        _, _, begun = await connection.ask("POST", self._bucket, key, "uploads")
        upload_id = ElementTree.fromstring(begun).findtext("UploadId")
        await connection.ask("PUT", self._bucket, key, f"partNumber=1&uploadId={upload_id}", body)
        document = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        start = time.monotonic()
        status, _, _ = await connection.ask(
            "POST", self._bucket, key, f"uploadId={upload_id}", f"{document}</CompleteMultipartUpload>".encode()
        )
        assert status == 200
        self.events.append(Event(start, time.monotonic(), writes={key: multipart_etag([etag])}))

    async def _copy(self, connection: Connection) -> None:
        """Two events: the source was read, and later the copy written."""
        source, key = self._chance.sample(self._keys, 2)
        start = time.monotonic()
        status, headers, _ = await connection.ask("PUT", self._bucket, key, source=f"/{self._bucket}/{source}")
        end = time.monotonic()
        assert status in (200, 404)
        seen = headers["etag"].strip('"').upper() if status == 200 else None
        self.events.append(Event(start, end, reads={source: seen}))
        if seen is not None:
            self.events.append(Event(start, end, writes={key: seen}, after=len(self.events) - 1))

    async def _list(self, connection: Connection) -> None:
        start = time.monotonic()
        status, _, body = await connection.ask("GET", self._bucket, None, f"prefix={self._prefix}")
        end = time.monotonic()
        assert status == 200
        listed = {
            found.findtext("Key") or "": (found.findtext("ETag") or "").strip('"')
            for found in ElementTree.fromstring(body).iterfind("Contents")
        }
        self.events.append(Event(start, end, reads={key: listed.get(key) for key in self._keys}))


async def run_histories(
    histories: int, ports: Sequence[int], begin: Callable[[int, asyncio.Queue[Connection]], History]
) -> list[History]:
    """Run so many, some at once, on connections to these ports by turns; all of them. Each must be explained.

    Args:
        begin: a history by its number, on the connections.
    """
    numbers, done = iter(range(histories)), []
    connections: asyncio.Queue[Connection] = asyncio.Queue()

    async def run_some() -> None:
        for number in numbers:
            history = begin(number, connections)
            await history.run()
            assert is_linearizable(history.events), [vars(event) for event in history.events]
            done.append(history)

    async with AsyncExitStack() as stack:
        for number in range(CLIENTS * AT_ONCE):
            port = ports[number % len(ports)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            connection = Connection(reader, writer, f"127.0.0.1:{port}")
            stack.push_async_callback(connection.close)
            connections.put_nowait(connection)
        await asyncio.gather(*(run_some() for _ in range(AT_ONCE)))
    return done


async def test_a_thousand_histories_are_each_as_if_one_after_the_other(live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    await run_histories(HISTORIES, live_server.ports, lambda number, wires: History(bucket, number, wires))
    assert len(live_server.processes()) >= 1 + live_server.worker_count
