"""Everything of one server in one process's memory. When the process ends, all is gone."""

from __future__ import annotations

from typing import Final

from ..clock import Clock
from .encrypted import EncryptingByteStore
from .master_keys import make_master_key, read_master_keys
from .memory import MemoryCatalog
from .memory_bytes import MemoryByteStore
from .memory_domains import MemoryDomains
from .memory_keyring import MemoryKeyring
from .memory_secrets import MemorySecrets
from .noted_secrets import NotedSecrets


class MemoryStore:
    """See `ports.store`. It has the owner alone: nobody could make users in another process's memory."""

    identities: Final = None

    def __init__(self, clock: Clock) -> None:
        secrets = MemorySecrets()
        make_master_key(secrets)
        self.catalog = MemoryCatalog(clock)
        self.byte_store = EncryptingByteStore(MemoryByteStore(), read_master_keys(secrets))
        self.keyring = MemoryKeyring()
        self.domains = MemoryDomains(self.catalog)
        self.secrets = NotedSecrets(secrets)

    def close(self) -> None:
        """Nothing is queued."""
