"""Which objects an archive has, under which names, and whether whoever asks may read each of them.

Of a prefix, what may not be read is left out, as if it weren't there: so are links that lead nowhere. Of a list, whose
maker named each object, one that is missing or may not be read refuses the whole. What is archived and not restored
refuses either: a folder that lacks files its listing shows must not look whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant
from coatcheck.archives.member_names import MemberNames
from coatcheck.archives.members import Member, Members
from coatcheck.core.errors import (
    ARCHIVE_TOO_LARGE,
    ARCHIVES_BUSY,
    INVALID_OBJECT_STATE,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
    OssError,
)
from coatcheck.core.limits import (
    ARCHIVE_MAX_BYTES,
    ARCHIVE_MEMBERS_MAX,
    ARCHIVE_TEXTS_MAX_BYTES,
    ARCHIVES_HELD_MAX_BYTES,
)
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ListedObject, ObjectRecord

from .archive import is_readable
from .context import Context
from .encryption import need_key
from .symlink import follow

_PAGE: Final = 1000
_MEMBER_HELD_BYTES: Final = 64  # beside its texts
_RETRY_LATER: Final = ((b"Retry-After", b"5"),)  # seconds


class Named(NamedTuple):
    """An object that somebody named.

    Attributes:
        version_id: None for the current one.
        path: what it is to be called in the archive, with "/" between folders; any text.
    """

    bucket: Bucket
    key: str
    version_id: str | None
    path: str


class Archive:
    """Members that were allowed, and the buckets they are in. Whoever made one closes it.

    Attributes:
        content_bytes: of all members together.
    """

    def __init__(self) -> None:
        self.members = Members()
        self.buckets: list[Bucket] = []
        self.content_bytes = 0
        self._names = MemberNames()
        self._held = 0

    def add(
        self, bucket: Bucket, key: str, version_id: str | None, path: str, found: ObjectRecord | ListedObject
    ) -> None:
        """Raises: OssError ARCHIVE_TOO_LARGE, ARCHIVES_BUSY."""
        name = self._names.name(path + "_" if path.endswith("/") and found.size else path)
        if not name:
            return
        self.content_bytes += found.size
        number = self._number(bucket)
        self.members.add(Member(number, key, version_id, name, found.size, found.etag, found.last_modified))
        texts = self.members.held_bytes - _MEMBER_HELD_BYTES * len(self.members)
        if (
            len(self.members) > ARCHIVE_MEMBERS_MAX
            or self.content_bytes > ARCHIVE_MAX_BYTES
            or texts > ARCHIVE_TEXTS_MAX_BYTES
        ):
            raise ARCHIVE_TOO_LARGE()
        self._held += _room.take(self.members.held_bytes - self._held)

    def finish(self) -> Archive:
        """Nothing is added any more: what names were given out needn't be known."""
        self._names = MemberNames()
        return self

    def close(self) -> None:
        """May be called twice."""
        _room.give_back(self._held)
        self._held = 0

    def bucket_of(self, member: Member) -> Bucket:
        return self.buckets[member.bucket]

    def _number(self, bucket: Bucket) -> int:
        for number, known in enumerate(self.buckets):
            if known.bucket_id == bucket.bucket_id:
                return number
        self.buckets.append(bucket)
        self.members.note_bucket(bucket.bucket_id)
        return len(self.buckets) - 1


class _Room:
    """What all archives of a process hold."""

    def __init__(self) -> None:
        self.held = 0

    def take(self, size: int) -> int:
        """Raises: OssError ARCHIVES_BUSY."""
        if self.held + size > ARCHIVES_HELD_MAX_BYTES:
            raise ARCHIVES_BUSY(headers=_RETRY_LATER)
        self.held += size
        return size

    def give_back(self, size: int) -> None:
        self.held -= size


_room: Final = _Room()


async def members_under(context: Context, bucket: Bucket, prefix: str, *, root: str = "") -> Archive:
    """The objects whose keys begin with `prefix`, character by character: "a" also means "ab", "a/" doesn't.

    Args:
        root: a beginning of the prefix that their names in the archive lack.
    Raises: OssError ARCHIVE_TOO_LARGE, ARCHIVES_BUSY, INVALID_OBJECT_STATE.
    """
    archive, marker = Archive(), ""
    try:
        while True:
            page = await context.ports.catalog.list_objects(
                bucket.bucket_id, prefix=prefix, delimiter="", marker=marker, limit=_PAGE
            )
            for listed in page.objects:
                found = await _find_allowed(context, bucket, listed)
                if found is not None:
                    archive.add(bucket, listed.key, None, listed.key[len(root) :], found)
            if page.next_marker is None:
                return archive.finish()
            marker = page.next_marker
            await asyncio.sleep(0)
    except BaseException:
        archive.close()
        raise


async def members_of(context: Context, named: Iterable[Named]) -> Archive:
    """Exactly these objects.

    Raises: OssError ARCHIVE_TOO_LARGE, ARCHIVES_BUSY, INVALID_OBJECT_STATE, NO_SUCH_KEY, NO_SUCH_VERSION; the refusal
        of `decide`, what `follow` raises.
    """
    archive = Archive()
    try:
        for bucket, key, version_id, path in named:
            _, found = await find_member(context, bucket, key, version_id)
            _need_readable(context, bucket, found)
            archive.add(bucket, key, version_id, path, found)
    except BaseException:
        archive.close()
        raise
    return archive.finish()


async def find_member(context: Context, bucket: Bucket, key: str, version_id: str | None) -> tuple[Grant, ObjectRecord]:
    """An object that may be read, with the leave to; of a link, what it shows.

    Raises: OssError NO_SUCH_KEY, NO_SUCH_VERSION; the refusal of `decide`, what `follow` raises.
    """
    found = await context.ports.catalog.find_object(bucket.bucket_id, key, version_id)
    grant = context.decide(Action.GET_OBJECT, bucket, key, found, versioned=version_id is not None)
    if found is None or found.kind == DELETE_MARKER:
        raise NO_SUCH_KEY(Key=key) if version_id is None else NO_SUCH_VERSION(Key=key, VersionId=version_id)
    return grant, await follow(context, bucket, found) if found.kind == SYMLINK else found


async def _find_allowed(context: Context, bucket: Bucket, listed: ListedObject) -> ObjectRecord | ListedObject | None:
    """None for what is as good as not there. Raises: OssError INVALID_OBJECT_STATE."""
    found: ObjectRecord | ListedObject = listed
    try:
        if listed.kind == SYMLINK or context.needs_object(bucket):
            _, found = await find_member(context, bucket, listed.key, None)
        else:
            context.decide(Action.GET_OBJECT, bucket, listed.key)
    except OssError:
        return None
    _need_readable(context, bucket, found)
    return found


def _need_readable(context: Context, bucket: Bucket, found: ObjectRecord | ListedObject) -> None:
    if not is_readable(bucket, found, context.now):
        raise INVALID_OBJECT_STATE(Key=found.key)
    need_key(context.ports.byte_store, found.encryption)
