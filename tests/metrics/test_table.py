"""The table of metrics, beside what the server has, its page, the dashboard and the alert rules."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from coatcheck.core.fault import Fault
from coatcheck.metrics.table import FAMILIES, Kind
from coatcheck.oss.table import ROWS
from coatcheck.s3.table import ROWS as S3_ROWS
from coatcheck.seen import make_layout
from coatcheck.services import OPERATIONS

ROOT = Path(__file__).parents[2]
NAMES = {
    name
    for family in FAMILIES
    for name in (
        [f"{family.name}_bucket", f"{family.name}_sum", f"{family.name}_count"]
        if family.kind is Kind.HISTOGRAM
        else [family.name]
    )
}


def faults() -> dict[int, Fault]:
    """Every row of the tables of errors, wherever it stands."""
    found: dict[int, Fault] = {}
    for path in (ROOT / "src" / "coatcheck" / "core").glob("*.py"):
        values = list(vars(importlib.import_module(f"coatcheck.core.{path.stem}")).values())
        values += [value for each in values if isinstance(each, dict) for value in each.values()]
        found |= {id(value): value for value in values if isinstance(value, Fault)}
    return found


def test_every_operation_and_every_error_has_its_cells() -> None:
    layout = make_layout()
    assert set(layout.rows) == {row.name for row in (*ROWS, *S3_ROWS)} | set(OPERATIONS)
    assert {fault.code for fault in faults().values()} <= set(layout.codes)
    for fault in faults().values():
        assert layout.columns[fault.status], fault
    cells = [layout.codes[code] for code in layout.codes] + [cell for *_, cell in layout.requests()]
    assert len(set(cells)) == len(cells)
    assert max(cells) < layout.size


def test_counters_end_with_total_and_nothing_else_does() -> None:
    assert [family.name for family in FAMILIES if family.name.endswith("_total") != (family.kind is Kind.COUNTER)] == []
    assert {family.name.partition("_")[0] for family in FAMILIES} == {"coatcheck"}


def test_the_page_has_every_metric() -> None:
    rows = [
        f"| `{family.name}` | {family.kind.value} | {', '.join(f'`{label}`' for label in family.labels) or '-'} | "
        f"{family.meaning} |"
        for family in FAMILIES
    ]
    page = (ROOT / "docs" / "operate.md").read_text("utf-8").splitlines()
    assert [line for line in page if line.startswith("| `coatcheck_")] == rows


def expressions(node: Any) -> list[str]:
    """Every text called "expr" or "query", however deep."""
    if isinstance(node, list):
        return [text for each in node for text in expressions(each)]
    if not isinstance(node, dict):
        return []
    own = [value for name, value in node.items() if name in ("expr", "query") and isinstance(value, str)]
    return own + [text for value in node.values() for text in expressions(value)]


def named(texts: list[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r"\bcoatcheck_\w+", text)}


def test_the_dashboard_names_only_metrics_that_exist() -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text("utf-8"))
    asked = named(expressions(dashboard))
    assert asked - NAMES == set()
    assert len(asked) >= 15
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_the_alert_rules_name_only_metrics_that_exist() -> None:
    text = (ROOT / "deploy" / "prometheus-alerts.yml").read_text("utf-8")
    rules = re.findall(r"^ +- alert: (\w+)$", text, re.M)
    asked = named(re.findall(r"^ +expr: (.+)$", text, re.M))
    assert asked - NAMES == set()
    assert len(rules) == len(re.findall("^ +expr: ", text, re.M)) == len(re.findall("^ +summary: ", text, re.M)) == 9


@pytest.mark.parametrize("place", ["deploy/grafana-dashboard.json", "deploy/prometheus-alerts.yml"])
def test_labels_that_are_asked_for_exist(place: str) -> None:
    labels = {label for family in FAMILIES for label in family.labels} | {"job", "instance", "le"}
    text = (ROOT / place).read_text("utf-8")
    asked = {label for names in re.findall(r"\bby \(([\w, ]+)\)", text) for label in names.split(", ")}
    assert asked | set(re.findall(r"[{,](\w+)=~?\\?\"", text)) <= labels
