"""Backups on directories: what they hold, that they are whole or none, and what is restored from them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from coatcheck.engines.blob_hold import nothing_removed, removing
from coatcheck.engines.directory_faults import BadDirectory, InUse
from coatcheck.engines.local import no_backup, open_local, prepare_local
from coatcheck.engines.needed_keys import set_fingerprints
from coatcheck.engines.rotation import rotate
from coatcheck.engines.upkeep.backup import Backup, back_up
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.directory_place import DirectoryPlace
from coatcheck.engines.upkeep.manifest import NoBackup
from coatcheck.engines.upkeep.restore import Restored
from coatcheck.engines.upkeep.restore import restore as restore_from
from coatcheck.ports.byte_store import RemovalHeld
from coatcheck.ports.secrets import CALLBACK, WrongKey

from ...server_process import clean_environment
from ..test_rot import CONTENTS, a_house, blobs_of, flip_in_file, get, got


def unseen(what: str, done: int, total: int) -> None:
    """Nobody watches."""


def take(data: Path, target: Path, **options: Any) -> Backup:
    return back_up(data, DirectoryPlace(target, **options), now=1_790_000_000, note=unseen)


def restore(backup: Path, data: Path) -> Restored:
    return restore_from(DirectoryPlace(backup), data, note=unseen)


async def assert_whole(data: Path) -> None:
    with open_local(data) as engines:
        for key, content in CONTENTS.items():
            assert await get(a_house(engines), key) == content, key


@pytest.mark.parametrize("link", [True, False])
async def test_a_backup_restores_every_object_and_file(data: Path, tmp_path: Path, link: bool) -> None:
    taken = take(data, tmp_path / "backup", link=link)
    assert (taken.copied, taken.linked, taken.kept) == ((1, 7, 0) if link else (8, 0, 0))  # encrypted ones are copied
    shutil.rmtree(data)
    restored = restore(tmp_path / "backup", tmp_path / "new")
    assert (restored.blobs, restored.damaged) == (8, [])
    assert list(check(tmp_path / "new")) == []
    prepare_local(tmp_path / "new").close()
    await assert_whole(tmp_path / "new")


def test_everything_in_it_is_for_its_owner_alone(data: Path, tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        take(data, tmp_path / "backup", link=False)
        restore(tmp_path / "backup", tmp_path / "new")
    finally:
        os.umask(previous)
    for root in (tmp_path / "backup", tmp_path / "new"):
        assert [str(path) for path in (root, *root.rglob("*")) if path.stat().st_mode & 0o077] == []


async def test_the_next_backup_moves_only_what_is_new_and_drops_what_went(data: Path, tmp_path: Path) -> None:
    take(data, tmp_path / "backup", link=False)
    with open_local(data) as engines:
        house = a_house(engines)
        await house.put("/photos/another", b"x" * 100_000)
        assert (await house.ask("DELETE", "/photos/large")).status == 204
    taken = take(data, tmp_path / "backup", link=False)
    assert (taken.copied, taken.kept, taken.copied_bytes) == (1, 7, 100_000)
    assert len(list((tmp_path / "backup" / "blobs").glob("*/*"))) == 8
    assert len(list((tmp_path / "backup" / "snapshots").iterdir())) == 1
    restore(tmp_path / "backup", tmp_path / "new")
    assert await got(tmp_path / "new", "another") == b"x" * 100_000
    with open_local(tmp_path / "new") as engines:
        assert (await a_house(engines).ask("GET", "/photos/large")).status == 404


async def test_a_rotated_master_key_comes_with_the_blobs_that_it_opens(data: Path, tmp_path: Path) -> None:
    take(data, tmp_path / "backup")
    rotate(data)
    taken = take(data, tmp_path / "backup")
    assert (taken.copied, taken.kept) == (1, 7)
    restore(tmp_path / "backup", tmp_path / "new")
    assert list(check(tmp_path / "new")) == []
    with open_local(tmp_path / "new") as engines:
        bucket = await engines.catalog.find_bucket("photos")
        assert bucket is not None
        record = await engines.catalog.find_object(bucket.bucket_id, "blob-encrypted")
        assert record is not None
        reader = await engines.byte_store.open(record.segments)
        content = b"".join([bytes(piece) async for piece in reader.chunks(0, record.size)])
        await reader.close()
    assert content == CONTENTS["blob-encrypted"]


DYING = """
import os, signal, sys
from pathlib import Path
import coatcheck.engines.upkeep.{module} as module
from coatcheck.engines.upkeep import backup, restore
from coatcheck.engines.upkeep.directory_place import DirectoryPlace

real, seen = module.{function}, []

def dies(*given, **named):
    seen.append(1)
    if len(seen) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)

module.{function} = dies
unseen = lambda *_: None
{call}
"""
BACKING_UP = "backup.back_up(Path(sys.argv[1]), DirectoryPlace(Path(sys.argv[2]), link=False), now=1.0, note=unseen)"
RESTORING = "restore.restore(DirectoryPlace(Path(sys.argv[1])), Path(sys.argv[2]), note=unseen)"


def die(module: str, function: str, call: str, source: Path, target: Path, at: int) -> None:
    module = "directory_place" if function in ("copy_blob", "sync_directory") else module
    script = DYING.format(module=module, function=function, call=call)
    words = [sys.executable, "-c", script, str(source), str(target), str(at)]
    died = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=180)
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.mark.parametrize(
    ("function", "at"), [("copy_file", 1), ("copy_blob", 1), ("copy_blob", 8), ("sum_file", 1), ("sync_directory", 4)]
)
async def test_a_backup_that_died_is_none_and_goes_on(data: Path, tmp_path: Path, function: str, at: int) -> None:
    backup = tmp_path / "backup"
    die("backup", function, BACKING_UP, data, backup, at)
    with pytest.raises(NoBackup, match="broken off"):
        restore(backup, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    taken = take(data, backup, link=False)
    assert taken.copied + taken.kept == 8
    assert taken.kept == (7 if (function, at) == ("copy_blob", 8) else 8 if at == 4 else 0)
    restore(backup, tmp_path / "new")
    await assert_whole(tmp_path / "new")


@pytest.mark.parametrize(("function", "at"), [("copy_file", 1), ("copy_blob", 1), ("sum_file", 2)])
async def test_a_second_backup_that_died_leaves_the_first_whole(
    data: Path, tmp_path: Path, function: str, at: int
) -> None:
    backup = tmp_path / "backup"
    take(data, backup)
    with open_local(data) as engines:
        house = a_house(engines)
        await house.put("/photos/another", b"x" * 100_000)
        assert (await house.ask("DELETE", "/photos/large")).status == 204
    die("backup", function, BACKING_UP, data, backup, at)
    restore(backup, tmp_path / "new")
    await assert_whole(tmp_path / "new")


@pytest.mark.parametrize(("function", "at"), [("copy_blob", 1), ("copy_blob", 5), ("copy_file", 1), ("copy_file", 3)])
async def test_a_restore_that_died_is_no_data_directory_and_goes_on(
    data: Path, tmp_path: Path, function: str, at: int
) -> None:
    take(data, tmp_path / "backup")
    die("restore", function, RESTORING, tmp_path / "backup", tmp_path / "new", at)
    with pytest.raises(BadDirectory, match="Repeat coatcheck restore"):
        prepare_local(tmp_path / "new")
    restore(tmp_path / "backup", tmp_path / "new")
    await assert_whole(tmp_path / "new")


def test_a_manifest_that_was_cut_or_changed_is_no_backup(data: Path, tmp_path: Path) -> None:
    take(data, tmp_path / "backup")
    manifest = tmp_path / "backup" / "manifest.jsonl"
    whole = manifest.read_bytes()
    lines = whole.splitlines(keepends=True)
    for damaged in (b"", whole[:-5], b"".join(lines[:-1]), b"".join([*lines[:2], *lines[3:]]), b"{}\n", b"\xff"):
        manifest.write_bytes(damaged)
        with pytest.raises(NoBackup, match="damaged or cut short"):
            restore(tmp_path / "backup", tmp_path / "new")
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["catalog.sqlite", "secret.key", "encryption.key"])
def test_a_damaged_catalog_or_key_is_not_restored(data: Path, tmp_path: Path, name: str) -> None:
    take(data, tmp_path / "backup")
    (path,) = (tmp_path / "backup" / "snapshots").glob(f"*/{name}")
    flip_in_file(path, 77)
    with pytest.raises(NoBackup, match=f"{name} is not what was backed up"):
        restore(tmp_path / "backup", tmp_path / "new")
    path.unlink()
    with pytest.raises(NoBackup, match=f"{name} is missing"):
        restore(tmp_path / "backup", tmp_path / "new")
    assert not (tmp_path / "new").exists()


async def test_a_damaged_blob_is_left_out_and_named_and_the_rest_restored(data: Path, tmp_path: Path) -> None:
    take(data, tmp_path / "backup", link=False)
    blob_id = blobs_of(data, "large")[0].name
    flip_in_file(tmp_path / "backup" / "blobs" / blob_id[:2] / blob_id, 777)
    restored = restore(tmp_path / "backup", tmp_path / "new")
    assert restored.damaged == [(blob_id, "its file is not what was backed up")]
    (problem,) = check(tmp_path / "new")
    assert (problem.kind, [place.key for place in problem.places]) == ("missing", ["large"])
    assert await got(tmp_path / "new", "large") == 500
    assert await got(tmp_path / "new", "small") == CONTENTS["small"]


def test_what_has_rotted_or_is_missing_is_named_and_no_part_of_a_backup(data: Path, tmp_path: Path) -> None:
    rotten, missing = blobs_of(data, "large")[0], blobs_of(data, "blob")[0]
    flip_in_file(rotten, 999)
    missing.rename(tmp_path / "aside")
    taken = take(data, tmp_path / "backup", link=False)
    assert sorted(taken.damaged) == sorted(
        [(rotten.name, "its file is not what was written"), (missing.name, "its file is missing")]
    )
    flip_in_file(rotten, 999)
    (tmp_path / "aside").rename(missing)
    taken = take(data, tmp_path / "backup", link=False)
    assert (taken.copied, taken.kept, taken.damaged) == (2, 6, [])


def test_a_backup_is_not_mixed_with_other_things(data: Path, tmp_path: Path) -> None:
    for target in (data / "backup", tmp_path):
        with pytest.raises(BadDirectory, match="cannot lie in each other"):
            take(data, target)
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "letter.txt").write_text("hello")
    with pytest.raises(BadDirectory, match=r"has other things in it \(letter.txt\)"):
        take(data, strange)
    other = tmp_path / "other"
    prepare_local(other).close()
    take(data, tmp_path / "backup")
    with pytest.raises(BadDirectory, match="of another data directory"):
        take(other, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new")


def test_only_a_data_directory_is_backed_up_and_nothing_is_made_for_another(tmp_path: Path) -> None:
    with pytest.raises(BadDirectory, match="is not a data directory"):
        take(tmp_path / "nothing", tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_restore_writes_over_nothing(data: Path, tmp_path: Path) -> None:
    take(data, tmp_path / "backup")
    before = sorted(data.rglob("*"))
    with pytest.raises(BadDirectory, match="is not empty"):
        restore(tmp_path / "backup", data)
    assert sorted(data.rglob("*")) == before


def test_a_key_that_does_not_fit_makes_no_backup(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite", isolation_level=None)) as connection:
        set_fingerprints(connection, CALLBACK, [b"another"])
    with pytest.raises(WrongKey, match=r"callback\.key is missing"):
        take(data, tmp_path / "backup")
    assert not (tmp_path / "backup" / "manifest.jsonl").exists()


def test_a_key_of_the_environment_is_told_as_not_in_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (data / "secret.key").read_text().strip()
    (data / "secret.key").unlink()
    monkeypatch.setenv("COATCHECK_SECRET_KEY", key)
    assert take(data, tmp_path / "backup").keys_elsewhere == ("secret",)
    monkeypatch.delenv("COATCHECK_SECRET_KEY")
    assert take(data, tmp_path / "backup").keys_elsewhere == ("secret",)
    assert restore(tmp_path / "backup", tmp_path / "new").head.keys_elsewhere == ("secret",)


async def test_nothing_is_removed_while_blobs_are_copied(data: Path) -> None:
    (blob,) = blobs_of(data, "large")
    with open_local(data) as engines:
        house = a_house(engines)
        with nothing_removed(data):
            assert (await house.ask("DELETE", "/photos/large")).status == 204
            await asyncio.to_thread(blob.stat)
            with pytest.raises(RemovalHeld):
                await engines.byte_store.remove([blob.name])
            with removing(data) as allowed:
                assert not allowed
            with pytest.raises(InUse, match="A backup of"):
                no_backup(data).__enter__()
        assert await engines.catalog.released_blobs(2**40, limit=9) == [blob.name]
        await engines.byte_store.remove([blob.name])
        assert not blob.exists()


def test_a_start_during_a_backup_removes_nothing_that_was_released(data: Path) -> None:
    (blob,) = blobs_of(data, "large")

    async def delete() -> None:
        with open_local(data) as engines:
            assert (await a_house(engines).ask("DELETE", "/photos/large")).status == 204

    with nothing_removed(data):
        asyncio.run(delete())
        prepare_local(data).close()
        assert blob.exists()
    prepare_local(data).close()
    assert not blob.exists()
