"""What one URL opens: everything a server keeps, together, since one engine's transactions cover it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from coatcheck.core.tally import Tally

from .arrivals import Arrivals
from .byte_store import ByteStore
from .catalog import Catalog
from .content_sums import ContentSums
from .domains import Domains
from .identities import Identities
from .keyring import Keyring
from .leases import Leases
from .link_totals import LinkTotals
from .links import Links
from .secrets import SecretsInUse
from .snapshot import Reads
from .tickets import Tickets


class Commits(Struct, frozen=True):
    """What a store says of its commits in this process.

    Attributes:
        changes: changes of each commit.
        seconds: of each commit, from having the write lock.
        waiting: how many changes wait for their commit now.
    """

    changes: Tally
    seconds: Tally
    waiting: Callable[[], int]


class Store(Protocol):
    """One process's way to what is stored. Close it when no call is running any more."""

    @property
    def catalog(self) -> Catalog: ...

    @property
    def reads(self) -> Reads: ...

    @property
    def byte_store(self) -> ByteStore: ...

    @property
    def keyring(self) -> Keyring: ...

    @property
    def domains(self) -> Domains: ...

    @property
    def links(self) -> Links: ...

    @property
    def tickets(self) -> Tickets: ...

    @property
    def content_sums(self) -> ContentSums: ...

    @property
    def link_totals(self) -> LinkTotals: ...

    @property
    def arrivals(self) -> Arrivals: ...

    @property
    def secrets(self) -> SecretsInUse: ...

    @property
    def identities(self) -> Identities: ...

    @property
    def leases(self) -> Leases | None:
        """None where one machine does all."""
        ...

    @property
    def commits(self) -> Commits | None:
        """None where nothing is made durable."""
        ...

    def close(self) -> None:
        """Commit what is queued, and end. May be called twice."""
        ...
