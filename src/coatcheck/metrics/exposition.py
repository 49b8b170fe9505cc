"""The metrics as Prometheus reads them, by prometheus-client, which is loaded when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from coatcheck.core.operation_names import write_operation

from .layout import Layout
from .table import FAMILIES, REQUESTS, Family, Kind

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

Looked = Mapping[Family, Sequence[tuple[tuple[str, ...], float]]]  # what is looked up when it is asked for


def write_metrics(layout: Layout, totals: Sequence[int], looked: Looked) -> bytes:
    """All families, each with its series. Of requests and refusals those that have happened; of all else every one."""
    from prometheus_client.exposition import generate_latest

    return generate_latest(_Collected(layout, totals, looked))  # it needs no more of a registry


class _Collected:
    """What prometheus-client asks for."""

    def __init__(self, layout: Layout, totals: Sequence[int], looked: Looked) -> None:
        self._totals = totals
        self._looked = looked
        self._layout = layout

    def collect(self) -> Iterator[Metric]:
        found = {family: _make(family) for family in FAMILIES}
        for family, labels, cell in self._layout.series():
            self._add(found[family], family, labels, cell)
        for operation, status, cell in self._layout.requests():
            if self._totals[cell]:
                found[REQUESTS].add_metric([write_operation(operation), status], self._totals[cell])
        for family, series in self._looked.items():
            for labels, value in series:
                found[family].add_metric(list(labels), value)
        return iter(found.values())

    def _add(self, metric: Any, family: Family, labels: tuple[str, ...], cell: int) -> None:
        value = self._totals[cell]
        if family.kind is Kind.HISTOGRAM:
            metric.add_metric(list(labels), *self._read_histogram(family, cell))
        elif value or "code" not in family.labels:
            metric.add_metric(list(labels), value / family.unit if family.unit != 1 else value)

    def _read_histogram(self, family: Family, cell: int) -> tuple[list[tuple[str, float]], float]:
        """Buckets, each with all that is below its bound, and the sum."""
        below, buckets = 0, []
        for number, bound in enumerate((*family.bounds, float("inf"))):
            below += self._totals[cell + number]
            buckets.append(("+Inf" if bound == float("inf") else repr(bound), float(below)))
        return buckets, self._totals[cell + len(buckets)] / family.unit


def _make(family: Family) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    makers = {
        Kind.COUNTER: CounterMetricFamily,
        Kind.GAUGE: GaugeMetricFamily,
        Kind.HISTOGRAM: HistogramMetricFamily,
    }
    return makers[family.kind](family.name, family.meaning, labels=list(family.labels))
