"""What doesn't fit in a data directory is named; what does isn't, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.local import open_local
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.problems import Place

from ..test_rot import a_house, blobs_of, upload


def change(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
        connection.create_function("wall_time", 0, lambda: 0)
        assert connection.execute(statement).rowcount != 0


def found(data: Path) -> list[tuple[str, str, str]]:
    return [(problem.kind, problem.what, problem.why) for problem in check(data)]


def test_a_right_directory_has_no_problem(data: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in data.rglob("*") if "-shm" not in path.name)
    assert found(data) == []
    assert sorted((path, path.stat().st_mtime_ns) for path in data.rglob("*") if "-shm" not in path.name) == before


def test_a_missing_file_is_named_with_all_its_objects(data: Path) -> None:
    (blob,) = blobs_of(data, "blob")
    blob.unlink()
    (problem,) = check(data)
    assert (problem.kind, problem.what, problem.why) == ("missing", f"blob {blob.name}", "its file is missing")
    assert problem.places == (Place("photos", "blob", "null"), Place("photos", "of-a-range", "null"))
    assert problem.lines()[0] == (
        f"missing blob {blob.name}: its file is missing (bucket=photos key='blob' version=null)"
    )


async def test_a_missing_part_is_named_with_its_upload(data: Path) -> None:
    with open_local(data) as engines:
        house = a_house(engines)
        upload_id = str((await house.ask("POST", "/photos/begun?uploads")).text("UploadId"))
        before = set((data / "blobs").glob("*/*"))
        await house.ask("PUT", f"/photos/begun?partNumber=1&uploadId={upload_id}", b"x" * 200_000)
    (blob,) = set((data / "blobs").glob("*/*")) - before
    blob.unlink()
    (problem,) = check(data)
    assert problem.places == (Place("photos", "begun", upload_id=upload_id),)


@pytest.mark.parametrize("key", ["blob", "blob-encrypted", "parts"])
def test_a_file_that_was_cut_is_named(data: Path, key: str) -> None:
    blob = blobs_of(data, key)[0]
    os.truncate(blob, blob.stat().st_size - 70_000)
    kinds = {(kind, what) for kind, what, _ in found(data)}
    assert kinds == {("size", f"blob {blob.name}")}


def test_a_file_that_no_row_names_is_an_orphan(data: Path) -> None:
    stray = data / "blobs" / "ab" / f"{'ab' * 15}a0"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    (data / "blobs" / "ab" / "letter").write_bytes(b"x")
    expected = [("orphan", f"blob {name}", "no row names its file") for name in (stray.name, "letter")]
    assert sorted(found(data)) == expected


def test_a_row_that_rotted_is_named(data: Path) -> None:
    change(data, "UPDATE bucket SET acl = 'public-read'")
    assert found(data) == [("row", "bucket 1", "the row is not what was written")]


def test_an_index_that_went_is_named(data: Path) -> None:
    change(data, "DROP INDEX link_by_end")
    assert found(data) == [("catalog", "index link_by_end", "its definition is another one")]


def test_a_wrong_count_is_named(data: Path) -> None:
    (blob,) = blobs_of(data, "large")
    change(data, f"UPDATE blob SET object_count = 7 WHERE hex(id) = upper('{blob.name}')")
    assert found(data) == [("count", f"blob {blob.name}", "1 rows name it, and its count is 7")]


def test_a_key_that_does_not_fit_is_named(data: Path) -> None:
    (data / "encryption.key").unlink()
    ((kind, _, why),) = found(data)
    assert kind == "key"
    assert why.startswith(f"{data / 'encryption.key'} is missing, and objects are encrypted with it.")


def test_a_page_that_cannot_be_read_is_named(data: Path) -> None:
    with (data / "catalog.sqlite").open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (os.fstat(file.fileno()).st_size - 8192))
    with pytest.raises(BadDirectory, match="Restore it from a backup"):
        found(data)


@pytest.mark.parametrize("makes_one", [False, True])
def test_what_is_no_data_directory_is_refused_and_left(tmp_path: Path, makes_one: bool) -> None:
    place = tmp_path / "nothing"
    if makes_one:
        place.mkdir()
    with pytest.raises(BadDirectory, match="is not a data directory"):
        list(check(place))
    assert place.exists() is makes_one
    assert not makes_one or list(place.iterdir()) == []


async def test_no_false_alarm_beside_writers(data: Path) -> None:
    """Puts, replacements, parts, appends and deletes go on while it looks again and again."""
    done = threading.Event()

    async def write() -> None:
        with open_local(data) as engines:
            house, number = a_house(engines), 0
            while not done.is_set():
                number += 1
                await house.put(f"/photos/new-{number % 5}", os.urandom(70_000 + number))
                await upload(house, f"parts-{number % 3}", (os.urandom(110_000), {}), (b"end", {}))
                await house.ask("DELETE", f"/photos/new-{(number + 2) % 5}")

    writing = threading.Thread(target=lambda: asyncio.run(write()))
    writing.start()
    try:
        for _ in range(30):
            assert await asyncio.to_thread(found, data) == []
    finally:
        done.set()
        writing.join()
    assert found(data) == []
