"""docs/compatibility.md, kept true: what it says works is a route, and what it says isn't there answers so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from coatcheck.oss.table import BESIDE, PROCESS, ROWS, SUB_RESOURCES, Level

from .house import House

DOCUMENT = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text("utf-8")
LEVELS = {"S": Level.SERVICE, "B": Level.BUCKET, "O": Level.OBJECT}

NO_ROUTE = {
    "GetObject with x-oss-process",
    "OptionObject",
    "Presigned GET, PUT, HEAD, multipart",
    "Callback on upload",
}  # answered outside the table; tested elsewhere
CLIENT_SIDE = {"RTMP URL signing"}


class Documented(NamedTuple):
    number: int
    operation: str
    request: str
    status: str
    difference: str


def _read_rows() -> list[Documented]:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.*?) ?\|$", DOCUMENT, re.MULTILINE)
    return [Documented(int(row[0]), row[1], row[2].strip("`"), row[3], row[4]) for row in rows]


DOCUMENTED = _read_rows()
ROUTED = [row for row in DOCUMENTED if row.operation not in NO_ROUTE | CLIENT_SIDE]
MISSING = sorted(SUB_RESOURCES - {name for row in ROWS for name in row.sub_resource.partition("=")[0].split("&")})


def test_there_is_one_row_for_each_operation_of_oss() -> None:
    assert [row.number for row in DOCUMENTED] == list(range(1, 168))
    assert len({row.operation for row in DOCUMENTED}) == 167


def test_a_status_is_one_of_two_and_a_difference_is_told() -> None:
    for row in DOCUMENTED:
        assert row.status in ("works", "differs"), row
        assert row.difference or row.status != "differs", row


def test_what_is_documented_as_there_is_what_the_table_routes() -> None:
    documented = {row.operation for row in DOCUMENTED} - NO_ROUTE - CLIENT_SIDE
    assert documented == {row.name.title().replace("_", "") for row in ROWS}


@pytest.mark.parametrize("row", ROUTED, ids=str)
def test_it_is_routed_by_the_request_that_is_documented(row: Documented) -> None:
    method, level, sub_resource = _read_request(row.request)
    routes = {(route.method, route.level, route.sub_resource) for route in ROWS if _is(route.name, row.operation)}
    assert (method, LEVELS[level], _selected(sub_resource)) in routes


@pytest.mark.parametrize("name", MISSING)
async def test_what_is_not_there_says_so_and_changes_nothing(name: str) -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    before = house.contents()
    for method in ("GET", "PUT", "POST", "DELETE"):
        for address in ("/", "/photos/", "/photos/a.txt"):
            assert (await house.ask(method, f"{address}?{name}")).refusal == (400, "NotImplemented")
    assert house.contents() == before


def _read_request(request: str) -> tuple[str, str, str]:
    """ "GET B or S ?accessPoint + name header" -> method, level, query."""
    method, level = request.split()[:2]
    query = re.search(r"\?(\S+)", request)
    return method, level, query[1] if query else ""


def _selected(query: str) -> str:
    """The part of a documented query that selects the route, as rows write it."""
    valued = ("comp=", f"{PROCESS}=")
    pieces = [piece if piece.startswith(valued) else piece.partition("=")[0] for piece in query.split("&")]
    return "&".join(sorted(piece for piece in pieces if piece.partition("=")[0] in {*SUB_RESOURCES, PROCESS, *BESIDE}))


def _is(name: str, operation: str) -> bool:
    return name.title().replace("_", "") == operation
