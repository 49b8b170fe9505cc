"""The metrics, a row each, as docs/operate.md has them. Names and labels are what others build on: they stay."""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

from coatcheck.core.tally import COMMIT_BOUNDS, COMMIT_BOUNDS_S


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Kept(Enum):
    """Where its numbers come from."""

    WORKER = "worker"  # cells of each worker; what a dead one has counted stays
    SERVER = "server"  # cells of the first process
    LOOK = "look"  # looked up when it is asked for


class Family(Struct, frozen=True):
    """One metric.

    Attributes:
        name: as it is asked for; a counter's ends with "_total", a histogram's gets "_bucket", "_sum" and "_count".
        meaning: for people; the help text.
        labels: their names.
        bounds: upper bounds of a histogram's buckets, without the last one, which has none.
        unit: how many of what a cell counts make one: 1e9 for seconds that are kept as nanoseconds.
    """

    name: str
    kind: Kind
    meaning: str
    kept: Kept = Kept.WORKER
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    unit: float = 1.0


_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
NANOSECONDS: Final = 1e9

REQUEST_BOUNDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)

REQUESTS: Final = Family(
    "coatcheck_requests_total", _COUNTER, "Requests whose reply has ended.", labels=("operation", "status")
)
REFUSALS: Final = Family(
    "coatcheck_refusals_total", _COUNTER, "Requests refused, by the error code of the reply.", labels=("code",)
)
BROKEN: Final = Family("coatcheck_replies_broken_total", _COUNTER, "Replies that broke off before their end.")
RECEIVED: Final = Family("coatcheck_received_bytes_total", _COUNTER, "Bytes of request bodies that arrived.")
SENT: Final = Family("coatcheck_sent_bytes_total", _COUNTER, "Bytes of reply bodies that the kernel took.")
SECONDS: Final = Family(
    "coatcheck_request_seconds",
    _HISTOGRAM,
    "From the last byte of a request's head to the end of its reply, by class of operation.",
    labels=("class",),
    bounds=REQUEST_BOUNDS,
    unit=NANOSECONDS,
)
CONNECTIONS: Final = Family("coatcheck_connections", _GAUGE, "Open connections on the objects' port.")
COMMIT_CHANGES: Final = Family(
    "coatcheck_commit_changes", _HISTOGRAM, "Changes made durable by one commit.", bounds=COMMIT_BOUNDS
)
COMMIT_SECONDS: Final = Family(
    "coatcheck_commit_seconds",
    _HISTOGRAM,
    "From having the write lock to the end of the commit.",
    bounds=COMMIT_BOUNDS_S,
    unit=NANOSECONDS,
)
WRITES_WAITING: Final = Family("coatcheck_writes_waiting", _GAUGE, "Changes that wait for their commit.")
RENDERS: Final = Family("coatcheck_renders", _GAUGE, "Pictures being processed, or waiting for it.", labels=("state",))
SELECTS: Final = Family("coatcheck_selects", _GAUGE, "Queries being carried out, or waiting for it.", labels=("state",))
CALLBACKS: Final = Family("coatcheck_callbacks_waiting", _GAUGE, "Callbacks whose application hasn't answered yet.")
CALLBACKS_FAILED: Final = Family("coatcheck_callbacks_failed_total", _COUNTER, "Callbacks that reached nobody.")
CANCELLED: Final = Family(
    "coatcheck_links_cancelled_total", _COUNTER, "Cancellations of a link, and rules for the links of a scope."
)
STOPPED: Final = Family(
    "coatcheck_background_stopped", _GAUGE, "Pieces of background work that have stopped; the log says why."
)
LINES_DROPPED: Final = Family(
    "coatcheck_log_lines_dropped_total", _COUNTER, "Lines of requests that couldn't be written as fast as they came."
)
RESTARTS: Final = Family(
    "coatcheck_worker_restarts_total", _COUNTER, "Workers that ended by themselves, or were killed.", Kept.SERVER
)
RELOADS: Final = Family("coatcheck_reloads_total", _COUNTER, "Reloads by SIGHUP that succeeded.", Kept.SERVER)
WORKERS: Final = Family("coatcheck_workers", _GAUGE, "Workers that take connections.", Kept.LOOK)
CATALOG_BYTES: Final = Family(
    "coatcheck_catalog_bytes", _GAUGE, "Size of the catalog's files.", Kept.LOOK, labels=("file",)
)
DISK_FREE: Final = Family(
    "coatcheck_disk_free_bytes", _GAUGE, "Free on the disk of the data directory, for this user.", Kept.LOOK
)
DISK_SIZE: Final = Family("coatcheck_disk_size_bytes", _GAUGE, "Size of that disk.", Kept.LOOK)
START_TIME: Final = Family("coatcheck_start_time_seconds", _GAUGE, "When the server started, Unix seconds.", Kept.LOOK)
BUILD_INFO: Final = Family(
    "coatcheck_build_info", _GAUGE, "1; its labels say what runs.", Kept.LOOK, ("version", "python")
)

FAMILIES: Final = tuple(value for value in list(vars().values()) if isinstance(value, Family))
