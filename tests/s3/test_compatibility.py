"""docs/s3.md, kept true: it has a row for each route, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from coatcheck.oss.row import Level
from coatcheck.s3.table import ROWS, SUB_RESOURCES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "s3.md").read_text("utf-8")
_LEVELS = {Level.SERVICE: "S", Level.BUCKET: "B", Level.OBJECT: "O"}


def test_the_page_has_a_row_for_each_route() -> None:
    documented = re.findall(r"^\| \w+ \| `(.*?)` \| (?:works|differs) \| .*\|$", DOCUMENT, re.MULTILINE)
    routes = [
        f"{row.method} {_LEVELS[row.level]}" + (f" ?{row.sub_resource}" if row.sub_resource else "") for row in ROWS
    ]
    assert sorted(documented) == sorted(routes)


def test_each_route_is_found_by_known_parameters() -> None:
    for row in ROWS:
        assert set(filter(None, row.sub_resource.split("&"))) <= SUB_RESOURCES
