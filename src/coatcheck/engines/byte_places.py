"""Where the blobs of a data directory are: files in it, or an object store that the catalog has noted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .directory_faults import BadDirectory
from .object_store.place import BytePlace
from .sql.blob_intents import find_place, has_blobs, note_place


def prepare_place(connection: sqlite3.Connection, data: Path, place: BytePlace | None) -> None:
    """See where blobs are, and that they can be kept there; the catalog notes it.

    Args:
        place: where the operator wants them; None for where they are.
    Raises: BadDirectory.
    """
    noted = find_place(connection)
    if noted is None and place is None:
        return
    from .object_store.start import check_place  # most directories have none

    if noted is None and has_blobs(connection):
        raise BadDirectory(f"{data} keeps objects as files. Leave out --bytes, or name a new directory with --data.")
    if place is not None and (noted is None or noted.url != place.url):
        if noted is not None:
            check_place(place, noted.marker, is_new=noted.is_new)
        noted = note_place(connection, place.url)
    assert noted is not None
    check_place(place or BytePlace(noted.url), noted.marker, is_new=noted.is_new)
