"""The selector in a process of its own: one a server process, started when the first query is asked.

Queries are carried out a piece of the object at a time, and take turns at the process, by bucket and by client. A
client that reads slowly asks for its next piece late, and holds nobody up. A query that makes the process take too long
has it killed: it is refused, and the others that were under way there have to be asked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Final

from ..core.errors import OssError
from ..core.limits import SELECT_CPU_MAX_S, SELECT_MEMORY_MAX_BYTES, SELECT_OPEN_MAX
from ..core.select_errors import FAULTS, SELECT_BUSY, SELECT_LOST, SELECT_TOO_COSTLY
from ..ports.selector import Found, Selecting
from .child import Child, Died
from .select_steps import CLOSE, END, FEED, GO_ON, OPEN
from .turns import Bounds, Turns

_MODULE: Final = "coatcheck.engines.select_process"
_PIECE_TIMEOUT_S: Final = 30.0
_SETTLE_S: Final = 2.0  # what the process's own alarm has beyond ours
_CLIENT_MAX: Final = SELECT_OPEN_MAX // 2
_UNBOUNDED: Final = 10 * SELECT_OPEN_MAX  # each query waits for one piece at most

log = logging.getLogger("coatcheck")


class SelectPool:
    """See the module, and `ports.selector`."""

    def __init__(
        self,
        *,
        cpu_s: float = SELECT_CPU_MAX_S,
        piece_s: float = _PIECE_TIMEOUT_S,
        memory_bytes: int = SELECT_MEMORY_MAX_BYTES,
    ) -> None:
        self._limits = cpu_s, piece_s, memory_bytes
        self.turns = Turns(1, Bounds(_UNBOUNDED, _UNBOUNDED, _UNBOUNDED))
        self._process: Child | None = None
        self._numbers = 0
        self._clients: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Found]] = set()

    async def open(self, query: str, client: str, bucket: str) -> Selecting:
        if self._clients.total() >= SELECT_OPEN_MAX or self._clients[client] >= _CLIENT_MAX:
            raise SELECT_BUSY()
        self._numbers += 1
        opened = _Opened(self, self._numbers, client, bucket)
        self._clients[client] += 1
        try:
            await opened.begin(query)
        except BaseException:
            opened.close()
            raise
        return opened

    def let_go(self, opened: _Opened) -> None:
        """A query is over."""
        self._clients[opened.client] -= 1
        if not self._clients[opened.client]:
            del self._clients[opened.client]
        if opened.process is not None:
            self._start_task(self._ask(opened, CLOSE, b""))

    async def ask(self, opened: _Opened, do: str, data: bytes | bytearray = b"") -> Found:
        """A question and its answer, in its turn; who asks may leave, and the answer is still taken from the socket.

        Raises: OssError.
        """
        return await asyncio.shield(self._start_task(self._ask(opened, do, data)))

    def _start_task(self, work: Coroutine[Any, Any, Found]) -> asyncio.Task[Found]:
        """Work that goes on whoever leaves."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[Found]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was raised to whoever asked, if he is still there

    async def _ask(self, opened: _Opened, do: str, data: bytes | bytearray) -> Found:
        await self.turns.take(opened.client, opened.bucket)
        try:
            if do == CLOSE and opened.process is not self._process:
                return Found()
            process = await self._process_of(opened, do)
            return await self._speak(process, {"do": do, "query": opened.number, "size": len(data)}, data)
        finally:
            self.turns.end()

    async def _process_of(self, opened: _Opened, do: str) -> Child:
        if do != OPEN:
            if opened.process is None or opened.process is not self._process:
                raise SELECT_LOST()
            return opened.process
        if self._process is None:
            self._process = await self._start()
        opened.process = self._process
        return self._process

    async def _speak(self, process: Child, head: dict[str, Any], data: bytes | bytearray) -> Found:
        _, piece_s, _ = self._limits
        try:
            async with asyncio.timeout(piece_s):
                await process.send_head(head)
                await process.send(data)
                answer = await process.receive_head()
                output = await process.receive(int(answer.get("size", 0)))
        except (TimeoutError, Died, ConnectionError) as error:
            self._drop(process)
            kind = "time" if isinstance(error, TimeoutError) else "its process died"
            log.info("a query took too much: %s", kind)
            raise SELECT_TOO_COSTLY() from None
        except BaseException:
            self._drop(process)
            raise
        if "code" in answer:
            raise _read_refusal(answer)
        return Found(output, **{name: answer[name] for name in Found._fields[1:] if name in answer})

    async def _start(self) -> Child:
        cpu_s, piece_s, memory_bytes = self._limits
        process = Child(_MODULE, [str(memory_bytes), str(cpu_s), str(piece_s + _SETTLE_S)], {})
        await process.await_ready("select")
        return process

    def _drop(self, process: Child) -> None:
        process.end()
        if self._process is process:
            self._process = None

    def close(self) -> None:
        """End the process; what is under way ends with it."""
        for task in list(self._tasks):
            task.cancel()
        if self._process is not None:
            self._drop(self._process)


def _read_refusal(answer: dict[str, Any]) -> OssError:
    fault = FAULTS.get(str(answer["code"]), SELECT_TOO_COSTLY)
    return fault(str(answer["message"]))


class _Opened:
    """See `ports.selector.Selecting`."""

    def __init__(self, pool: SelectPool, number: int, client: str, bucket: str) -> None:
        self.number = number
        self.client = client
        self.bucket = bucket
        self.process: Child | None = None
        self._pool = pool
        self._open = True

    async def begin(self, query: str) -> None:
        await self._pool.ask(self, OPEN, query.encode())

    async def feed(self, data: bytes | bytearray) -> Found:
        return await self._pool.ask(self, FEED, data)

    async def go_on(self) -> Found:
        return await self._pool.ask(self, GO_ON)

    async def end(self) -> Found:
        return await self._pool.ask(self, END)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._pool.let_go(self)
