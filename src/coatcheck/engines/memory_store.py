"""Everything of one server in one process's memory. When the process ends, all is gone."""

from __future__ import annotations

from ..clock import Clock, monotonic_clock, wall_clock
from ..ports.store import Commits
from .encrypted import EncryptingByteStore
from .local_reads import LocalReads
from .master_keys import make_master_key, read_master_keys
from .memory import MemoryCatalog
from .memory_arrivals import MemoryArrivals
from .memory_bytes import MemoryByteStore
from .memory_content_sums import MemoryContentSums
from .memory_domains import MemoryDomains
from .memory_identities import MemoryIdentities
from .memory_keyring import MemoryKeyring
from .memory_link_totals import MemoryLinkTotals
from .memory_links import MemoryLinks
from .memory_secrets import MemorySecrets
from .noted_secrets import NotedSecrets


class MemoryStore:
    """See `ports.store`. Other processes have no way in: the commands on identities don't reach it."""

    def __init__(self, clock: Clock) -> None:
        secrets = MemorySecrets()
        make_master_key(secrets)
        # A clock that isn't the machine's is moved on purpose: what it says is believed, for retentions too.
        self.catalog = MemoryCatalog(clock, monotonic_clock if clock is wall_clock else clock)
        self._bytes = MemoryByteStore()
        self.byte_store = EncryptingByteStore(self._bytes, read_master_keys(secrets))
        self.keyring = MemoryKeyring(clock=clock)
        self.identities = MemoryIdentities(self.keyring, self.catalog)
        self.domains = MemoryDomains(self.catalog)
        self.arrivals = MemoryArrivals(self.catalog)
        self.links = self.tickets = MemoryLinks()
        self.content_sums = MemoryContentSums()
        self.link_totals = MemoryLinkTotals(self.links)
        self.reads = LocalReads(self.catalog, self.keyring, self.domains)
        self.secrets = NotedSecrets(secrets)
        self.commits: Commits | None = None
        self.leases: None = None

    def clear(self) -> None:
        """All that was stored goes; secrets, and the owner's key, stay."""
        for part in (self.catalog, self._bytes, self.keyring, self.domains, self.content_sums):
            part.clear()

    def close(self) -> None:
        """Nothing is queued."""
