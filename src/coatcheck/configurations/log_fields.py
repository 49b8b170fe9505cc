"""Which headers and parameters a bucket wants in its log besides the usual, and which none may have. Pure.

Source: OSS API reference, PutUserDefinedLogFieldsConfig and its like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import LOG_FIELD_MAX_CHARS, LOG_FIELDS_MAX
from coatcheck.core.xml import Node

from .elements import find_one, find_texts, malformed, texts
from .stored import read_stored, write_stored

NAME: Final = "logFields"
ROOT: Final = "UserDefinedLogFieldsConfiguration"
SHAPE: Final = texts(HeaderSet=texts("header"), ParamSet=texts("parameter"))


class LogFields(Struct, frozen=True):
    headers: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


def read(document: Element) -> LogFields:
    """A UserDefinedLogFieldsConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    fields = LogFields(_read_set(document, "HeaderSet", "header"), _read_set(document, "ParamSet", "parameter"))
    if fields == LogFields():
        raise malformed("It needs a header or a parameter.")
    if len(fields.headers) + len(fields.parameters) > LOG_FIELDS_MAX:
        raise INVALID_ARGUMENT(f"A log has {LOG_FIELDS_MAX} headers and parameters at most.")
    return fields


def write(fields: LogFields) -> list[Node]:
    return [*_set_nodes("HeaderSet", "header", fields.headers), *_set_nodes("ParamSet", "parameter", fields.parameters)]


def to_json(fields: LogFields) -> str:
    return write_stored(fields)


@lru_cache(maxsize=256)
def from_json(text: str) -> LogFields:
    return read_stored(LogFields, text)


def _read_set(document: Element, name: str, child: str) -> tuple[str, ...]:
    found = find_one(document, name)
    names = () if found is None else tuple(text.strip() for text in find_texts(found, child))
    for each in names:
        if not 0 < len(each) <= LOG_FIELD_MAX_CHARS:
            raise INVALID_ARGUMENT(
                f"A {child} has 1 to {LOG_FIELD_MAX_CHARS} characters.", ArgumentName=child, ArgumentValue=each[:128]
            )
        if is_secret(each):
            raise INVALID_ARGUMENT(
                f"The {child} {each} is never logged: whoever reads it could act as its sender.",
                ArgumentName=child,
                ArgumentValue=each,
            )
    return names


_SECRETS: Final = ("authorization", "cookie", "set-cookie", "policy", "signature", "security-token", "x-oss-policy")


def is_secret(name: str) -> bool:
    """Whether a header or a parameter is one that no log may show the value of: signatures, tokens, policies."""
    folded = name.strip().lower()
    return folded in _SECRETS or folded.endswith(("-authorization", "-signature", "-security-token", "-cookie"))


def _set_nodes(name: str, child: str, names: tuple[str, ...]) -> list[Node]:
    nodes: list[Node] = [(child, each) for each in names]
    return [(name, nodes)] if nodes else []
