"""Counting requests, and what is looked at beside them, in cells that all processes share."""

from __future__ import annotations

import os
from typing import Any

from coatcheck.core.tally import COMMIT_BOUNDS, Tally
from coatcheck.exchange import Exchange
from coatcheck.metrics.cells import Cells
from coatcheck.metrics.exposition import write_metrics
from coatcheck.metrics.layout import Layout
from coatcheck.metrics.requests import RequestCounts
from coatcheck.metrics.sampling import Sampler
from coatcheck.metrics.table import CALLBACKS_FAILED, COMMIT_CHANGES, CONNECTIONS, RENDERS, RESTARTS, WORKERS
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

OPERATIONS = {"get_object": "read", "put_object": "write", "links": "other"}
CODES = ("NoSuchKey", "AccessDenied")


def some_cells(places: int = 2) -> Cells:
    return Cells(Layout(OPERATIONS, CODES), places)


async def never(_: Exchange) -> Reply:
    raise AssertionError("nobody asks")


def an_exchange(operation: str = "get_object", status: int = 200, **facts: Any) -> Exchange:
    """One that has ended, whole, after 3 ms and 1024 bytes."""
    exchange = Exchange(Request("GET", b"/"), "id", 0.0, never)
    exchange.reply, exchange.operation = Reply(status), operation
    exchange.sent_bytes, exchange.seconds, exchange.whole = 1024, 0.003, True
    for name, value in facts.items():
        setattr(exchange, name, value)
    return exchange


def scrape(cells: Cells, looked: Any = None) -> dict[str, float]:
    """Every sample, by its name and labels."""
    text = write_metrics(cells.layout, cells.totals(), looked or {}).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_a_request_is_counted_by_operation_and_status_with_its_bytes_and_seconds() -> None:
    cells = some_cells()
    counts = RequestCounts(cells.layout, cells.row(0))
    for exchange in (an_exchange(), an_exchange(), an_exchange("put_object", 403, refusal="AccessDenied", seconds=2.0)):
        counts.note(exchange)
    said = scrape(cells)
    assert said['coatcheck_requests_total{operation="GetObject",status="200"}'] == 2
    assert said['coatcheck_requests_total{operation="PutObject",status="403"}'] == 1
    assert sum(value for name, value in said.items() if name.startswith("coatcheck_requests_total")) == 3
    assert said['coatcheck_refusals_total{code="AccessDenied"}'] == 1
    assert 'coatcheck_refusals_total{code="NoSuchKey"}' not in said
    assert said["coatcheck_sent_bytes_total"] == 3072
    assert said["coatcheck_replies_broken_total"] == 0
    below = {
        bound: said[f'coatcheck_request_seconds_bucket{{class="read",le="{bound}"}}'] for bound in ("0.0025", "0.005")
    }
    assert below == {"0.0025": 0, "0.005": 2}
    assert said['coatcheck_request_seconds_bucket{class="read",le="+Inf"}'] == 2
    assert said['coatcheck_request_seconds_count{class="write"}'] == 1
    assert said['coatcheck_request_seconds_sum{class="write"}'] == 2.0
    assert said['coatcheck_request_seconds_sum{class="read"}'] == 0.006


def test_what_no_table_has_is_counted_as_other() -> None:
    cells = some_cells()
    counts = RequestCounts(cells.layout, cells.row(0))
    counts.note(an_exchange("dance", 299, refusal="Whatever"))
    counts.note(an_exchange("", 400, reply=None, whole=False))
    said = scrape(cells)
    assert said['coatcheck_requests_total{operation="Other",status="other"}'] == 2
    assert said['coatcheck_refusals_total{code="other"}'] == 1
    assert said["coatcheck_replies_broken_total"] == 1


def test_bodies_that_arrived_are_counted() -> None:
    class Arrived:
        received = 5

        async def chunks(self) -> Any:
            yield b""

    cells = some_cells()
    RequestCounts(cells.layout, cells.row(0)).note(an_exchange(request=Request("PUT", b"/", body=Arrived())))
    assert scrape(cells)["coatcheck_received_bytes_total"] == 5


def test_processes_count_together_and_what_a_dead_one_counted_stays() -> None:
    cells = some_cells()
    for place in (0, 1):
        pid = os.fork()
        if not pid:
            counts = RequestCounts(cells.layout, cells.row(place))
            for _ in range(100):
                counts.note(an_exchange())
            os._exit(0)
        os.waitpid(pid, 0)
        cells.clear(place)
    successor = RequestCounts(cells.layout, cells.row(1))
    successor.note(an_exchange())
    assert scrape(cells)['coatcheck_requests_total{operation="GetObject",status="200"}'] == 201


def test_how_things_were_with_a_worker_is_nothing_once_it_has_ended() -> None:
    cells = some_cells()
    connections = [7, 2]
    samplers = [Sampler(cells.layout, cells.row(place)) for place in (0, 1)]
    for place, sampler in enumerate(samplers):
        sampler.add(CONNECTIONS, lambda place=place: connections[place])  # type: ignore[misc]
        sampler.add(RENDERS, lambda: 3, "waiting")
        sampler.take()
    said = scrape(cells)
    assert (said["coatcheck_connections"], said['coatcheck_renders{state="waiting"}']) == (9, 6)
    cells.clear(0)
    said = scrape(cells)
    assert (said["coatcheck_connections"], said['coatcheck_renders{state="waiting"}']) == (2, 3)


def test_counters_of_a_process_go_on_from_what_was_counted_in_its_place() -> None:
    cells = some_cells()
    failed, tally = [2], Tally(COMMIT_BOUNDS)
    for _ in range(2):  # a worker, and its successor
        sampler = Sampler(cells.layout, cells.row(0))
        failed[0], tally = 2, Tally(COMMIT_BOUNDS)
        sampler.add(CALLBACKS_FAILED, lambda: failed[0])
        sampler.add_tally(COMMIT_CHANGES, tally)
        sampler.take()
        failed[0] = 5
        tally.note(3)
        sampler.take()
        sampler.take()
    said = scrape(cells)
    assert said["coatcheck_callbacks_failed_total"] == 10
    assert (said['coatcheck_commit_changes_bucket{le="2.0"}'], said['coatcheck_commit_changes_bucket{le="4.0"}']) == (
        0,
        2,
    )
    assert (said["coatcheck_commit_changes_count"], said["coatcheck_commit_changes_sum"]) == (2, 6)


def test_the_first_process_counts_in_a_row_of_its_own() -> None:
    cells = some_cells()
    cells.of_server()[cells.layout.cell(RESTARTS)] += 1
    said = scrape(cells, {WORKERS: [((), 2)]})
    assert (said["coatcheck_worker_restarts_total"], said["coatcheck_workers"]) == (1, 2)


def test_rows_that_nobody_has_used_are_not_read() -> None:
    cells = some_cells(4)
    assert cells.totals() == [0] * cells.layout.size
    cells.clear(3)
    cells.row(2)[5] = 4
    assert cells.totals()[5] == 4
