from __future__ import annotations

import asyncio
import fcntl
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from coatcheck.engines import group_commit, trouble
from coatcheck.engines.directory_faults import NewerStore
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.engines.sql import objects
from coatcheck.engines.sql.pages import past
from coatcheck.engines.sql.seal import WrongSecretKey
from coatcheck.engines.sqlite import listing
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.engines.sqlite.changes import Changed, Changes
from coatcheck.engines.sqlite.connection import WriteLock
from coatcheck.engines.sqlite.keyring import SqliteKeyring
from coatcheck.engines.sqlite.recent import RecentObjects
from coatcheck.engines.sqlite.schema import STEPS
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Busy, NoSpace, Unwritable
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.object import Deletion
from coatcheck.ports.upload import Upload

from ..patience import HANG_S
from ..ports.catalog_contract import CatalogContract, a_bucket, an_object, keys_of, listed, put_keys
from ..ports.keyring_contract import KEY, KeyringContract


class TestSqliteCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self, engines: LocalEngines) -> SqliteCatalog:
        return engines.catalog


class TestSqliteKeyring(KeyringContract):
    @pytest.fixture
    def keyring(self, engines: LocalEngines) -> SqliteKeyring:
        return engines.keyring


@pytest.fixture
async def bucket(engines: LocalEngines) -> Bucket:
    return await engines.catalog.create_bucket(a_bucket(), most=100)


async def test_headers_that_may_no_longer_be_sent_are_not_read_from_rows(engines: LocalEngines, bucket: Bucket) -> None:
    kept = ((b"content-type", b"text/plain"), (b"x-oss-meta-a", b"1"))
    headers = (*kept, (b"x-accel-redirect", b"/etc/passwd"), (b"key1", b"value"))
    await engines.catalog.put_object(bucket.bucket_id, replace(an_object("old"), headers=headers))
    upload = Upload("old", "A" * 32, 0, "Standard", headers, (), "")
    await engines.catalog.create_upload(bucket.bucket_id, upload)
    found = await engines.catalog.find_object(bucket.bucket_id, "old")
    begun = await engines.catalog.find_upload(bucket.bucket_id, "old", "A" * 32)
    assert found is not None
    assert begun is not None
    assert found.headers == begun.headers == kept


# --- two processes (here: two sets of engines, which share nothing but the directory) ---


async def test_a_nonce_is_used_once_in_all_processes_together(data: Path) -> None:
    with open_local(data) as here, open_local(data) as there:
        keyrings = [here.keyring, there.keyring] * 10
        used = await asyncio.gather(*[keyring.use_nonce("coat", "n", 2000, 1000) for keyring in keyrings])
        assert sorted(used) == [False] * 19 + [True]
    with open_local(data) as later:
        assert not await later.keyring.use_nonce("coat", "n", 2000, 1000)


async def test_old_nonces_go_a_few_at_a_time(data: Path) -> None:
    with open_local(data) as engines:
        many = [engines.keyring.use_nonce("coat", str(number), 2000, 1000) for number in range(250)]
        assert all(await asyncio.gather(*many))
        left = []
        for number in range(3):
            assert await engines.keyring.use_nonce("coat", f"new {number}", 7000, 6000)
            left.append(_count_nonces(data))
        assert left == [151, 52, 3]


def _count_nonces(data: Path) -> int:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM nonce").fetchone()[0])


async def test_a_change_is_seen_by_every_process_at_once(data: Path) -> None:
    with open_local(data) as here, open_local(data) as there:
        made = await here.catalog.create_bucket(a_bucket(), most=100)
        assert await there.catalog.find_bucket("photos") == made
        await here.catalog.set_bucket_acl(made.bucket_id, "public-read")
        found = await there.catalog.find_bucket("photos")
        assert found is not None
        assert found.acl == "public-read"
        await there.catalog.put_object(made.bucket_id, an_object("a"))
        assert await here.catalog.find_object(made.bucket_id, "a") == an_object("a")
        await here.keyring.add_key(KEY)
        assert await there.keyring.find_key("coat") == KEY
        await there.keyring.remove_key("coat")
        assert await here.keyring.find_key("coat") is None


async def test_an_object_read_before_is_read_anew_after_a_commit_anywhere(data: Path) -> None:
    with open_local(data) as here, open_local(data) as there:
        bucket = await here.catalog.create_bucket(a_bucket(), most=100)
        for content in (b"first", b"second"):
            await there.catalog.put_object(bucket.bucket_id, an_object("a", content))
            for _ in range(2):
                assert await here.catalog.find_object(bucket.bucket_id, "a") == an_object("a", content)
        await there.catalog.delete_object(bucket.bucket_id, Deletion("a"))
        assert await here.catalog.find_object(bucket.bucket_id, "a") is None


async def test_nothing_is_believed_while_a_commit_is_under_way(engines: LocalEngines, data: Path) -> None:
    """Also what a writer that died in its commit leaves behind, until the next commit."""
    bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
    await engines.catalog.put_object(bucket.bucket_id, an_object("a", b"first"))
    changes = Changes(data / "catalog.changes")
    elsewhere = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    changed = Changed(elsewhere)
    elsewhere.execute("UPDATE object SET acl = acl")
    elsewhere.execute("UPDATE bucket SET acl = acl")
    with changes.moving(changed):
        assert await engines.catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"first")
        assert await engines.catalog.find_bucket("photos") == bucket
        elsewhere.execute("UPDATE object SET acl = 'private'")
        elsewhere.execute("UPDATE bucket SET acl = 'public-read'")
        assert await engines.catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"first", acl="private")
        assert await engines.catalog.find_bucket("photos") == replace(bucket, acl="public-read")
    elsewhere.close()
    changes.close()


async def test_a_commit_spoils_what_is_remembered_of_its_own_keys(engines: LocalEngines, data: Path) -> None:
    """An object that nobody has written to is not read again, whatever else is committed, in whatever process."""
    bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
    await engines.catalog.put_object(bucket.bucket_id, an_object("a"))
    first = await engines.catalog.find_object(bucket.bucket_id, "a")
    with open_local(data) as there:
        for content in (b"one", b"two"):
            await there.catalog.put_object(bucket.bucket_id, an_object("b", content))
            await engines.catalog.put_object(bucket.bucket_id, an_object("c", content))
        await there.catalog.delete_object(bucket.bucket_id, Deletion("c"))
        assert await engines.catalog.find_object(bucket.bucket_id, "a") is first
        await there.catalog.put_object(bucket.bucket_id, an_object("a"))
        assert await engines.catalog.find_object(bucket.bucket_id, "a") is not first


async def test_very_many_changes_at_once_spoil_everything(engines: LocalEngines) -> None:
    bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
    await engines.catalog.put_object(bucket.bucket_id, an_object("kept"))
    first = await engines.catalog.find_object(bucket.bucket_id, "kept")
    keys = [str(number) for number in range(3000)]
    for key in keys[:1000]:
        await engines.catalog.put_object(bucket.bucket_id, an_object(key))
    await engines.catalog.delete_objects(bucket.bucket_id, [Deletion(key) for key in keys])
    assert await engines.catalog.find_object(bucket.bucket_id, "kept") == first
    assert await engines.catalog.find_object(bucket.bucket_id, "5") is None


def test_the_objects_remembered_are_bounded_and_some_of_many_stay(data: Path) -> None:
    """2,000 objects of 64 KiB asked for in turn, where 1,231 fit with their replies: most of those are found."""
    changes = Changes(data / "catalog.changes")
    recent = RecentObjects(changes, Random(1))
    found = 0
    for number in [*range(2000)] * 4:
        place = (1, str(number), None)
        if recent.find(place):
            found += 1
        else:
            recent.keep(place, an_object(str(number), bytes(64 * 1024)))
    assert len([number for number in range(2000) if recent.find((1, str(number), None))]) == 1231
    assert 3200 < found < 3900
    changes.close()


async def test_no_read_leaves_a_transaction_open(engines: LocalEngines, data: Path, bucket: Bucket) -> None:
    await put_keys(engines.catalog, bucket, "a", "b/1", "b/2", "c")
    await engines.catalog.find_bucket("photos")
    await engines.catalog.find_object(bucket.bucket_id, "a")
    await listed(engines.catalog, bucket, delimiter="/", limit=1)
    connection = sqlite3.connect(data / "catalog.sqlite")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    assert busy == 0


# --- listing ---


def test_past_is_the_smallest_text_behind_all_that_start_so() -> None:
    assert past("a/") == "a0"
    assert past("a\U0010ffff") == "b"
    assert past("\ud7ff") == "\ue000"
    assert past("\U0010ffff\U0010ffff") is None
    assert past("") is None


# --- cancelling ---


@contextmanager
def stalled_writer(data: Path) -> Iterator[Callable[[], Awaitable[bool]]]:
    """Nobody can write meanwhile. Given is what waits until the writer has taken a batch and stands before the lock."""
    arrived = threading.Event()
    held = WriteLock.held

    def noting(lock: WriteLock) -> AbstractContextManager[None]:
        arrived.set()
        return held(lock)

    with (data / "catalog.lock").open("a") as lock, pytest.MonkeyPatch.context() as patched:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patched.setattr(WriteLock, "held", noting)
        yield lambda: asyncio.to_thread(arrived.wait, HANG_S)


async def test_a_mutation_cancelled_while_it_waits_did_not_happen(
    engines: LocalEngines, data: Path, bucket: Bucket
) -> None:
    with stalled_writer(data) as it_is_taken:
        ahead = asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("ahead")))
        assert await it_is_taken()
        waiting = asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("waiting")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await ahead
    assert keys_of(await listed(engines.catalog, bucket)) == ["ahead"]


async def test_a_mutation_cancelled_while_it_runs_gives_its_result(
    engines: LocalEngines, data: Path, bucket: Bucket
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def change(now: Bucket) -> Bucket:
        begun.set()
        go_on.wait(30)
        return now.with_configuration("cors", "kept")

    running = asyncio.create_task(engines.catalog.change_bucket(bucket.bucket_id, change))
    assert await asyncio.to_thread(begun.wait, 30)
    for _ in range(2):
        running.cancel()
        await asyncio.sleep(0)
    assert not running.done()
    go_on.set()
    await running
    found = await engines.catalog.find_bucket("photos")
    assert found is not None
    assert found.configuration("cors") == "kept"


# --- when nobody may write ---


@contextmanager
def catalog_locked(data: Path) -> Iterator[None]:
    """By a foreign program, such as the sqlite3 shell in a transaction."""
    foreign = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        foreign.execute("ROLLBACK")
        foreign.close()


@pytest.mark.parametrize("held", [stalled_writer, catalog_locked])
async def test_a_change_that_may_not_begin_is_given_up_and_the_next_one_is_made(
    engines: LocalEngines,
    data: Path,
    bucket: Bucket,
    held: Callable[[Path], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await engines.catalog.put_object(bucket.bucket_id, an_object("before"))
    with monkeypatch.context() as patched:
        patched.setattr(group_commit, "WRITE_WAIT_S", 0.1)
        with held(data):
            puts = [engines.catalog.put_object(bucket.bucket_id, an_object(f"late/{n}")) for n in range(300)]
            outcomes = await asyncio.gather(*puts, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {Busy}
            assert await engines.catalog.find_object(bucket.bucket_id, "before") == an_object("before")
            assert keys_of(await listed(engines.catalog, bucket)) == ["before"]
    await engines.catalog.put_object(bucket.bucket_id, an_object("after"))
    assert keys_of(await listed(engines.catalog, bucket)) == ["after", "before"]


async def test_a_change_that_may_begin_in_time_is_made(engines: LocalEngines, data: Path, bucket: Bucket) -> None:
    with catalog_locked(data):
        put = asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("a")))
        await asyncio.sleep(0.05)
        assert not put.done()
    await put
    assert keys_of(await listed(engines.catalog, bucket)) == ["a"]


async def test_a_flood_behind_a_held_lock_is_bounded(
    engines: LocalEngines, data: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WRITES_WAITING_MAX", 10)
    with stalled_writer(data):
        with monkeypatch.context() as patched:
            patched.setattr(group_commit, "WRITE_WAIT_S", 0.01)
            for _ in range(20):  # ten wait in each round, and are given up
                puts = [engines.catalog.put_object(bucket.bucket_id, an_object("late")) for n in range(15)]
                outcomes = await asyncio.gather(*puts, return_exceptions=True)
                assert [str(outcome) for outcome in outcomes].count("Too many changes are waiting to be written.") == 5
            assert engines._writer._queue.qsize() <= 31
        last = asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("last")))
        await asyncio.sleep(0)
    await last
    assert keys_of(await listed(engines.catalog, bucket)) == ["last"]


async def test_a_catalog_that_cannot_be_written_is_read(
    engines: LocalEngines, bucket: Bucket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "_told", {})
    await engines.catalog.put_object(bucket.bucket_id, an_object("a"))
    engines._writer._connection.execute("PRAGMA query_only = 1")
    puts = [engines.catalog.put_object(bucket.bucket_id, an_object(name)) for name in "abc"]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unwritable] * 3
    assert await engines.catalog.find_object(bucket.bucket_id, "a") == an_object("a")
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the catalog cannot be written: attempt to write a readonly database"]
    engines._writer._connection.execute("PRAGMA query_only = 0")
    await engines.catalog.put_object(bucket.bucket_id, an_object("b"))
    assert keys_of(await listed(engines.catalog, bucket)) == ["a", "b"]


def test_a_held_lock_keeps_no_process_from_ending(data: Path) -> None:
    """The server would be killed for it in the end; its workers end by themselves."""
    program = (
        "import asyncio, pathlib, sys, coatcheck.engines.group_commit as commits\n"
        "from coatcheck.engines.sqlite import writer\n"
        "from coatcheck.engines.local import open_local\n"
        "commits.WRITE_WAIT_S = writer.WRITE_WAIT_S = 0.1\n"
        "async def note(engines):\n"
        "    try:\n"
        "        await engines.catalog.set_account_public_access_block('1', True)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__)\n"
        "with open_local(pathlib.Path(sys.argv[1])) as engines:\n"
        "    asyncio.run(note(engines))\n"
    )
    with stalled_writer(data):
        ended = subprocess.run([sys.executable, "-c", program, str(data)], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "Busy\n"), ended.stderr


# --- a batch ---


async def test_what_has_come_in_by_the_time_of_the_lock_is_one_transaction(
    engines: LocalEngines, data: Path, bucket: Bucket
) -> None:
    before = engines._writer.transactions
    with stalled_writer(data) as it_stands_before_the_lock:
        puts = [asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("0")))]
        assert await it_stands_before_the_lock()
        puts += [
            asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object(str(number))))
            for number in range(1, 5)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*puts)
    assert engines._writer.transactions - before == 1
    assert keys_of(await listed(engines.catalog, bucket)) == ["0", "1", "2", "3", "4"]


async def test_one_bad_mutation_spoils_nothing_for_its_batch(engines: LocalEngines, data: Path, bucket: Bucket) -> None:
    bad = an_object("bad", etag=None)  # the table refuses it in the middle of a transaction
    with stalled_writer(data) as it_is_taken:
        puts = [asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object("0")))]
        assert await it_is_taken()
        puts += [
            asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, record))
            for record in (an_object("1"), bad, an_object("2"))
        ]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    refusals = sqlite3.IntegrityError, TypeError  # the second from the compiled module, which asks no table
    assert [isinstance(outcome, refusals) for outcome in outcomes] == [False, False, True, False]
    assert keys_of(await listed(engines.catalog, bucket)) == ["0", "1", "2"]


async def test_closing_commits_what_is_queued(data: Path) -> None:
    engines = open_local(data)
    bucket = await engines.catalog.create_bucket(a_bucket(), most=100)
    puts = [asyncio.create_task(engines.catalog.put_object(bucket.bucket_id, an_object(str(n)))) for n in range(50)]
    await asyncio.sleep(0)
    engines.close()
    await asyncio.gather(*puts)
    with open_local(data) as again:
        assert len((await listed(again.catalog, bucket)).objects) == 50


# --- no space ---


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_no_space_changes_nothing(engines: LocalEngines, data: Path, bucket: Bucket) -> None:
    await engines.catalog.put_object(bucket.bucket_id, an_object("a", b"first"))
    log_bytes = (data / "catalog.sqlite-wal").stat().st_size
    with files_limited_to(log_bytes + 20_000), pytest.raises(NoSpace):
        await engines.catalog.put_object(bucket.bucket_id, an_object("a", bytes(65_536)))
    assert await engines.catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"first")
    await engines.catalog.put_object(bucket.bucket_id, an_object("a", bytes(65_536)))
    assert await engines.catalog.find_object(bucket.bucket_id, "a") == an_object("a", bytes(65_536))


async def test_a_full_database_is_no_space(engines: LocalEngines, bucket: Bucket) -> None:
    connection = engines._writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    outcomes = await asyncio.gather(
        *(engines.catalog.put_object(bucket.bucket_id, an_object(str(n), bytes(5_000))) for n in range(5)),
        return_exceptions=True,
    )
    stored = [str(n) for n, outcome in enumerate(outcomes) if not isinstance(outcome, NoSpace)]
    assert len(stored) < 5
    assert keys_of(await listed(engines.catalog, bucket)) == stored


# --- secrets ---


async def test_no_secret_lies_in_any_file(data: Path) -> None:
    with open_local(data) as engines:
        await engines.keyring.add_key(AccessKey("coat", "a-very-secret-hanger", "1234567890123456"))
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert not [path for path in files if b"a-very-secret-hanger" in path.read_bytes()]


def test_files_are_for_their_owner_alone(data: Path) -> None:
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("secret.key", "catalog.sqlite", "catalog.lock", "server.lock", "open.lock"):
        if (data / name).exists():
            assert (data / name).stat().st_mode & 0o777 == 0o600, name


async def test_keys_survive_a_restart(data: Path) -> None:
    with open_local(data) as engines:
        await engines.keyring.add_key(KEY)
        account = await engines.keyring.root_account()
    prepare_local(data).close()
    with open_local(data) as engines:
        assert await engines.keyring.find_key("coat") == KEY
        assert await engines.keyring.root_account() == account


async def test_the_secret_key_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("COATCHECK_SECRET_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    prepare_local(data).close()
    with open_local(data) as engines:
        await engines.keyring.add_key(KEY)
    assert not (data / "secret.key").exists()
    with open_local(data) as engines:
        assert await engines.keyring.find_key("coat") == KEY


def test_a_malformed_secret_key_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COATCHECK_SECRET_KEY", "too-short")
    with pytest.raises(WrongSecretKey):
        open_local(data)


async def test_a_secret_moved_to_another_id_is_refused(data: Path) -> None:
    with open_local(data) as engines:
        await engines.keyring.add_key(KEY)
    connection = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    connection.execute("UPDATE access_key SET access_key_id = 'thief'")
    connection.close()
    with open_local(data) as engines, pytest.raises(WrongSecretKey):
        await engines.keyring.find_key("thief")


# --- schema ---


def test_a_store_of_a_newer_coatcheck_is_left_alone(data: Path) -> None:
    connection = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(NewerStore):
        prepare_local(data)


@pytest.mark.parametrize(
    ("sql", "arguments", "seek"),
    [
        (objects.CURRENT, (1, "a"), "SEARCH object USING PRIMARY KEY (bucket_id=? AND key=?)"),
        (objects.NULL_OF_UNVERSIONED, (1, "a"), "SEARCH object USING PRIMARY KEY (bucket_id=? AND key=? AND seq=?)"),
        (
            objects.VERSION,
            (1, "a", "v"),
            "SEARCH object USING INDEX object_by_version (bucket_id=? AND key=? AND version_id=? AND seq<?)",
        ),
    ],
)
def test_the_point_read_of_an_object_seeks(data: Path, sql: str, arguments: tuple[object, ...], seek: str) -> None:
    connection = sqlite3.connect(data / "catalog.sqlite")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", arguments)]
    connection.close()
    assert plan == [seek, "SEARCH body USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"]


def test_a_listing_of_versions_or_uploads_seeks(data: Path) -> None:
    connection = sqlite3.connect(data / "catalog.sqlite")
    for sql, place, seek in (
        (listing._VERSIONS, ("a", -3), "SEARCH object USING PRIMARY KEY (bucket_id=? AND (key,seq)>(?,?) AND key<?)"),
        (
            listing._UPLOADS,
            ("a", "u"),
            "SEARCH upload USING INDEX upload_by_key (bucket_id=? AND (key,upload_id)>(?,?) AND key<?)",
        ),
    ):
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", (1, *place, "b"))]
        assert plan == [seek]
    connection.close()


async def test_a_use_is_noted_after_a_clock_went_back(engines: LocalEngines) -> None:
    await engines.keyring.add_key(KEY)
    year_s = 365 * 86_400
    moments = ((2 * year_s, 2 * year_s), (year_s, year_s), (year_s + 10, year_s), (year_s + 3600, year_s + 3600))
    for now, noted in moments:
        engines.keyring.note_use("coat", now)
        await asyncio.gather(*engines.keyring._notes)
        (key,) = await engines.keyring.list_keys()
        assert key.last_used_at == noted
