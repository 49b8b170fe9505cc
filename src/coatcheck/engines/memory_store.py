"""Everything of one server in one process's memory. When the process ends, all is gone."""

from __future__ import annotations

import os
from typing import Final

from ..clock import Clock
from .encrypted import EncryptingByteStore
from .local_reads import LocalReads
from .master_keys import MasterKeys
from .memory import MemoryCatalog
from .memory_bytes import MemoryByteStore
from .memory_domains import MemoryDomains
from .memory_identities import MemoryIdentities
from .memory_keyring import MemoryKeyring

_KEY_BYTES: Final = 32


class MemorySecrets:
    """See `ports.secrets`."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def find(self, name: str) -> bytes | None:
        return self._kept.get(name)

    async def keep(self, name: str, secret: bytes) -> bytes:
        return self._kept.setdefault(name, secret)

    async def note(self, name: str, secret: bytes) -> None:
        """Nothing outlives the process that could be mistaken."""


class MemoryStore:
    """See `ports.store`. Other processes have no way in: the commands on identities don't reach it."""

    def __init__(self, clock: Clock) -> None:
        self.catalog = MemoryCatalog(clock)
        self.byte_store = EncryptingByteStore(MemoryByteStore(), MasterKeys((os.urandom(_KEY_BYTES),)))
        self.keyring = MemoryKeyring(clock=clock)
        self.identities = MemoryIdentities(self.keyring, self.catalog)
        self.domains = MemoryDomains(self.catalog)
        self.reads = LocalReads(self.catalog, self.keyring, self.domains)
        self.secrets = MemorySecrets()

    def close(self) -> None:
        """Nothing is queued."""
