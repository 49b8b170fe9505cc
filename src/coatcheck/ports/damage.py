"""Damage: stored bytes that aren't those that were written. Found by whoever reads them, named in the log, served to
nobody as if they were right."""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

from coatcheck.core.errors import Broken

from .object import ObjectRecord

log: Final = logging.getLogger("coatcheck")


class Origin(NamedTuple):
    """The object that bytes are read for: what the log names if they are damaged, and what has a CRC-64 of the whole
    where a blob has none of its own.

    `bucket` is its name; `record` has all of the object's segments, also where fewer are read.
    """

    bucket: str
    record: ObjectRecord


class Damaged(Broken):
    """Stored bytes are not what was written, or can't be read.

    Attributes:
        reason: a few words, for the log.
        blob_id: where they lie; "" for a body in the catalog.
    """

    def __init__(self, reason: str, blob_id: str = "") -> None:
        super().__init__(f"{reason} (blob {blob_id})" if blob_id else reason)
        self.reason = reason
        self.blob_id = blob_id
        self._reported = False

    def again(self) -> Damaged:
        """The same for somebody else, unless a line names their object already: see `reported`."""
        return Damaged(self.reason, self.blob_id)

    def reported(self, origin: Origin | None) -> Damaged:
        """This, with a line in the log that names the object, unless there was one."""
        if not self._reported:
            self._reported = True
            bucket, record = origin or ("", None)
            log.error(
                "damaged bucket=%s key=%s version=%s blob=%s: %s",
                bucket or "-",
                ascii(record.key) if record is not None else "-",
                record.version_id if record is not None else "-",
                self.blob_id or "-",
                self.reason,
            )
        return self
