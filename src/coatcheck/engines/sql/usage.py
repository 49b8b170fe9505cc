"""What buckets and accounts hold, kept without counting rows; and their quotas, held to in the writer's transactions.

What a mutation adds is gathered on its connection, and written once for each bucket before the commit, so that 256 puts
in one transaction cost two updates. Where there is a quota it is written before each look at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol, cast

from ...core.record import Record
from ...ports.object import DELETE_MARKER
from ...ports.quota import DOCUMENTS, UNLIMITED, OverQuota, Quota, Usage, read_bucket_quota
from .contract import SqlConnection

LIMITS: Final = (  # and the documents that say more of a bucket's quota, in their order
    "SELECT owner, quota_size, quota_objects,"
    " (SELECT document FROM bucket_setting WHERE bucket_id = bucket.id AND name = ?),"
    " (SELECT document FROM bucket_setting WHERE bucket_id = bucket.id AND name = ?),"
    " (SELECT document FROM bucket_setting WHERE bucket_id = bucket.id AND name = ?)"
    " FROM bucket LEFT JOIN account ON uid = owner WHERE id = ?"
)
OF_BUCKET: Final = "SELECT size, objects FROM bucket_usage WHERE bucket_id = ?"
OF_ACCOUNT: Final = "SELECT size, objects FROM account_usage WHERE account = ?"
QUOTA_OF_ACCOUNT: Final = "SELECT quota_size, quota_objects FROM account WHERE uid = ?"
_ADD_TO_BUCKET: Final = (
    "INSERT INTO bucket_usage (bucket_id, size, objects) VALUES (?, ?, ?) ON CONFLICT (bucket_id)"
    " DO UPDATE SET size = bucket_usage.size + excluded.size, objects = bucket_usage.objects + excluded.objects"
)
_ADD_TO_ACCOUNT: Final = (
    "INSERT INTO account_usage (account, size, objects) SELECT owner, ?, ? FROM bucket WHERE id = ?"
    " ON CONFLICT (account) DO UPDATE SET size = account_usage.size + excluded.size,"
    " objects = account_usage.objects + excluded.objects"
)


class Limits(Record, frozen=True):
    """What holds for a bucket: its own quota, and its owner's."""

    owner: str
    bucket: Quota
    account: Quota

    @property
    def any(self) -> bool:
        return self.bucket != UNLIMITED or self.account != UNLIMITED


class _Gathering(SqlConnection, Protocol):
    """What writers hand to mutations.

    Attributes:
        grown: bytes and objects by bucket id that the transaction under way has added, and not written yet.
        limits: what it has looked up, by bucket id.
    """

    grown: dict[int, tuple[int, int]]
    limits: dict[int, object]


_FREE: Final = Limits("", UNLIMITED, UNLIMITED)


def _noted(connection: SqlConnection) -> _Gathering:
    return cast(_Gathering, connection)


def usage_of(kind: str, size: int) -> Usage:
    """What a version counts for."""
    return Usage(size, int(kind != DELETE_MARKER))


def grow(connection: SqlConnection, bucket_id: int, more: Usage) -> None:
    """A bucket holds so much more from the commit on, or less."""
    size, objects = _noted(connection).grown.get(bucket_id, (0, 0))
    _noted(connection).grown[bucket_id] = (size + more.size, objects + more.objects)


def write_grown(connection: SqlConnection) -> None:
    """Write down what was gathered, inside the transaction."""
    for sql, parameters in take_grown(connection):
        connection.execute(sql, parameters)


def take_grown(connection: SqlConnection) -> list[tuple[str, tuple[int, int, int]]]:
    """The statements that write down what was gathered, and their arguments. It is forgotten."""
    grown, statements = _noted(connection).grown, []
    for bucket_id, (size, objects) in grown.items():
        if size or objects:
            statements.append((_ADD_TO_BUCKET, (bucket_id, size, objects)))
            statements.append((_ADD_TO_ACCOUNT, (size, objects, bucket_id)))
    grown.clear()
    return statements


def begin_usage(connection: SqlConnection) -> None:
    """A transaction begins: what another one gathered and didn't commit is forgotten, and so are the limits."""
    _noted(connection).grown.clear()
    _noted(connection).limits.clear()


def forget_limits(connection: SqlConnection) -> None:
    """A quota was changed inside the transaction."""
    _noted(connection).limits.clear()


def check_quota(connection: SqlConnection, bucket_id: int, more: Usage) -> None:
    """May a mutation make so much more? Called before it writes. Raises: OverQuota."""
    if more.size <= 0 and more.objects <= 0:
        return
    limits = _noted(connection).limits.get(bucket_id)
    if limits is None:
        limits = _noted(connection).limits[bucket_id] = find_limits(
            connection.execute(LIMITS, limit_arguments(bucket_id))
        )
    assert isinstance(limits, Limits)
    if limits.any:
        write_grown(connection)
        held = connection.execute(OF_BUCKET, (bucket_id,)).fetchone()
        of_account = connection.execute(OF_ACCOUNT, (limits.owner,)).fetchone()
        weigh(limits, Usage(*(held or (0, 0))), Usage(*(of_account or (0, 0))), more)


def limit_arguments(bucket_id: int) -> tuple[str | int, ...]:
    return (*DOCUMENTS, bucket_id)


def find_limits(rows: Iterable[tuple[Any, ...]]) -> Limits:
    """From the row of a bucket; none of a bucket that is gone."""
    for owner, size, objects, *documents in rows:
        return Limits(owner, read_bucket_quota(*documents), Quota(size, objects))
    return _FREE


def weigh(limits: Limits, in_bucket: Usage, in_account: Usage, more: Usage) -> None:
    """Raises: OverQuota."""
    if limits.bucket.refuses(in_bucket, more):
        raise OverQuota("", limits.bucket)
    if limits.account.refuses(in_account, more):
        raise OverQuota(limits.owner, limits.account)


def set_account_quota(connection: SqlConnection, account: str, quota: Quota) -> None:
    connection.execute("UPDATE account SET quota_size = ?, quota_objects = ? WHERE uid = ?", (*quota, account))
    forget_limits(connection)
