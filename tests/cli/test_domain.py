"""`coatcheck domain` and `coatcheck https-only` on a data directory, and what a running server makes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.ports.bucket import Bucket
from tests.ports.catalog_contract import a_bucket

from .conftest import call


@pytest.fixture
def data(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = work / "data"
    prepare_local(data).close()
    with open_local(data) as engines:
        for name in ("photos", "other"):
            asyncio.run(engines.catalog.create_bucket(a_bucket(name), most=100))
    monkeypatch.setenv("COATCHECK_DATA", str(data))
    return data


def bucket_of(data: Path) -> Bucket | None:
    with open_local(data) as engines:
        return asyncio.run(engines.catalog.find_bucket("photos"))


def test_domain_is_bound_listed_and_removed(data: Path) -> None:
    assert call("domain", "add", "Files.Example.com", "photos").stdout == (
        "files.example.com answers for the bucket photos.\n"
    )
    assert call("domain", "add", "a.example.com", "other").exit_code == 0
    listed = [json.loads(line) for line in call("domain", "list", "--json").stdout.splitlines()]
    assert [(row["domain"], row["bucket"]) for row in listed] == [
        ("a.example.com", "other"),
        ("files.example.com", "photos"),
    ]
    assert call("domain", "list", "photos").stdout.startswith("files.example.com  photos  2")
    assert call("domain", "remove", "files.example.com", "--data", str(data)).exit_code == 0
    assert call("domain", "list", "photos").stdout == ""


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("add", "files.example.com", "nowhere"), 3, "no bucket"),
        (("add", "taken.example.com", "photos"), 1, "bound to the bucket other"),
        (("add", "localhost", "photos"), 2, "not a host name"),
        (("add", "a b.example.com", "photos"), 2, "not a host name"),
        (("add", "https://files.example.com", "photos"), 2, "not a host name"),
        (("remove", "files.example.com"), 3, "bound to no bucket"),
        (("list", "nowhere"), 3, "no bucket"),
    ],
)
def test_what_cannot_be_done_is_told(data: Path, words: tuple[str, ...], exit_code: int, says: str) -> None:
    assert call("domain", "add", "taken.example.com", "other").exit_code == 0
    result = call("domain", *words)
    assert (result.exit_code, says in result.stderr) == (exit_code, True), result.stderr


def test_plain_http_is_switched_off_and_on(data: Path) -> None:
    assert call("https-only", "photos").stdout == "photos answers over HTTPS only.\n"
    bucket = bucket_of(data)
    assert bucket is not None
    assert bucket.configuration("https-only") == '{"v":1}'
    assert json.loads(call("https-only", "photos", "--off", "--json").stdout) == {
        "bucket": "photos",
        "https_only": False,
    }
    bucket = bucket_of(data)
    assert bucket is not None
    assert bucket.configuration("https-only") is None
