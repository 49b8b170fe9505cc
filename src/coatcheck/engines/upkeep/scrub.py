"""Every byte against what was written, at a bounded rate, beside a running server.

The catalog first: SQLite's own check of its pages, and all that `check` does. Then the small bodies in it, and the
objects that have no other sum than their own; then parts; then blobs, one after the other. What is looked at next is
noted, so that a scrub that died goes on there.

A blob that is wrong is read twice, then moved aside (`quarantine`) and named with the objects that it is of. A body in
the catalog can't be moved aside: each reading compares it, so it is served to nobody.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from ...core.encryption_label import is_customers
from ...ports.byte_store import is_encrypted
from ...ports.damage import Damaged
from ..blob_paths import BlobPaths
from ..directory_faults import InUse
from ..encrypted import open_body
from ..master_keys import MasterKeys
from ..needed_keys import check_opening_keys
from ..secret_files import FileSecrets
from ..sql.objects import damage_of
from ..sql.rows import read_crc64, read_segments
from .blob_bytes import BlobBytes, Pace, Stopped
from .check import UNREADABLE, check, interrupt, open_catalog, unusable
from .problems import Place, Problem, find_places
from .quarantine import Quarantine
from .scrub_note import ScrubNote, read_note, write_note

_AT_ONCE: Final = 256
_NOTE_EVERY_S: Final = 2.0

_OBJECTS: Final = (
    "SELECT bucket_id, key, seq, (SELECT name FROM bucket WHERE id = bucket_id), version_id, size, crc64, content,"
    " ifnull(object.segments, body.segments), encryption FROM object LEFT JOIN body ON body.id = body_id"
    " WHERE (bucket_id, key, seq) > (?, ?, ?) ORDER BY bucket_id, key, seq LIMIT ?"
)
_PARTS: Final = (
    "SELECT part.upload, number, bucket.name, upload.key, upload_id, part.crc64, segments FROM part"
    " JOIN upload ON upload.id = part.upload LEFT JOIN bucket ON bucket.id = bucket_id"
    " WHERE (part.upload, number) > (?, ?) ORDER BY part.upload, number LIMIT ?"
)
_BLOBS: Final = "SELECT id, size, crc64 FROM blob WHERE id > ? ORDER BY id LIMIT ?"
_STRAYS: Final = "SELECT id FROM body WHERE id NOT IN (SELECT body_id FROM object WHERE body_id IS NOT NULL)"
_NO_SUM: Final = "SELECT 1 FROM blob WHERE crc64 IS NULL AND substr(hex(id), 32) <> 'F' LIMIT 1"

Tell = Callable[[Problem], None]
Watch = Callable[[str, int], None]  # phase, and bytes that were looked at so far


def scrub(
    data: Path,
    *,
    tell: Tell,
    now: Callable[[], float],
    bytes_per_s: float = 0,
    stop: threading.Event | None = None,
    watch: Watch = lambda phase, done: None,
) -> ScrubNote | None:
    """Look at every byte, from where the scrub before was broken off.

    Args:
        tell: told of each problem as it is found.
        now: wall time.
        bytes_per_s: at most; 0 for no bound.
        stop: ends it before it is through, soon after it is set.
    Returns: what came out; None if it was ended.
    Raises: InUse (another one is under way), BadDirectory, NewerStore, WrongKey, OSError.
    """
    open_catalog(data).close()
    with _alone(data):
        return _Run(data, Pace(bytes_per_s, stop or threading.Event()), tell, now, watch).go()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    fd = os.open(data / "scrub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InUse(f"Another scrub of {data} is under way.") from None
    finally:
        os.close(fd)


class _Run:
    """One scrub, or what is left of it."""

    def __init__(self, data: Path, pace: Pace, tell: Tell, now: Callable[[], float], watch: Watch) -> None:
        self._data, self._pace, self._tell, self._now, self._watch = data, pace, tell, now, watch
        with closing(open_catalog(data)) as connection:  # with another key all would look damaged
            try:
                self._keys: MasterKeys = check_opening_keys(connection, FileSecrets(data))[1]
            except UNREADABLE as error:
                raise unusable(data, error) from None
        self._bytes = BlobBytes(BlobPaths(data), self._keys, pace)
        self._quarantine = Quarantine(data)
        self._note = read_note(data)
        self._noted_at = time.monotonic()

    def go(self) -> ScrubNote | None:
        note = self._note
        phases: dict[str, Callable[[], None]] = {
            "catalog": self._check_catalog,
            "objects": self._check_objects,
            "parts": self._check_parts,
            "blobs": self._check_blobs,
            "quarantine": self._check_quarantine,
        }
        if note.phase not in phases:
            note.phase, note.after, note.began_at, note.checked_bytes, note.problems = "catalog", [], self._now(), 0, 0
        names = list(phases)
        try:
            for name in names[names.index(note.phase) :]:
                note.phase = name
                write_note(self._data, note)
                self._watch(name, note.checked_bytes)
                self._go_through(name, phases[name])
                note.after = []
        except Stopped:
            write_note(self._data, note)
            return None
        note.phase, note.ended_at = "", self._now()
        write_note(self._data, note)
        return note

    def _go_through(self, name: str, phase: Callable[[], None]) -> None:
        """A part of the catalog that can't be read ends a phase, not the scrub."""
        try:
            phase()
        except UNREADABLE as error:
            self._found(Problem("catalog", "catalog.sqlite", f"it can't be read ({name}): {error}"))

    def _found(self, problem: Problem) -> None:
        self._note.problems += 1
        self._tell(problem)

    def _went_on(self, after: Sequence[Any], size: int) -> None:
        note = self._note
        note.after, note.checked_bytes = list(after), note.checked_bytes + size
        self._watch(note.phase, note.checked_bytes)
        if time.monotonic() - self._noted_at > _NOTE_EVERY_S:
            write_note(self._data, note)
            self._noted_at = time.monotonic()

    # --- the catalog ---

    def _check_catalog(self) -> None:
        stop = self._pace.stop
        with closing(open_catalog(self._data)) as connection:
            interrupt(connection, stop)
            try:
                for (line,) in connection.execute("PRAGMA integrity_check(1000)"):
                    if line != "ok":
                        self._found(Problem("catalog", "catalog.sqlite", str(line)))
                for (body_id,) in connection.execute(_STRAYS):
                    self._found(Problem("orphan", f"body {body_id}", "no object names it"))
            except UNREADABLE as error:
                if stop.is_set():
                    raise Stopped from None
                self._found(Problem("catalog", "catalog.sqlite", f"it can't be read: {error}"))
        for problem in check(self._data, stop):
            self._found(problem)

    # --- bodies, and objects that have no other sum than their own ---

    def _check_objects(self) -> None:
        after = tuple(self._note.after or (-1, "", -(2**63)))
        while rows := self._page(_OBJECTS, after):
            unsummed = self._has_unsummed()
            for row in rows:
                self._check_object(row, unsummed=unsummed)
                after = row[:3]
                self._went_on(after, len(row[7] or b""))

    def _check_object(self, row: Any, *, unsummed: bool) -> None:
        bucket, version, size, crc64, body, segments, encryption = row[3:]
        place = Place(bucket or "-", row[1], version)
        if body is not None:
            self._pace.take(len(body))
        try:
            found = read_segments(segments) if segments else ()
            why = damage_of(size, crc64, body, found, encryption)
            if not why and body and encryption:
                opened = open_body(body, self._keys)
                if not is_customers(encryption):  # else its tag is all that can be compared without the client's key
                    why = damage_of(size, crc64, opened, found, "")
        except Damaged as damage:
            why = damage.reason
        except (ValueError, TypeError) as error:
            why = f"its row can't be read: {error}"
        if why:
            self._found(Problem("body", f"object {row[1]!a}", why, (place,)))
        elif unsummed and found and body is None:
            self._check_whole(place, found, read_crc64(crc64))

    def _check_parts(self) -> None:
        after = tuple(self._note.after or (-1, -1))
        while rows := self._page(_PARTS, after):
            unsummed = self._has_unsummed()
            for *after_, bucket, key, upload_id, crc64, segments in rows:
                if unsummed and segments:
                    place = Place(bucket or "-", key, upload_id=upload_id)
                    self._check_whole(place, read_segments(segments), read_crc64(crc64))
                after = tuple(after_)
                self._went_on(after, 0)

    def _has_unsummed(self) -> bool:
        """Whether there are blobs of the first release, which have no sums of their own."""
        with closing(open_catalog(self._data)) as connection:
            return connection.execute(_NO_SUM).fetchone() is not None

    def _check_whole(self, place: Place, segments: Sequence[Any], crc64: int) -> None:
        """By the object's own sum, where one of its blobs has none."""
        with closing(open_catalog(self._data)) as connection:
            unsummed = [
                segment.blob_id
                for segment in segments
                if not is_encrypted(segment.blob_id)
                and connection.execute(
                    "SELECT 1 FROM blob WHERE id = ? AND crc64 IS NULL", (bytes.fromhex(segment.blob_id),)
                ).fetchone()
            ]
        if not unsummed:
            return
        try:
            if self._bytes.sum_of(segments) == crc64 or self._bytes.sum_of(segments) == crc64:
                return
        except FileNotFoundError:
            return  # `check` has named it, or it was deleted meanwhile
        except (Damaged, OSError):
            pass
        self._condemn(dict.fromkeys(unsummed, "the CRC-64 of its object is another one"))

    # --- blobs ---

    def _check_blobs(self) -> None:
        after = bytes.fromhex(self._note.after[0]) if self._note.after else b""
        while rows := self._page(_BLOBS, (after,)):
            wrong: dict[str, str] = {}
            size = 0
            for blob_id, stated, crc64 in rows:
                if why := self._fault_of(blob_id.hex(), stated, None if crc64 is None else read_crc64(crc64)):
                    wrong[blob_id.hex()] = why
                size += stated or 0
            self._condemn(wrong)
            after = rows[-1][0]
            self._went_on([after.hex()], size)

    def _fault_of(self, blob_id: str, size: int | None, crc64: int | None) -> str:
        """What two readings say, so that a slip of a cable isn't taken for rot."""
        try:
            why = self._bytes.fault_of(blob_id, size, crc64)
            return why and self._bytes.fault_of(blob_id, size, crc64)
        except FileNotFoundError:
            return ""  # `check` has named it, or it was deleted meanwhile

    def _condemn(self, wrong: dict[str, str]) -> None:
        """Move blobs aside that are named still, and name their objects."""
        if not wrong:
            return
        with closing(open_catalog(self._data)) as connection:
            places = find_places(connection, wrong)
        for blob_id, why in wrong.items():
            if blob_id not in places:
                continue  # it was deleted meanwhile
            self._found(Problem("damaged", f"blob {blob_id}", f"{why}; it is moved aside", places[blob_id]))
            self._quarantine.take(blob_id)  # last: a scrub that dies before this finds it, and names it, again

    def _check_quarantine(self) -> None:
        """What no object needs any more goes."""
        with closing(open_catalog(self._data)) as connection:
            for blob_id in self._quarantine.stored():
                named = connection.execute("SELECT 1 FROM blob WHERE hex(id) = upper(?)", (blob_id,))
                if named.fetchone() is None:
                    self._quarantine.drop(blob_id)

    def _page(self, sql: str, after: Sequence[Any]) -> list[Any]:
        with closing(open_catalog(self._data)) as connection:
            return connection.execute(sql, (*after, _AT_ONCE)).fetchall()
