"""A store whose catalog, or whose blobs, are elsewhere: what doesn't fit is named, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.customer_key import CustomerKey
from coatcheck.core.digests import EMPTY_CRC64, update_crc64
from coatcheck.engines.local import prepare_local
from coatcheck.engines.moving.blob_ends import FileEnd
from coatcheck.engines.moving.move import open_catalog
from coatcheck.engines.object_store.place import BytePlace, path_of
from coatcheck.engines.opening import open_store
from coatcheck.engines.postgres.store import PostgresPrepared
from coatcheck.engines.upkeep.blob_bytes import Pace
from coatcheck.engines.upkeep.elsewhere import look_elsewhere
from coatcheck.engines.upkeep.problems import Problem
from coatcheck.ports.object import Segment
from coatcheck.ports.store import Store
from coatcheck.ports.upload import Part, Upload

from ...ports.catalog_contract import a_bucket, an_object
from ...postgres_server import PostgresServer, postgres_server

LARGE = bytes(range(256)) * 400
SMALL = b"hello"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@dataclass(frozen=True, slots=True)
class Place:
    """A store with four objects: small, large, secret (encrypted), theirs (so that a client keeps its key), and an open
    upload of a part of the last kind."""

    url: str
    data: Path
    blobs: Path

    def change(self, sql: str) -> None:
        with closing(open_catalog(self.url, self.data, wall_clock)) as catalog, catalog.changing():
            catalog.connection.execute(sql)

    def blob(self, key: str) -> Path:
        with closing(open_catalog(self.url, self.data, wall_clock)) as catalog:
            row = catalog.connection.execute("SELECT segments FROM object WHERE key = ?", (key,)).fetchone()
        return self.blobs / path_of(row[0][:16].hex())

    def problems(self) -> list[tuple[str, str]]:
        """Of check, then of scrub: kind and objects."""
        look = look_elsewhere(self.url, self.data, None, Pace(0, Event()))
        assert look is not None
        with closing(look):
            found = list(look.check()), list(look.scrub(self.data, lambda phase, checked: None))
        return [_short(problem) for problems in found for problem in problems]


def _short(problem: Problem) -> tuple[str, str]:
    return problem.kind, " ".join(place.key for place in problem.places)


@pytest.fixture(params=["catalog", "bytes"])
def place(request: pytest.FixtureRequest, server: PostgresServer, tmp_path: Path) -> Iterator[Place]:
    data = tmp_path / "data"
    if request.param == "bytes":
        prepare_local(data, place=BytePlace(f"file://{tmp_path}/store")).close()
        yield filled(Place(f"file:{data}", data, tmp_path / "store"))
        return
    with server.database() as name:
        PostgresPrepared(server.url(name), data, wall_clock).close()
        yield filled(Place(server.url(name), data, data / "blobs"))


def filled(place: Place) -> Place:
    def work() -> None:
        with closing(open_store(place.url, wall_clock, data=place.data)) as store:
            asyncio.run(fill(store))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()
    return place


async def fill(store: Store) -> None:
    await store.catalog.create_bucket(a_bucket(), most=1)
    small = an_object("small", body=SMALL, crc64=update_crc64(SMALL, EMPTY_CRC64))
    await store.catalog.put_object(1, small)
    theirs = CustomerKey(bytes(32))
    byte_store, label = store.byte_store.with_keys([theirs]), theirs.new_label()
    body = byte_store.encrypt(SMALL, label)
    record = an_object("theirs, small", body=body, size=len(SMALL), crc64=update_crc64(SMALL), encryption=label)
    await store.catalog.put_object(1, record)
    await store.catalog.create_upload(1, Upload("k", "A" * 32, 0, "Standard", (), encryption=label))
    writer = await byte_store.new_blob(encryption=label)
    await writer.write(LARGE)
    await writer.finish()
    part = Part(1, len(LARGE), "A" * 32, update_crc64(LARGE), 0, (Segment(writer.blob_id, 0, len(LARGE)),))
    await store.catalog.put_part(1, "k", "A" * 32, part)
    await writer.keep()
    for key, encryption in (("large", ""), ("secret", "AES256"), ("theirs", label)):
        writer = await byte_store.new_blob(encryption=encryption)
        await writer.write(LARGE)
        await writer.finish()
        segments, crc64 = (Segment(writer.blob_id, 0, len(LARGE)),), update_crc64(LARGE, EMPTY_CRC64)
        record = an_object(key, body=None, size=len(LARGE), segments=segments, crc64=crc64, encryption=encryption)
        await store.catalog.put_object(1, record)
        await writer.keep()


def test_a_store_in_order_has_no_problems(place: Place) -> None:
    assert place.problems() == []


def test_a_directory_with_all_of_it_is_looked_at_by_other_means(tmp_path: Path) -> None:
    prepare_local(tmp_path / "data").close()
    assert look_elsewhere("", tmp_path / "data", None, Pace(0, Event())) is None


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def put(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")


WRONG: dict[str, tuple[Callable[[Place], object], list[tuple[str, str]]]] = {
    "missing": (lambda place: place.blob("large").unlink(), [("missing", "large"), ("damaged", "large")]),
    "short": (lambda place: place.blob("large").write_bytes(b"x"), [("size", "large"), ("damaged", "large")]),
    "rotten": (lambda place: flip(place.blob("large")), [("damaged", "large")]),
    "rotten, encrypted": (lambda place: flip(place.blob("secret")), [("damaged", "secret")]),
    "rotten, under a client's key": (lambda place: flip(place.blob("theirs")), [("damaged", "theirs")]),
    "unknown": (lambda place: put(place.blobs / path_of("ab" * 16)), [("orphan", "")]),
    "count": (lambda place: place.change("UPDATE blob SET object_count = 2"), [("count", "")] * 4),
    "usage": (lambda place: place.change("UPDATE bucket_usage SET size = 1"), [("usage", "")]),
    "small": (lambda place: place.change("UPDATE object SET crc64 = 1 WHERE key = 'small'"), [("body", "small")]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named(place: Place, wrong: str) -> None:
    damage, expected = WRONG[wrong]
    damage(place)
    assert place.problems() == expected


async def test_a_list_names_what_is_there(tmp_path: Path) -> None:
    end = FileEnd(tmp_path)
    (tmp_path / "blobs" / "ab").mkdir(parents=True)
    (tmp_path / "blobs" / "ab" / ("ab" * 16)).write_bytes(b"hello")
    (tmp_path / "blobs" / "ab" / "other").write_bytes(b"")
    assert [each async for each in end.list()] == [("ab" * 16, 5)]
