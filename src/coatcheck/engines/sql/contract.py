"""What the mutations of a catalog need of an SQL database, so that one text serves every engine that speaks SQL.

Statements are written as SQLite has them; `postgres.statements` turns them into PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Rows(Protocol):
    """What a statement gives. Values are as the database has them, hence Any."""

    @property
    def rowcount(self) -> int:
        """How many rows it inserted, changed or deleted."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """Of a row inserted into a table that numbers its rows."""
        ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Given(Struct, frozen=True):
    """What a statement gave."""

    rows: list[Any]
    rowcount: int = -1
    lastrowid: int | None = None

    def fetchone(self) -> Any:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[Any]:
        return self.rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


class SqlConnection(Protocol):
    """A connection that has a transaction open. One thread uses it."""

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Rows: ...

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]], /) -> Rows: ...


class SqlReader(Protocol):
    """What reads outside transactions. Each statement sees all that was committed before."""

    async def find(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Any:
        """The only row, or None. The statement gives one row at most."""
        ...

    async def find_all(self, sql: str, parameters: tuple[Any, ...] = (), /) -> list[Any]: ...


class Held(NamedTuple):
    """What nobody else may change while a mutation runs, and what it leaves to others at the same time.

    An engine that lets one mutation run at a time among all processes needs none of it.

    Attributes:
        register: all that isn't objects and uploads: buckets, identities, links ...
        objects_of: no bucket of these is changed or removed; what is written to their other keys goes on.
        keys: (bucket id, key): the versions and the uploads of those.
        bucket_id: nothing is written to any key of that bucket.
        links: the counters of these links.
    """

    register: bool = False
    objects_of: tuple[int, ...] = ()
    keys: tuple[tuple[int, str], ...] = ()
    bucket_id: int | None = None
    links: tuple[str, ...] = ()


REGISTER = Held(register=True)
NOTHING = Held()


def held_keys(bucket_id: int, *keys: str) -> Held:
    """For a mutation of these keys."""
    return Held(objects_of=(bucket_id,), keys=tuple([(bucket_id, key) for key in keys]))


def held_bucket(bucket_id: int) -> Held:
    """For a mutation of a bucket's own facts, by which every write to it goes."""
    return Held(register=True, bucket_id=bucket_id)


def held_links(*link_ids: str) -> Held:
    return Held(links=link_ids)


class SqlWriter(Protocol):
    """What runs mutations: see `group_commit`."""

    async def run(self, change: Callable[[Any], T], held: Held = REGISTER) -> T: ...
