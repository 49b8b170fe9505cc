"""Nothing that rotted on disk is served as if it were right, and all of it is named in the log.

Whole operations on engines that last; bits are flipped in files and rows behind their back.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pytest

from coatcheck.engines import checks
from coatcheck.engines.checks import BlobChecks
from coatcheck.engines.encrypted import HEADER_BYTES
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.master_keys import WRAP_BYTES
from coatcheck.ports.damage import Damaged, Origin
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.renderer import Job, Rendered

from ..audit import audit
from ..oss.house import OWNER, House
from ..patience import until
from ..soak import count

FLIPS: Final = count(1000)
ENCRYPTED: Final = {"x-oss-server-side-encryption": "AES256"}
PIECE: Final = 102_400
LARGE_BYTES: Final = 9 * 1024**2


def pattern(name: str, size: int) -> bytes:
    digest = hashlib.sha256(name.encode()).digest()
    return (digest * (size // len(digest) + 1))[:size]


CONTENTS: Final = {
    "small": pattern("small", 1000),
    "small-encrypted": pattern("small-encrypted", 1000),
    "blob": pattern("blob", 300_000),
    "blob-encrypted": pattern("blob-encrypted", 300_000),
    "large": pattern("large", LARGE_BYTES),
    "parts": pattern("parts", 3 * PIECE),
    "appended": pattern("appended", 5 * PIECE),
    "of-a-range": pattern("blob", 300_000)[1000:250_000],
}


def a_house(engines: LocalEngines) -> House:
    """The gateway on engines that last; it encrypts by itself."""
    catalog: Any = engines.catalog  # the house is made for the memory engines; it needs nothing but the ports
    store: Any = engines._files
    return House(catalog, store)


async def fill(house: House) -> None:
    await house.with_bucket()
    for key in ("small", "blob", "large"):
        await house.put(f"/photos/{key}", CONTENTS[key])
    for key in ("small-encrypted", "blob-encrypted"):
        await house.put(f"/photos/{key}", CONTENTS[key], ENCRYPTED)
    await upload(house, "parts", *[(CONTENTS["parts"][at : at + PIECE], {}) for at in range(0, 3 * PIECE, PIECE)])
    await upload(
        house,
        "of-a-range",
        (b"", {"x-oss-copy-source": "/photos/blob", "x-oss-copy-source-range": "bytes=1000-249999"}),
    )
    at = 0
    for size in (3 * PIECE, PIECE, PIECE):
        piece = CONTENTS["appended"][at : at + size]
        assert (await house.ask("POST", f"/photos/appended?append&position={at}", piece)).status == 200
        at += size


async def upload(house: House, key: str, *parts: tuple[bytes, dict[str, str]]) -> None:
    upload_id = (await house.ask("POST", f"/photos/{key}?uploads")).text("UploadId")
    for number, (body, headers) in enumerate(parts, 1):
        answer = await house.ask("PUT", f"/photos/{key}?partNumber={number}&uploadId={upload_id}", body, headers)
        assert answer.status == 200, answer.body
    done = await house.ask("POST", f"/photos/{key}?uploadId={upload_id}", headers={"x-oss-complete-all": "yes"})
    assert done.status == 200, done.body


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories with an object of each kind in CONTENTS. The first release knew no sums of blobs and rows."""
    new, old = (tmp_path_factory.mktemp(name) / "data" for name in ("new", "old"))
    prepare_local(new).close()
    with open_local(new) as engines:
        asyncio.run(fill(a_house(engines)))
    shutil.copytree(new, old)
    with closing(sqlite3.connect(old / "catalog.sqlite")) as connection, connection:
        connection.execute("UPDATE blob SET size = NULL, crc64 = NULL")
        connection.execute("UPDATE object SET row_crc32 = NULL")
    return {"new": new, "old": old}


@pytest.fixture
def new(originals: dict[str, Path], tmp_path: Path) -> Path:
    """A filled directory of this version, to be harmed."""
    return shutil.copytree(originals["new"], tmp_path / "filled")


@pytest.fixture(params=["new", "old"])
def filled(originals: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A filled directory of this version, and one as the first release left it."""
    return shutil.copytree(originals[request.param], tmp_path / "filled")


async def get(house: House, key: str, span: str = "") -> bytes | int | None:
    """The content that came whole; or the status of a refusal; or None, if it broke off."""
    try:
        answer = await house.ask("GET", f"/photos/{key}", headers={"range": f"bytes={span}"} if span else {})
    except Damaged:
        return None
    if answer.status >= 300:
        assert answer.refusal == (500, "InternalError")
        assert answer.text("Message") == "The stored bytes of this object are damaged."
        return answer.status
    return answer.body


async def got(data: Path, key: str, span: str = "") -> bytes | int | None:
    """The same of a process that has seen nothing before."""
    with open_local(data) as engines:
        return await get(a_house(engines), key, span)


def blobs_of(data: Path, key: str) -> list[Path]:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        (column,) = connection.execute(
            "SELECT ifnull(object.segments, body.segments) FROM object LEFT JOIN body ON body.id = body_id"
            " WHERE key = ?",
            (key,),
        ).fetchone()
    ids = [column[at : at + 16].hex() for at in range(0, len(column or b""), 32)]
    return [data / "blobs" / blob_id[:2] / blob_id for blob_id in dict.fromkeys(ids)]


def flip_in_file(path: Path, bit: int, *, unseen: bool = True) -> None:
    """`unseen`: as rot does it, the file's time stays."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    moved = before.st_mtime_ns + (0 if unseen else 1_000_000_000)
    os.utime(path, ns=(before.st_atime_ns, moved))


def flip_in_body(data: Path, key: str, bit: int) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
        (number,) = connection.execute("SELECT body_id FROM object WHERE key = ?", (key,)).fetchone()
        with connection.blobopen("body", "content", number) as content:
            content.seek(bit // 8)
            byte = content.read(1)[0]
            content.seek(bit // 8)
            content.write(bytes([byte ^ 1 << bit % 8]))


def flip_anywhere(data: Path, key: str, chance: random.Random) -> Callable[[], None]:
    """Flip a bit of what the content is made from; returns what flips it back."""
    if key.startswith("small"):
        stored = len(CONTENTS[key]) + (WRAP_BYTES + 16 if "encrypted" in key else 0)
        bit = chance.randrange(8 * stored)
        flip_in_body(data, key, bit)
        return lambda: flip_in_body(data, key, bit)
    path = chance.choice(blobs_of(data, key))
    first, stop = (8000, 2_000_000) if key == "of-a-range" else (0, 8 * path.stat().st_size)
    bit = chance.randrange(first, stop)
    if "encrypted" in key and 8 * WRAP_BYTES <= bit < 8 * HEADER_BYTES:  # nothing is there
        bit %= 8 * WRAP_BYTES
    flip_in_file(path, bit)
    return lambda: flip_in_file(path, bit)


@pytest.mark.soak(FLIPS)
@pytest.mark.parametrize("share", range(10))
async def test_no_flipped_bit_is_served_as_right_and_each_is_named(
    filled: Path, share: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(share)
    for number in range(max(1, FLIPS // 20)):  # two kinds of directories, ten shares
        key = list(CONTENTS)[(number + share) % len(CONTENTS)]
        flip_back = flip_anywhere(filled, key, chance)
        caplog.clear()
        assert await got(filled, key) in (500, None)
        (line,) = {record.getMessage() for record in caplog.records if record.levelno == logging.ERROR}
        assert line.startswith(f"damaged bucket=photos key='{key}' version=null blob=")
        flip_back()
    for key, content in CONTENTS.items():
        assert await got(filled, key) == content


def lose(path: Path) -> None:
    path.unlink()


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    """At the border of two chunks, where one is encrypted."""
    os.truncate(path, HEADER_BYTES + 2 * (65_536 + 16))


KINDS: Final = ("blob", "blob-encrypted", "large", "parts", "appended")
HARMS: Final = [
    *[(key, harm) for key in KINDS for harm in (lose, shorten, empty)],
    *[(key, halve) for key in KINDS if key != "parts"],  # those are shorter than that
]


@pytest.mark.parametrize(("key", "harm"), HARMS)
async def test_missing_and_shortened_files_are_damage(
    filled: Path, key: str, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = blobs_of(filled, key)[0]
    harm(path)
    assert await got(filled, key) in (500, None)
    assert f"damaged bucket=photos key='{key}' version=null blob={path.name}" in caplog.text


@pytest.mark.parametrize("key", ["blob", "blob-encrypted", "large", "parts"])
async def test_a_range_of_a_missing_file_is_refused(filled: Path, key: str) -> None:
    lose(blobs_of(filled, key)[0])
    assert await got(filled, key, "0-9") == 500


@pytest.mark.parametrize("key", ["blob", "parts", "large"])
async def test_a_file_that_got_longer_is_damage_where_its_size_is_known(new: Path, key: str) -> None:
    path = blobs_of(new, key)[0]
    with path.open("ab") as file:
        file.write(b"more")
    assert await got(new, key) == 500
    assert await got(new, key, "0-9") == 500
    assert audit(new).wrong_sizes == (path.name,)


@pytest.mark.parametrize("key", ["blob", "blob-encrypted", "parts"])
async def test_exchanged_files_are_damage(filled: Path, key: str) -> None:
    with open_local(filled) as engines:
        house = a_house(engines)
        others = ENCRYPTED if "encrypted" in key else {}
        first = blobs_of(filled, key)[0]
        size = first.stat().st_size if not others else 300_000
        await house.put("/photos/other", pattern("other", size), others)
    (other,) = blobs_of(filled, "other")
    assert first.stat().st_size == other.stat().st_size
    aside = first.with_suffix(".aside")
    first.rename(aside)
    other.rename(first)
    aside.rename(other)
    assert await got(filled, key) in (500, None)
    assert await got(filled, "other") == 500


# --- when it is looked at --------------------------------------------------------------------------------------------


class Summing:
    """Stands in for the computing of sums: counts it, and can hold it up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        original = BlobChecks._sum

        def sums(*arguments: Any) -> int:
            self.count += 1
            assert self.may_go_on.wait(60)
            return original(*arguments)

        monkeypatch.setattr(BlobChecks, "_sum", sums)

    @contextmanager
    def held_up(self) -> Iterator[None]:
        self.may_go_on.clear()
        try:
            yield
        finally:
            self.may_go_on.set()


@pytest.fixture
def summing(monkeypatch: pytest.MonkeyPatch) -> Summing:
    return Summing(monkeypatch)


@pytest.fixture
async def house(filled: Path) -> Any:
    with open_local(filled) as engines:
        yield a_house(engines)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "BLOB_CHECK_FIRST_MAX_BYTES", 1000)


async def find(engines: LocalEngines, key: str) -> ObjectRecord:
    bucket = await engines.catalog.find_bucket("photos")
    assert bucket is not None
    record = await engines.catalog.find_object(bucket.bucket_id, key)
    assert record is not None
    return record


async def extend(taken: bytearray, chunks: AsyncIterator[bytes | bytearray]) -> None:
    async for piece in chunks:
        taken.extend(piece)


async def test_a_blob_is_looked_at_once_a_day(
    filled: Path, house: House, summing: Summing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert await get(house, "blob") == CONTENTS["blob"]
    assert summing.count == 1
    (path,) = blobs_of(filled, "blob")
    flip_in_file(path, 5)  # unseen by anybody: what the kernel sends is believed
    assert await get(house, "blob") != 500
    later = monotonic() + 24 * 3600
    monkeypatch.setattr(checks, "monotonic", lambda: later)
    assert await get(house, "blob") == 500
    assert summing.count == 2


async def test_a_blob_whose_file_changed_is_looked_at_again(filled: Path, house: House, summing: Summing) -> None:
    assert await get(house, "blob") == CONTENTS["blob"]
    (path,) = blobs_of(filled, "blob")
    flip_in_file(path, 5, unseen=False)
    for _ in range(3):
        assert await get(house, "blob") == 500  # remembered: not computed again
    assert summing.count == 2
    flip_in_file(path, 5, unseen=False)
    assert await get(house, "blob") == CONTENTS["blob"]


async def test_a_file_put_in_place_of_another_is_looked_at_again(filled: Path, house: House) -> None:
    assert await get(house, "blob") == CONTENTS["blob"]
    (path,) = blobs_of(filled, "blob")
    before = path.stat()
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(bytes(before.st_size))
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.rename(path)
    assert await get(house, "blob") == 500


async def test_readers_share_a_check(house: House, summing: Summing) -> None:
    with summing.held_up():
        readers = [asyncio.create_task(get(house, "blob")) for _ in range(20)]
        await until(lambda: summing.count)
        await asyncio.sleep(0)
        assert not any(reader.done() for reader in readers)
    assert await asyncio.gather(*readers) == [CONTENTS["blob"]] * 20
    assert summing.count == 1


async def test_a_reader_that_goes_away_takes_no_check_with_it(house: House, summing: Summing) -> None:
    with summing.held_up():
        first, second = asyncio.create_task(get(house, "blob")), asyncio.create_task(get(house, "blob"))
        await until(lambda: summing.count)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert await second == CONTENTS["blob"]


@pytest.mark.parametrize("key", ["large", "parts"])
async def test_the_last_piece_waits_for_the_check(
    filled: Path, house: House, summing: Summing, key: str, everything_is_large: None
) -> None:
    flip_in_file(blobs_of(filled, key)[-1], 7)
    with open_local(filled) as engines:
        record = await find(engines, key)
        reader = await engines._files.open(record.segments, Origin("photos", record))
        taken = bytearray()

        with summing.held_up():
            taking = asyncio.create_task(extend(taken, reader.chunks(0, record.size)))
            await until(lambda: len(taken) == (2 * PIECE if key == "parts" else 17 * 512 * 1024))
        with pytest.raises(Damaged):
            await taking
        assert len(taken) < record.size
        await reader.close()


async def test_a_range_of_a_small_blob_is_refused_at_once(filled: Path, house: House) -> None:
    flip_in_file(blobs_of(filled, "blob")[0], 8 * 299_999)
    assert await get(house, "blob", "0-9") == 500


async def test_a_range_of_a_large_blob_begins_a_check_and_does_not_wait(
    filled: Path, house: House, summing: Summing
) -> None:
    flip_in_file(blobs_of(filled, "large")[0], 8 * LARGE_BYTES - 1)
    with summing.held_up():
        assert await get(house, "large", "0-9") == CONTENTS["large"][:10]
    async with asyncio.timeout(60):
        while await get(house, "large", "0-9") != 500:
            await asyncio.sleep(0.01)
    assert summing.count == 1
    assert await get(house, "large") == 500


async def test_a_flip_while_a_download_runs_ends_it(filled: Path, house: House) -> None:
    assert await get(house, "large") == CONTENTS["large"]
    (path,) = blobs_of(filled, "large")
    with open_local(filled) as engines:
        record = await find(engines, "large")
        reader = await engines._files.open(record.segments, Origin("photos", record))
        chunks = reader.chunks(0, record.size)
        taken = bytearray(await anext(chunks))
        flip_in_file(path, 8 * LARGE_BYTES - 20_000, unseen=False)
        with pytest.raises(Damaged):
            await extend(taken, chunks)
        assert len(taken) < record.size
        await reader.close()


async def test_a_file_cut_while_it_is_checked_ends_no_process(
    filled: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = blobs_of(filled, "blob")
    original = BlobChecks._sum

    def cutting(*arguments: Any) -> int:
        os.truncate(path, 1000)
        return original(*arguments)

    monkeypatch.setattr(BlobChecks, "_sum", cutting)
    assert await get(house, "blob") == 500


async def test_a_disk_error_is_damage_that_may_pass(
    filled: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    preadv = os.preadv

    def fails(fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        if flags:
            return preadv(fd, buffers, offset, flags)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", fails)
        assert await get(house, "blob") == 500
    assert await get(house, "blob") == CONTENTS["blob"]


async def test_what_is_remembered_and_what_waits_is_bounded(
    data: Path, monkeypatch: pytest.MonkeyPatch, summing: Summing, everything_is_large: None
) -> None:
    monkeypatch.setattr(checks, "BLOBS_BELIEVED_MAX", 3)
    monkeypatch.setattr(checks, "BLOB_CHECKS_WAITING_MAX", 2)
    body = pattern("blob", 70_000)
    with open_local(data) as engines:
        house = await a_house(engines).with_bucket()
        for number in range(6):
            await house.put(f"/photos/{number}", body)
        known = engines._files._checks._known
        for number in range(6):
            assert await get(house, str(number)) == body
        assert len(known) == 3
        assert await get(house, "3") == body
        assert list(known) == [path.name for number in "453" for path in blobs_of(data, number)]
        known.clear()
        with summing.held_up():
            for number in range(6):
                assert await get(house, str(number), "0-9") == body[:10]
            assert len(engines._files._checks._running) == 2
            whole = asyncio.create_task(get(house, "5"))
            await until(lambda: len(engines._files._checks._running) == 3)
        assert await whole == body


# --- what is made of it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["blob", "large", "parts", "small", "small-encrypted"])
async def test_no_copy_is_made_of_damaged_bytes(filled: Path, key: str) -> None:
    flip_anywhere(filled, key, random.Random(1))
    with open_local(filled) as engines:
        house = a_house(engines)
        source = {"x-oss-copy-source": f"/photos/{key}"}
        answer = await house.ask("PUT", "/photos/copy", headers=source | ENCRYPTED)
        assert answer.refusal == (500, "InternalError")
        assert (await house.ask("HEAD", "/photos/copy")).status == 404
        upload_id = (await house.ask("POST", "/photos/copy?uploads")).text("UploadId")
        address = f"/photos/copy?partNumber=1&uploadId={upload_id}"
        last = len(CONTENTS[key]) - 2
        answer = await house.ask("PUT", address, headers=source | {"x-oss-copy-source-range": f"bytes=0-{last}"})
        assert answer.refusal == (500, "InternalError")


class FileReader:
    """A renderer whose results are the sources' last bytes, read from their files; `harm` comes before it reads."""

    def __init__(self, harm: Callable[[], None] = lambda: None) -> None:
        self.harm = harm

    async def render(self, job: Job) -> Rendered:
        async with job.source.as_file() as file:
            assert file is not None
            self.harm()
            body = os.pread(file, 10, job.source.size - 10)
        return Rendered("image/png", len(body), body)


@pytest.mark.parametrize("key", ["blob", "large"])
async def test_nothing_is_made_of_a_damaged_picture(filled: Path, key: str) -> None:
    """Whose file is handed over: looked at before its result goes out, and whether it changed while it was read."""
    (path,) = blobs_of(filled, key)
    asked = f"/photos/{key}?x-oss-process=image/format,png"
    with open_local(filled) as engines:
        house = a_house(engines)
        house.pipeline._ports = house.pipeline._ports._replace(renderer=FileReader())
        assert (await house.ask("GET", asked)).body == CONTENTS[key][-10:]
        harm = FileReader(lambda: flip_in_file(path, 5, unseen=False))
        house.pipeline._ports = house.pipeline._ports._replace(renderer=harm)
        assert (await house.ask("GET", asked)).refusal == (500, "InternalError")
    with open_local(filled) as engines:
        house = a_house(engines)
        house.pipeline._ports = house.pipeline._ports._replace(renderer=FileReader())
        assert (await house.ask("GET", asked)).refusal == (500, "InternalError")


async def test_a_shared_copy_of_damaged_bytes_is_damaged_too(filled: Path) -> None:
    with open_local(filled) as engines:
        house = a_house(engines)
        assert (await house.ask("PUT", "/photos/copy", headers={"x-oss-copy-source": "/photos/blob"})).status == 200
        assert await get(house, "copy") == CONTENTS["blob"]
    flip_in_file(blobs_of(filled, "blob")[0], 99)
    assert await got(filled, "copy") == 500


@pytest.mark.parametrize("key", ["appended", "small-appended"])
async def test_nothing_is_appended_to_damaged_bytes_that_would_be_copied(filled: Path, key: str) -> None:
    with open_local(filled) as engines:
        if key == "small-appended":
            assert (await a_house(engines).ask("POST", f"/photos/{key}?append&position=0", b"x" * 1000)).status == 200
    size = 1000 if key == "small-appended" else 5 * PIECE
    if key == "small-appended":
        flip_in_body(filled, key, 3)
    else:
        flip_in_file(blobs_of(filled, key)[-1], 3)
    with open_local(filled) as engines:
        house = a_house(engines)
        more = pattern("more", 4 * PIECE)
        answer = await house.ask("POST", f"/photos/{key}?append&position={size}", more)
        assert answer.refusal == (500, "InternalError")
        assert (await house.ask("HEAD", f"/photos/{key}")).announced == size


async def test_what_was_appended_to_blobs_without_sums_is_read_and_checked(filled: Path) -> None:
    with open_local(filled) as engines:
        house = a_house(engines)
        more = pattern("more", PIECE)
        assert (await house.ask("POST", f"/photos/appended?append&position={5 * PIECE}", more)).status == 200
        assert await get(house, "appended") == CONTENTS["appended"] + more
    flip_in_file(blobs_of(filled, "appended")[-1], 3)
    assert await got(filled, "appended") in (500, None)


@pytest.mark.parametrize("part", [0, 1])
async def test_an_object_of_encrypted_and_plain_blobs_is_compared_too(filled: Path, part: int) -> None:
    sources = ("blob-encrypted", "blob")
    with open_local(filled) as engines:
        house = a_house(engines)
        await upload(house, "mixed", *[(b"", {"x-oss-copy-source": f"/photos/{source}"}) for source in sources])
        assert await get(house, "mixed") == CONTENTS["blob-encrypted"] + CONTENTS["blob"]
    flip_in_file(blobs_of(filled, "mixed")[part], 8 * 100_000)
    assert await got(filled, "mixed") in (500, None)


async def test_links_and_websites_serve_no_damaged_bytes(filled: Path) -> None:
    with open_local(filled) as engines:
        house = a_house(engines)
        assert (await house.ask("PUT", "/photos/link?symlink", headers={"x-oss-symlink-target": "blob"})).status == 200
        document = b"<WebsiteConfiguration><IndexDocument><Suffix>blob</Suffix></IndexDocument></WebsiteConfiguration>"
        assert (await house.ask("PUT", "/photos/?website", document)).status == 200
        assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read"})).status == 200
        assert (await house.ask("GET", "/photos/", by=None)).body == CONTENTS["blob"]
    flip_in_file(blobs_of(filled, "blob")[0], 3)
    with open_local(filled) as engines:
        house = a_house(engines)
        assert await get(house, "link") == 500
        assert (await house.ask("GET", "/photos/", by=None)).refusal == (500, "InternalError")


async def test_a_damaged_object_can_be_replaced_described_and_deleted(filled: Path) -> None:
    flip_in_body(filled, "small", 3)
    flip_in_file(blobs_of(filled, "blob")[0], 3)
    with open_local(filled) as engines:
        house = a_house(engines)
        for key in ("small", "blob"):
            assert await get(house, key) == 500
            assert (await house.ask("HEAD", f"/photos/{key}")).status == 200
            await house.put(f"/photos/{key}", CONTENTS[key])
            assert await get(house, key) == CONTENTS[key]
            assert (await house.ask("DELETE", f"/photos/{key}")).status == 204


# --- the catalog's own rows ------------------------------------------------------------------------------------------

CHANGES: Final = {
    "object": "etag = 'FF' || substr(etag, 3)",
    "body": "segments = CAST(iif(substr(segments, 1, 1) = x'00', x'01', x'00') || substr(segments, 2) AS BLOB)",
    "part": "crc64 = crc64 + 1",
    "upload": "storage_class = 'Standarf'",
    "bucket": "acl = 'public-read'",
    "bucket_setting": "document = replace(document, 'a', 'b')",
    "bucket_entry": "document = 'x'",
    "account": "name = 'roos'",
}


@pytest.mark.parametrize("table", CHANGES)
async def test_the_audit_finds_a_row_that_rotted(new: Path, table: str) -> None:
    with open_local(new) as engines:
        house = a_house(engines)
        assert (await house.ask("PUT", "/photos/?website", WEBSITE)).status == 200
        bucket = await engines.catalog.find_bucket("photos")
        assert bucket is not None
        await engines.catalog.change_entry(bucket.bucket_id, "inventory", "all", lambda _: "{}", most=9)
        upload_id = (await house.ask("POST", "/photos/begun?uploads")).text("UploadId")
        await house.ask("PUT", f"/photos/begun?partNumber=1&uploadId={upload_id}", b"hello")
    assert audit(new).clean
    with closing(sqlite3.connect(new / "catalog.sqlite")) as connection, connection:
        changed = connection.execute(f"UPDATE {table} SET {CHANGES[table]}").rowcount
    report = audit(new)
    assert not report.clean
    named = {"body": "object"}.get(table, table)
    rows = [row for row in report.wrong_rows if row[0] == named]
    assert len(rows) == (2 if table == "body" else changed)  # of a range, and of an upload completed from parts


WEBSITE: Final = b"<WebsiteConfiguration><IndexDocument><Suffix>a.html</Suffix></IndexDocument></WebsiteConfiguration>"


def test_the_audit_finds_a_body_that_rotted(new: Path) -> None:
    flip_in_body(new, "small", 9)
    ((_, key, why),) = audit(new).wrong_bodies
    assert (key, why) == ("small", "the CRC-64 of its body is another one")


def test_every_plain_blob_has_a_sum(new: Path) -> None:
    with closing(sqlite3.connect(new / "catalog.sqlite")) as connection:
        rows = connection.execute("SELECT lower(hex(id)), size, crc64 FROM blob").fetchall()
    assert len(rows) >= 8
    for blob_id, size, crc64 in rows:
        assert (size is None) == (crc64 is None) == blob_id.endswith("f")
        if size is not None:
            assert (new / "blobs" / blob_id[:2] / blob_id).stat().st_size == size


async def test_a_catalog_of_the_first_release_is_brought_forward(tmp_path: Path) -> None:
    data = tmp_path / "data"
    blob, content = "ab" * 15 + "a0", pattern("blob", 70_000)
    (data / "blobs" / blob[:2]).mkdir(parents=True)
    (data / "blobs" / blob[:2] / blob).write_bytes(content)
    statements = files("coatcheck.engines.sqlite").joinpath("schema.sql").read_text()
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; {statements}; PRAGMA user_version = 1")
        segment = bytes.fromhex(blob) + bytes(8) + (70_000).to_bytes(8, "big")
        connection.execute(
            "INSERT INTO bucket VALUES (1, 'photos', ?, 'cn-hangzhou', 'private', 'Standard', 'LRS', 0, '')",
            (OWNER.account,),
        )
        connection.execute("INSERT INTO blob VALUES (?, 1)", (bytes.fromhex(blob),))
        connection.execute(
            "INSERT INTO object VALUES (1, 'blob', 0, 'Normal', 70000, 'AA', 0, 'Standard', NULL, NULL, 'null', ?,"
            " 'default', x'', NULL, '', NULL, NULL, NULL, ?)",
            (0x8B96311CC2E060E8 - 2**64, segment),
        )
        connection.commit()
    prepare_local(data).close()
    assert audit(data).clean
    assert await got(data, "blob") == content
    with open_local(data) as engines:
        assert (
            await a_house(engines).ask("PUT", "/photos/blob?acl", headers={"x-oss-object-acl": "private"})
        ).status == 200
    assert audit(data).clean
    flip_in_file(data / "blobs" / blob[:2] / blob, 7)
    assert await got(data, "blob") == 500
