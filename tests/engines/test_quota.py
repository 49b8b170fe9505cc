"""Quotas of a data directory: the contract, many processes at once, and counters that a migration makes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.engines.sqlite.schema import STEPS
from coatcheck.engines.upkeep.check import check
from coatcheck.ports.identities import Account
from coatcheck.ports.quota import QUOTA, Quota, write_quota

from ..ports.catalog_contract import OWNER, a_bucket
from ..ports.quota_contract import QuotaContract
from ..server_process import clean_environment


class TestSqliteQuota(QuotaContract):
    @pytest.fixture
    async def catalog(self, data: Path) -> Iterator[SqliteCatalog]:  # type: ignore[misc]
        with open_local(data) as engines:
            await engines.identities.add_account(Account(OWNER, "owner", False, True, 0))
            yield engines.catalog
        problems = [problem for problem in check(data) if problem.kind not in ("missing", "size")]
        assert problems == []


WRITING = """
import asyncio, sys
from pathlib import Path
from coatcheck.engines.local import open_local
from coatcheck.ports.quota import OverQuota
from tests.ports.catalog_contract import an_object

async def write(engines):
    bucket = await engines.catalog.find_bucket("photos")
    objects = [an_object(f"{sys.argv[2]}-{n}", b"x" * 100) for n in range(300)]
    puts = [engines.catalog.put_object(bucket.bucket_id, each) for each in objects]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    print(sum(not isinstance(outcome, OverQuota) for outcome in outcomes))

with open_local(Path(sys.argv[1])) as engines:
    asyncio.run(write(engines))
"""


@pytest.mark.parametrize("of", ["bucket", "account"])
async def test_many_processes_at_once_never_pass_it(data: Path, of: str) -> None:
    with open_local(data) as engines:
        await engines.identities.add_account(Account(OWNER, "owner", False, True, 0))
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)
        if of == "bucket":
            await engines.catalog.set_configuration(bucket.bucket_id, QUOTA, write_quota(Quota(50_000)))
        else:
            await engines.catalog.set_account_quota(OWNER, Quota(50_000))
        words = [sys.executable, "-c", WRITING, str(data)]
        root = str(Path(__file__).parents[2])
        writers = [
            subprocess.Popen([*words, name], env=clean_environment(), cwd=root, stdout=subprocess.PIPE, text=True)
            for name in "abcd"
        ]
        written = [int(writer.communicate(timeout=180)[0]) for writer in writers]
        assert sum(written) == 500  # of 1200
        assert await engines.catalog.find_usage(bucket.bucket_id) == (50_000, 500)
    assert list(check(data)) == []


def test_a_migration_counts_what_is_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data).close()
    path = data / "catalog.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        version = next(n for n, step in enumerate(STEPS, 1) if "bucket_usage" in _text_of(step))
        for table in ("bucket_usage", "account_usage", "arrival", "box_taken", "byte_place", "blob_intent", "move"):
            connection.execute(f"DROP TABLE {table}")
        for trigger in ("bucket_usage_gone", "account_usage_gone"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for column in ("quota_size", "quota_objects"):
            connection.execute(f"ALTER TABLE account DROP COLUMN {column}")
        for table, column in (
            ("object", "checksum"),
            ("part", "checksum"),
            ("upload", "checksum"),
            ("upload", "acl"),
            ("body", "parts"),
        ):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in ("nonce", "garbage", "key_fingerprint", "noted_time"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN row_crc32")
        connection.execute(
            "INSERT INTO bucket VALUES (1, 'photos', ?, 'cn-hangzhou', 'private', 'Standard', 'LRS', 0, '', NULL)",
            (OWNER,),
        )
        for key, kind, size in (("a", "Normal", 70), ("b", "Symlink", 0), ("c", "DeleteMarker", 0)):
            connection.execute(
                "INSERT INTO object (bucket_id, key, seq, kind, size, etag, last_modified, storage_class, version_id,"
                " crc64, acl, headers, encryption) VALUES (1, ?, 0, ?, ?, '', 0, 'Standard', 'null', 0, '', x'', '')",
                (key, kind, size),
            )
        connection.execute(
            "INSERT INTO upload (id, bucket_id, key, upload_id, initiated_at, storage_class, headers, encryption)"
            " VALUES (1, 1, 'd', 'u', 0, 'Standard', x'', '')"
        )
        connection.execute(
            "INSERT INTO part (upload, number, size, etag, crc64, last_modified) VALUES (1, 1, 1000, '', 0, 0)"
        )
        connection.execute(f"PRAGMA user_version = {version - 1}")
    prepare_local(data).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM bucket_usage").fetchall() == [(1, 1070, 2)]
        assert connection.execute("SELECT * FROM account_usage").fetchall() == [(OWNER, 1070, 2)]


def _text_of(step: object) -> str:
    import coatcheck.engines.sqlite.schema as schema

    return (schema._HERE / step).read_text() if isinstance(step, str) else ""


def test_a_counter_that_is_wrong_is_named(data: Path) -> None:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
        connection.execute("INSERT INTO bucket_usage VALUES (7, 10, 1)")
    assert [(problem.kind, problem.what, problem.why) for problem in check(data)] == [
        ("usage", "bucket 7", "it holds 0 bytes, 0 objects, and its counter says 10, 1")
    ]
