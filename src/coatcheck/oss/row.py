"""One route of the dialect, as a row of its table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.core.record import Record
from coatcheck.exchange import Exchange
from coatcheck.identity.readings import Reading
from coatcheck.wire.reply import Reply

from .asking import NOTHING, Asks
from .call import Call


class Level(Enum):
    SERVICE = "Service"
    BUCKET = "Bucket"
    OBJECT = "Object"


class Row(Record, frozen=True):
    """One route.

    Attributes:
        sub_resource: the parameters that select it, sorted and joined by "&", "comp" with its value ("cname&comp=add");
            "" for the plain resource.
        header: a request header that selects it among the rows of that place ("x-oss-copy-source"); "" for none.
        reads_object: the operation needs the object's current version.
        makes_bucket: the bucket need not exist.
        is_page: a bucket's website answers it, when nobody signed it.
        asks: how it learns of an ACL and tags that it is to give.
    """

    method: str
    level: Level
    sub_resource: str
    run: Callable[[Call], Awaitable[Reply]]
    action: Action
    reads_object: bool = False
    makes_bucket: bool = False
    header: str = ""
    is_page: bool = False
    asks: Asks = NOTHING

    @property
    def name(self) -> str:
        """The operation's name in OSS's snake case."""
        return self.run.__name__


class LinkRoute(NamedTuple):
    """Where a link leads that has verified before: the `route` of its `Kind`.

    Attributes:
        is_bare: its query says nothing but who signed it; in OSS's dialect it is then of GetObject.
        answer: of the dialect that it was signed in.
    """

    row: Row
    is_bare: bool
    answer: Callable[[Exchange, Reading], Awaitable[Reply]]
