"""Where a bucket wants its access log. Pure; `background/log_delivery.py` brings it there.

Source: OSS API reference, PutBucketLogging, GetBucketLogging, DeleteBucketLogging.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.author import Author
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import LOG_PREFIX_MAX_CHARS
from coatcheck.core.xml import Node

from .elements import find_one, find_text, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "logging"
ROOT: Final = "BucketLoggingStatus"
SHAPE: Final = texts(LoggingEnabled=texts("TargetBucket", "TargetPrefix", "LoggingRole"))


class Logging(Struct, frozen=True):
    """`bucket` is the one that the log goes to; "" while there is no log. `role`: the name or the ARN of the one that
    writes it, in place of the author, who set this up."""

    bucket: str = ""
    prefix: str = ""
    role: str | None = None
    author: Author | None = None


def read(document: Element) -> Logging:
    """A BucketLoggingStatus; without LoggingEnabled it turns the log off. Raises: OssError MALFORMED_XML,
    INVALID_ARGUMENT."""
    enabled = find_one(document, "LoggingEnabled")
    if enabled is None:
        return Logging()
    prefix = find_text(enabled, "TargetPrefix") or ""
    return Logging(need_text(enabled, "TargetBucket"), _check_prefix(prefix), find_text(enabled, "LoggingRole"))


def write(logging: Logging) -> list[Node]:
    if not logging.bucket:
        return []
    role: list[Node] = [] if logging.role is None else [("LoggingRole", logging.role)]
    return [("LoggingEnabled", [("TargetBucket", logging.bucket), ("TargetPrefix", logging.prefix), *role])]


def to_json(logging: Logging) -> str:
    return write_stored(logging)


@lru_cache(maxsize=256)
def from_json(text: str) -> Logging:
    return read_stored(Logging, text)


def logging_of(document: str | None) -> Logging:
    """What the stored document says, if there is one."""
    return Logging() if document is None else from_json(document)


def _check_prefix(prefix: str) -> str:
    begins_well = prefix[:1].isascii() and prefix[:1].isalpha()
    if len(prefix) > LOG_PREFIX_MAX_CHARS or (prefix and not begins_well):
        raise INVALID_ARGUMENT(
            f"TargetPrefix begins with a letter and has at most {LOG_PREFIX_MAX_CHARS} characters.",
            ArgumentName="TargetPrefix",
            ArgumentValue=prefix[:128],
        )
    return prefix
