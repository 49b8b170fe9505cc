"""The writer of a gateway. Any number of them run beside each other: see `held`.

A commit whose answer is lost is looked up: each transaction begins by writing its number into the gateway's own row. On
a new connection that row is locked, which waits until the lost transaction has ended; its number then says how.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import ClassVar, Final, TypeVar

from ...clock import Clock, SteadyClock
from ...ports.catalog import Away, NotWritten
from ...ports.leases import Fence, LeaseLost, fence_now
from ..commit_job import Lost
from ..group_commit import GroupCommit, Locked
from ..move_mark import refusal
from ..sql.contract import NOTHING, REGISTER, Held
from ..sql.noted_time import NotedTime
from ..sql.usage import begin_usage, take_grown
from ..trouble import tell_trouble
from .connection import Address, Connection
from .faults import Undone, is_lost, may_repeat, takes_nothing, translate
from .held import REGISTER as REGISTER_SLOT
from .held import slots_of
from .seen import Seen

T = TypeVar("T")

_TRIES: Final = 5
_CONNECT_AGAIN_S: Final = 0.2
_ENDED_WAIT_S: Final = 4.0  # for the answer how a transaction ended
_GATEWAY_KEPT_S: Final = 7 * 86_400

# Sent together in one message, which takes no arguments: all that is filled in are our own numbers.
_SHARE: Final = "SELECT slot FROM held WHERE slot = ANY('%s'::bigint[]) ORDER BY slot FOR SHARE"
_OWN: Final = "SELECT slot FROM held WHERE slot = ANY('%s'::bigint[]) ORDER BY slot FOR UPDATE"
_IS_NEWEST: Final = "SELECT 1 FROM lease WHERE name = $1 AND token = $2 FOR SHARE"
_MOVE: Final = "UPDATE generation SET number = number + $1, links = links + $2 RETURNING number, links"


class Writer(GroupCommit[Connection]):
    """See `group_commit`."""

    why_waiting: ClassVar[str] = "the database cannot be reached"

    def __init__(self, address: Address, clock: Clock, steady: SteadyClock, seen: Seen, opened_at: int) -> None:
        """
        Args:
            opened_at: see `move_mark.Mark.number`.
        """
        self._opened_at = opened_at
        self._address = address
        self._clock = clock
        self._noted = NotedTime(steady)
        self._seen = seen
        self._gateway = secrets.token_hex(16)
        self._batch = 0
        self._line: Connection | None = None
        super().__init__()

    async def run(self, change: Callable[[Connection], T], held: Held = REGISTER) -> T:
        """See `group_commit`. In a task that works under a lease, see `ports.leases`, nothing is committed once another
        gateway has that.

        Raises: LeaseLost too.
        """
        fence = fence_now.get()
        if fence is None:
            return await super().run(change, held)

        def fenced(line: Connection) -> T:
            _check(line, fence)
            return change(line)

        return await super().run(fenced, held)

    async def run_free(self, change: Callable[[Connection], T]) -> T:
        """For leases themselves, which need nothing else."""
        return await super().run(change, NOTHING)

    def close(self) -> None:
        """Commit what is queued, and end. May be called twice."""
        self._end_thread()

    def _gives_up(self) -> NotWritten:
        super()._gives_up()
        return Away("The database cannot be reached.")

    def _leave(self) -> None:
        if self._line is not None:
            with suppress(Exception):
                self._line.ask("DELETE FROM gateway WHERE id = $1", self._gateway)
            self._drop()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        line = self._begin()
        begun = time.perf_counter()
        self.transactions += 1
        begin_usage(line)
        line.begin()
        try:
            yield line
            self._end(line)
            self.seconds.note(time.perf_counter() - begun)
        except BaseException as error:
            self._roll_back(line, error)
            raise

    def _begin(self) -> Connection:
        """Raises: Locked; an error of a database that takes no changes."""
        self._batch += 1
        try:
            if self._line is None:
                self._line = self._connect()
            said = self._line.run(
                f"BEGIN; INSERT INTO gateway (id, batch, seen_at) VALUES ('{self._gateway}', {self._batch},"  # noqa: S608
                f" {int(self._clock())}) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch,"  # our own digits
                f" seen_at = excluded.seen_at; SELECT 1 FROM move WHERE number = {self._opened_at} AND state = ''"
                " FOR SHARE"
            )
        except Exception as error:
            self._drop()
            if takes_nothing(error):
                raise
            tell_trouble("the database cannot be reached", type(error).__name__)
            time.sleep(_CONNECT_AGAIN_S)
            raise Locked from None
        if said != "SELECT 1":
            self._line.run("ROLLBACK")
            raise refusal()
        return self._line

    def _connect(self) -> Connection:
        line, now = Connection(self._address, self._clock), int(self._clock())
        try:
            line.ask("DELETE FROM gateway WHERE seen_at < $1", now - _GATEWAY_KEPT_S)
        except BaseException:
            line.close()
            raise
        return line

    def _hold(self, connection: Connection, held: Sequence[Held]) -> None:
        slots = slots_of(held)
        connection.hold(chain.from_iterable([each.keys for each in held]))
        locks = ((slots.register, _OWN, [REGISTER_SLOT]), (slots.shared, _SHARE, slots.shared))
        script = [text % _array(rows) for wanted, text, rows in (*locks, (slots.owned, _OWN, slots.owned)) if wanted]
        if script:
            connection.run("; ".join(script))

    def _end(self, line: Connection) -> None:
        """Raises: Lost; Undone, or an error of the database, and nothing was committed."""
        self._noted.note(line)
        moved = None
        if line.moved:
            (moved,), _ = line.ask(_MOVE, int("number" in line.moved), int("links" in line.moved))
        try:
            line.run("; ".join([*_usage_script(line), "COMMIT"]))
        except Exception as error:
            if not is_lost(error):
                raise
            self._drop()
            if not self._is_committed():
                raise Undone from error
        if moved is not None:
            self._seen.note(*moved)

    def _is_committed(self) -> bool:
        """Whether the last transaction stands. Raises: Lost, when nobody can say in time."""
        until = time.monotonic() + _ENDED_WAIT_S
        while time.monotonic() < until:
            with suppress(Exception):
                line = Connection(self._address, self._clock)
                try:
                    rows, _ = line.ask("SELECT batch FROM gateway WHERE id = $1 FOR UPDATE", self._gateway)
                finally:
                    line.close()
                if rows:
                    return bool(rows[0][0] == self._batch)
            time.sleep(_CONNECT_AGAIN_S)
        tell_trouble("the answer to a commit was lost", "the database cannot be reached")
        raise Lost("The database went away during a commit.")

    def _roll_back(self, line: Connection, error: BaseException) -> None:
        if line is not self._line:
            return
        try:
            if is_lost(error):
                self._drop()
            else:
                line.run("ROLLBACK")
        except Exception:
            self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _may_repeat(self, error: Exception, tried: int) -> bool:
        again = tried < _TRIES and may_repeat(error)
        if again and tried > 1:
            time.sleep(random.random() * 0.02 * 2**tried)  # noqa: S311  no secret
        return again

    def _translate(self, error: Exception) -> Exception:
        return translate(error)


def _check(line: Connection, fence: Fence) -> None:
    """From here to the end of the transaction nobody else takes the lease. Raises: LeaseLost."""
    rows, _ = line.ask(_IS_NEWEST, fence.name, fence.token)
    if not rows:
        raise LeaseLost(f"Another gateway does {fence.name} now.")


def _array(slots: Sequence[int]) -> str:
    return f"{{{','.join(map(str, slots))}}}"


def _usage_script(line: Connection) -> list[str]:
    """What the buckets have grown by, to be written together with the commit; by numbers alone."""
    return [sql.replace("?", "%d") % parameters for sql, parameters in take_grown(line)]
