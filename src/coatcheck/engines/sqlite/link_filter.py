"""Which links surely have no row in the register: a Bloom filter in memory that all processes share.

Most links that come by have no row. To find that out of SQLite takes 14 us with a million rows; here it takes 2. A bit
that is set too much costs such a look-up, and nothing else: so bits are set before a row is committed, whether or not
it then is, and never cleared. A bit that is missing would let a cancelled link pass. So only whoever holds the write
lock sets bits (of two that change one byte at once, one would be lost), a trigger in every connection that writes does
it for each new row, and the filter says nothing until the rows that were there before have been gone through, after the
start of the server.

The file is removed when a server starts, as `catalog.changes` is: what an older server, a restore or a power cut has
made of it is never believed.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Final

from ...core.limits import LINK_FILTER_BYTES

_PLACES: Final = Struct("<4Q")  # in bits; of which each link sets four
_BITS: Final = 8 * LINK_FILTER_BYTES
_READY: Final = LINK_FILTER_BYTES  # the byte behind the bits


class LinkFilter:
    """The bits, mapped from a file."""

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_size <= LINK_FILTER_BYTES:
                os.ftruncate(fd, LINK_FILTER_BYTES + 1)  # takes room only where bits are set
            self._bits = mmap.mmap(fd, LINK_FILTER_BYTES + 1)
        finally:
            os.close(fd)

    @property
    def is_ready(self) -> bool:
        """Whether all rows have their bits."""
        return self._bits[_READY] == 1

    def set_ready(self) -> None:
        """Under the write lock."""
        self._bits[_READY] = 1

    def add(self, link_id: str) -> None:
        """Under the write lock, before the row is committed."""
        for place in _places(link_id):
            self._bits[place >> 3] |= 1 << (place & 7)

    def surely_lacks(self, link_id: str) -> bool:
        """Whether there is certainly no row of that link; False while that isn't known."""
        bits = self._bits
        if bits[_READY] != 1:
            return False
        return any(not bits[place >> 3] & 1 << (place & 7) for place in _places(link_id))

    def watch(self, connection: sqlite3.Connection) -> None:
        """Let every row that this connection adds have its bits."""
        connection.create_function("filter_link", 1, self.add)
        connection.execute(
            "CREATE TEMP TRIGGER link_filtered AFTER INSERT ON main.link BEGIN SELECT filter_link(NEW.id); END"
        )

    def close(self) -> None:
        self._bits.close()


def _places(link_id: str) -> list[int]:
    digest = blake2b(link_id.encode(), digest_size=_PLACES.size).digest()
    return [number % _BITS for number in _PLACES.unpack(digest)]
