"""Write once, read many: what of a bucket and of a version says that the version stays as it is. Pure.

Every engine asks `Rules` inside the transaction of each mutation, so no operation can forget to. What a held version
keeps is its content, what goes out with it and its time; its ACL, tags, storage class and restored state may change.
Retention counts by `Moments`, not by the wall clock: no jump of a clock ends it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol

from ..core.limits import WORM_IN_PROGRESS_S
from ..core.record import Record
from ..core.times import DAY_S, LAST_MOMENT_S, Moments
from .object import COMPLIANCE, DELETE_MARKER, GOVERNANCE, ObjectRecord, Retention

# The names of a bucket's documents that this file reads and writes.
BUCKET_WORM: Final = "worm"
OBJECT_WORM: Final = "objectWorm"


class BucketWorm(Record, frozen=True):
    """A bucket's retention policy: each of its objects stays for so many days after it was last modified.

    Attributes:
        created_at: Unix seconds.
        locked: nobody can take it back. One that isn't vanishes after WORM_IN_PROGRESS_S, and holds until then.
    """

    worm_id: str
    days: int
    created_at: int
    locked: bool = False

    def has_vanished(self, now: float) -> bool:
        return not self.locked and self.created_at + WORM_IN_PROGRESS_S <= now


class DefaultRetention(Record, frozen=True):
    """What new versions get that bring no retention of their own: so many days, or years of the calendar, not both."""

    mode: str
    days: int | None = None
    years: int | None = None

    def since(self, moment: float) -> Retention:
        later = int(moment) + (self.days or 0) * DAY_S
        return Retention(self.mode, min(_add_years(later, self.years or 0), LAST_MOMENT_S))


class ObjectWorm(Record, frozen=True):
    """Versions of the bucket may have a retention and legal holds of their own; this is never taken back."""

    default: DefaultRetention | None = None


class Version(Protocol):
    """As much of a version as says whether it stays."""

    @property
    def kind(self) -> str: ...
    @property
    def last_modified(self) -> int: ...
    @property
    def retention(self) -> Retention | None: ...
    @property
    def legal_hold(self) -> bool: ...


class Rules(Record, frozen=True):
    """What a bucket says of writes, and the time, as a commit finds them."""

    versioning: str
    worm: BucketWorm | None
    object_worm: ObjectWorm | None
    moments: Moments

    def holds(self, version: Version, *, bypass_governance: bool = False) -> bool:
        """Whether the version may be neither removed nor replaced."""
        if version.kind == DELETE_MARKER:
            return False
        retention, now = version.retention, self.moments.earliest
        retained = retention is not None and retention.until > now
        if retention is not None and retention.mode == GOVERNANCE and bypass_governance:
            retained = False
        covered = self.worm is not None and version.last_modified + self.worm.days * DAY_S > now
        return version.legal_hold or retained or covered

    def allows(self, was: ObjectRecord, becomes: ObjectRecord, *, bypass_governance: bool = False) -> bool:
        """Whether the version may become that one where it stands."""
        if self.holds(was) and _content(was) != _content(becomes):
            return False
        before, after = was.retention, becomes.retention
        if before is None or before == after or before.until <= self.moments.earliest:
            return True
        if before.mode == GOVERNANCE and bypass_governance:
            return True
        return after is not None and after.until >= before.until and after.mode in (before.mode, COMPLIANCE)

    def keep(self, record: ObjectRecord) -> ObjectRecord:
        """A new version as it is to be written: with the bucket's retention if it brings none of its own."""
        default = None if self.object_worm is None else self.object_worm.default
        if default is None or record.retention is not None or record.kind == DELETE_MARKER:
            return self.date(record)
        return replace(record, retention=default.since(self.moments.latest))

    def date(self, record: ObjectRecord) -> ObjectRecord:
        """What was written now: where days count from its time, a clock that was set back has not made that earlier by
        more than a day."""
        if self.worm is None or record.last_modified + DAY_S >= self.moments.latest:
            return record
        return replace(record, last_modified=int(self.moments.latest))


def make_rules(versioning: str, worm: str | None, object_worm: str | None, moments: Moments) -> Rules:
    """Rules by a bucket's documents BUCKET_WORM and OBJECT_WORM."""
    if worm is None and object_worm is None:
        return Rules(versioning, None, None, moments)
    return Rules(
        versioning,
        standing_worm(worm, moments),
        None if object_worm is None else read_object_worm(object_worm),
        moments,
    )


def standing_worm(document: str | None, moments: Moments) -> BucketWorm | None:
    """The policy of a document BUCKET_WORM, unless it has vanished."""
    worm = None if document is None else read_bucket_worm(document)
    return None if worm is None or worm.has_vanished(moments.earliest) else worm


def write_bucket_worm(worm: BucketWorm) -> str:
    """The document BUCKET_WORM."""
    return _write(worm_id=worm.worm_id, days=worm.days, created_at=worm.created_at, locked=worm.locked)


@lru_cache(maxsize=256)
def read_bucket_worm(document: str) -> BucketWorm:
    stored = json.loads(document)
    return BucketWorm(stored["worm_id"], stored["days"], stored["created_at"], stored["locked"])


def write_object_worm(worm: ObjectWorm) -> str:
    """The document OBJECT_WORM."""
    default = worm.default or DefaultRetention("")
    return _write(mode=default.mode or None, days=default.days, years=default.years)


@lru_cache(maxsize=256)
def read_object_worm(document: str) -> ObjectWorm:
    stored = json.loads(document)
    if "mode" not in stored:
        return ObjectWorm()
    return ObjectWorm(DefaultRetention(stored["mode"], stored.get("days"), stored.get("years")))


def _write(**fields: object) -> str:
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"v": 1, **given}, separators=(",", ":"))


def _content(record: ObjectRecord) -> tuple[object, ...]:
    """What of a held version stays."""
    return (
        record.kind,
        record.size,
        record.etag,
        record.crc64,
        record.last_modified,
        record.headers,
        record.body,
        record.segments,
        record.encryption,
        record.symlink_target,
    )


def _add_years(moment_s: int, years: int) -> int:
    """The same day of a later year; of the 29th of February, the 1st of March. LAST_MOMENT_S where no calendar goes."""
    if not years:
        return moment_s
    moment = datetime.fromtimestamp(moment_s, UTC)
    try:
        later = moment.replace(year=moment.year + years)
    except ValueError:
        if moment.year + years > 9999:
            return LAST_MOMENT_S
        later = moment.replace(year=moment.year + years, month=3, day=1)
    return int(later.timestamp())
