"""A select process: carries out queries, many of them side by side, each a piece of its object at a time.

It is started with an environment without secrets, has no other file open than its socket, and puts limits on itself:
memory, an alarm for each piece, and what a query may take of the processor in all.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from ..core.select_errors import SELECT_TOO_COSTLY
from ..queries.errors import SelectError
from ..queries.running import Running
from ..queries.text import read_query
from .child_end import limit, receive, receive_head, send
from .select_steps import CLOSE, END, FEED, OPEN


class _Query:
    """One query, what of its output is still to come, and what it has taken of the processor."""

    def __init__(self, text: str) -> None:
        self.running = Running(read_query(text))
        self.output: Iterator[bytes] = iter(())
        self.cpu_s = 0.0


def main() -> None:
    """Arguments: memory limit in bytes, seconds of the processor for a query, seconds for a piece."""
    memory_bytes, cpu_s, piece_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    limit(memory_bytes, 0)
    with contextlib.suppress(EOFError, ConnectionError):  # the server is gone
        serve(socket.socket(fileno=0), cpu_s, piece_s)


def serve(connection: socket.socket, cpu_s: float, piece_s: float) -> None:
    """Answer until the other end closes. Raises: EOFError, ConnectionError."""
    queries: dict[int, _Query] = {}
    send(connection, {"ready": True})
    while True:
        head, _ = receive_head(connection)
        data = receive(connection, head.get("size", 0))
        signal.setitimer(signal.ITIMER_REAL, piece_s)  # nobody handles the signal: it ends this process
        answer, output = _answer(queries, head, data, cpu_s)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(connection, answer, output)


def _answer(
    queries: dict[int, _Query], head: dict[str, Any], data: bytes, cpu_s: float
) -> tuple[dict[str, Any], bytes]:
    number = head["query"]
    if head["do"] == CLOSE:
        queries.pop(number, None)
        return {"size": 0}, b""
    try:
        if head["do"] == OPEN:
            queries[number] = _Query(data.decode())
            return {"size": 0}, b""
        return _work(queries[number], head["do"], data, cpu_s)
    except SelectError as error:
        queries.pop(number, None)
        return {"code": error.code, "message": error.message}, b""
    except (MemoryError, RecursionError):
        queries.pop(number, None)
        return {"code": "", "message": SELECT_TOO_COSTLY.message}, b""


def _work(query: _Query, do: str, data: bytes, cpu_s: float) -> tuple[dict[str, Any], bytes]:
    """One piece of the output, and whether there is more. Raises: SelectError, MemoryError."""
    began = time.process_time()
    running = query.running
    if do == FEED:
        query.output = running.feed(data)
    elif do == END:
        query.output = running.end()
    output = next(query.output, None)
    query.cpu_s += time.process_time() - began
    if query.cpu_s > cpu_s:
        raise MemoryError
    counts = running.counts
    return {
        "size": len(output or b""),
        "unfinished": output is not None,
        "done": running.done,
        "scanned": counts.scanned,
        "rows": counts.rows,
        "columns": counts.columns,
        "splits": counts.splits,
        "note": running.skipped,
    }, output or b""


if __name__ == "__main__":
    main()
