"""The audit of links: rows are written, found again, counted, indexed and removed."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

import coatcheck.background.audit_reading as audit_reading
import coatcheck.background.audit_run as audit_run
import coatcheck.background.audit_segments as audit_segments
from coatcheck.background.audit_reading import AuditReading
from coatcheck.background.audit_run import AuditRun, Batch
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.engines.memory_link_totals import MemoryLinkTotals
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.ports.link_audit import AuditRow, Page, Question
from coatcheck.ports.link_totals import Totals
from coatcheck.ports.links import Link

HOME, OTHER = "1000", "2000"
DAY_MS = 86_400_000
BEGIN_MS = 1_772_694_489_000


def a_row(at_ms: int, link: str = "lk_a", account: str = HOME, **changes: object) -> AuditRow:
    row = AuditRow(
        at_ms, account, link, "photos", "cat.jpg", "", "get_object", 200, "", "192.0.2.7", "curl", 5, True, 1, "R"
    )
    return replace(row, **changes)


class Scene:
    """The audit of one directory, as a server's processes have it."""

    def __init__(self, directory: Path, days: int = 90) -> None:
        self.directory = directory
        self.links = MemoryLinks()
        self.totals = MemoryLinkTotals(self.links)
        self.heard = ["photos"]
        self.told: list[Batch] = []
        self.days = days

    def writer(self) -> AuditSegments:
        return AuditSegments(self.directory)

    async def work(self, now_ms: int) -> None:
        """Another process each time."""
        await AuditRun(self.writer(), self.totals, self, days=self.days).run(now_ms / 1000)

    async def buckets(self) -> Collection[str]:
        return self.heard

    async def tell(self, batch: Batch, _: float) -> None:
        self.told.append(batch)

    async def ask(self, question: Question, most: int = 1000) -> list[AuditRow]:
        """All pages."""
        rows: list[AuditRow] = []
        page = Page((), "first")
        while page.place:
            after = "" if page.place == "first" else page.place
            page = await AuditReading(self.writer(), is_on=True).list_rows(question, after=after, most=most)
            assert len(page.rows) <= most
            rows += page.rows
        return rows

    def endings(self) -> list[str]:
        return sorted(path.suffix for path in self.directory.iterdir())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "link-audit")


async def test_without_rows_there_is_nothing(scene: Scene) -> None:
    assert await scene.ask(Question(HOME)) == []
    await scene.work(BEGIN_MS)


async def test_rows_are_found_by_link_object_address_and_time_and_nobody_sees_anothers(scene: Scene) -> None:
    rows = [
        a_row(BEGIN_MS),
        a_row(BEGIN_MS + 1, "lk_b", key="dog.jpg"),
        a_row(BEGIN_MS + 2, "lk_c", address="2001:db8::1", bucket="letters"),
        a_row(BEGIN_MS + 3, "lk_a", OTHER),
    ]
    scene.writer().append(rows)
    for _ in range(3):  # open, complete, indexed
        assert await scene.ask(Question(HOME)) == rows[2::-1]
        assert await scene.ask(Question(HOME, newest_first=False)) == rows[:3]
        assert await scene.ask(Question(HOME, link="lk_a")) == rows[:1]
        assert await scene.ask(Question(HOME, link="lk_x")) == []
        assert await scene.ask(Question(OTHER)) == rows[3:]
        assert await scene.ask(Question(HOME, bucket="photos", key="dog.jpg")) == rows[1:2]
        assert await scene.ask(Question(HOME, bucket="letters")) == rows[2:3]
        assert await scene.ask(Question(HOME, address="2001:db8::1")) == rows[2:3]
        assert await scene.ask(Question(HOME, since_ms=BEGIN_MS + 1, until_ms=BEGIN_MS + 2)) == rows[1:2]
        await scene.work(BEGIN_MS + 2 * 3_600_000)
    assert scene.endings() == [".done", ".index"]


async def test_a_text_that_looks_like_another_row_is_no_other_row(scene: Scene) -> None:
    fake = 'x","lk_b","photos","dog.jpg"]\n[1,"1000","lk_b"'
    scene.writer().append([a_row(BEGIN_MS, agent=fake, key=fake)])
    assert [row.agent for row in await scene.ask(Question(HOME))] == [fake]
    assert await scene.ask(Question(HOME, link="lk_b")) == []
    assert await scene.ask(Question(HOME, bucket="photos", key="dog.jpg")) == []


async def test_a_row_that_a_crash_has_cut_off_is_no_row(scene: Scene) -> None:
    scene.writer().append([a_row(BEGIN_MS)])
    (path,) = scene.directory.iterdir()
    with path.open("ab") as file:
        file.write(b'[1772694489001,"1000","lk_a","pho')
    for _ in range(3):
        assert len(await scene.ask(Question(HOME, link="lk_a"))) == 1
        await scene.work(BEGIN_MS + 2 * 3_600_000)
    assert [len(batch.rows) for batch in scene.told] == [1]


def a_history(seed: int) -> list[list[AuditRow]]:
    """What several workers write, each in its turns; clocks are set back now and then."""
    luck = random.Random(seed)
    clock, turns = BEGIN_MS, []
    for _ in range(60):
        clock += luck.choice((0, 1, 40, 4_000, -9_000))
        links = [f"lk_{luck.choice('abc')}" for _ in range(luck.randint(1, 9))]
        turns.append([a_row(clock + luck.randint(0, 300), link) for link in links])
    return turns


@pytest.mark.parametrize("seed", range(12))
async def test_pages_are_the_whole_in_order_whatever_the_files(
    scene: Scene, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_segments, "LINK_AUDIT_SEGMENT_MAX_BYTES", 1500)
    monkeypatch.setattr(audit_reading, "LINK_AUDIT_SEGMENTS_A_PAGE", 2)
    luck, workers = random.Random(seed), [scene.writer() for _ in range(3)]
    written: list[AuditRow] = []
    for turn in a_history(seed):
        luck.choice(workers).append(turn)
        written += turn
        if luck.random() < 0.1:
            await scene.work(BEGIN_MS + 60_000)
    for link in ("", "lk_b"):
        for newest_first in (True, False):
            question = Question(HOME, link=link, newest_first=newest_first)
            rows = await scene.ask(question, most=luck.randint(1, 30))
            assert [row.at_ms for row in rows] == sorted((row.at_ms for row in rows), reverse=newest_first)
            assert len(rows) == sum(link in ("", row.link) for row in written)
            assert len(await scene.ask(question._replace(since_ms=BEGIN_MS + 50))) == sum(
                row.at_ms >= BEGIN_MS + 50 for row in rows
            )


async def test_every_row_counts_once(scene: Scene) -> None:
    for link in ("lk_a", "lk_b"):
        known = Link(link, HOME, "K", "photos", "cat.jpg", 0)
        scene.links._links[link] = known
    writer = scene.writer()
    writer.append([a_row(BEGIN_MS), a_row(BEGIN_MS + 1, whole=False, sent_bytes=2), a_row(BEGIN_MS + 2, "lk_b")])
    for _ in range(2):
        await scene.work(BEGIN_MS)
    writer.append(
        [a_row(BEGIN_MS + 9, status=403, code="AccessDenied 9000-00000002", sent_bytes=300), a_row(BEGIN_MS + 8)]
    )
    for _ in range(3):
        await scene.work(BEGIN_MS + 2 * 3_600_000)
    assert await scene.totals.find(["lk_a", "lk_b", "lk_c"]) == {
        "lk_a": Totals(3, 312, 1, 1, BEGIN_MS + 8),
        "lk_b": Totals(1, 5, 0, 0, BEGIN_MS + 2),
    }


async def test_rows_of_links_that_nobody_asks_about_are_passed_over(scene: Scene) -> None:
    scene.heard = []
    scene.links._links["lk_b"] = Link("lk_b", HOME, "K", "photos", "cat.jpg", 0)
    rows = [a_row(BEGIN_MS), a_row(BEGIN_MS + 1, "lk_b"), a_row(BEGIN_MS + 2)]
    scene.writer().append(rows)
    await scene.work(BEGIN_MS)
    assert [batch.rows for batch in scene.told] == [[rows[1]]]
    scene.writer().append([a_row(BEGIN_MS + 3)])
    await scene.work(BEGIN_MS)
    assert await scene.totals.find(["lk_a", "lk_b"]) == {"lk_b": Totals(1, 5, 0, 0, BEGIN_MS + 1)}
    assert list((await scene.totals.counted()).values()) == [
        path.stat().st_size for path in sorted(scene.directory.iterdir())
    ]


async def test_a_large_segment_is_counted_in_batches(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_run, "LINK_AUDIT_BATCH_BYTES", 400)
    scene.writer().append([a_row(BEGIN_MS + number) for number in range(50)])
    await scene.work(BEGIN_MS)
    assert sum(len(batch.rows) for batch in scene.told) == 50
    assert len(scene.told) > 10


async def test_rows_are_removed_when_they_are_old(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "link-audit", days=10)
    scene.writer().append([a_row(BEGIN_MS)])
    scene.writer().append([a_row(BEGIN_MS + 5 * DAY_MS)])
    for _ in range(2):
        await scene.work(BEGIN_MS + 9 * DAY_MS)
    assert len(await scene.ask(Question(HOME))) == 2
    await scene.work(BEGIN_MS + 11 * DAY_MS)
    assert [row.at_ms for row in await scene.ask(Question(HOME))] == [BEGIN_MS + 5 * DAY_MS]
    await scene.work(BEGIN_MS + 11 * DAY_MS)
    assert len(await scene.totals.counted()) == 1


async def test_the_oldest_rows_go_when_they_take_too_much_room(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(4):
        scene.writer().append([a_row(BEGIN_MS + day * DAY_MS)])
    monkeypatch.setattr(audit_run, "LINK_AUDIT_MAX_BYTES", 300)
    for _ in range(3):
        await scene.work(BEGIN_MS + 5 * DAY_MS)
    assert [row.at_ms for row in await scene.ask(Question(HOME))] == [BEGIN_MS + 3 * DAY_MS, BEGIN_MS + 2 * DAY_MS]


@pytest.mark.parametrize("damage", [b"", b"ccaudit1", b"x" * 400])
async def test_an_index_that_is_damaged_hides_nothing(scene: Scene, damage: bytes) -> None:
    scene.writer().append([a_row(BEGIN_MS)])
    for _ in range(2):
        await scene.work(BEGIN_MS + 2 * 3_600_000)
    (index,) = scene.directory.glob("*.index")
    index.write_bytes(damage)
    assert len(await scene.ask(Question(HOME, link="lk_a"))) == 1


def places() -> Sequence[str]:
    return ["x", "1", "1.2", "-1.2.x", "1.x.y", "9" * 30 + ".1.x", "1.1." + "s" * 200]


@pytest.mark.parametrize("place", places())
async def test_a_place_that_no_page_gave_is_refused(scene: Scene, place: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        await AuditReading(scene.writer(), is_on=True).list_rows(Question(HOME), after=place, most=1)
