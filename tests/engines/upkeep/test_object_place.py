"""Backups in an object store: as whole as those in a directory, also where the one who makes them dies."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.store import LocalStore

from coatcheck.engines.blob_hold import HeldByOther
from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.object_store.backup_place import ObjectPlace
from coatcheck.engines.object_store.place import BadPlace
from coatcheck.engines.rotation import rotate
from coatcheck.engines.upkeep.backup import Backup, back_up
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.directory_place import DirectoryPlace
from coatcheck.engines.upkeep.manifest import Head, ManifestWriter, NoBackup
from coatcheck.engines.upkeep.place import Place
from coatcheck.engines.upkeep.places import open_place
from coatcheck.engines.upkeep.restore import Restored, restore

from ...seaweed import Seaweed
from ...server_process import clean_environment
from ..test_rot import CONTENTS, a_house, blobs_of, flip_in_file, got
from .test_backup import assert_whole, unseen

if TYPE_CHECKING:
    from obstore.store import ObjectStore

URL = "s3://backups/here"


def take(data: Path, store: ObjectStore) -> Backup:
    return back_up(data, ObjectPlace(URL, store), now=1_790_000_000, note=unseen)


def bring_back(store: ObjectStore, data: Path) -> Restored:
    return restore(ObjectPlace(URL, store), data, note=unseen)


def names(store: ObjectStore) -> list[str]:
    return sorted(entry["path"] for page in obstore.list(store) for entry in page)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A directory, as the object store that obstore makes of one."""
    return LocalStore(tmp_path / "store", mkdir=True)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where manifest and snapshot are made: nothing of them may stay."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.live
async def test_a_backup_in_seaweedfs_restores_every_object(
    data: Path, tmp_path: Path, seaweed_store: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweed_store.environment().items():
        monkeypatch.setenv(name, value)

    def place() -> Place:
        return open_place(seaweed_store.url("backups/whole"))

    with pytest.raises(NoBackup, match=r"^s3://bytes/backups/whole has no manifest\.jsonl"):
        restore(place(), tmp_path / "new", note=unseen)
    taken = back_up(data, place(), now=1_790_000_000, note=unseen)
    assert (taken.copied, taken.linked, taken.kept, taken.damaged) == (8, 0, 0, [])
    with open_local(data) as engines:
        house = a_house(engines)
        await house.put("/photos/another", b"x" * 100_000)
        assert (await house.ask("DELETE", "/photos/large")).status == 204
    taken = back_up(data, place(), now=1_790_000_001, note=unseen)
    assert (taken.copied, taken.kept, taken.copied_bytes) == (1, 7, 100_000)
    there = [name.split("/")[0] for name in names(seaweed_store.store("backups/whole"))]
    assert (there.count("blobs"), there.count("manifest.jsonl")) == (8, 1)
    shutil.rmtree(data)
    restored = restore(place(), tmp_path / "new", note=unseen)
    assert (restored.blobs, restored.damaged) == (8, [])
    assert list(check(tmp_path / "new")) == []
    assert await got(tmp_path / "new", "another") == b"x" * 100_000
    for key in CONTENTS.keys() - {"large"}:
        assert await got(tmp_path / "new", key) == CONTENTS[key], key


async def test_it_may_be_copied_into_a_directory_and_restored_from_there(
    data: Path, tmp_path: Path, store: ObjectStore
) -> None:
    take(data, store)
    assert restore(DirectoryPlace(tmp_path / "store"), tmp_path / "new", note=unseen).damaged == []
    await assert_whole(tmp_path / "new")


async def test_a_rotated_master_key_comes_with_the_blobs_that_it_opens(
    data: Path, tmp_path: Path, store: ObjectStore
) -> None:
    take(data, store)
    rotate(data)
    taken = take(data, store)
    assert (taken.copied, taken.kept) == (1, 7)
    bring_back(store, tmp_path / "new")
    assert list(check(tmp_path / "new")) == []


DYING = """
import os, signal, sys
from pathlib import Path
import obstore
from obstore.store import LocalStore
from coatcheck.engines.object_store.backup_place import ObjectPlace
from coatcheck.engines.upkeep import backup, restore

real, seen = obstore.{function}, []

def dies(*given, **named):
    seen.append(1)
    if len(seen) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)

obstore.{function} = dies
place = ObjectPlace("s3://backups/here", LocalStore(sys.argv[2]))
place.at_once = 1
{call}(note=lambda *_: None)
"""
BACKING_UP = "(lambda **named: backup.back_up(Path(sys.argv[1]), place, now=1.0, **named))"
RESTORING = "(lambda **named: restore.restore(place, Path(sys.argv[1]), **named))"


def die(function: str, call: str, data: Path, store: Path, scratch: Path, at: int) -> None:
    """What it leaves in the directory for a while is removed, as the system does some day."""
    script = DYING.format(function=function, call=call)
    words = [sys.executable, "-c", script, str(data), str(store), str(at)]
    environment = clean_environment(TMPDIR=str(scratch))
    died = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=180)
    assert died.returncode == -signal.SIGKILL, died.stderr
    for left in scratch.iterdir():
        shutil.rmtree(left)


PUTS = 3 + 8 + 1  # the catalog and two keys, the blobs, the manifest


@pytest.mark.parametrize(("at", "kept"), [(1, 0), (4, 0), (8, 4), (PUTS, 8)])
async def test_a_backup_that_died_is_none_and_goes_on(
    data: Path, tmp_path: Path, store: ObjectStore, scratch: Path, at: int, kept: int
) -> None:
    die("put", BACKING_UP, data, tmp_path / "store", scratch, at)
    with pytest.raises(NoBackup, match="broken off"):
        bring_back(store, tmp_path / "new")
    taken = take(data, store)
    assert (taken.copied, taken.kept) == (8 - kept, kept)
    assert len({name.split("/")[1] for name in names(store) if name.startswith("snapshots/")}) == 1
    bring_back(store, tmp_path / "new")
    await assert_whole(tmp_path / "new")


@pytest.mark.parametrize(("function", "at"), [("put", 1), ("put", 4), ("put", 5), ("delete", 1)])
async def test_a_second_backup_that_died_leaves_the_first_whole(
    data: Path, tmp_path: Path, store: ObjectStore, scratch: Path, function: str, at: int
) -> None:
    take(data, store)
    with open_local(data) as engines:
        house = a_house(engines)
        await house.put("/photos/another", b"x" * 100_000)
        assert (await house.ask("DELETE", "/photos/blob")).status == 204
    die(function, BACKING_UP, data, tmp_path / "store", scratch, at)
    bring_back(store, tmp_path / "new")
    assert list(check(tmp_path / "new")) == []
    if function == "put":
        await assert_whole(tmp_path / "new")
    else:  # nothing is deleted before the new manifest is there
        assert await got(tmp_path / "new", "another") == b"x" * 100_000


@pytest.mark.parametrize("at", [2, 5, 9])
async def test_a_restore_that_died_is_no_data_directory_and_goes_on(
    data: Path, tmp_path: Path, store: ObjectStore, scratch: Path, at: int
) -> None:
    take(data, store)
    die("get", RESTORING, tmp_path / "new", tmp_path / "store", scratch, at)
    if (tmp_path / "new").exists():
        with pytest.raises(BadDirectory, match="Repeat coatcheck restore"):
            prepare_local(tmp_path / "new")
    bring_back(store, tmp_path / "new")
    await assert_whole(tmp_path / "new")


async def test_what_is_damaged_there_is_left_out_and_named(data: Path, tmp_path: Path, store: ObjectStore) -> None:
    take(data, store)
    blob_id = blobs_of(data, "large")[0].name
    flip_in_file(tmp_path / "store" / "blobs" / blob_id[:2] / blob_id, 777)
    restored = bring_back(store, tmp_path / "new")
    assert restored.damaged == [(blob_id, "its file is not what was backed up")]
    (key,) = (name for name in names(store) if name.endswith("/secret.key"))
    flip_in_file(tmp_path / "store" / key, 7)
    with pytest.raises(NoBackup, match=rf"^{URL}/{key} is not what was backed up"):
        bring_back(store, tmp_path / "newer")
    obstore.delete(store, key)
    with pytest.raises(NoBackup, match=rf"^{URL}/{key} is missing"):
        bring_back(store, tmp_path / "newer")
    assert not (tmp_path / "newer").exists()


@pytest.mark.parametrize("key", ["blob", "large"])
def test_bytes_that_have_rotted_get_no_name(data: Path, store: ObjectStore, key: str) -> None:
    """In one request, and in parts."""
    rotten = blobs_of(data, key)[0]
    flip_in_file(rotten, 999)
    taken = take(data, store)
    assert taken.damaged == [(rotten.name, "its file is not what was written")]
    assert [name for name in names(store) if name.endswith(rotten.name)] == []
    flip_in_file(rotten, 999)
    taken = take(data, store)
    assert (taken.copied, taken.kept, taken.damaged) == (1, 7, [])


def test_a_backup_is_not_mixed_with_other_things(data: Path, tmp_path: Path, store: ObjectStore) -> None:
    obstore.put(store, "letters/hello.txt", b"hello")
    with pytest.raises(BadDirectory, match=rf"^{URL} has other things in it \(letters\)"):
        take(data, store)
    shutil.rmtree(tmp_path / "store" / "letters")
    take(data, store)
    prepare_local(tmp_path / "other").close()
    before = names(store)
    with pytest.raises(BadDirectory, match="of another data directory"):
        take(tmp_path / "other", store)
    assert names(store) == before


def test_another_one_that_came_meanwhile_is_not_replaced(data: Path, tmp_path: Path, store: ObjectStore) -> None:
    """Of a copy of the data directory, on another machine."""
    copy, first = shutil.copytree(data, tmp_path / "copy"), ObjectPlace(URL, store)
    with first.taking(data):
        take(copy, store)
        with (
            closing(ManifestWriter(first.folder, Head("late", "uid", 1))) as manifest,
            pytest.raises(HeldByOther, match="Another backup was taken to s3://backups/here meanwhile"),
        ):
            first.keep_manifest(manifest)
    bring_back(store, tmp_path / "new")


def test_a_store_that_is_away_is_one_line_with_the_next_step(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coatcheck.engines.upkeep.places._PATIENCE_S", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(BadPlace) as refused:
        back_up(data, open_place("s3://backups/here"), now=0, note=unseen)
    assert str(refused.value) == (
        "s3://backups/here cannot be used: connection refused. "
        "Start the store, or set AWS_ENDPOINT_URL to where it listens."
    )


def test_a_file_url_is_a_directory(tmp_path: Path) -> None:
    place = open_place(f"file://{tmp_path}/a%20b")
    assert isinstance(place, DirectoryPlace)
    assert place.folder == tmp_path / "a b"
    with pytest.raises(BadPlace, match="names no directory of this machine"):
        open_place("file://elsewhere/backup")
