"""Connections: one for the mutations of a thread, some for the reads of an event loop. They keep no state."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, Final, NamedTuple, Self

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from ...clock import Clock
from ...ports.bucket import REPLICATION
from ...ports.catalog import Away
from ...ports.quota import DOCUMENTS
from ...ports.worm import BUCKET_WORM, OBJECT_WORM
from ..sql.contract import Given, Rows
from ..sql.journal import NOTE_CHANGE
from ..sql.objects import DELETE, ONLY_PLACE, RULES, WRITE
from ..sql.usage import LIMITS
from .faults import Refused, is_lost, translate
from .kept_rows import KeptRows
from .statements import reading, writing

_CONNECT_WAIT_S: Final = 3.0
_ANSWER_WAIT_S: Final = 4.0
_LOCK_WAIT_MS: Final = 3000
_IDLE_MAX_MS: Final = 10_000  # of a transaction: one whose process stands still gives up what it holds
_PREPARED_MAX: Final = 400
_READERS_MAX: Final = 8
_RETRY_S: Final = 0.1
_RETRIED_S: Final = 2.0  # as long as a restart takes

# What moves the number by which processes know that what they remember is true, and that of the register of links.
_REMEMBERED: Final = frozenset(
    ("account", "access_key", "bucket", "bucket_setting", "user", "role", "policy", "attachment", "domain")
)
_LINKS: Final = frozenset(("link", "link_rule"))
_OF_BUCKETS: Final = frozenset((RULES, LIMITS, NOTE_CHANGE))
_HAS_SETTING: Final = "SELECT EXISTS (SELECT 1 FROM bucket_setting WHERE bucket_id = ? AND name = ?)"
_THREE: Final = (
    "SELECT asked.bucket, has.*, rules.*, limits.* FROM unnest(?::bigint[]) AS asked (bucket)"
    " CROSS JOIN LATERAL ({}) AS has CROSS JOIN LATERAL ({}) AS rules CROSS JOIN LATERAL ({}) AS limits"
)
_OF_ASKED: Final = [
    re.sub(r"\b(bucket_id|id) = \?", r"\1 = asked.bucket", each) for each in (_HAS_SETTING, RULES, LIMITS)
]
_OF_SOME: Final = reading(_THREE.format(*_OF_ASKED))
_BODY_IDS: Final = "SELECT nextval(pg_get_serial_sequence('body', 'id')) FROM generate_series(1, 256)"


class Address(NamedTuple):
    """Where the database is.

    Attributes:
        url: postgresql://..., as libpq has them. What it leaves open, PGPASSWORD, PGPASSFILE and their like say.
        answer_wait_s: how long a statement may take; None for as long as it does.
    """

    url: str
    answer_wait_s: float | None = _ANSWER_WAIT_S

    async def connect(self, wait_s: float = _CONNECT_WAIT_S) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(
            self.url,
            timeout=min(wait_s, _CONNECT_WAIT_S),
            command_timeout=self.answer_wait_s,
            statement_cache_size=_PREPARED_MAX,
            max_cached_statement_lifetime=0,
            server_settings={
                "application_name": "coatcheck",
                "lock_timeout": str(_LOCK_WAIT_MS),
                "idle_in_transaction_session_timeout": str(_IDLE_MAX_MS),
            },
        )


class _Line:
    """To the server, with the statements that it has prepared."""

    __slots__ = ("_prepared", "server")

    def __init__(self, server: asyncpg.Connection[Any]) -> None:
        self.server = server
        self._prepared: dict[str, PreparedStatement[Any]] = {}

    async def prepared(self, text: str, wait_s: float | None = None) -> PreparedStatement[Any]:
        prepared = self._prepared.get(text)
        if prepared is None:
            if len(self._prepared) >= _PREPARED_MAX:
                self._prepared.clear()
            prepared = self._prepared[text] = await self.server.prepare(text, timeout=wait_s)
        return prepared


class Connection:
    """A connection whose calls wait for their answers; see `sql.contract`. Its thread runs no event loop.

    A round trip is what a statement costs. So what it was told of a bucket is remembered in a transaction, which holds
    the bucket against all who could change it; and rows of objects go together, see `kept_rows`.

    Attributes:
        grown, limits: see `sql.usage`.
        moved: which numbers of `generation` the transaction under way has to move.
    """

    def __init__(self, address: Address, clock: Clock) -> None:
        """Raises: what asyncpg does."""
        self._loop = asyncio.new_event_loop()
        self._clock = clock
        self.grown: dict[int, tuple[int, int]] = {}
        self.limits: dict[int, object] = {}
        self.moved: set[str] = set()
        self._of_buckets: dict[tuple[str, int], Given] = {}
        self._rows = KeptRows(self._ask_now)
        self._held: set[int] = set()  # buckets, none of which anybody else changes
        self._body_ids: list[int] = []
        self._changed = -1  # rows, by the last statement
        try:
            self._line = _Line(self._loop.run_until_complete(address.connect()))
        except BaseException:
            self._loop.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return not self._line.server.is_closed()

    def begin(self) -> None:
        """A transaction begins: nothing of the one before counts."""
        self.moved.clear()
        self._of_buckets.clear()
        self._held = set()
        self._rows.begin()

    def hold(self, places: Iterable[tuple[int, str]]) -> None:
        """The transaction has these keys, each with the id of its bucket, for itself."""
        held = list(dict.fromkeys(places))
        self._held = {bucket_id for bucket_id, _ in held}
        self._rows.hold(held)

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Rows:
        if sql == ONLY_PLACE:
            row = self._rows.find(parameters)
            return Given([] if row is None else [row])
        if sql == WRITE:
            self._rows.keep_object(parameters)
            return Given([], 1)
        if sql == DELETE:
            self._rows.forget(parameters[:2])
        if sql not in _OF_BUCKETS:
            return self._execute(sql, parameters)
        bucket_id = parameters[-2 if sql == NOTE_CHANGE else -1]
        if sql == RULES and (sql, bucket_id) not in self._of_buckets:
            self._learn_of({bucket_id, *self._held})
        known = self._of_buckets.get((sql, bucket_id))
        return self._execute(sql, parameters) if known is None else known

    def _learn_of(self, bucket_ids: Iterable[int]) -> None:
        """All that puts ask of buckets. No row that is kept back has a part in it."""
        rows = self._ask_now(_OF_SOME, (list(bucket_ids), REPLICATION, BUCKET_WORM, OBJECT_WORM, *DOCUMENTS))
        for bucket_id in bucket_ids:
            self._of_buckets[RULES, bucket_id] = Given([])
        for bucket_id, is_followed, *columns in rows:
            self._of_buckets[RULES, bucket_id] = Given([columns[:3]])
            self._of_buckets[LIMITS, bucket_id] = Given([columns[3:]])
            if not is_followed:  # it has no rules of replication, so nothing has to be noted
                self._of_buckets[NOTE_CHANGE, bucket_id] = Given([], 0)

    def _execute(self, sql: str, parameters: tuple[Any, ...]) -> Given:
        statement = writing(sql)
        if statement.table == "body" and not statement.text.startswith("DELETE"):
            return self._keep_body(parameters, is_new=statement.is_numbered)
        if statement.table == "generation":
            self.moved.add("number")
            return Given([])
        if statement.is_dated:
            parameters = (*parameters, int(self._clock()))
        rows, count = self.ask(statement.text, *parameters)
        if count > 0 and not statement.is_use:
            self._note_move(statement.table)
        return Given(rows, count, rows[0][0] if statement.is_numbered and rows else None)

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]], /) -> Rows:
        statement, many = writing(sql), list(parameters)
        if statement.is_dated:
            many = [(*each, int(self._clock())) for each in many]
        if many:
            self._rows.send()
            self._loop.run_until_complete(self._line.server.executemany(statement.text, many))
            self._note_move(statement.table)
        return Given([])

    def ask(self, text: str, *arguments: Any) -> tuple[list[Any], int]:
        """Rows, and how many were changed, of a statement that is PostgreSQL's own."""
        self._rows.send()
        rows = self._ask_now(text, arguments)
        return rows, self._changed

    def run(self, script: str) -> str:
        """Statements without arguments, in one message; what the server says of the last one: "SELECT 1"."""
        self._rows.send()
        return self._loop.run_until_complete(self._line.server.execute(script))

    def copy_in(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows into a table, as a statement of its own."""
        self._loop.run_until_complete(
            self._line.server.copy_records_to_table(table, columns=list(columns), records=rows)
        )

    def close(self) -> None:
        """Without waiting for the server. May be called twice."""
        if not self._loop.is_closed():
            self._line.server.terminate()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    def _ask_now(self, text: str, arguments: Sequence[Any]) -> list[Any]:
        return self._loop.run_until_complete(self._ask(text, arguments))

    async def _ask(self, text: str, arguments: Sequence[Any]) -> list[Any]:
        prepared = await self._line.prepared(text)
        rows = await prepared.fetch(*arguments)
        _, _, count = (prepared.get_statusmsg() or "").rpartition(" ")
        self._changed = int(count) if count.isdigit() else -1
        return rows

    def _keep_body(self, parameters: tuple[Any, ...], *, is_new: bool) -> Given:
        """A new one gets its number now."""
        if not is_new:
            *columns, body_id = parameters
            self._rows.keep_body((body_id, *columns))
            return Given([], 1)
        if not self._body_ids:
            rows, _ = self.ask(_BODY_IDS)
            self._body_ids = [row[0] for row in rows]
        body_id = self._body_ids.pop()
        self._rows.keep_body((body_id, *parameters))
        return Given([], 1, body_id)

    def _note_move(self, table: str) -> None:
        if table in ("bucket", "bucket_setting", "account"):
            self._of_buckets.clear()
        if table in _REMEMBERED:
            self.moved.add("number")
        elif table in _LINKS:
            self.moved.add("links")


class Reader:
    """The connections of an event loop for reads: as many as are in use at once, up to a bound. See `sql.contract`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[_Line] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Semaphore(_READERS_MAX)
        self.asked = 0  # statements so far

    async def find(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Any:
        rows = await self.ask(reading(sql), *parameters)
        return rows[0] if rows else None

    async def find_all(self, sql: str, parameters: tuple[Any, ...] = (), /) -> list[Any]:
        return await self.ask(reading(sql), *parameters)

    async def ask(self, text: str, *arguments: Any) -> list[Any]:
        """Rows of a statement that is PostgreSQL's own. Asked again, for a while, when the line was lost.

        Who waits for a line has no more time than who has one: nobody waits for longer than one answer may take.
        Raises: Away; Busy, NoSpace, where the database itself says that it can't answer.
        """
        if any(type(argument) is str and "\0" in argument for argument in arguments):
            return []  # no text of the database has it
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._idle, self._room = loop, [], asyncio.Semaphore(_READERS_MAX)
        until = loop.time() + _RETRIED_S
        wait_s = self._address.answer_wait_s
        given_up_at = inf if wait_s is None else loop.time() + wait_s
        async with self._room:
            while True:
                try:
                    return await self._ask_once(text, arguments, given_up_at - loop.time())
                except Exception as error:
                    if not is_lost(error):
                        raise translate(error) from error.__cause__
                    self._forget_lost()
                    if loop.time() >= until or isinstance(error, TimeoutError):
                        translate(error)  # for the log
                        raise Away("The database cannot be reached.") from None
                await asyncio.sleep(_RETRY_S)

    async def _ask_once(self, text: str, arguments: tuple[Any, ...], left_s: float) -> list[Any]:
        if left_s <= 0:
            raise TimeoutError
        # A request begins outside tasks (see `wire.http1`), where asyncpg's time-out of connecting can't be used.
        line = self._idle.pop() if self._idle else _Line(await asyncio.create_task(self._connect(left_s)))
        self.asked += 1
        try:
            wait_s = None if left_s == inf else left_s
            rows = await (await line.prepared(text, wait_s)).fetch(*arguments, timeout=wait_s)
        except BaseException as error:
            if isinstance(error, asyncpg.PostgresError) and not is_lost(error):
                self._idle.append(line)
            else:
                line.server.terminate()
            raise
        self._idle.append(line)
        return rows

    async def _connect(self, left_s: float) -> asyncpg.Connection[Any]:
        try:
            return await self._address.connect(left_s)
        except asyncpg.PostgresError as error:
            raise Refused(type(error).__name__) from None

    def _forget_lost(self) -> None:
        """What was idle has most likely gone with the one that failed."""
        for line in self._idle:
            line.server.terminate()
        self._idle.clear()

    def close(self) -> None:
        """May be called twice, and when the loop has ended."""
        if self._loop is not None and not self._loop.is_closed():
            for line in self._idle:
                line.server.terminate()
        self._idle.clear()
