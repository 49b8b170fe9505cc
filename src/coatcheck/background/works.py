"""The works that one process does for all, by name; each is loaded and made when its process first leads in it.

So a server's start waits for none of them, and only one of its workers holds them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from coatcheck.clock import Clock
from coatcheck.operations.context import Ports
from coatcheck.ports.store import Store

from .audit_segments import AuditSegments
from .log_segments import Segments
from .notices import Notices

Work = Callable[[float], Awaitable[object]]

# These read what a gateway's own requests have left in its directory. The others one gateway does for all.
OF_EACH_GATEWAY: Final = frozenset(("access-log", "link-audit", "link-filter"))


class Works(Struct, frozen=True):
    """What they are made with. A method each.

    Attributes:
        requests: what the log of requests is delivered from.
        audit_days: how long rows of links' audit are kept; 0 without audit.
    """

    ports: Ports
    store: Store
    notices: Notices
    clock: Clock
    requests: Segments
    audit: AuditSegments
    audit_days: int

    def by_name(self) -> Mapping[str, Work]:
        """Each does one look, and what is due."""
        makers = {
            "fetch": self._fetch,
            "process": self._process,
            "access-log": self._access_log,
            "inventory": self._inventory,
            "replication": self._replication,
            "link-audit": self._link_audit,
            "link-filter": self._link_filter,
            "link-notices": self._link_notices,
        }
        return {name: _made_later(make) for name, make in makers.items()}

    def _fetch(self) -> Work:
        from .fetch_run import KIND, FetchDoer
        from .task_runs import TaskRuns

        return TaskRuns(self.ports.catalog, KIND, FetchDoer(self.ports, self.store.keyring), self.clock).run

    def _process(self) -> Work:
        from .process_run import KIND, ProcessDoer
        from .task_runs import TaskRuns

        return TaskRuns(self.ports.catalog, KIND, ProcessDoer(self.ports, self.store.keyring), self.clock).run

    def _access_log(self) -> Work:
        from .log_delivery import LogDelivery

        return LogDelivery(self.requests, self.ports, self.store.keyring, self.notices).run

    def _inventory(self) -> Work:
        from .inventory_run import InventoryRuns

        return InventoryRuns(self.ports, self.store.keyring, self.notices).run

    def _replication(self) -> Work:
        from .replication_run import Replications

        return Replications(self.ports, self.store.keyring, self.notices).run

    def _link_audit(self) -> Work:
        from .audit_run import AuditRun
        from .link_notices import NoticeFinding

        finding = NoticeFinding(self.ports.catalog, self.store.links)
        return AuditRun(self.audit, self.store.link_totals, finding, days=self.audit_days).run

    def _link_filter(self) -> Work:
        return lambda _: self.store.links.learn()

    def _link_notices(self) -> Work:
        from .link_notices import NoticeSending

        return NoticeSending(self.ports.catalog, self.store.keyring, self.ports.notifier).run


def _made_later(make: Callable[[], Work]) -> Work:
    made: Work | None = None

    async def work(now: float) -> object:
        nonlocal made
        made = made or make()
        return await made(now)

    return work
