"""Sums of rows: what changes them, and what must not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from coatcheck.core.digests import update_crc64
from coatcheck.engines.local import open_local
from coatcheck.engines.sql.row_sums import row_sum
from coatcheck.engines.sqlite.schema import STEPS

from ..audit import audit
from ..ports.catalog_contract import a_bucket, an_object


def test_a_sum_is_of_all_columns_in_order() -> None:
    assert row_sum(1, "a", b"b") == 630771622
    sums = {row_sum(1, "a"), row_sum("a", 1), row_sum(1, "b"), row_sum(None, 1, "a"), row_sum(1, "a", 0)}
    assert len(sums) == 5


def test_what_is_null_at_the_end_counts_as_absent() -> None:
    assert row_sum(1, "a", None, None) == row_sum(1, "a")


async def test_columns_may_be_added_later(data: Path) -> None:
    """As a later step of the schema does it; no row is written again."""
    with open_local(data) as engines:
        bucket = await engines.catalog.create_bucket(a_bucket(), most=9)
        await engines.catalog.put_object(bucket.bucket_id, an_object("a", crc64=update_crc64(b"hello")))
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        for table in ("object", "bucket", "part", "upload"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN of_later TEXT")
    assert audit(data).clean


def test_steps_are_found_by_their_numbers() -> None:
    assert [step if isinstance(step, str) else step.__name__ for step in STEPS[:3]] == [
        "schema.sql",
        "schema_2.sql",
        "upgrade_documents",
    ]
