"""Where the blobs of a catalog are: files of a directory, or an object store that the catalog has noted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from .directory_faults import BadDirectory
from .object_store.place import BytePlace
from .sql.blob_intents import find_place, has_blobs, note_place
from .sql.contract import SqlConnection


def prepare_place(
    connection: SqlConnection, store: str, place: BytePlace | None, alone: Callable[[], AbstractContextManager[object]]
) -> None:
    """See where blobs are, and that they can be kept there; the catalog notes it.

    Args:
        store: what the catalog is of, for a message.
        alone: a transaction that nobody else has at the same time.
        place: where the operator wants them; None for where they are.
    Raises: BadDirectory.
    """
    noted = find_place(connection)
    if noted is None and place is None:
        return
    from .object_store.start import check_place  # most directories have none

    if noted is None and has_blobs(connection):
        raise BadDirectory(f"{store} keeps objects as files. Leave out --bytes, or begin with a new one.")
    if place is not None and (noted is None or noted.url != place.url):
        if noted is not None:
            check_place(place, noted.marker, is_new=noted.is_new)
        with alone():
            noted = note_place(connection, place.url)
    assert noted is not None
    check_place(place or BytePlace(noted.url), noted.marker, is_new=noted.is_new)
