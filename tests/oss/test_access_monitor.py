"""Whether last access times are to be kept: the document, of which nothing follows yet."""

from __future__ import annotations

import pytest

from .house import House


def a_document(status: str) -> bytes:
    return f"<AccessMonitorConfiguration><Status>{status}</Status></AccessMonitorConfiguration>".encode()


async def test_it_is_disabled_where_nothing_was_said() -> None:
    house = await House().with_bucket()
    answer = await house.ask("GET", "/photos/?accessmonitor")
    assert (answer.status, answer.xml.tag) == (200, "AccessMonitorConfiguration")
    assert answer.text("Status") == "Disabled"
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/AccessMonitor") == "Disabled"


async def test_what_was_put_comes_back() -> None:
    house = await House().with_bucket()
    for status in ("Enabled", "Disabled", "Enabled"):
        assert (await house.ask("PUT", "/photos/?accessmonitor", a_document(status))).status == 200
        assert (await house.ask("GET", "/photos/?accessmonitor")).text("Status") == status
        assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/AccessMonitor") == status


@pytest.mark.parametrize(
    "document",
    [
        b"",
        a_document(""),
        a_document("enabled"),
        a_document("true"),
        a_document("Enabled</Status><Status>Enabled"),
        b"<Status>Enabled</Status>",
    ],
)
async def test_no_other_status_is_taken(document: bytes) -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", "/photos/?accessmonitor", document)).refusal == (400, "MalformedXML")
    assert (await house.ask("GET", "/photos/?accessmonitor")).text("Status") == "Disabled"
