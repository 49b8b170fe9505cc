"""A selector that works in this process, without the bounds of a real one."""

from __future__ import annotations

from collections.abc import Iterator

from coatcheck.core.select_errors import FAULTS
from coatcheck.ports.selector import Found, Selecting
from coatcheck.queries.errors import SelectError
from coatcheck.queries.running import Running
from coatcheck.queries.text import read_query


class LocalSelecting:
    """A query in this process."""

    def __init__(self, text: str) -> None:
        self._running = Running(read_query(text))
        self._output: Iterator[bytes] = iter(())

    async def feed(self, data: bytes | bytearray) -> Found:
        self._output = self._running.feed(bytes(data))
        return await self.go_on()

    async def go_on(self) -> Found:
        try:
            output = next(self._output, None)
        except SelectError as error:
            raise FAULTS[error.code](error.message) from None
        counts = self._running.counts
        return Found(output or b"", output is not None, self._running.done, *counts[:4], self._running.skipped)

    async def end(self) -> Found:
        self._output = self._running.end()
        return await self.go_on()

    def close(self) -> None:
        return


class LocalSelector:
    async def open(self, query: str, client: str, bucket: str) -> Selecting:
        try:
            return LocalSelecting(query)
        except SelectError as error:
            raise FAULTS[error.code](error.message) from None
