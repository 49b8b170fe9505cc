"""Steps of the schema that are functions: all of one or nothing of it, and what it makes is what was meant."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from coatcheck.engines.directory_faults import BadDirectory, NewerStore
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.sql.row_sums import row_sum
from coatcheck.engines.sqlite import schema
from coatcheck.engines.sqlite.schema import STEPS
from coatcheck.engines.upkeep.backup import back_up
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.directory_place import DirectoryPlace

from ..audit import audit
from ..server_process import clean_environment

OLD = {
    "encryption": "AES256",
    "https-only": "true",
    "policy": '{"Version": "1", "Statement": []}',
    "publicAccessBlock": "true",
    "tagging": "a=b+c",
}
NEW = {
    "encryption": '{"v":1,"algorithm":"AES256"}',
    "https-only": '{"v":1}',
    "policy": '{"Version": "1", "Statement": []}',
    "publicAccessBlock": '{"v":1,"blocked":true}',
    "tagging": '{"v":1,"tags":[["a","b c"]]}',
}

# Prepares a directory, and dies in the middle of the documents.
DYING = """
import os, signal, sys
from pathlib import Path
import coatcheck.engines.sqlite.documents as documents
from coatcheck.engines.local import open_local, prepare_local

real, seen = documents.upgrade_document, []

def upgrade(name, stored):
    seen.append(name)
    if len(seen) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(name, stored)

documents.upgrade_document = upgrade
prepare_local(Path(sys.argv[1]))
"""


def an_old_catalog(data: Path, documents: dict[str, str]) -> None:
    """A catalog of version 2 with one bucket; rows with their sums, as that version wrote them."""
    data.mkdir(mode=0o700)
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        for step in STEPS[:2]:
            assert isinstance(step, str)
            connection.executescript(files("coatcheck.engines.sqlite").joinpath(step).read_text())
        connection.execute("PRAGMA user_version = 2")
        connection.execute(
            "INSERT INTO bucket (id, name, owner, region, acl, storage_class, redundancy, created_at)"
            " VALUES (7, 'photos', '1', 'cn-hangzhou', 'private', 'Standard', 'LRS', 1)"
        )
        rows = [(7, name, document, row_sum(7, name, document)) for name, document in documents.items()]
        connection.executemany("INSERT INTO bucket_setting VALUES (?, ?, ?, ?)", rows)


def stored(data: Path) -> tuple[int, dict[str, str]]:
    """Version and documents."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return version, dict(connection.execute("SELECT name, document FROM bucket_setting"))


def test_documents_are_brought_to_the_form_of_today_with_their_sums(tmp_path: Path) -> None:
    data = tmp_path / "data"
    an_old_catalog(data, OLD)
    prepare_local(data).close()
    assert stored(data) == (len(STEPS), NEW)
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        rows = connection.execute("SELECT bucket_id, name, document, row_crc32 FROM bucket_setting").fetchall()
    assert [row_sum(*row[:3]) for row in rows] == [row[3] for row in rows]
    assert audit(data).clean


@pytest.mark.parametrize("document", [1, 3, len(OLD)])
def test_a_start_that_is_killed_among_the_documents_changes_none(tmp_path: Path, document: int) -> None:
    data = tmp_path / "data"
    an_old_catalog(data, OLD)
    words = [sys.executable, "-c", DYING, str(data), str(document)]
    assert subprocess.run(words, env=clean_environment(), check=False).returncode == -signal.SIGKILL
    assert stored(data) == (2, OLD)
    prepare_local(data).close()
    assert stored(data) == (len(STEPS), NEW)


def test_documents_of_both_forms_end_in_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    an_old_catalog(data, {**OLD, "tagging": NEW["tagging"]})
    prepare_local(data).close()
    assert stored(data) == (len(STEPS), NEW)


def test_a_document_that_cannot_be_read_stops_the_start_with_a_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    an_old_catalog(data, {**OLD, "referer": "<RefererConf"})
    with pytest.raises(BadDirectory, match="the document referer of bucket 7 cannot be read") as refused:
        prepare_local(data)
    assert "\n" not in str(refused.value)
    assert stored(data) == (2, {**OLD, "referer": "<RefererConf"})


@pytest.mark.parametrize("known", range(1, len(STEPS)))
def test_a_program_of_any_earlier_schema_refuses_a_newer_directory_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    """Each program that knows so many steps, on the directory of the next one, and of today's."""
    for newer in {known + 1, len(STEPS)}:
        data = tmp_path / str(newer)
        prepare_local(data).close()  # with its keys, as any version has them
        (data / "catalog.sqlite").unlink()
        with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
            monkeypatch.setattr(schema, "STEPS", STEPS[:newer])
            schema.migrate(connection)
        monkeypatch.setattr(schema, "STEPS", STEPS[:known])
        before = (data / "catalog.sqlite").read_bytes()
        says = rf"^The catalog has version {newer}; this coatcheck knows versions up to {known}\. Install the newer"
        with pytest.raises(NewerStore, match=says):
            prepare_local(data)
        with pytest.raises(NewerStore, match=says):
            open_local(data).__enter__()
        with pytest.raises(NewerStore, match=says):
            list(check(data))
        with pytest.raises(NewerStore, match=says):
            back_up(data, DirectoryPlace(tmp_path / f"backup-{newer}"), now=0, note=lambda *_: None)
        assert (data / "catalog.sqlite").read_bytes() == before
        monkeypatch.setattr(schema, "STEPS", STEPS)
