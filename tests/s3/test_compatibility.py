"""docs/s3.md, kept true: it has a row for each route, and no other."""

from __future__ import annotations

import json
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


def test_the_page_names_the_versions_of_sdks_that_are_tested() -> None:
    clients = Path(__file__).parents[1] / "clients"
    node = json.loads((clients / "node" / "package.json").read_text("utf-8"))["dependencies"]
    go = re.findall(r"^\t(\S+) (v\S+)$", (clients / "go_s3" / "go.mod").read_text("utf-8"), re.MULTILINE)
    java = re.findall(
        r"<dependency>\s*<groupId>(.*?)</groupId>\s*<artifactId>(.*?)</artifactId>\s*<version>(.*?)</version>",
        (clients / "java_s3" / "pom.xml").read_text("utf-8"),
    )
    tested = {(name, version) for name, version in node.items() if name.startswith("@aws-sdk/")}
    tested |= {(name, version) for name, version in go if "/s3" in name or "minio-go" in name}
    tested |= {(f"{group}:{name}", version) for group, name, version in java}
    named = re.findall(r"`([^` ]+)` (v?[0-9.]+)", DOCUMENT.partition("## SDKs")[2].partition("\n## ")[0])
    assert len(tested) == 9
    assert set(named) == tested
