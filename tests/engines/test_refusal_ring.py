"""The ring of refusals: what is found in it, by whom, and how much of the disk it takes."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.engines.refusal_ring import RefusalRing, _read_record, _write_record
from coatcheck.ports.refusals import Refusal

A_REFUSAL = Refusal(
    "69A92BD9A1B2C3D4E5F60718",
    1_772_694_489,
    "GET",
    "get_object",
    "photos",
    "AccessKey01",
    True,
    403,
    "AccessDenied",
    "0003-00000001",
    "You have no right to access this object.",
    "",
)


def refusal(number: int, **facts: object) -> Refusal:
    return A_REFUSAL._replace(id=f"{number:024X}", **facts)  # type: ignore[arg-type]


def found(ring: RefusalRing, numbers: range) -> list[int]:
    return [number for number in numbers if ring.find_now(f"{number:024X}") is not None]


def test_the_latest_are_kept_and_the_file_does_not_grow(tmp_path: Path) -> None:
    ring = RefusalRing(tmp_path / "refusals", most=10)
    ring.write([refusal(number) for number in range(7)])
    assert found(ring, range(8)) == [0, 1, 2, 3, 4, 5, 6]
    for start in range(7, 27, 4):
        ring.write([refusal(number) for number in range(start, start + 4)])
    assert found(ring, range(30)) == list(range(17, 27))
    ring.write([refusal(number) for number in range(100, 150)])
    assert found(ring, range(200)) == list(range(140, 150))
    assert (tmp_path / "refusals").stat().st_size == 11 * 1024
    assert (tmp_path / "refusals").stat().st_mode & 0o777 == 0o600


def test_ten_thousand_take_ten_mebibytes(tmp_path: Path) -> None:
    ring = RefusalRing(tmp_path / "refusals")
    ring.write([refusal(number) for number in range(10_001)])
    assert found(ring, range(2)) == [1]
    assert ring.find_now(f"{10_000:024X}") == refusal(10_000)
    assert (tmp_path / "refusals").stat().st_size == 10_001 * 1024


def test_what_is_written_is_found_by_another_that_opens_it(tmp_path: Path) -> None:
    RefusalRing(tmp_path / "refusals").write([A_REFUSAL])
    assert RefusalRing(tmp_path / "refusals").find_now(A_REFUSAL.id) == A_REFUSAL


async def test_nothing_is_found_where_nothing_was_written(tmp_path: Path) -> None:
    assert await RefusalRing(tmp_path / "refusals").find(A_REFUSAL.id) is None
    assert not (tmp_path / "refusals").exists()


def test_a_torn_record_is_none_and_the_others_are_found(tmp_path: Path) -> None:
    ring = RefusalRing(tmp_path / "refusals")
    ring.write([refusal(1), refusal(2), refusal(3)])
    raw = bytearray((tmp_path / "refusals").read_bytes())
    raw[2048 + 40 : 3072] = bytes(1024 - 40)
    (tmp_path / "refusals").write_bytes(raw)
    assert found(ring, range(5)) == [1, 3]


def test_a_count_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "refusals").write_bytes(b"what".ljust(1024))
    ring = RefusalRing(tmp_path / "refusals")
    ring.write([refusal(1)])
    assert found(ring, range(3)) == [1]


def _write_many(path: Path, first: int) -> None:
    ring = RefusalRing(path)
    for number in range(first, first + 50):
        ring.write([refusal(number)])


def test_processes_share_it_and_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path / "refusals", first)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert found(RefusalRing(tmp_path / "refusals"), range(200)) == [*range(50), *range(100, 150)]


@given(st.builds(refusal, st.just(7), hint=st.text(), reason=st.text(), operation=st.text(), bucket=st.text()))
def test_any_record_fits_its_place(given_refusal: Refusal) -> None:
    for text in (given_refusal, given_refusal._replace(hint=given_refusal.hint * 200 + "\U0001f600" * 2000)):
        record = _write_record(text)
        assert (len(record), record[-1:]) == (1024, b"\n")
        read = _read_record(record)
        assert read is not None
        assert (read.id, read.code) == (text.id, text.code)
    if len(json.dumps(given_refusal)) < 1024:
        assert _read_record(_write_record(given_refusal)) == given_refusal


@pytest.mark.parametrize("record", [b"", b"{}", b"[1]", b"\0" * 1024, b'["a"]'])
def test_what_is_no_record_is_none(record: bytes) -> None:
    assert _read_record(record) is None
