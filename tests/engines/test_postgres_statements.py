"""The statements of the shared mutations as PostgreSQL gets them, and what none of them uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coatcheck.engines import postgres, sql
from coatcheck.engines.postgres.held import slots_of
from coatcheck.engines.postgres.statements import reading, writing
from coatcheck.engines.sql.contract import Held, held_bucket, held_keys


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT 1 FROM link WHERE id = ? AND key = ?", "SELECT 1 FROM link WHERE id = $1 AND key = $2"),
        ("SELECT ?2, ?1, ?2", "SELECT $2, $1, $2"),
        (
            "INSERT OR REPLACE INTO link_uses (id, uses) VALUES (?, ?)",
            "INSERT INTO link_uses (id, uses) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET uses = excluded.uses",
        ),
        (
            "INSERT OR IGNORE INTO attachment (holder, account, policy) VALUES (?, ?, ?)",
            "INSERT INTO attachment (holder, account, policy) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        ),
        (
            "SELECT uid FROM user WHERE account = ? AND name = ?",
            'SELECT uid FROM "user" WHERE account = $1 AND lower(name) = lower($2)',
        ),
        ("INSERT INTO body (content) VALUES (?)", "INSERT INTO body (content) VALUES ($1) RETURNING id"),
        (
            "SELECT id, object_count FROM blob WHERE id IN (?)",
            "SELECT id, object_count FROM blob WHERE id IN ($1) ORDER BY id FOR UPDATE",
        ),
        (
            "INSERT INTO garbage (blob_id, released_at) VALUES (?, wall_time())",
            "INSERT INTO garbage (blob_id, released_at) VALUES ($1, $2)",
        ),
    ],
)
def test_a_statement_of_a_mutation_is_written_as_postgresql_takes_it(sql: str, text: str) -> None:
    assert writing(sql).text == text


def test_what_is_read_outside_mutations_locks_nothing() -> None:
    sql = "SELECT document FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?"
    assert "FOR UPDATE" not in reading(sql)
    assert writing(sql).text.endswith("FOR UPDATE")


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("UPDATE bucket SET acl = ? WHERE id = ?", "bucket"),
        ("DELETE FROM user WHERE uid = ?", "user"),
        ("INSERT INTO link (id) VALUES (?)", "link"),
        ("SELECT 1 FROM bucket", ""),
    ],
)
def test_the_table_that_a_statement_changes_is_known(sql: str, table: str) -> None:
    assert writing(sql).table == table


# What other databases that speak PostgreSQL's protocol haven't got, or have in another way.
_AVOIDED = re.compile(
    r"\b(advisory|LOCK TABLE|MERGE INTO|RETURNING old|OFFSET \$|LIKE '|CREATE (OR REPLACE )?"
    r"(TRIGGER|FUNCTION|TYPE|DOMAIN|EXTENSION)|SERIAL|LISTEN |NOTIFY |SET SESSION|SERIALIZABLE|SAVEPOINT|TEMP TABLE)"
)


def test_statements_keep_to_what_these_databases_share() -> None:
    own = list(Path(postgres.__file__).parent.glob("*"))
    shared = list(Path(sql.__file__).parent.glob("*"))
    files = [path for path in (*own, *shared) if path.suffix in (".py", ".sql")]
    assert len(files) > 35
    found = {path.name: match[0] for path in files if (match := _AVOIDED.search(path.read_text()))}
    assert found == {}


def test_what_both_databases_share_knows_neither() -> None:
    texts = [path.read_text() for path in Path(sql.__file__).parent.glob("*.py")]
    assert len(texts) > 15
    assert not any(re.search(r"import sqlite3|\.\.(sqlite|postgres)\b", text) for text in texts)


def test_each_mutation_holds_what_it_needs_in_one_order() -> None:
    assert slots_of([held_bucket(5)]) == (True, [], [6])
    register, shared, owned = slots_of([held_keys(5, "a", "b"), held_keys(6, "a"), Held(links=("lk",))])
    assert (register, shared) == (False, [6, 7])
    assert owned == sorted(owned)
    assert len(owned) == 4
    assert slots_of([held_keys(5, "a"), held_bucket(5)]).shared == []
