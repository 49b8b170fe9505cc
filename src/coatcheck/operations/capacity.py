"""Whether a bucket has room for more: what it holds is counted, and remembered for a while.

To count costs a look at every row of the bucket, so a process counts once and then adds what it lets in; it counts anew
behind a write when a minute is over, and before it refuses one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from coatcheck.configurations import storage_capacity
from coatcheck.core.errors import STORAGE_CAPACITY_EXCEEDED
from coatcheck.core.limits import CAPACITY_BELIEVED_S, METERS_MAX
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog

_FRESH_S: Final = 1.0  # a count that is no older is good enough to refuse by


@dataclass(slots=True)
class _Held:
    size: int
    counted_at: float
    counting: asyncio.Task[None] | None = None


@dataclass(slots=True)
class HeldBytes:
    """What the buckets that have a capacity hold, as far as one process knows."""

    _held: dict[int, _Held] = field(default_factory=dict)

    async def admit(self, catalog: Catalog, bucket: Bucket, announced: int) -> None:
        """Let so many bytes more into a bucket. Raises: OssError STORAGE_CAPACITY_EXCEEDED."""
        document = bucket.configuration(storage_capacity.NAME)
        most = None if document is None else storage_capacity.from_json(document).most_bytes
        if most is None:
            return
        now = asyncio.get_running_loop().time()
        held = self._held.get(bucket.bucket_id)
        if held is None or (held.size + announced > most and now - held.counted_at > _FRESH_S):
            held = await self._count(catalog, bucket.bucket_id)
        if held.size + announced > most:
            raise STORAGE_CAPACITY_EXCEEDED(BucketName=bucket.name)
        held.size += announced
        if now - held.counted_at > CAPACITY_BELIEVED_S and (held.counting is None or held.counting.done()):
            held.counting = asyncio.create_task(self._count_again(catalog, bucket.bucket_id))

    async def _count_again(self, catalog: Catalog, bucket_id: int) -> None:
        await self._count(catalog, bucket_id)

    async def _count(self, catalog: Catalog, bucket_id: int) -> _Held:
        now = asyncio.get_running_loop().time()
        stat = await catalog.stat_bucket(bucket_id)
        size = sum(found.size_bytes for _, found in stat.classes) + stat.parts_bytes + stat.arrivals_bytes
        held = self._held[bucket_id] = _Held(size, now)
        if len(self._held) > METERS_MAX:
            del self._held[next(iter(self._held))]
        return held
