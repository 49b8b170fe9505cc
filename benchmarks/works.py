"""What is measured, and what has to come out: the table that `rates.py` fills and `page.py` prints.

A figure is a ratio to a peer in the same run, or an absolute one where no peer has its like. *must* is what a release
needs, *aim* what we work towards. They are meant for the compiled wheel; `must_source` is for the pure Python that runs
everywhere, where that differs.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SOURCE, COMPILED = "source", "compiled"
BUILDS = (COMPILED, SOURCE)

KIB, MIB, GIB = 1024, 1024**2, 1024**3


@dataclass(frozen=True)
class Work:
    """One row. Without `must` it is only told.

    Attributes:
        unit: "x nginx" and its like are ratios; others are absolute.
        is_cost: less is better.
    """

    name: str
    title: str
    unit: str
    must: float | None = None
    aim: float | None = None
    must_source: float | None = None
    is_cost: bool = False

    def least(self, build: str) -> float | None:
        return self.must if build == COMPILED or self.must_source is None else self.must_source

    def meets(self, value: float, build: str) -> bool:
        """Rounded as it is shown: what reads 0.45 meets 0.45."""
        least, shown = self.least(build), round(value, self.digits)
        return least is None or (shown <= least if self.is_cost else shown >= least)

    @property
    def digits(self) -> int:
        return 2 if self.unit.startswith("x ") else 0 if self.unit == "MiB" or (self.must or 0) > 50 else 2


class Value(NamedTuple):
    """A median and its range, and what lies behind it in words."""

    median: float
    lowest: float
    highest: float
    behind: str = ""


def value_of(values: Sequence[float], behind: str = "") -> Value:
    return Value(statistics.median(values), min(values), max(values), behind)


WORKS = (
    Work("get-1k seen", "GET 1 KiB, links seen before", "x nginx", 0.45, 0.6, 0.33),
    Work("get-1k new", "GET 1 KiB, each link new", "x nginx", 0.33, 0.45, 0.25),
    Work("get-64k seen", "GET 64 KiB, links seen before", "x nginx", 0.6, 0.75, 0.45),
    Work("get-64k new", "GET 64 KiB, each link new", "x nginx", 0.6, 0.75, 0.45),
    Work("get-1m seen", "GET 1 MiB, links seen before", "x nginx", 0.95, 1.1, 0.9),
    Work("get-1m new", "GET 1 MiB, each link new", "x nginx", 0.95, 1.1, 0.9),
    Work("get-1m-tls seen", "GET 1 MiB over TLS", "x nginx", 0.95, 1.1, 0.9),
    Work("get-256m", "GET 256 MiB, one stream", "x nginx", 1.0, 1.1, 0.9),
    Work("get-1g", "GET 1 GiB, one stream", "x nginx"),
    Work("get-1k cpu", "CPU of one GET of 1 KiB, links seen before", "x nginx", 4.0, 2.7, is_cost=True),
    Work("get-1k seen weed", "GET 1 KiB, links seen before", "x SeaweedFS", 4.0),
    Work("get-1m seen weed", "GET 1 MiB, links seen before", "x SeaweedFS"),
    Work("put-1k", "PUT 1 KiB, durable, 32 connections", "x SeaweedFS", 1.8, 2.5),
    Work("put-256m", "PUT 256 MiB", "x SeaweedFS", 2.3, 3.0),
    Work("beside a writer", "GET 1 KiB beside 1,000 small PUTs a second", "x beside a writer elsewhere", 0.85, 0.95),
    Work("jpeg equal", "JPEG of 12 megapixels to 400 pixels, at equal quality", "x sharp", 1.0, 1.1),
    Work("jpeg draft", "the same beside Pillow's draft, which aliases", "x Pillow", 0.85, 1.0),
    Work("first read 64k", "64 KiB: first read of a blob from the disk, checked", "ms", is_cost=True),
    Work("first read 1m", "1 MiB: first read of a blob from the disk, checked", "ms", is_cost=True),
    Work("start", "first answer after the start", "ms", 300, 150, is_cost=True),
    Work("idle", "memory of an idle worker", "MiB", 40, 30, is_cost=True),
)
