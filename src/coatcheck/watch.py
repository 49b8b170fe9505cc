"""What one worker shows of itself: its counters, what is looked at once a second, the admin routes, telemetry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from coatcheck.admin.health import Health
from coatcheck.admin.looking import Watched
from coatcheck.admin.routes import Admin
from coatcheck.background.notices import Notices
from coatcheck.engines.notifier import HttpNotifier
from coatcheck.engines.opening import MEMORY
from coatcheck.engines.render_pool import RenderPool
from coatcheck.engines.select_pool import SelectPool
from coatcheck.exchange import Begin, Listener
from coatcheck.metrics import table
from coatcheck.metrics.requests import RequestCounts
from coatcheck.metrics.sampling import Sampler
from coatcheck.ports.store import Store
from coatcheck.request_log import RequestLog
from coatcheck.seen import SeenByOne
from coatcheck.settings import ServerSettings
from coatcheck.telemetry import Telemetry

if TYPE_CHECKING:
    from coatcheck.link_desk.service import LinkDesk


class Sources(Struct, frozen=True):
    """What is looked at."""

    store: Store
    renders: RenderPool
    selects: SelectPool
    notifier: HttpNotifier
    desk: Callable[[], LinkDesk]
    notices: Notices


async def _read(store: Store) -> None:
    """Something that no process remembers, of rows and of bytes. Raises: what reading raises."""
    await store.catalog.find_object(0, "/")  # no bucket has that number
    await store.byte_store.look()


class Watch:
    """Does nothing for a server that nobody wants to see.

    Attributes:
        place: where the worker counts; None where nobody wants to see it.
        sources: known once the server is open.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self.place: SeenByOne | None = None
        self.sources: Sources | None = None
        self._sampler: Sampler | None = None
        self._telemetry: Telemetry | None = None
        self._health: Health | None = None

    def listeners(self) -> tuple[Listener, ...]:
        """Who counts requests. Called in the worker's own process: telemetry starts threads."""
        if self.place is None:
            return ()
        layout, row = self.place.cells.layout, self.place.row
        counts = RequestCounts(layout, row)
        if not self._settings.otel_endpoint:
            return (counts.note,)
        self._telemetry = Telemetry(self._settings.otel_endpoint, layout, row)
        return counts.note, self._telemetry.note

    def begin(self, connections: Callable[[], int], log: RequestLog | None) -> Begin | None:
        """See `Server.watch`."""
        place, sources = self.place, self.sources
        if place is None or sources is None:
            return None
        self._sampler = _make_sampler(place, sources, connections, log)
        if self._settings.admin is None:
            return None
        data = self._settings.data
        on_disk = self._settings.store_url != MEMORY
        self._health = Health(
            place.board,
            lambda: _read(sources.store),
            data if on_disk else None,
            data / "health.lock",
            sources.store.catalog.note_time if sources.store.leases is not None else None,
        )
        watched = Watched(place.cells, place.pulse, self.sample, data, place.started)
        return Admin(watched, self._health).begin

    def sample(self) -> None:
        if self._sampler is not None:
            self._sampler.take()

    async def close(self) -> None:
        """The last look."""
        self.sample()
        if self._telemetry is not None:
            await asyncio.to_thread(self._telemetry.close)
        if self._health is not None:
            self._health.close()


def _make_sampler(
    place: SeenByOne, sources: Sources, connections: Callable[[], int], log: RequestLog | None
) -> Sampler:
    sampler = Sampler(place.cells.layout, place.row)
    sampler.add(table.CONNECTIONS, connections)
    commits = sources.store.commits
    if commits is not None:
        sampler.add_tally(table.COMMIT_CHANGES, commits.changes)
        sampler.add_tally(table.COMMIT_SECONDS, commits.seconds)
        sampler.add(table.WRITES_WAITING, commits.waiting)
    for family, pool in ((table.RENDERS, sources.renders), (table.SELECTS, sources.selects)):
        turns = pool.turns
        sampler.add(family, lambda turns=turns: turns.running, "running")  # type: ignore[misc]
        sampler.add(family, lambda turns=turns: turns.waiting, "waiting")  # type: ignore[misc]
    sampler.add(table.CALLBACKS, lambda: sources.notifier.waiting)
    sampler.add(table.CALLBACKS_FAILED, lambda: sources.notifier.failed)
    sampler.add(table.CANCELLED, lambda: sources.desk().cancellations)
    sampler.add(table.STOPPED, lambda: sources.notices.count)
    if log is not None:
        sampler.add(table.LINES_DROPPED, lambda: log.dropped)
    return sampler
