"""A store moved to other engines: its catalog, its blobs, or both.

1  begin     both ends are marked with the move's id, and what is there already is looked at
2  blobs     most are copied, while the store goes on as it is
3  leave     the old catalog says that nobody writes any more: from here on writes are refused, and reads go on
4  rest      the blobs that came meanwhile; those that went are removed again
5  rows      table by table in the order of their keys
6  finish    the old catalog says where it went, then the new one that it is whole

A process that dies leaves what the next one needs to go on: the marks, the rows that are there, the lists of blobs. Of
the two catalogs one at most may be written at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from ...clock import Clock
from ...core.database_urls import is_database, shown
from ..directory_faults import BadDatabase, BadDirectory
from ..move_mark import ARRIVING, LEAVING, LEFT, WHOLE, Mark, read_mark, write_mark
from ..needed_keys import note_fingerprint
from ..object_store.place import BytePlace
from ..sql.blob_intents import find_place
from .blob_ends import BlobEnd, FileEnd, ObjectEnd
from .blobs import BlobMove, Copied
from .rows import Note, compare_rows, copy_rows, count_rows
from .sqlite_end import SqliteEnd
from .tables import OF_BYTES, OF_ENGINES, Catalog, Table, plan

FILES: Final = "file:"  # the directory's own catalog, or its own files
_FOLDER: Final = "migrate"
_ROWS_A_SECOND: Final = 8000  # measured with two cores shared by others, and rounded down
_SURELY_S: Final = 2.0


class Wanted(NamedTuple):
    """Where a store is, and where it shall be.

    Attributes:
        data: its directory, before and afterwards.
        source: the URL of the database that has the catalog now; FILES for the directory's own.
        store: the same, wanted; None where the catalog stays.
        place: of the blobs, wanted; a URL of FILES for the directory's own; None where they stay.
        credentials: of the object store that has the blobs now.
        verify: compare all with what was copied.
    """

    data: Path
    source: str
    store: str | None
    place: BytePlace | None
    credentials: Path | None = None
    verify: bool = False


class Estimate(NamedTuple):
    """
    Attributes:
        pause_s: how long writes are refused, about.
    """

    rows: int
    blobs: int
    bytes: int
    pause_s: float


class Moved(Struct):
    """What this process has done.

    Attributes:
        place: where the store is now; without a password.
    """

    place: str
    rows: int
    copied: Copied


class AlreadyMoved(Exception):
    """There is nothing left to do."""


def open_catalog(url: str, data: Path, clock: Clock, *, is_new: bool = False) -> Catalog:
    """Raises: BadDirectory, BadDatabase, NewerStore; what the engine raises."""
    if not is_database(url):
        return SqliteEnd(data, is_new=is_new)
    from .postgres_end import PostgresEnd

    return PostgresEnd(url, clock, is_new=is_new)


def cancel(source: Catalog) -> str:
    """Let a store that is left, or being left, be written again; what it was: see `move_mark`."""
    with source.changing():
        mark = read_mark(source.connection)
        if mark.state != ARRIVING:
            write_mark(source.connection, Mark(mark.number, WHOLE, "", "", 0))
    return mark.state


class Move:
    """One move, by one process. `close` it."""

    def __init__(self, wanted: Wanted, clock: Clock, note: Note, say: Callable[[str], None]) -> None:
        """See what is there, and mark it; the store goes on as it is.

        Args:
            note: told how far it is; `say`: a line for a person.
        Raises: BadDirectory, BadDatabase, NewerStore, AlreadyMoved; what the engines raise.
        """
        self._wanted, self._clock, self._note, self._say = wanted, clock, note, say
        self._target: Catalog | None = None
        self._blobs: BlobMove | None = None
        self._source = open_catalog(wanted.source, wanted.data, clock)
        self._is_new = False
        try:
            self._mark = self._begin_source()
            if wanted.store is not None:
                self._target = self._begin_target(wanted.store)
            if self._mark.state != LEFT and wanted.place is not None:
                self._blobs = self._begin_blobs(wanted.place)
            self._tables = self._plan()
        except Exception:
            if self._is_new:
                cancel(self._source)
            self.close()
            raise

    # --- what happens, in its order ---

    def estimate(self) -> Estimate:
        rows = count_rows(self._source, self._tables)
        blobs, size = (self._source.count("blob"), self._source.blob_bytes()) if self._blobs else (0, 0)
        return Estimate(rows, blobs, size, _SURELY_S + rows / _ROWS_A_SECOND * (2 if self._wanted.verify else 1))

    def run(self) -> Moved:
        """Raises: what the engines raise; NotTheSame, Differs."""
        moved = Moved(self._place_shown(), 0, Copied() if self._blobs is None else self._blobs.copied)
        if self._mark.state != LEFT:
            if self._blobs is not None and self._mark.state != LEAVING:
                self._blobs.copy_first(self._note)
            self._leave()
            if self._blobs is not None:
                self._blobs.copy_rest(self._note)
            if self._target is not None:
                moved.rows = copy_rows(self._source, self._target, self._tables, self._note)
                if self._wanted.verify:
                    compare_rows(self._source, self._target, self._tables, self._note)
        self._finish()
        return moved

    def close(self) -> None:
        for each in (self._blobs, self._target, self._source):
            if each is not None:
                each.close()

    # --- 1, begin ---

    def _begin_source(self) -> Mark:
        with self._source.changing():
            mark = read_mark(self._source.connection)
            place = self._place_shown()
            if mark.state == ARRIVING or (mark.state == LEFT and mark.place != place):
                raise BadDirectory(f"{self._source.name} isn't moved: {mark.why_not_served()}")
            if mark.move_id and mark.place != place:
                raise BadDirectory(
                    f"A move of {self._source.name} to {mark.place} was begun. Finish it, or call "
                    "coatcheck migrate --cancel."
                )
            if not mark.move_id:
                mark = Mark(mark.number, WHOLE, secrets.token_hex(16), place, int(self._clock()))
                write_mark(self._source.connection, mark)
                self._is_new = True
        return mark

    def _begin_target(self, url: str) -> Catalog:
        target = open_catalog(url, self._wanted.data, self._clock, is_new=True)
        try:
            self._mark_target(target)
        except BaseException:
            target.close()
            raise
        return target

    def _mark_target(self, target: Catalog) -> None:
        """Raises: BadDatabase, AlreadyMoved."""
        mark, mine = read_mark(target.connection), self._mark.move_id
        if self._mark.state == LEFT:
            if mark.move_id != mine and not (mark.state == WHOLE and self._is_made_here(target)):
                raise AlreadyMoved(f"{self._source.name}: {self._mark.why_not_served()}")
            return
        if (mark.state, mark.move_id) == (ARRIVING, mine):
            return
        if mark.state == WHOLE and target.count("account"):
            raise BadDatabase(f"{target.name} has a store already. Name an empty one.")
        target.clear([name for name in target.columns() if name not in OF_ENGINES])
        with target.changing():
            write_mark(target.connection, Mark(1, ARRIVING, mine, self._source.name, int(self._clock())))

    @staticmethod
    def _is_made_here(target: Catalog) -> bool:
        """A file that is whole, and hasn't got its name yet."""
        return isinstance(target, SqliteEnd) and target.count("account") > 0

    def _begin_blobs(self, place: BytePlace) -> BlobMove:
        noted = find_place(self._source.connection)
        if (noted.url if noted else FILES) == place.url:
            raise BadDirectory(f"The blobs are in {place.url} already. Leave --bytes out.")
        source = FileEnd(self._wanted.data) if noted is None else self._object_end(noted.url)
        target: BlobEnd = FileEnd(self._wanted.data)
        if place.url != FILES:
            from ..object_store.start import check_place

            check_place(place, self._mark.move_id, is_new=True)
            target = ObjectEnd(place)
        folder = self._wanted.data / _FOLDER / self._mark.move_id
        return BlobMove(self._source, source, target, folder, verify=self._wanted.verify)

    def _object_end(self, url: str) -> BlobEnd:
        return ObjectEnd(BytePlace(url, self._wanted.credentials))

    def _plan(self) -> list[Table]:
        if self._target is None:
            return []
        return plan(self._source, self._target, with_bytes=self._wanted.place is not None)

    def _place_shown(self) -> str:
        words = [] if self._wanted.store is None else [self._named(self._wanted.store)]
        if self._wanted.place is not None:
            words.append(f"bytes in {self._named(self._wanted.place.url)}")
        return ", ".join(words)

    def _named(self, url: str) -> str:
        return f"{FILES}{self._wanted.data}" if url == FILES else shown(url)

    # --- 3, leave ---

    def _leave(self) -> None:
        if self._mark.state != LEAVING:
            self._mark = self._mark._replace(state=LEAVING, since=int(self._clock()))
            with self._source.changing():
                write_mark(self._source.connection, self._mark)
        self._say("From now on writes are refused; reads go on.")

    # --- 6, finish ---

    def _finish(self) -> None:
        if self._target is None:
            with self._source.changing():
                self._note_place(self._source)
                for table in OF_BYTES:  # of the old place, where all stays as it was
                    self._source.connection.execute(f"DELETE FROM {table}")  # noqa: S608
                write_mark(self._source.connection, Mark(self._mark.number + 1, WHOLE, "", "", 0))
        else:
            self._finish_target(self._target)
        if self._blobs is not None:
            self._blobs.forget()

    def _finish_target(self, target: Catalog) -> None:
        if self._mark.state != LEFT:
            target.seal()
            self._mark = self._mark._replace(state=LEFT, since=int(self._clock()))
            with self._source.changing():
                write_mark(self._source.connection, self._mark)
        with target.changing():
            (moment,) = self._source.connection.execute("SELECT moment FROM noted_time").fetchone()
            target.connection.execute("UPDATE noted_time SET moment = ?", (moment,))
            self._note_place(target)
            write_mark(target.connection, Mark(1, WHOLE, "", "", 0))
        target.arrive()

    def _note_place(self, catalog: Catalog) -> None:
        """Say in a catalog where blobs are, and what follows from that."""
        noted, place = find_place(self._source.connection), self._wanted.place
        row = (noted.marker, noted.url) if noted else None
        if place is not None:
            row = None if place.url == FILES else (self._mark.move_id, place.url)
        catalog.connection.execute("DELETE FROM byte_place")
        if row is not None:
            catalog.connection.execute("INSERT INTO byte_place (marker, url) VALUES (?, ?)", row)
        if not isinstance(catalog, SqliteEnd):
            self._note_directory(catalog, in_files=row is None)
        self._rename_segments(
            catalog,
            before=self._own_id(self._source, in_files=noted is None),
            after=self._own_id(catalog, in_files=row is None),
        )

    def _note_directory(self, database: Catalog, *, in_files: bool) -> None:
        """A database knows the directory that has its files."""
        from ..postgres.store import BYTES, ID_FILE, keep_id

        keep_id(self._wanted.data)
        database.connection.execute("DELETE FROM key_fingerprint WHERE name = ?", (BYTES,))
        if in_files:
            note_fingerprint(database.connection, BYTES, (self._wanted.data / ID_FILE).read_bytes())

    def _own_id(self, catalog: Catalog, *, in_files: bool) -> str:
        """What begins the names of this directory's audit files where several gateways count theirs in one catalog."""
        if in_files or isinstance(catalog, SqliteEnd):
            return ""
        from ..postgres.store import read_own_id

        return read_own_id(self._wanted.data)

    @staticmethod
    def _rename_segments(catalog: Catalog, before: str, after: str) -> None:
        """Names of other gateways' files mean nothing where one directory has a catalog."""
        if before == after:
            return
        ours = (len(before), before)
        catalog.connection.execute("DELETE FROM link_audit_counted WHERE substr(segment, 1, ?) <> ?", ours)
        for segment, stop in catalog.connection.execute("SELECT segment, stop FROM link_audit_counted").fetchall():
            named = (after + segment.removeprefix(before), stop)
            catalog.connection.execute("DELETE FROM link_audit_counted WHERE segment = ?", (segment,))
            catalog.connection.execute("INSERT INTO link_audit_counted (segment, stop) VALUES (?, ?)", named)
