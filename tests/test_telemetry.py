"""Spans of requests: what they say, and what they never do."""

from __future__ import annotations

from typing import Any

import pytest

from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.metrics.cells import Cells
from coatcheck.metrics.requests import RequestCounts
from coatcheck.metrics.table import CONNECTIONS, REQUESTS
from coatcheck.seen import make_layout
from coatcheck.settings import ServerSettings
from coatcheck.telemetry import NoTelemetry, Telemetry, _observer, check_telemetry
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from .test_request_log import an_exchange

SIGNATURE = "0a1b2c3d4e5f"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans_of(**facts: Any) -> Any:
    exporter_file = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="MISSING")
    exporter = exporter_file.InMemorySpanExporter()
    cells = Cells(make_layout(), 1)
    telemetry = Telemetry("http://127.0.0.1:1", cells.layout, cells.row(0), exporter)
    query = read_query(f"x-oss-signature={SIGNATURE}".encode())
    exchange = an_exchange(Request("GET", b"/photos/a.txt", query, {"traceparent": TRACE, "host": "oss.test"}), 200)
    link = UsedLink(Caller("1", "ExampleKey", by_link=True, signature=SIGNATURE), "photos", "a.txt", None)
    said = {"operation": "get_object", "bucket": "photos", "key": "a.txt", "link": link, "seconds": 0.25, **facts}
    for name, value in said.items():
        setattr(exchange, name, value)
    telemetry.note(exchange)
    telemetry.close()
    (span,) = exporter.get_finished_spans()
    return span


def test_a_request_is_a_span_of_the_trace_that_brought_it() -> None:
    span = spans_of()
    assert (span.name, span.kind.name) == ("GetObject", "SERVER")
    assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert format(span.parent.span_id, "016x") == "b7ad6b7169203331"
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(0.25, abs=1e-6)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.response.body.size": 0,
        "coatcheck.operation": "GetObject",
        "coatcheck.request_id": "69A92BD9A1B2C3D4E5F60718",
        "coatcheck.bucket": "photos",
        "coatcheck.end": "whole",
        "coatcheck.link": Caller("1", "ExampleKey", by_link=True, signature=SIGNATURE).link,
    }
    assert SIGNATURE not in span.to_json()


def test_a_reply_that_broke_off_is_an_error() -> None:
    assert spans_of(whole=False).status.status_code.name == "ERROR"
    assert spans_of().status.status_code.name == "UNSET"


def test_the_numbers_that_are_sent_are_those_of_the_cells() -> None:
    pytest.importorskip("opentelemetry.sdk", reason="MISSING")
    cells = Cells(make_layout(), 1)
    row = cells.row(0)
    RequestCounts(cells.layout, row).note(an_exchange(Request("GET", b"/"), 404))
    row[cells.layout.cell(CONNECTIONS)] = 3
    (requests,) = _observer(REQUESTS, cells.layout, row)(None)
    assert (requests.value, requests.attributes) == (1, {"operation": "Other", "status": "404"})
    assert [seen.value for seen in _observer(CONNECTIONS, cells.layout, row)(None)] == [3]


def test_it_is_refused_in_words_where_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.telemetry._NEEDED", ("no_such_package.sdk",))
    check_telemetry(ServerSettings())
    with pytest.raises(NoTelemetry, match=r"pip install 'coatcheck\[otel\]'"):
        check_telemetry(ServerSettings(otel_endpoint="http://127.0.0.1:4318"))
