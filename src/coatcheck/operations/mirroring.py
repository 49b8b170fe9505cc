"""What a request for a missing object asks for where its bucket mirrors another server. `background/mirror_run.py` does
it, as who set the rule up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from coatcheck.configurations.mirror import Mirror
from coatcheck.core.author import Author
from coatcheck.core.body import Stream
from coatcheck.core.errors import MIRROR_FAILED
from coatcheck.ports.bucket import Bucket


class Missing(Struct, frozen=True):
    """An object that isn't there.

    Attributes:
        from_key: its key on the other server.
        headers: of the request, names in lower case.
        query: that is passed on.
        through: its content may be sent to the client while it is stored.
    """

    bucket: Bucket
    key: str
    mirror: Mirror
    author: Author | None
    from_key: str
    headers: Mapping[str, str]
    query: str = ""
    through: bool = False


class Passing(Struct, frozen=True):
    """Content that is sent while it is stored; it ends when the object is durable, and breaks off where that fails."""

    headers: tuple[tuple[bytes, bytes], ...]
    content: Stream


class Moved(Struct, frozen=True):
    """The other server says that it is elsewhere, and the rule that this is the client's business."""

    status: int
    location: str


class Shown(Struct, frozen=True):
    """The other server's answer is no object, and the rule says that the client is to see it."""

    status: int
    content_type: str
    body: bytes


class Mirrors(Protocol):
    async def fetch(self, missing: Missing) -> Passing | Moved | Shown | None:
        """Get the object; None: it is there now. One that is being fetched is waited for.

        Raises: OssError MIRROR_FAILED, MIRROR_BUSY, NO_SUCH_KEY (the other server doesn't have it either).
        """
        ...


class NoMirrors:
    """Where nothing is mirrored."""

    async def fetch(self, missing: Missing) -> Passing | Moved | Shown | None:
        raise MIRROR_FAILED()
