"""A process of our own that works for the server: started with an environment without secrets, spoken to over a socket.

On the socket: a length (4 bytes, big-endian), that many bytes of JSON, then the bytes that it announces. The other end
is `child_end`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..core.errors import INTERNAL_ERROR

log: Final = logging.getLogger("coatcheck")

_START_TIMEOUT_S: Final = 30.0
_HEAD_MAX_BYTES: Final = 64 * 1024
_LENGTH_BYTES: Final = 4
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class Died(Exception):
    """The process ended in the middle of a job, or says what it never should."""


class Child:
    """One process and our end of its socket. For one question at a time."""

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Args:
        environment: beside where programs are, which every child may know.
        """
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._loop = asyncio.get_running_loop()
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own program, with numbers as its arguments
                [sys.executable, "-m", module, *arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=kept | dict(environment),
                cwd="/",
            )

    async def await_ready(self, kind: str) -> None:
        """Wait until it takes questions; one that doesn't come to that is ended.

        Args:
            kind: of process, for the log.
        Raises: OssError INTERNAL_ERROR.
        """
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await self.receive_head()
        except BaseException as error:
            self.end()
            if isinstance(error, (TimeoutError, Died)):
                log.error("a %s process does not start; see its messages above", kind)
                raise INTERNAL_ERROR() from None
            raise

    async def send_head(self, head: Mapping[str, Any], file: int | None = None) -> None:
        """`file`: a descriptor that is handed over. Raises: ConnectionError."""
        document = json.dumps(head).encode()
        length = len(document).to_bytes(_LENGTH_BYTES, "big")
        if file is None:
            await self.send(length + document)
            return
        socket.send_fds(self._ours, [length], [file])  # doesn't wait: nothing else is in the socket now
        await self.send(document)

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Raises: ConnectionError."""
        await self._loop.sock_sendall(self._ours, data)

    async def receive_head(self) -> dict[str, Any]:
        """Raises: Died."""
        length = int.from_bytes(await self.receive(_LENGTH_BYTES), "big")
        if length > _HEAD_MAX_BYTES:
            raise Died
        try:
            head = json.loads(await self.receive(length))
        except ValueError:
            raise Died from None
        if not isinstance(head, dict):
            raise Died
        return head

    async def receive(self, size: int) -> bytes:
        """Raises: Died."""
        data = bytearray(size)
        view, done = memoryview(data), 0
        while done < size:
            try:
                count = await self._loop.sock_recv_into(self._ours, view[done:])
            except ConnectionError:
                count = 0
            if not count:
                raise Died
            done += count
        return bytes(data)

    def end(self) -> None:
        """Kill it. May be called twice."""
        self._ours.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
