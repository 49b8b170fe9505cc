"""What access points are called, and the aliases by which requests reach a bucket through one.

An alias is NAME-HASH-ossalias, at most 63 characters, so it stands in an address where a bucket's name does. Of the 34
hex digits of HASH the first 16 are the catalog's number of the bucket and the others are random: what an alias stands
for is found by its key, and a point that is made again under its old name gets another alias.
"""

from __future__ import annotations

import re
import secrets
from typing import Final, NamedTuple

from .limits import ACCESS_POINT_NAME_MAX_CHARS, ACCESS_POINT_NAME_MIN_CHARS

ALIAS_ENDING: Final = "-ossalias"
_NUMBER_DIGITS: Final = 16
_RANDOM_BYTES: Final = 9
_NAME: Final = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_IS_NAME: Final = re.compile(_NAME)
_IS_ALIAS: Final = re.compile(f"({_NAME})-([0-9a-f]{{{_NUMBER_DIGITS}}})[0-9a-f]{{{2 * _RANDOM_BYTES}}}{ALIAS_ENDING}")


class AliasParts(NamedTuple):
    """Where an alias may lead; whether it does is the catalog's to say."""

    name: str
    bucket_id: int


def is_access_point_name(text: str) -> bool:
    """3 to 19 of a-z, 0-9 and "-", neither first nor last a "-", and not the ending of an alias."""
    fits = ACCESS_POINT_NAME_MIN_CHARS <= len(text) <= ACCESS_POINT_NAME_MAX_CHARS
    return fits and _IS_NAME.fullmatch(text) is not None and not text.endswith(ALIAS_ENDING)


def make_alias(name: str, bucket_id: int) -> str:
    """A new alias each time."""
    return f"{name}-{bucket_id:0{_NUMBER_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}{ALIAS_ENDING}"


def read_alias(text: str) -> AliasParts | None:
    """None for what no alias looks like."""
    match = _IS_ALIAS.fullmatch(text)
    return None if match is None else AliasParts(match[1], int(match[2], 16))
