"""Tickets: links that the server made itself, beside their rows in the register of links.

A ticket's row in the register says whose it is, where it leads, its limits and its end; what is here says all the rest.
Both are written together.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from coatcheck.core.author import Author

from .catalog import Unwritable
from .links import Link


class Names(StrEnum):
    """What a ticket names."""

    OBJECT = "object"
    PREFIX = "prefix"
    LIST = "list"
    BOX = "box"


class Box(Struct, frozen=True):
    """The rules of an upload box.

    Attributes:
        files_max: how many it takes in all; None for any number.
        file_bytes_max: of each.
        bytes_max: of all together; None for no limit.
        types: media types that are allowed and kept, "image/*" among them; () for any, which are then stored as
            application/octet-stream.
        patterns: wildcards one of which a file's name has to fit; () for any name.
        dated: the files go below the prefix by date.
        quarantine: what arrives is seen by nobody until it is accepted.
    """

    files_max: int | None = None
    file_bytes_max: int = 5 * 1024**3
    bytes_max: int | None = None
    types: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    dated: bool = True
    quarantine: bool = True


class Ticket(Struct, frozen=True):
    """What is kept of a ticket beside its row.

    Attributes:
        id: of its link: a digest of the code.
        names: what `keys` are.
        keys: the object's key, the prefix, the keys of a list, or where a box puts what it takes.
        author: with whose rights.
        sealed_code: the code, for its owner: `keyring.seal_token` of it.
        version_id: of an object; "" for the newest.
        process: what is made of a picture, as x-oss-process says it; "" for nothing.
        file_name: that the receiver gets; "" for the end of the key.
        inline: browsers show it, if they safely can.
        password: argon2id's own text of it; "" for none.
        box: of an upload box.
        latest_end: Unix seconds that its end can't be put past: when its maker's session ended; None without one.
    """

    id: str
    names: Names
    keys: tuple[str, ...]
    author: Author
    sealed_code: str
    version_id: str = ""
    process: str = ""
    file_name: str = ""
    inline: bool = False
    password: str = ""
    box: Box | None = None
    latest_end: int | None = None


Change = Callable[[Link | None, Ticket | None], tuple[Link, Ticket]]


class Tickets(Protocol):
    """Changes are seen by the next question of any process; none is lost once its method has returned."""

    async def find_ticket(self, link_id: str) -> tuple[Link, Ticket] | None:
        """A ticket and its row in the register."""
        ...

    async def change_ticket(self, link_id: str, change: Change) -> tuple[Link, Ticket]:
        """Put what `change` makes of both in their places, in one transaction; it may be called twice.

        Raises: what `change` raises, and nothing has changed.
        """
        ...

    async def take_try(self, link_id: str, receiver: str, most: int, window_s: int, now: int) -> bool:
        """Whether a receiver may try a password of a ticket once more: `most` times in a window, in all processes
        together. Durable when it returns."""
        ...

    async def forget_tries(self, link_id: str, receiver: str) -> None:
        """The receiver knew the password."""
        ...


class NoTickets:
    """Where there are none."""

    async def find_ticket(self, link_id: str) -> tuple[Link, Ticket] | None:
        return None

    async def change_ticket(self, link_id: str, change: Change) -> tuple[Link, Ticket]:
        raise Unwritable("There is no register of links here.")

    async def take_try(self, link_id: str, receiver: str, most: int, window_s: int, now: int) -> bool:
        return False

    async def forget_tries(self, link_id: str, receiver: str) -> None:
        return None
