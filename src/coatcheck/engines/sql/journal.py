"""What the replication of a bucket has still to look at: a key for each change, left in the commit of the change."""

from __future__ import annotations

import secrets
from typing import Final

from ...ports.bucket import JOURNAL, REPLICATION
from .contract import SqlConnection

NOTE_CHANGE: Final = (  # nothing where the bucket has no rule
    "INSERT OR REPLACE INTO bucket_entry (bucket_id, kind, name, document)"
    " SELECT bucket_id, ?, ?, ? FROM bucket_setting WHERE bucket_id = ? AND name = ?"
)


def note_change(connection: SqlConnection, bucket_id: int, key: str) -> None:
    """Leave a key in the journal of its bucket, if that has one."""
    connection.execute(NOTE_CHANGE, (JOURNAL, key, secrets.token_hex(8), bucket_id, REPLICATION))
