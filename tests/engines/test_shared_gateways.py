"""Gateways that share a database and an object store, each with a directory of its own: the contract of bytes, the
same keys, and one for all where work goes on without a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from coatcheck.background.leader import FileLeader, LeaseLeader, leaders_in
from coatcheck.clock import wall_clock
from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.object_store.place import BytePlace
from coatcheck.engines.postgres.store import PostgresPrepared, PostgresStore, forget_root_key, open_postgres
from coatcheck.ports.catalog import NotWritten
from coatcheck.ports.leases import Fence, LeaseLost, fence_now
from coatcheck.ports.link_totals import Totals
from coatcheck.ports.object import Segment
from coatcheck.ports.secrets import WrongKey

from ..gateways import bring_keys
from ..ports.byte_store_contract import CONTENT
from ..ports.catalog_contract import a_bucket, a_large_object, an_object
from ..postgres_server import PostgresServer, postgres_server
from ..seaweed import Seaweed
from .test_object_store import OnObjectStore


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


class OnPostgres(OnObjectStore):
    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, server: PostgresServer) -> Iterator[str]:
        with server.database() as name:
            yield server.url(name)

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls, folder: Path, place: BytePlace, url: str) -> Path:
        PostgresPrepared(url, folder / "data", wall_clock, place=place).close()
        return folder / "data"

    @pytest.fixture
    async def opened(self, url: str, data: Path) -> AsyncIterator[PostgresStore]:
        with open_postgres(url, data) as store:  # the database knows the place
            yield store
        await asyncio.sleep(0)


class TestPostgresAndALocalDirectory(OnPostgres):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, folder: Path) -> BytePlace:
        return BytePlace(f"file://{folder}/bytes")


@pytest.mark.live
class TestPostgresAndSeaweed(OnPostgres):
    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, seaweed_store: Seaweed, folder: Path) -> Iterator[BytePlace]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in seaweed_store.environment().items():
                patch.setenv(name, value)
            yield BytePlace(seaweed_store.url(f"shared-{folder.name}"))


# --- two of them -----------------------------------------------------------------------------------------------------


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as name:
        yield server.url(name)


@pytest.fixture
def place(tmp_path: Path) -> BytePlace:
    return BytePlace(f"file://{tmp_path}/bytes")


@pytest.fixture
async def two(url: str, place: BytePlace, tmp_path: Path) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    first = tmp_path / "first"
    async with AsyncExitStack() as stack:
        stack.callback(PostgresPrepared(url, first, wall_clock, place=place).close)
        second = bring_keys(first, tmp_path / "second")
        stack.callback(PostgresPrepared(url, second, wall_clock).close)  # while the first one serves
        stores = [stack.enter_context(open_postgres(url, data)) for data in (first, second)]
        yield stores[0], stores[1]
    await asyncio.sleep(0)


async def test_what_one_gateway_stores_another_one_reads(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, there = two
    bucket = await here.catalog.create_bucket(a_bucket(), most=9)
    writer = await here.byte_store.new_blob(encryption="AES256")
    await writer.write(CONTENT)
    await writer.finish()
    await here.catalog.put_object(bucket.bucket_id, a_large_object("a", writer.blob_id))
    await writer.keep()
    reader = await there.byte_store.open([Segment(writer.blob_id, 0, len(CONTENT))])
    assert b"".join([piece async for piece in reader.chunks(0, len(CONTENT))]) == CONTENT
    await reader.close()
    assert await there.reader.ask("SELECT blob_id FROM blob_intent") == []


def test_a_gateway_with_another_key_is_refused_in_a_sentence(url: str, place: BytePlace, tmp_path: Path) -> None:
    first = tmp_path / "first"
    PostgresPrepared(url, first, wall_clock, place=place).close()
    with pytest.raises(WrongKey, match=r"secret\.key is missing, and the catalog's access keys are encrypted with it"):
        PostgresPrepared(url, tmp_path / "empty", wall_clock)
    for name, says in (("secret.key", "access keys"), ("encryption.key", "objects")):
        other = bring_keys(first, tmp_path / f"other {name}")
        letters = (other / name).read_text()
        (other / name).write_text(letters.swapcase())
        with pytest.raises(WrongKey, match=f"{name} is not the key that .*{says}"):
            PostgresPrepared(url, other, wall_clock)


def test_a_directory_with_other_things_in_it_is_no_gateways(url: str, place: BytePlace, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(BadDirectory, match="not of coatcheck"):
        PostgresPrepared(url, tmp_path / "home", wall_clock, place=place)


def test_a_database_whose_objects_are_files_takes_no_object_store(url: str, place: BytePlace, tmp_path: Path) -> None:
    async def put() -> None:
        with open_postgres(url, tmp_path / "data") as store:
            bucket = await store.catalog.create_bucket(a_bucket(), most=9)
            await store.catalog.put_object(bucket.bucket_id, a_large_object("a", "0e" * 16))

    PostgresPrepared(url, tmp_path / "data", wall_clock).close()
    asyncio.run(put())
    with pytest.raises(BadDirectory, match="keeps objects as files"):
        PostgresPrepared(url, tmp_path / "data", wall_clock, place=place)


async def test_each_gateway_counts_the_audit_of_its_own_links(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, there = two
    used: dict[str, Totals] = {}
    await here.link_totals.add("1-a", 0, 10, used)
    await there.link_totals.add("1-b", 0, 20, used)
    assert (await here.link_totals.counted(), await there.link_totals.counted()) == ({"1-a": 10}, {"1-b": 20})
    await there.link_totals.forget_segment("1-a")
    assert await here.link_totals.counted() == {"1-a": 10}


# --- leases ----------------------------------------------------------------------------------------------------------


async def test_one_has_a_lease_until_it_gives_it_back_and_each_next_one_has_a_larger_token(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    assert await here.leases.take("sweep", "one") == 1
    assert await there.leases.take("sweep", "two") is None
    assert await here.leases.take("sweep", "one") == 1
    await there.leases.give_back("sweep", "two")  # it isn't theirs
    assert await there.leases.take("sweep", "two") is None
    await here.leases.give_back("sweep", "one")
    assert await there.leases.take("sweep", "two") == 2
    assert await here.leases.take("other", "one") == 1


async def test_of_many_who_ask_at_once_one_gets_the_lease(two: tuple[PostgresStore, PostgresStore]) -> None:
    asked = [two[number % 2].leases.take("sweep", f"holder {number}") for number in range(10)]
    assert sorted(await asyncio.gather(*asked), key=str) == [1, *[None] * 9]


async def test_who_was_silent_for_too_long_commits_nothing_more(
    server: PostgresServer, url: str, two: tuple[PostgresStore, PostgresStore]
) -> None:
    here, there = two
    bucket = await here.catalog.create_bucket(a_bucket(), most=9)
    token = await here.leases.take("sweep", "one")
    assert token == 1
    fence_now.set(Fence("sweep", token))
    await here.catalog.put_object(bucket.bucket_id, an_object("a"))
    await asyncio.to_thread(server.sql, "UPDATE lease SET ends_at = ends_at - 61", url)
    await here.catalog.put_object(bucket.bucket_id, an_object("b"))  # nobody has taken it yet
    assert await there.leases.take("sweep", "two") == 2
    with pytest.raises(LeaseLost):
        await here.catalog.put_object(bucket.bucket_id, an_object("c"))
    with pytest.raises(NotWritten):
        await here.leases.note_day("sweep", 1)
    fence_now.set(None)
    page = await there.catalog.list_objects(bucket.bucket_id, prefix="", delimiter="", marker="", limit=9)
    assert [item.key for item in page.objects] == ["a", "b"]
    assert await there.leases.last_day("sweep") == -1


def test_a_gateway_with_another_root_key_is_refused(url: str, place: BytePlace, tmp_path: Path) -> None:
    """By its id or by its secret, until somebody wants another one everywhere."""
    first = PostgresPrepared(url, tmp_path / "first", wall_clock, place=place)
    first.note_root_key("OwnerKey", "a secret")
    second = PostgresPrepared(url, bring_keys(tmp_path / "first", tmp_path / "second"), wall_clock)
    second.note_root_key("OwnerKey", "a secret")
    for access_key_id, secret in (("OtherKey", "a secret"), ("OwnerKey", "another secret")):
        with pytest.raises(WrongKey, match=f"root key {access_key_id} is not the one that the other gateways have"):
            second.note_root_key(access_key_id, secret)
    forget_root_key(url)
    second.note_root_key("OwnerKey", "another secret")
    with pytest.raises(WrongKey):
        first.note_root_key("OwnerKey", "a secret")
    for each in (first, second):
        assert each.needs_root_key()
        each.close()


def test_all_keys_that_another_gateway_needs_are_there_from_the_first_start_on(
    url: str, place: BytePlace, tmp_path: Path
) -> None:
    PostgresPrepared(url, tmp_path / "first", wall_clock, place=place).close()
    keys = {path.name: path.read_bytes() for path in (tmp_path / "first").glob("*.key")}
    assert keys.keys() == {"secret.key", "encryption.key", "callback.key"}
    second = bring_keys(tmp_path / "first", tmp_path / "second")
    (second / "callback.key").unlink()
    with pytest.raises(WrongKey, match=r"callback\.key is missing, and applications know callbacks by it"):
        PostgresPrepared(url, second, wall_clock)


async def test_one_process_of_all_gateways_leads_and_another_when_it_ends(
    two: tuple[PostgresStore, PostgresStore], tmp_path: Path
) -> None:
    of_here = leaders_in(tmp_path / "first", two[0].leases)
    here, beside = of_here("sweep"), of_here("sweep")
    there = leaders_in(tmp_path / "second", two[1].leases)("sweep")
    assert [await here.leads(), await beside.leads(), await there.leads(), await here.leads()] == [
        True,
        False,
        False,
        True,
    ]
    assert fence_now.get() == Fence("sweep", 1)
    await here.note_day(7)
    await here.close()
    assert fence_now.get() is None
    assert await there.leads()
    assert await there.last_day() == 7
    await beside.close()
    await there.close()


async def test_who_slept_while_another_led_goes_on_with_a_new_token(
    two: tuple[PostgresStore, PostgresStore], tmp_path: Path
) -> None:
    leader = LeaseLeader(FileLeader(tmp_path / "a.lock"), two[0].leases, "a")
    assert await leader.leads()
    await two[1].leases.give_back("a", leader._holder)  # as if it had ended
    assert await two[1].leases.take("a", "another") == 2
    await two[1].leases.give_back("a", "another")
    assert await leader._take()  # its next renewal
    assert fence_now.get() == Fence("a", 1)
    assert await leader.leads()
    assert fence_now.get() == Fence("a", 3)
    await leader.close()


async def test_a_lease_that_cannot_be_asked_for_is_nobodys(tmp_path: Path) -> None:
    class Away:
        async def take(self, name: str, holder: str) -> int | None:
            raise NotWritten("away")

        async def give_back(self, name: str, holder: str) -> None:
            raise NotWritten("away")

        async def last_day(self, name: str) -> int:
            raise NotWritten("away")

        async def note_day(self, name: str, day: int) -> None:
            raise NotWritten("away")

    leader = LeaseLeader(FileLeader(tmp_path / "a.lock"), Away(), "a")
    assert not await leader.leads()
    await leader.close()
