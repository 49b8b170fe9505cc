"""Which tags an object or a bucket may have: a rule for each, in each dialect.

Source: OSS API reference, object tagging and PutBucketTags; S3 reference, section 1.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .limits import (
    BUCKET_TAG_KEY_MAX_BYTES,
    BUCKET_TAG_VALUE_MAX_BYTES,
    BUCKET_TAGS_MAX,
    OBJECT_TAGS_MAX,
    S3_BUCKET_TAGS_MAX,
    S3_TAG_KEY_MAX_CHARS,
    S3_TAG_VALUE_MAX_CHARS,
    TAG_KEY_MAX_BYTES,
    TAG_VALUE_MAX_BYTES,
)


class TagRule(Struct, frozen=True):
    """What a set of tags may be.

    Attributes:
        most: tags in the set.
        key_most, value_most: the length of each, as `length` counts it.
        signs: what texts may have beside letters and digits of any script; None for everything.
        reserved: what no key begins with, in lower case.
    """

    most: int
    key_most: int
    value_most: int
    length: Callable[[str], int]
    signs: frozenset[str] | None = None
    reserved: tuple[str, ...] = ()

    def allows_key(self, key: str) -> bool:
        return bool(key) and self._allows(key, self.key_most) and not key.lower().startswith(self.reserved)

    def allows_value(self, value: str) -> bool:
        return self._allows(value, self.value_most)

    def _allows(self, text: str, most: int) -> bool:
        if self.length(text) > most:
            return False
        return self.signs is None or all(character.isalnum() or character in self.signs for character in text)


def _in_bytes(text: str) -> int:
    return len(text.encode())


_SIGNS: Final = frozenset(" +-=._:/")
_S3_SIGNS: Final = _SIGNS | {"@"}

OBJECT_TAGS: Final = TagRule(OBJECT_TAGS_MAX, TAG_KEY_MAX_BYTES, TAG_VALUE_MAX_BYTES, _in_bytes, _SIGNS)
BUCKET_TAGS: Final = TagRule(
    BUCKET_TAGS_MAX,
    BUCKET_TAG_KEY_MAX_BYTES,
    BUCKET_TAG_VALUE_MAX_BYTES,
    _in_bytes,
    reserved=("http://", "https://", "aliyun"),
)
S3_OBJECT_TAGS: Final = TagRule(OBJECT_TAGS_MAX, S3_TAG_KEY_MAX_CHARS, S3_TAG_VALUE_MAX_CHARS, len, _S3_SIGNS)
S3_BUCKET_TAGS: Final = TagRule(
    S3_BUCKET_TAGS_MAX, S3_TAG_KEY_MAX_CHARS, S3_TAG_VALUE_MAX_CHARS, len, _S3_SIGNS, reserved=("aws:",)
)
