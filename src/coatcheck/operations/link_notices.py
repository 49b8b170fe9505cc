"""Who is told of what comes of links: set, listed and taken back by the bucket's owner; entries of the bucket."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.link_rights import LinkAction, LinkGrant
from coatcheck.core.errors import NOTICE_UNKNOWN, TOO_MANY_NOTICES
from coatcheck.core.limits import LINK_NOTICES_MAX, LINK_NOTICES_WAITING_MAX
from coatcheck.links.notices import Target, Waiting, read_target, read_waiting, write_target
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog, TooMany

TARGET: Final = "link-notice"
WAITING: Final = "link-notice-waiting"
TOLD: Final = "link-notice-told"
SEALED: Final = "link-notice:"  # before each sealed key: what a session is given opens as none


class Queued(NamedTuple):
    """A notice that waits, for which target and of which link."""

    target: str
    link: str
    notice: Waiting


def entry_name(target: str, link: str) -> str:
    return f"{target}/{link}"


def new_target_id() -> str:
    return f"nt_{secrets.token_hex(8)}"


async def put_target(catalog: Catalog, grant: LinkGrant, bucket: Bucket, target: Target) -> None:
    """Raises: OssError TOO_MANY_NOTICES."""
    _need(grant, LinkAction.CREATE)
    try:
        await catalog.change_entry(
            bucket.bucket_id, TARGET, target.id, lambda _: write_target(target), most=LINK_NOTICES_MAX
        )
    except TooMany:
        raise TOO_MANY_NOTICES() from None


async def find_target(catalog: Catalog, bucket: Bucket, target_id: str) -> Target:
    """Raises: OssError NOTICE_UNKNOWN."""
    text = await catalog.find_entry(bucket.bucket_id, TARGET, target_id)
    if text is None:
        raise NOTICE_UNKNOWN()
    return read_target(text)


async def remove_target(catalog: Catalog, grant: LinkGrant, bucket: Bucket, target: Target) -> None:
    """What waits for it is dropped soon."""
    _need(grant, LinkAction.CREATE)
    await catalog.put_entries(bucket.bucket_id, TARGET, [(target.id, None)])


async def list_targets(catalog: Catalog, bucket: Bucket) -> Sequence[Target]:
    entries, _ = await catalog.list_entries(bucket.bucket_id, TARGET, prefix="", marker="", limit=LINK_NOTICES_MAX)
    return [read_target(text) for _, text in entries]


async def list_waiting(catalog: Catalog, bucket: Bucket) -> Sequence[Queued]:
    entries, _ = await catalog.list_entries(
        bucket.bucket_id, WAITING, prefix="", marker="", limit=LINK_NOTICES_WAITING_MAX
    )
    queued = []
    for name, text in entries:
        target, _, link = name.partition("/")
        queued.append(Queued(target, link, read_waiting(text)))
    return queued


async def note_given_up(catalog: Catalog, bucket: Bucket, target_id: str, why: str) -> None:
    """A notice for it was dropped."""

    def change(text: str | None) -> str | None:
        if text is None:
            return None
        target = read_target(text)
        return write_target(replace(target, gave_up=target.gave_up + 1, gave_up_why=why))

    await catalog.change_entry(bucket.bucket_id, TARGET, target_id, change, most=LINK_NOTICES_MAX)


def _need(grant: LinkGrant, action: LinkAction) -> None:
    """Raises: TypeError, when this is a grant for something else: the mistake is in the code."""
    if grant.action is not action:
        raise TypeError(f"a grant for {grant.action.name} is none for {action.name}")
