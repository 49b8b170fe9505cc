"""A scrub finds every flipped bit, names its objects, and keeps wrong bytes from everybody."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from coatcheck.core.customer_key import CustomerKey
from coatcheck.core.digests import update_crc64
from coatcheck.engines.directory_faults import BadDirectory, InUse, NewerStore
from coatcheck.engines.local import open_local
from coatcheck.engines.upkeep import scrub as scrubbing
from coatcheck.engines.upkeep.blob_bytes import BlobBytes, Pace, Stopped
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.problems import Problem
from coatcheck.engines.upkeep.scrub import scrub
from coatcheck.engines.upkeep.scrub_note import ScrubNote, read_note
from coatcheck.ports.object import ObjectRecord, Segment
from coatcheck.ports.secrets import WrongKey

from ...server_process import clean_environment
from ...soak import count
from ..test_rot import CONTENTS, a_house, blobs_of, flip_anywhere, flip_in_body, flip_in_file, get, got, upload

FLIPS: Final = count(1000)


def run(data: Path, **options: Any) -> tuple[ScrubNote | None, list[Problem]]:
    problems: list[Problem] = []
    return scrub(data, tell=problems.append, now=lambda: 1_790_000_000.0, **options), problems


def keys_of(problems: list[Problem]) -> set[str]:
    return {place.key for problem in problems for place in problem.places}


def test_a_right_directory_has_no_problem_and_every_byte_was_read(data: Path) -> None:
    note, problems = run(data)
    assert problems == []
    assert note is not None
    assert note == ScrubNote("", [], 1_790_000_000.0, 1_790_000_000.0, note.checked_bytes, 0)
    stored = sum(path.stat().st_size for path in (data / "blobs").glob("*/*") if path.name[-1] != "f")
    assert note.checked_bytes == stored + 1000 + 1000 + 16 + 76  # and two small bodies, one of them encrypted


@pytest.mark.soak(FLIPS)
@pytest.mark.parametrize("share", range(10))
async def test_every_flipped_bit_is_named_and_its_object_served_to_nobody(
    original: Path, tmp_path: Path, share: int
) -> None:
    """Over inline bodies and blobs; of directories of this version and of the first release."""
    chance = random.Random(f"scrub {share}")
    for number in range(max(1, FLIPS // 10)):
        data = shutil.copytree(original, tmp_path / str(number))
        if number % 2:
            with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
                connection.execute("UPDATE blob SET size = NULL, crc64 = NULL")
        key = list(CONTENTS)[(number + share) % len(CONTENTS)]
        flip_anywhere(data, key, chance)
        _, problems = run(data)
        assert key in keys_of(problems)
        whole = {"of-a-range", "blob"} if key in ("of-a-range", "blob") else {key}
        assert keys_of(problems) <= whole
        assert await got(data, key) in (500, None)
        right = next(other for other in CONTENTS if other not in whole)
        assert await got(data, right) == CONTENTS[right]
        shutil.rmtree(data)


async def test_a_rotten_blob_is_moved_aside_at_once_for_those_who_have_it_open(data: Path) -> None:
    (blob,) = blobs_of(data, "blob")
    with open_local(data) as engines:
        house = a_house(engines)
        assert await get(house, "blob") == CONTENTS["blob"]  # believed from now on
        flip_in_file(blob, 4000)
        _, problems = run(data)
        assert await get(house, "blob") == 500
    assert [(problem.kind, problem.what) for problem in problems] == [("damaged", f"blob {blob.name}")]
    assert problems[0].why == "its CRC-64 is another one; it is moved aside"
    assert [place.key for place in problems[0].places] == ["blob", "of-a-range"]
    aside = data / "quarantine" / blob.name
    assert (blob.exists(), aside.exists()) == (False, True)
    assert [problem.kind for problem in check(data)] == ["quarantined"]
    _, problems = run(data)
    assert [problem.kind for problem in problems] == ["quarantined"]
    flip_in_file(aside, 4000)
    aside.rename(blob)  # what an operator does who has found the right bytes
    assert list(check(data)) == []
    assert await got(data, "blob") == CONTENTS["blob"]


async def test_what_lies_aside_goes_when_no_object_needs_it(data: Path) -> None:
    (blob,) = blobs_of(data, "large")
    flip_in_file(blob, 4000)
    run(data)
    with open_local(data) as engines:
        assert (await a_house(engines).ask("DELETE", "/photos/large")).status == 204
    assert run(data)[1] == []
    assert list((data / "quarantine").iterdir()) == []


async def test_a_part_that_rotted_is_named_with_its_upload(data: Path) -> None:
    with open_local(data) as engines:
        house = a_house(engines)
        upload_id = (await house.ask("POST", "/photos/begun?uploads")).text("UploadId")
        before = set((data / "blobs").glob("*/*"))
        await house.ask("PUT", f"/photos/begun?partNumber=1&uploadId={upload_id}", b"x" * 200_000)
    (blob,) = set((data / "blobs").glob("*/*")) - before
    flip_in_file(blob, 100)
    _, (problem,) = run(data)
    assert [(place.key, place.upload_id) for place in problem.places] == [("begun", upload_id)]


def test_a_body_that_rotted_is_named(data: Path) -> None:
    flip_in_body(data, "small", 9)
    flip_in_body(data, "small-encrypted", 1000)
    _, problems = run(data)
    assert [(problem.kind, problem.what) for problem in problems] == [
        ("body", "object 'small'"),
        ("body", "object 'small-encrypted'"),
    ]


def test_one_wrong_reading_is_not_taken_for_rot(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, wrong = BlobBytes.fault_of, ["a slip"]
    monkeypatch.setattr(BlobBytes, "fault_of", lambda *given: wrong.pop() if wrong else real(*given))
    assert run(data)[1] == []


def test_another_master_key_makes_nothing_look_damaged(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COATCHECK_ENCRYPTION_KEY", "A" * 43 + "=")
    with pytest.raises(WrongKey):
        run(data)
    assert not (data / "quarantine").exists()


def test_two_scrubs_do_not_run_at_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another(*_: object) -> str:
        with pytest.raises(InUse, match="Another scrub"):
            run(data)
        return ""

    monkeypatch.setattr(BlobBytes, "fault_of", another)
    assert run(data)[1] == []


def test_no_data_directory_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadDirectory):
        run(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


# --- its pace, and its end ------------------------------------------------------------------------------------------


def test_it_reads_no_faster_than_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda wait_s: waits.append(wait_s))
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    pace = Pace(1000, stop)
    for _ in range(4):
        pace.take(500)
    assert waits == [0.5, 1.0, 1.5, 2.0]  # the clock stands still: by then so much is due


def test_it_ends_soon_after_it_is_told_and_goes_on_there(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, looked_at = threading.Event(), list[str]()
    real = BlobBytes.fault_of
    monkeypatch.setattr(scrubbing, "_AT_ONCE", 1)

    def fault_of(self: BlobBytes, blob_id: str, *facts: Any) -> str:
        looked_at.append(blob_id)
        if len(looked_at) == 4:
            stop.set()
        return real(self, blob_id, *facts)

    monkeypatch.setattr(BlobBytes, "fault_of", fault_of)
    assert run(data, stop=stop) == (None, [])
    assert read_note(data).phase == "blobs"
    note, problems = run(data)
    assert note is not None
    assert (note.phase, problems) == ("", [])
    assert looked_at == [*sorted(looked_at[:4]), *sorted(looked_at[4:])]
    assert looked_at[3] == looked_at[4]  # the one that wasn't finished
    assert len(set(looked_at)) == 8


@pytest.mark.parametrize("steps", [1, 100_000])
def test_the_check_of_a_catalog_ends_too_and_nothing_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr("coatcheck.engines.upkeep.check._STEPS_BETWEEN_LOOKS", steps)
    stop = threading.Event()
    stop.set()
    assert run(data, stop=stop) == (None, [])
    assert read_note(data).phase == "catalog"
    with pytest.raises(Stopped):
        list(check(data, stop))
    assert run(data)[1] == []


def test_a_stopped_pace_reads_nothing_more() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        Pace(0, stop).take(1)


DYING = """
import os, signal, sys
from pathlib import Path
import coatcheck.engines.upkeep.scrub as scrubbing
scrubbing._AT_ONCE, scrubbing._NOTE_EVERY_S, seen = 1, -1, []
real = scrubbing.{place}

def dies(*given):
    seen.append(1)
    if len(seen) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)

scrubbing.{place} = dies
scrubbing.scrub(Path(sys.argv[1]), tell=lambda problem: print(problem.what, flush=True), now=lambda: 1.0)
"""


@pytest.mark.parametrize(
    ("place", "at"),
    [("BlobBytes.fault_of", 1), ("BlobBytes.fault_of", 5), ("Quarantine.take", 1), ("damage_of", 3), ("write_note", 4)],
)
async def test_a_scrub_that_was_killed_goes_on_and_names_all_that_is_wrong(data: Path, place: str, at: int) -> None:
    blobs = [blobs_of(data, key)[0] for key in ("large", "appended")]
    for blob in blobs:
        flip_in_file(blob, 5)
    words = [sys.executable, "-c", DYING.format(place=place), str(data), str(at)]
    died = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=180)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert read_note(data).phase != ""
    _, problems = run(data)
    named = set(died.stdout.splitlines()) | {problem.what for problem in problems}
    assert named == {f"blob {blob.name}" for blob in blobs}
    assert sorted(path.name for path in (data / "quarantine").iterdir()) == sorted(blob.name for blob in blobs)
    assert [await got(data, key) for key in ("large", "appended")] == [500, 500]


# --- the catalog's pages ---------------------------------------------------------------------------------------------


def dump(data: Path) -> list[str]:
    """All that the catalog says, but for the number whose only use is to be another one after a change."""
    with closing(sqlite3.connect(f"{(data / 'catalog.sqlite').as_uri()}?immutable=1", uri=True)) as connection:
        lines = list(connection.iterdump())
    return [line for line in lines if not line.startswith('INSERT INTO "generation"')]


@pytest.mark.soak(FLIPS)
@pytest.mark.parametrize("share", range(10))
async def test_a_flip_in_a_page_of_the_catalog_is_named_or_proved_harmless(
    original: Path, tmp_path: Path, share: int
) -> None:
    chance = random.Random(f"pages {share}")
    data = shutil.copytree(original, tmp_path / "data")
    with open_local(data) as engines:  # rows in more tables
        house = a_house(engines)
        await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read"})
        await house.ask("POST", "/photos/begun?uploads")
        await upload(house, "again", (b"a" * 110_000, {}), (b"b", {}))
    catalog = data / "catalog.sqlite"
    right, before = catalog.read_bytes(), dump(data)
    used = [at for at in range(0, len(right), 512) if any(right[at : at + 512])]
    named = harmless = 0
    for _ in range(FLIPS // 10):
        at = chance.choice(used) + chance.randrange(512)
        catalog.write_bytes(right[:at] + bytes([right[at] ^ 1 << chance.randrange(8)]) + right[at + 1 :])
        if is_named(data):
            named += 1
        else:
            assert dump(data) == before, at
            harmless += 1
        for path in data.glob("catalog.sqlite-*"):
            path.unlink()
        shutil.rmtree(data / "quarantine", ignore_errors=True)
        with suppress(FileNotFoundError):
            os.unlink(data / "scrub.json")
        shutil.copytree(original / "blobs", data / "blobs", dirs_exist_ok=True)
    assert named > harmless / 10


def test_an_id_that_is_a_number_is_named(data: Path) -> None:
    """A flip in what stands before a value makes a number of it, which no statement could write."""

    def change(*statements: str) -> None:
        with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
            connection.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                connection.execute(statement)

    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        right = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'blob'").fetchone()[0]
    loose = right.replace("STRICT, WITHOUT", "WITHOUT").replace(", STRICT", "").replace("id BLOB", "id")
    assert "STRICT" not in loose
    change(f"UPDATE sqlite_master SET sql = '{loose}' WHERE name = 'blob'")
    change("UPDATE blob SET id = 5 WHERE id = (SELECT min(id) FROM blob)")
    change(f"UPDATE sqlite_master SET sql = '{right}' WHERE name = 'blob'")
    assert [problem.why for problem in check(data) if problem.what == "blob 5"] == ["its id is none"]


def test_keys_that_the_catalog_cannot_tell_of_are_a_refusal(data: Path) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'key_fingerprint'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    pages = bytearray((data / "catalog.sqlite").read_bytes())
    pages[(root - 1) * size] = 0xFF  # the kind of the page
    (data / "catalog.sqlite").write_bytes(pages)
    with pytest.raises(BadDirectory, match=r"cannot be used .*malformed.*Restore it from a backup"):
        run(data)


def is_named(data: Path) -> bool:
    """Whether a scrub says a word: of a problem, or why it can't begin. Anything else it raises is a fault."""
    try:
        return run(data)[1] != []
    except (BadDirectory, NewerStore, WrongKey):
        return True


async def test_what_a_client_keeps_the_key_of_is_compared_without_it(data: Path) -> None:
    key = CustomerKey(bytes(32))
    label, content = key.new_label(), b"theirs" * 20_000
    facts = ("null", "Normal", len(content), "AA" * 16, update_crc64(content), 0, "default", "Standard", ())
    with open_local(data) as engines:
        store, bucket = engines.byte_store.with_keys([key]), await engines.catalog.find_bucket("photos")
        assert bucket is not None
        small = ObjectRecord("theirs, small", *facts, body=store.encrypt(content, label), encryption=label)
        await engines.catalog.put_object(bucket.bucket_id, small)
        blob = await store.new_blob(encryption=label)
        await blob.write(content)
        await blob.finish()
        large = ObjectRecord("theirs", *facts, segments=(Segment(blob.blob_id, 0, len(content)),), encryption=label)
        await engines.catalog.put_object(bucket.bucket_id, large)
        await blob.keep()
    assert run(data)[1] == []
    flip_in_body(data, "theirs, small", 10_000)
    flip_in_file(blobs_of(data, "theirs")[0], 100_000)
    assert keys_of(run(data)[1]) == {"theirs", "theirs, small"}
