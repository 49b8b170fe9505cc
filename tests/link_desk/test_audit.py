"""The audit over HTTP: who may read it, and what it has."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from coatcheck.background.audit_reading import AuditReading
from coatcheck.background.audit_run import AuditRun, Batch
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.background.link_audit import LinkAuditLog
from coatcheck.engines.memory_keyring import MemoryKeyring

from ..oss.house import OWNER, STRANGER, House
from .test_desk import CLERK, READER, ask, link, refused


class Nobody:
    """Who hears of no row."""

    async def buckets(self) -> Collection[str]:
        return ()

    async def tell(self, batch: Batch, now: float) -> None:
        return


class Audited:
    """A server whose audit is written when a test says so."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = LinkAuditLog(AuditSegments(directory))
        self.house = House(
            keyring=MemoryKeyring(OWNER, STRANGER, CLERK, READER),
            audit=AuditReading(AuditSegments(directory), is_on=True),
            listeners=(lambda exchange: self.log.note(exchange),),
        )

    async def written(self) -> None:
        """Every row is on disk and counted, as at a process's end."""
        self.log.close()
        self.log = LinkAuditLog(AuditSegments(self.directory))
        await AuditRun(AuditSegments(self.directory), self.house.link_totals, Nobody(), days=90).run(self.house.now)

    async def uses(self, query: str = "", **by: Any) -> list[dict[str, Any]]:
        status, page = await ask(self.house, "GET", f"uses{query}", **by)
        assert status == 200, page
        uses: list[dict[str, Any]] = page["uses"]
        return uses


@pytest.fixture
async def audited(tmp_path: Path) -> Audited:
    audited = Audited(tmp_path / "link-audit")
    await audited.house.with_bucket()
    await audited.house.put("/photos/2026/cat.jpg")
    return audited


async def test_a_use_has_its_row(audited: Audited) -> None:
    await audited.house.follow(link(), headers={"User-Agent": "curl/8\r\n=1+1"})
    await audited.house.ask("GET", "/photos/2026/cat.jpg")  # signed in its headers: no link
    await audited.written()
    (use,) = await audited.uses()
    assert use.pop("link").startswith("lk_")
    assert use.pop("ms") >= 0
    assert use.pop("at").startswith("2026-03-05T07:08:09.")
    assert use == {
        "bucket": "photos",
        "key": "2026/cat.jpg",
        "version": None,
        "operation": "get_object",
        "status": 200,
        "code": None,
        "address": "",
        "agent": "curl/8\r\n=1+1",
        "bytes": 5,
        "whole": True,
        "request_id": "69A92BD9A1B2C3D4E5F60718",
    }


async def test_a_refusal_of_a_link_has_its_row_with_its_number(audited: Audited) -> None:
    url = link()
    await ask(audited.house, "POST", "links", {"url": url, "downloads": 1})
    for _ in range(2):
        await audited.house.follow(url)
        audited.house.now += 1
    await audited.written()
    uses = await audited.uses("?order=oldest")
    assert [(use["status"], use["code"], use["key"]) for use in uses] == [
        (200, None, "2026/cat.jpg"),
        (403, "AccessDenied 9000-00000002", "2026/cat.jpg"),
    ]


async def test_a_list_says_what_the_uses_came_to(audited: Audited) -> None:
    url = link()
    _, registered = await ask(audited.house, "POST", "links", {"url": url})
    for _ in range(3):
        await audited.house.follow(url)
    await ask(audited.house, "POST", "cancellations", {"url": url})
    await audited.house.follow(url)
    await audited.written()
    (listed,) = (await ask(audited.house, "GET", "links"))[1]["links"]
    _, shown = await ask(audited.house, "GET", f"links/{registered['id']}")
    for known in (listed, shown):
        assert (known["uses"], known["broken"], known["refused"], known["state"]) == (3, 0, 1, "cancelled")
        assert known["bytes"] > 15
        assert known["last_use_at"].startswith("2026-03-05T07:08:09.")


async def test_uses_are_found_by_link_object_address_and_time_a_page_at_a_time(audited: Audited) -> None:
    await audited.house.put("/photos/2026/dog.jpg")
    for number in range(3):
        await audited.house.follow(link(expires=60 + number))
    await audited.house.follow(link(key="2026/dog.jpg"))
    await audited.written()
    assert len(await audited.uses("?bucket=photos&key=2026/cat.jpg")) == 3
    first = (await audited.uses("?bucket=photos&key=2026/dog.jpg"))[0]["link"]
    assert [use["key"] for use in await audited.uses(f"?link={first}")] == ["2026/dog.jpg"]
    assert await audited.uses("?address=192.0.2.1") == []
    assert await audited.uses("?since=2026-03-05T07:08:11Z") == []
    assert len(await audited.uses("?since=2026-03-05T07:08:09Z&until=2026-03-05T08:00:00Z")) == 4
    pages, after = [], ""
    while after is not None:
        _, page = await ask(audited.house, "GET", f"uses?limit=3{f'&after={after}' if after else ''}")
        pages.append(len(page["uses"]))
        after = page["next"]
    assert pages == [3, 1]


async def test_nobody_sees_the_uses_of_others(audited: Audited) -> None:
    await audited.house.follow(link())
    await audited.written()
    (use,) = await audited.uses()
    assert await audited.uses(by=STRANGER) == []
    assert await audited.uses(f"?link={use['link']}", by=STRANGER) == []
    for query in ("", f"?link={use['link']}", "?bucket=photos", "?bucket=photos&key=2026/cat.jpg"):
        assert refused(await ask(audited.house, "GET", f"uses{query}", by=READER)) == (403, "9000-00000007")
    assert refused(await ask(audited.house, "GET", "uses?bucket=photos", by=STRANGER)) == (403, "9000-00000007")
    assert len(await audited.uses("?bucket=photos&key=2026/cat.jpg", by=CLERK)) == 1
    for query in ("", "?bucket=photos", "?bucket=photos&key=2025/cat.jpg", f"?link={use['link']}"):
        assert refused(await ask(audited.house, "GET", f"uses{query}", by=CLERK)) == (403, "9000-00000007")
    await ask(audited.house, "POST", "links", {"url": link()})  # now it is known where the link leads
    assert len(await audited.uses(f"?link={use['link']}", by=CLERK)) == 1


@pytest.mark.parametrize(
    "query", ["?link=x", "?order=up", "?since=yesterday", "?after=x", "?limit=0", "?key=k", "?colour=red"]
)
async def test_a_question_that_makes_no_sense_is_refused(audited: Audited, query: str) -> None:
    status, document = await ask(audited.house, "GET", f"uses{query}")
    assert (status, document["error"]["code"]) in ((400, "InvalidArgument"), (400, "MissingArgument"))


async def test_a_giant_agent_is_cut_off(audited: Audited) -> None:
    await audited.house.follow(link(), headers={"User-Agent": "\u202e" * 8000})
    await audited.written()
    assert [use["agent"] for use in await audited.uses()] == ["\u202e" * 256]
