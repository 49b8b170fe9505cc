"""Which blobs the catalog in memory names, and which it has let go of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..clock import Clock
from ..ports.catalog import Stale
from ..ports.object import Segment


class MemoryBlobs:
    """`garbage` holds what was released and not yet forgotten; `references` counts the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.references: Counter[str] = Counter()
        self.garbage: set[str] = set()
        self._released_at: dict[str, float] = {}

    def check_blobs(self, blob_ids: Iterable[str], *, shared: bool) -> None:
        for blob_id in blob_ids:
            if shared and blob_id not in self.references:
                raise Stale(blob_id)
            if blob_id in self.garbage:
                raise ValueError("A released blob cannot be named again.")

    def check_new_blobs(self, before: Sequence[Segment], after: Sequence[Segment]) -> None:
        """Raises: ValueError, for a released one that only `after` names."""
        self.check_blobs(set(blob_ids_of(after)) - set(blob_ids_of(before)), shared=False)

    def move_blobs(self, before: Sequence[Segment], after: Sequence[Segment]) -> tuple[str, ...]:
        """A row that is no object's names these now in place of those; what nobody names any more."""
        self.references.update(blob_ids_of(after))
        return self.release([tuple(before)])

    def release(self, let_go: Iterable[Sequence[Segment]]) -> tuple[str, ...]:
        """Rows let go of their blobs; those that no other row names are released."""
        blob_ids = [blob_id for segments in let_go for blob_id in blob_ids_of(segments)]
        self.references.subtract(blob_ids)
        released = tuple(blob_id for blob_id in dict.fromkeys(blob_ids) if not self.references[blob_id])
        for blob_id in released:
            del self.references[blob_id]
        self.garbage.update(released)
        self._released_at.update(dict.fromkeys(released, self._clock()))
        return released

    async def released_blobs(self, before: int, *, limit: int) -> Sequence[str]:
        return [blob_id for blob_id in sorted(self.garbage) if self._released_at[blob_id] < before][:limit]

    async def forget_blobs(self, blob_ids: Sequence[str]) -> None:
        self.garbage.difference_update(blob_ids)


def blob_ids_of(segments: Sequence[Segment]) -> tuple[str, ...]:
    """The blobs that a row's segments name, each once, in order of appearance."""
    return tuple(dict.fromkeys(segment.blob_id for segment in segments))
