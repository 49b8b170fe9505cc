"""What a byte store that keeps no list of its own has the catalog note: which blobs are on their way into it.

Order: `intend` is durable before the first byte of the blob is put. The transaction that first names the blob forgets
the intent. What is neither named nor abandoned for long enough is released, as if a row had let go of it, and the
sweep removes it after its grace: a put that nobody waits for any more may still happen.
"""

from __future__ import annotations

from typing import Protocol


class BlobIntents(Protocol):
    """See the module. Each raises what mutations of `ports.catalog` raise: NotWritten, Unknown."""

    async def intend(self, blob_id: str) -> None:
        """A blob of this id is about to be put; or it still is, which makes its intent young again."""
        ...

    async def abandon(self, blob_id: str) -> None:
        """Release the blob, unless a row names it. Fine if there is no such intent."""
        ...

    async def abandon_old(self, before: int, *, limit: int) -> int:
        """Release at most `limit` blobs that were intended before that Unix second, and not again since; how many."""
        ...
