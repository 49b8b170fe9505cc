"""The selector: a query and an object's bytes -> the rows that it asks for. Both are untrusted, whoever sent them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from coatcheck.core.errors import NOT_IMPLEMENTED


class Found(NamedTuple):
    """What one piece of the object brought.

    Attributes:
        output: rows, ready to be sent; perhaps none.
        unfinished: there is more; `go_on` brings it, before anything else is asked.
        done: nothing that follows in the object matters; only `end` is left.
        scanned: bytes of the object so far.
        rows, columns, splits: of the object so far; columns are those of a CSV's first row.
        note: which rows were skipped, in words; "" for none.
    """

    output: bytes = b""
    unfinished: bool = False
    done: bool = False
    scanned: int = 0
    rows: int = 0
    columns: int = 0
    splits: int = 0
    note: str = ""


class Selecting(Protocol):
    """A query under way. What its methods raise ends it: OssError, a row of `core.select_errors`."""

    async def feed(self, data: bytes | bytearray) -> Found:
        """The next piece of the object, of at most a few hundred KiB."""
        ...

    async def go_on(self) -> Found:
        """The next part of what was unfinished."""
        ...

    async def end(self) -> Found:
        """There is no more of the object: what is left."""
        ...

    def close(self) -> None:
        """Let go of it. May be called twice, and at any time."""
        ...


class Selector(Protocol):
    async def open(self, query: str, client: str, bucket: str) -> Selecting:
        """Begin a query.

        Args:
            query: as `queries.text.write_query` writes it.
            client, bucket: who asks (`core.addresses.name_client`), and for which bucket: they take turns.
        Raises:
            OssError: what is wrong with its statement; SELECT_BUSY.
        """
        ...


class NoSelector:
    """Where nothing is selected."""

    async def open(self, query: str, client: str, bucket: str) -> Selecting:
        raise NOT_IMPLEMENTED("This server selects nothing within objects.")
