"""What the writer remembers of buckets is true: here, in another process, and where a transaction is undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from coatcheck.core.times import Moments
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.engines.sql.buckets import set_bucket_versioning, set_configuration
from coatcheck.engines.sql.journal import note_change
from coatcheck.engines.sql.objects import rules_of
from coatcheck.engines.sqlite.changes import Changed
from coatcheck.engines.sqlite.writer_connection import WriterConnection
from coatcheck.ports.bucket import JOURNAL, REPLICATION, Bucket
from coatcheck.ports.catalog import Gone
from coatcheck.ports.object import Deletion
from coatcheck.ports.quota import OverQuota, Quota

from ..ports.catalog_contract import a_bucket, an_object

NOW: Final = Moments(1000.0, 1000.0)


class Scene:
    """A catalog with one bucket, the connection of a writer, and what is asked on it."""

    def __init__(self, data: Path, bucket_id: int) -> None:
        self.plain = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
        self.given = WriterConnection(self.plain)
        Changed(self.plain, self.given.forget)
        self.bucket_id = bucket_id
        self.asked: list[str] = []
        self.plain.set_trace_callback(self.asked.append)
        self.given.begin(2)

    def versioning(self) -> str:
        return rules_of(self.given, self.bucket_id, NOW).versioning

    def journal(self) -> list[str]:
        found = self.plain.execute("SELECT name FROM bucket_entry WHERE kind = ?", (JOURNAL,)).fetchall()
        return [name for (name,) in found]


@pytest.fixture
async def scene(data: Path) -> Scene:
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
    return Scene(data, bucket.bucket_id)


@pytest.fixture(autouse=True)
def closed(scene: Scene) -> Iterator[None]:
    with closing(scene.plain):
        yield


def test_it_is_asked_once(scene: Scene) -> None:
    for number in (2, 2, 2):
        scene.given.begin(number)
        assert scene.versioning() == ""
        note_change(scene.given, scene.bucket_id, "a")
    assert len(scene.asked) == 2
    assert scene.journal() == []


@pytest.mark.parametrize("numbers", [(4,), (3, 3)], ids=["another process changed one", "a writer died"])
def test_it_is_asked_again_when_a_number_says_so(scene: Scene, numbers: tuple[int, ...]) -> None:
    assert scene.versioning() == ""
    for times, number in enumerate(numbers, start=2):
        scene.given.begin(number)
        assert scene.versioning() == ""
        assert len(scene.asked) == times


def test_a_transaction_sees_its_own_changes_at_once(scene: Scene) -> None:
    assert scene.versioning() == ""
    note_change(scene.given, scene.bucket_id, "before")
    scene.given.execute("BEGIN")
    set_bucket_versioning(scene.given, scene.bucket_id, "Enabled")
    set_configuration(scene.given, scene.bucket_id, REPLICATION, "{}")
    assert scene.versioning() == "Enabled"
    note_change(scene.given, scene.bucket_id, "after")
    assert scene.journal() == ["after"]


def test_what_was_undone_is_not_remembered(scene: Scene) -> None:
    scene.given.execute("BEGIN")
    set_bucket_versioning(scene.given, scene.bucket_id, "Enabled")
    assert scene.versioning() == "Enabled"
    scene.given.execute("ROLLBACK")
    scene.given.begin(2)  # the number of a transaction that is undone doesn't move
    assert scene.versioning() == ""


async def test_every_rule_of_a_put_is_seen_by_the_other_process_at_once(data: Path, scene: Scene) -> None:
    with open_local(data) as here, open_local(data) as there:
        (owner,) = scene.plain.execute("SELECT uid FROM account").fetchone()
        bucket = await here.catalog.create_bucket(a_bucket("films", owner), most=100)
        number = bucket.bucket_id

        async def puts(content: bytes = b"1") -> None:
            await here.catalog.put_object(number, an_object("a", content))

        await puts()
        await there.catalog.set_account_quota(owner, Quota(3))
        with pytest.raises(OverQuota):
            await puts(b"1234")
        await there.catalog.set_account_quota(owner, Quota())
        await puts(b"1234")
        await there.catalog.set_configuration(number, REPLICATION, "{}")
        await puts()
        assert await here.catalog.count_entries(number, JOURNAL) == 1
        await there.catalog.set_configuration(number, REPLICATION, None)
        await there.catalog.drop_entries(number, JOURNAL, limit=9)
        await puts()
        assert await here.catalog.count_entries(number, JOURNAL) == 0
        await there.catalog.set_bucket_versioning(number, "Enabled")
        written = await here.catalog.put_object(number, an_object("a", b"2", version_id="v2"))
        assert written.version_id == "v2"
        for version in ("v2", "null"):
            await _remove(there, bucket, version)
        await there.catalog.delete_bucket(number)
        with pytest.raises(Gone):
            await puts()


async def _remove(engines: LocalEngines, bucket: Bucket, version_id: str) -> None:
    await engines.catalog.delete_object(bucket.bucket_id, Deletion("a", version_id=version_id))
