"""Pages of what is in a bucket: objects, versions. Uploads and their parts are listed by `multipart.py`."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.ports.object import ListPage, VersionPage

from .context import Context


class Selection(NamedTuple):
    """Which keys a listing is of, and how many items a page has at most; the catalog says what each does."""

    prefix: str = ""
    delimiter: str = ""
    limit: int = 1000


async def list_objects(context: Context, grant: Grant, selection: Selection, marker: str = "") -> ListPage:
    """The page behind `marker`."""
    grant.need(Action.LIST_OBJECTS)
    prefix, delimiter, limit = selection
    return await context.ports.catalog.list_objects(
        grant.this_bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
    )


async def list_versions(
    context: Context, grant: Grant, selection: Selection, marker: tuple[str, str] = ("", "")
) -> VersionPage:
    """The page behind `marker`, a key and a version id: by key, a key's newest first, delete markers among them."""
    grant.need(Action.LIST_OBJECT_VERSIONS)
    prefix, delimiter, limit = selection
    return await context.ports.catalog.list_versions(
        grant.this_bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
    )
