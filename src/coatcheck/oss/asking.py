"""What a request asks to give an object or a bucket beside content: an ACL, tags. Conditions of policies see it.

Each route says (`table.py`) by which header, or form field of that name, an ACL and tags arrive that the operation then
heeds; what it would ignore is no fact. Where tags come out of a document, the source of a copy or an upload that was
begun before, they aren't known when the request is decided on: the operation decides again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from coatcheck.core.errors import OssError
from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.ports.bucket import Tags

_OBJECT_ACL: Final = "x-oss-object-acl"
_TAGGING: Final = "x-oss-tagging"


class Asks(Struct, frozen=True):
    """How a route learns of an ACL and of tags: names of headers or form fields, "" for not at all.

    Attributes:
        tags_later: the operation finds the tags, and decides again.
        words: what conditions see of an ACL that the dialect calls otherwise, (its word, theirs).
        new_only: it heeds them only where the object isn't there yet.
        rule: which tags there may be.
    """

    acl: str = ""
    tags: str = ""
    tags_later: bool = False
    new_only: bool = False
    words: tuple[tuple[str, str], ...] = ()
    rule: TagRule = OBJECT_TAGS

    def find_acl(self, named: Mapping[str, str]) -> str | None:
        """The ACL asked for, as it was sent, or as conditions see that."""
        acl = named.get(self.acl) if self.acl else None
        return next((theirs for its, theirs in self.words if its == acl), acl)

    def find_tags(self, named: Mapping[str, str]) -> Tags | None:
        """The tags asked for; None if only the operation knows. A header that isn't one is refused by the operation."""
        if self.tags_later:
            return None
        text = named.get(self.tags) if self.tags else None
        if not text:
            return ()
        from .tagging import read_tagging_header  # what most requests don't bring

        try:
            return read_tagging_header(text, self.rule)
        except OssError:
            return ()


NOTHING: Final = Asks()
BUCKET_ACL: Final = Asks(acl="x-oss-acl")
OBJECT_ACL: Final = Asks(acl=_OBJECT_ACL)
TAGS: Final = Asks(tags=_TAGGING)
TAGS_LATER: Final = Asks(tags_later=True)
ACL_AND_TAGS: Final = Asks(_OBJECT_ACL, _TAGGING)
ACL_AND_TAGS_WHEN_NEW: Final = Asks(_OBJECT_ACL, _TAGGING, new_only=True)
ACL_AND_TAGS_LATER: Final = Asks(_OBJECT_ACL, tags_later=True)
