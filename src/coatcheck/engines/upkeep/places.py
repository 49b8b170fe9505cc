"""Which place a backup is in, by how it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ..object_store.place import BadPlace, BytePlace, make_client
from .directory_place import DirectoryPlace
from .place import Place

_PATIENCE_S: Final = 120  # while a store doesn't answer: nobody waits for a backup


def open_place(named: str, *, credentials: Path | None = None, link: bool = True) -> Place:
    """A directory (also as "file:///DIR"), or an object store by its URL ("s3://BUCKET/PREFIX").

    Args:
        credentials: of the object store; None for those of the environment.
        link: as `DirectoryPlace` has it.
    Raises: BadPlace.
    """
    scheme, mark, _ = named.partition("://")
    if not mark:
        return DirectoryPlace(Path(named).absolute(), link=link)
    if scheme != "file":
        client = make_client(BytePlace(named, credentials), patience_s=_PATIENCE_S)
        from ..object_store.backup_place import ObjectPlace  # needs an extra, as the line above has looked for

        return ObjectPlace(named, client)
    url = urlsplit(named)
    if url.netloc not in ("", "localhost") or not url.path:
        raise BadPlace(f"{named} names no directory of this machine. Write file:///DIR.")
    return DirectoryPlace(Path(unquote(url.path)), link=link)
