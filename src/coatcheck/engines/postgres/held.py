"""What mutations hold for themselves while others run beside them: rows of the table `held`, by their number.

Row 0 is the register: all that is rare. Then come rows for shares of all buckets, of all keys, and of all links. All
that the mutations of a transaction need is locked before the first one looks, and each of their statements sees what
was committed by then, so within what it holds a mutation is alone, as in SQLite.

Nobody waits in a circle: the register comes first; then buckets are shared, then buckets and keys owned, in the order
of their numbers. Who owns a bucket holds the register, so there is one such at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from zlib import crc32

from ..sql.contract import Held

REGISTER: Final = 0
_BUCKETS: Final = range(1, 256)
_KEYS: Final = range(256, 4096)
_LINKS: Final = range(4096, 4352)
SLOTS: Final = _LINKS.stop


class Slots(NamedTuple):
    """Numbers of rows, ascending."""

    register: bool
    shared: list[int]
    owned: list[int]


def slots_of(held: Iterable[Held]) -> Slots:
    """All that some mutations need together."""
    register = False
    shared: set[int] = set()
    owned: set[int] = set()
    for each in held:
        register = register or each.register
        shared.update(map(_bucket, each.objects_of))
        owned.update([_share(_KEYS, f"{bucket_id} {key}") for bucket_id, key in each.keys])
        if each.bucket_id is not None:
            owned.add(_bucket(each.bucket_id))
        owned.update([_share(_LINKS, link_id) for link_id in each.links])
    return Slots(register, sorted(shared - owned), sorted(owned))


def _bucket(bucket_id: int) -> int:
    return _BUCKETS[bucket_id % len(_BUCKETS)]


def _share(numbers: range, text: str) -> int:
    return numbers[crc32(text.encode()) % len(numbers)]
