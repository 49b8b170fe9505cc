"""Traces and metrics by OpenTelemetry, for whoever has installed `coatcheck[otel]` and named where they go.

A span a request, made when its reply has ended: what it was, how it was answered, the id of its link. Never a secret, a
signature or a query, and no key: keys are in the log. Each worker sends its own, in the background; the same numbers as
on /metrics, those of a worker's place. What else can be chosen is chosen by OpenTelemetry's own variables
(OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from coatcheck import __version__
from coatcheck.core.operation_names import write_operation
from coatcheck.exchange import Exchange
from coatcheck.metrics.layout import Layout
from coatcheck.metrics.table import FAMILIES, REQUESTS, Family, Kept, Kind
from coatcheck.settings import ServerSettings

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.trace.export import SpanExporter

_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_NANOSECONDS: Final = 1e9
_ENDING_MS: Final = 2000


class NoTelemetry(Exception):
    """It is asked for and can't be had; the message says why."""


def check_telemetry(settings: ServerSettings) -> None:
    """Raises: NoTelemetry."""
    if not settings.otel_endpoint:
        return
    try:
        missing = [name for name in _NEEDED if find_spec(name) is None]
    except ModuleNotFoundError:
        missing = list(_NEEDED)
    if missing:
        raise NoTelemetry("--otel-endpoint needs an extra that is not installed: pip install 'coatcheck[otel]'.")


class Telemetry:
    """Of one worker, once it is forked: it starts threads.

    Args:
        endpoint: the base address of an OTLP receiver over HTTP, "http://127.0.0.1:4318".
        cells: the worker's row.
    """

    def __init__(self, endpoint: str, layout: Layout, cells: memoryview, exporter: SpanExporter | None = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        base = endpoint.rstrip("/")
        names = {"service.name": "coatcheck", "service.version": __version__, "service.instance.id": str(os.getpid())}
        self._resource = Resource.create(names)
        self._traces = TracerProvider(resource=self._resource)
        self._traces.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(f"{base}/v1/traces")))
        self._tracer = self._traces.get_tracer("coatcheck", __version__)
        self._metrics: Any = _send_metrics(base, self._resource, layout, cells) if exporter is None else None

    def note(self, exchange: Exchange) -> None:
        """A span of a request that has ended."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        reply, name = exchange.reply, write_operation(exchange.operation) or exchange.request.method
        status = 0 if reply is None else reply.status
        span = self._tracer.start_span(
            name, _context_of(exchange), SpanKind.SERVER, start_time=int(exchange.now * _NANOSECONDS)
        )
        if span.is_recording():
            span.set_attributes(_attributes(exchange, status))
            if status >= 500 or not exchange.whole:
                span.set_status(Status(StatusCode.ERROR))
        span.end(int((exchange.now + exchange.seconds) * _NANOSECONDS))

    def close(self) -> None:
        """Send what waits, as far as that is quick. Takes seconds where nobody listens: not on the event loop."""
        self._traces.force_flush(_ENDING_MS)
        self._traces.shutdown()
        if self._metrics is not None:
            self._metrics.shutdown(timeout_millis=_ENDING_MS)


def _context_of(exchange: Exchange) -> Any:
    """The trace that the client, or a proxy, has begun (W3C Trace Context)."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers = exchange.request.headers
    if "traceparent" not in headers:
        return Context()
    return TraceContextTextMapPropagator().extract({"traceparent": headers["traceparent"]}, Context())


def _attributes(exchange: Exchange, status: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "http.request.method": exchange.request.method,
        "http.response.status_code": status,
        "http.response.body.size": exchange.sent_bytes,
        "coatcheck.operation": write_operation(exchange.operation),
        "coatcheck.request_id": exchange.request_id,
        "coatcheck.bucket": exchange.bucket,
        "coatcheck.code": exchange.refusal,
        "coatcheck.end": "whole" if exchange.whole else "broken",
        "coatcheck.link": "" if exchange.link is None else exchange.link.caller.link,
    }
    return {name: value for name, value in said.items() if value != ""}


def _send_metrics(base: str, resource: Any, layout: Layout, cells: memoryview) -> Any:
    """Counters and gauges of the worker's row; of histograms the spans tell more."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))
    provider = MeterProvider([reader], resource)
    meter = provider.get_meter("coatcheck", __version__)
    for family in FAMILIES:
        if family.kept is Kept.WORKER and family.kind is not Kind.HISTOGRAM:
            make = meter.create_observable_gauge if family.kind is Kind.GAUGE else meter.create_observable_counter
            make(family.name.removesuffix("_total"), [_observer(family, layout, cells)], description=family.meaning)
    return provider


def _observer(family: Family, layout: Layout, cells: memoryview) -> Callable[[Any], Iterator[Observation]]:
    from opentelemetry.metrics import Observation

    def observe_requests(_: Any) -> Iterator[Observation]:
        for operation, status, cell in layout.requests():
            if cells[cell]:
                yield Observation(cells[cell], {"operation": write_operation(operation), "status": status})

    def observe(_: Any) -> Iterator[Observation]:
        for _, labels, cell in (each for each in layout.series() if each.family is family):
            if cells[cell] or family.kind is Kind.GAUGE:
                yield Observation(cells[cell], dict(zip(family.labels, labels, strict=True)))

    return observe_requests if family is REQUESTS else observe
