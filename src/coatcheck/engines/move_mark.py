"""The mark of a store that is being moved, or was: every process that writes looks at it in each of its transactions.

''        it may be written, by whoever opened it since blobs are where they are (`number`)
leaving   it may be read, while it is copied to another place
left      it is elsewhere now; no server starts on it
arriving  it isn't whole yet
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..core.times import write_iso
from ..ports.catalog import Moving
from .directory_faults import BadDirectory
from .sql.contract import SqlConnection

WHOLE: Final = ""
LEAVING: Final = "leaving"
LEFT: Final = "left"
ARRIVING: Final = "arriving"

READ: Final = "SELECT number, state, id, place, since FROM move"
WRITABLE: Final = "SELECT 1 FROM move WHERE number = ? AND state = ''"


class Mark(NamedTuple):
    """
    Attributes:
        number: goes up when blobs are moved to another place.
        move_id: of the move; "" if there was none.
        place: where to, or where from; without a password.
        since: Unix seconds.
    """

    number: int
    state: str
    move_id: str
    place: str
    since: int

    def why_not_served(self) -> str:
        """The reason, and what to do; "" if it may be served."""
        if self.state == LEFT:
            return (
                f"it was moved to {self.place} at {write_iso(self.since)}. Start the server on that; to go on here, "
                "without what was written there, call coatcheck migrate --cancel."
            )
        if self.state == ARRIVING:
            return f"it is not whole: a move from {self.place} to it was not finished. Call coatcheck migrate again."
        return ""


def read_mark(connection: SqlConnection) -> Mark:
    """Of a catalog that is up to date."""
    return Mark(*connection.execute(READ).fetchone())


def check_served(connection: SqlConnection, name: str) -> None:
    """See that a server may start on the store of that name. Raises: BadDirectory."""
    if why := read_mark(connection).why_not_served():
        raise BadDirectory(f"{name} isn't served: {why}")


def write_mark(connection: SqlConnection, mark: Mark) -> None:
    """Inside a transaction, or as one of its own."""
    connection.execute("UPDATE move SET number = ?, state = ?, id = ?, place = ?, since = ?", tuple(mark))


def refusal() -> Moving:
    """What who wants to write hears."""
    return Moving("This store is being moved to another place, or was: nothing is written here.")
