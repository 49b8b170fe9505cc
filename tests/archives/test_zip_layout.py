"""Any part of a ZIP file is what the whole file has there, and the file is one that others can read."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.archives.member_names import MemberNames
from coatcheck.archives.members import Member, Members
from coatcheck.archives.zip_layout import Part, ZipLayout

GIB = 1024**3
NOON = 1_772_712_000  # 2026-03-05T12:00:00Z


def members_of(contents: Sequence[tuple[str, int]], modified: int = NOON) -> Members:
    members, names = Members(), MemberNames()
    for key, size in contents:
        if name := names.name(key):
            members.add(Member(0, key, None, name, size, "E", modified))
    return members


def part_of(layout: ZipLayout, contents: Sequence[bytes], start: int, stop: int) -> bytes:
    """Bytes [start, stop) of the file."""
    found = bytearray()
    for part, number, first, last in layout.pieces(start, stop):
        match part:
            case Part.HEADER:
                whole = layout.header(number)
            case Part.CONTENT:
                whole = contents[number]
            case Part.DESCRIPTOR:
                whole = layout.descriptor(number, crc32(contents[number]))
            case Part.RECORD:
                whole = layout.record(number, crc32(contents[number]))
            case Part.END:
                whole = layout.end()
        assert 0 <= first < last <= len(whole)
        found += whole[first:last]
    return bytes(found)


def a_zip(*contents: tuple[str, bytes]) -> tuple[bytes, ZipLayout]:
    layout = ZipLayout(members_of([(key, len(content)) for key, content in contents]))
    whole = part_of(layout, [content for _, content in contents], 0, layout.size)
    assert len(whole) == layout.size
    return whole, layout


entries = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), st.binary(min_size=1, max_size=50)),
    max_size=8,
    unique_by=lambda entry: entry[0],
)


@given(entries, st.data())
def test_any_range_is_a_slice_of_the_file_that_python_reads(
    contents: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    names, kept = MemberNames(), []
    members = Members()
    for key, content in contents:
        if name := names.name(key):
            content = b"" if name.endswith("/") else content
            members.add(Member(0, key, None, name, len(content), "E", NOON))
            kept.append((name, content))
    layout, bodies = ZipLayout(members), [content for _, content in kept]
    whole = part_of(layout, bodies, 0, layout.size)
    assert len(whole) == layout.size
    with zipfile.ZipFile(io.BytesIO(whole)) as read:
        assert read.testzip() is None
        assert [(info.filename, read.read(info)) for info in read.infolist()] == kept
    start = data.draw(st.integers(0, layout.size))
    stop = data.draw(st.integers(0, layout.size + 5))
    assert part_of(layout, bodies, start, stop) == whole[start:stop]


def test_no_members_are_an_empty_archive() -> None:
    whole, _ = a_zip()
    assert whole == b"PK\x05\x06" + bytes(18)
    with zipfile.ZipFile(io.BytesIO(whole)) as read:
        assert read.namelist() == []


def test_every_byte_of_a_small_file() -> None:
    whole, _ = a_zip(("a", b"hello"))
    assert whole == bytes.fromhex(
        "504b0304 1400 0808 0000 0060 655c 00000000 00000000 00000000 0100 0900 61"
        "5554 0500 01 4070a969 68656c6c6f"
        "504b0708 86a61036 05000000 05000000"
        "504b0102 2d03 1400 0808 0000 0060 655c 86a61036 05000000 05000000 0100 0900"
        "0000 0000 0000 0000a481 00000000 61"
        "5554 0500 01 4070a969"
        "504b0506 0000 0000 0100 0100 38000000 3d000000 0000".replace(" ", "")
    )


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_tests_and_unpacks_it(tmp_path: Path) -> None:
    contents = [("../../evil", b"1"), ("/abs", b"2"), ("猫/é.txt", b"3" * 70_000), ("e/", b""), ("none", b"")]
    whole, _ = a_zip(*contents)
    archive, target = tmp_path / "a.zip", tmp_path / "out" / "in"
    archive.write_bytes(whole)
    target.mkdir(parents=True)
    tested = subprocess.run(["unzip", "-t", str(archive)], capture_output=True, text=True, check=True)
    assert "No errors detected" in tested.stdout
    done = subprocess.run(["unzip", "-q", str(archive), "-d", str(target)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert found == {"in", "in/__", "in/__/__", "in/__/__/evil", "in/abs", "in/猫", "in/猫/é.txt", "in/e", "in/none"}
    assert (target / "猫/é.txt").read_bytes() == b"3" * 70_000
    assert (target / "abs").stat().st_mode & 0o777 == 0o644
    assert int((target / "abs").stat().st_mtime) == NOON


@pytest.mark.skipif(shutil.which("jar") is None, reason="needs a JDK")
def test_java_lists_it(tmp_path: Path) -> None:
    whole, _ = a_zip(("a/b.txt", b"1"), ("c", b"22"))
    (tmp_path / "a.zip").write_bytes(whole)
    listed = subprocess.run(["jar", "tf", str(tmp_path / "a.zip")], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["a/b.txt", "c"]


@given(st.integers(-(2**40), 2**40))
def test_any_time_can_be_said(modified: int) -> None:
    layout = ZipLayout(members_of([("a", 1)], modified))
    with zipfile.ZipFile(io.BytesIO(part_of(layout, [b"x"], 0, layout.size))) as read:
        assert 1980 <= read.infolist()[0].date_time[0] <= 2107


@settings(max_examples=20)
@given(st.lists(st.sampled_from([0, 1, GIB, 4 * GIB - 2, 4 * GIB - 1, 4 * GIB, 5 * GIB]), min_size=1, max_size=5))
def test_large_members_are_where_the_directory_says(sizes: list[int]) -> None:
    """Files on paper: the directory is read by `zipfile`, which asks for the end alone."""
    layout = ZipLayout(members_of([(f"{number}.bin", size) for number, size in enumerate(sizes)]))

    class Paper(io.RawIOBase):
        at = 0

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset + (0, self.at, layout.size)[whence]
            return self.at

        def tell(self) -> int:
            return self.at

        def read(self, size: int = -1) -> bytes:
            stop = layout.size if size is None or size < 0 else min(layout.size, self.at + size)
            found = bytearray()
            for part, number, first, last in layout.pieces(self.at, stop):
                assert part is not Part.CONTENT
                if part is Part.HEADER:
                    whole = layout.header(number)
                elif part is Part.DESCRIPTOR:
                    whole = layout.descriptor(number, 7)
                else:
                    whole = layout.end() if part is Part.END else layout.record(number, 7)
                found += whole[first:last]
            self.at = stop
            return bytes(found)

    with zipfile.ZipFile(Paper()) as read:
        infos = read.infolist()
        assert [info.file_size for info in infos] == sizes
        for number, info in enumerate(infos):
            (piece, *_) = layout.pieces(info.header_offset, info.header_offset + 1)
            assert piece == (Part.HEADER, number, 0, 1)
            head = layout.header(number)
            assert struct.unpack("<I", head[:4]) == (0x04034B50,)
            behind = info.header_offset + len(head) + info.file_size
            if info.file_size:
                (piece, *_) = layout.pieces(behind, behind + 1)
                assert piece == (Part.DESCRIPTOR, number, 0, 1)
                large = info.file_size >= 0xFFFFFFFF
                assert len(layout.descriptor(number, 7)) == (24 if large else 16)
            start = info.header_offset
            assert next(layout.pieces(start, start + len(head))) == (Part.HEADER, number, 0, len(head))


def test_a_hundred_thousand_members_of_a_terabyte_fit_on_paper() -> None:
    size = 1024**4 // 100_000
    contents = [
        (f"2026/photos/of/the/whole/year/taken/by/anna/img-{number:06d}.jpg", size) for number in range(100_000)
    ]
    members = members_of(contents)
    layout = ZipLayout(members)
    assert members.held_bytes < 16 * 1024 * 1024
    middle = list(layout.pieces(layout.size // 2, layout.size // 2 + 1))
    assert [piece.part for piece in middle] == [Part.CONTENT]
    with zipfile.ZipFile(
        io.BytesIO(part_of(ZipLayout(members_of(contents[:2])), [bytes(size)] * 2, 0, 1 << 40))
    ) as read:
        assert len(read.infolist()) == 2
    end = layout.end()
    assert end[:4] == b"PK\x06\x06"
    assert struct.unpack("<QQ", end[24:40]) == (100_000, 100_000)


def test_the_etag_is_of_all_that_the_file_says() -> None:
    member = Member(0, "p/a", None, "a", 5, "E1", NOON)
    changed = [
        member,
        member._replace(key="p/b", name="b"),
        member._replace(name="c"),
        member._replace(size=6),
        member._replace(etag="E2"),
        member._replace(modified=NOON + 1),
        member._replace(version_id="v1"),
        member._replace(bucket=1),
    ]
    etags = set()
    for one in changed:
        members = Members()
        members.add(one)
        assert members.member(0) == one
        etags.add(members.etag())
    assert len(etags) == len(changed)
