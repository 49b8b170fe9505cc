"""What one URL opens: everything a server keeps, together, since one engine's transactions cover it."""

from __future__ import annotations

from typing import Protocol

from .arrivals import Arrivals
from .byte_store import ByteStore
from .catalog import Catalog
from .domains import Domains
from .identities import Identities
from .keyring import Keyring
from .links import Links
from .secrets import SecretsInUse
from .snapshot import Reads
from .tickets import Tickets


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
    def arrivals(self) -> Arrivals: ...

    @property
    def secrets(self) -> SecretsInUse: ...

    @property
    def identities(self) -> Identities: ...

    def close(self) -> None:
        """Commit what is queued, and end. May be called twice."""
        ...
