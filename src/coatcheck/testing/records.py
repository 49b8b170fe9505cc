"""What arrived, for a test to look at: one record a request, the latest so many of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, to_builtins

from coatcheck.core.limits import TEST_RECORDS_MAX

from .rules import write_operation


class Record(Struct, frozen=True):
    """One request. "" or 0 for what isn't known. No query: a link's is a working key.

    Attributes:
        number: counted from 1 since the start.
        at: Unix seconds, by the server's clock.
        operation: OSS's name, "GetObject".
        caller: the access key id; "" for nobody in particular.
        status: of the reply; 0 where the connection ended without one.
        code: what it was refused with.
        why: the cause in one line.
        sent_bytes: of the body.
        whole: the whole reply went out.
        fault: number of the rule that befell it.
    """

    number: int
    at: float
    request_id: str
    method: str
    path: str
    operation: str
    bucket: str
    key: str
    caller: str
    status: int
    code: str = ""
    why: str = ""
    sent_bytes: int = 0
    whole: bool = True
    fault: int = 0

    def told(self) -> dict[str, Any]:
        return {**to_builtins(self), "operation": write_operation(self.operation)}


class Records:
    """The latest requests."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=TEST_RECORDS_MAX)
        self._last = 0

    def next_number(self) -> int:
        self._last += 1
        return self._last

    def add(self, record: Record) -> None:
        self._records.append(record)

    def clear(self) -> None:
        self._records.clear()

    def __iter__(self) -> Iterator[Record]:
        return iter([*self._records])
