"""Which pages may link to a bucket's objects: read, stored, written, judged by. Pure.

Source: OSS API reference, PutBucketReferer, GetBucketReferer; hotlink protection.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import REFERER_COMPARED_MAX_CHARS, REFERER_MAX_CHARS, REFERER_MAX_RULES
from coatcheck.core.wildcards import WildcardSet
from coatcheck.core.xml import Node

from .elements import find_one, find_switch, find_texts, need_switch, texts, write_switch
from .stored import read_stored, write_stored

NAME: Final = "referer"
ROOT: Final = "RefererConfiguration"
_REFERERS: Final = texts("Referer")
SHAPE: Final = texts(
    *("AllowEmptyReferer", "AllowTruncateQueryString", "TruncatePath"),
    RefererList=_REFERERS,
    RefererBlacklist=_REFERERS,
)


class RefererRules(Struct, frozen=True):
    """Who may link. The lists hold patterns of `*` and `?`.

    Attributes:
        allow_empty: a request without Referer passes a white list.
        truncate_query: patterns are compared with the Referer without its query.
        truncate_path: ... without its path either.
    """

    allow_empty: bool = True
    truncate_query: bool = True
    truncate_path: bool = False
    white: tuple[str, ...] = ()
    black: tuple[str, ...] = ()


# --- judging ---------------------------------------------------------------------------------------------------------


def allows(rules: RefererRules, referer: str) -> bool:
    """The black list first; then the white list, if there is one."""
    if not referer:
        return rules.allow_empty or not (rules.white or rules.black)
    candidates = _candidates(rules, referer)
    if _any_fits(rules.black, candidates):
        return False
    return not rules.white or _any_fits(rules.white, candidates)


def _candidates(rules: RefererRules, referer: str) -> tuple[str, str]:
    """What patterns are compared with: the address as far as it counts, and its scheme and host alone.

    The second is why a listed "http://www.example.com" covers all pages of that site, and no other site's.
    """
    text = referer[:REFERER_COMPARED_MAX_CHARS].lower()
    scheme, separator, rest = text.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    origin = f"{scheme}{separator}{host}"
    if rules.truncate_path:
        return origin, origin
    return (text.partition("?")[0] if rules.truncate_query else text), origin


def _any_fits(patterns: tuple[str, ...], candidates: tuple[str, str]) -> bool:
    full, origin = candidates
    together = _together(patterns)
    return together.match(full) or (origin != full and together.match(origin))


@lru_cache(maxsize=256)
def _together(patterns: tuple[str, ...]) -> WildcardSet:
    """In lower case, as referers are compared."""
    return WildcardSet(tuple(map(str.lower, patterns)))


# --- the document ----------------------------------------------------------------------------------------------------


def read(document: Element) -> RefererRules:
    """A RefererConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    rules = read_of_any_size(document)
    if sum(map(len, (*rules.white, *rules.black))) > REFERER_MAX_CHARS:
        raise INVALID_ARGUMENT(f"The referers have more than {REFERER_MAX_CHARS} characters.", ArgumentName="Referer")
    return rules


def read_of_any_size(document: Element) -> RefererRules:
    """The same, as the first release took it. Raises: as `read`."""
    truncate_query = find_switch(document, "AllowTruncateQueryString", default=True)
    truncate_path = find_switch(document, "TruncatePath")
    if truncate_path and not truncate_query:
        raise INVALID_ARGUMENT(
            "TruncatePath also truncates the query: AllowTruncateQueryString must not be false.",
            ArgumentName="AllowTruncateQueryString",
            ArgumentValue="false",
        )
    return RefererRules(
        need_switch(document, "AllowEmptyReferer"),
        truncate_query,
        truncate_path,
        _read_list(document, "RefererList"),
        _read_list(document, "RefererBlacklist"),
    )


def write(rules: RefererRules) -> list[Node]:
    nodes: list[Node] = [
        ("AllowEmptyReferer", write_switch(rules.allow_empty)),
        ("AllowTruncateQueryString", write_switch(rules.truncate_query)),
        ("TruncatePath", write_switch(rules.truncate_path)),
        ("RefererList", tuple(("Referer", pattern) for pattern in rules.white)),
    ]
    if rules.black:
        nodes.append(("RefererBlacklist", tuple(("Referer", pattern) for pattern in rules.black)))
    return nodes


def to_json(rules: RefererRules) -> str:
    return write_stored(rules)


@lru_cache(maxsize=256)
def from_json(text: str) -> RefererRules:
    return read_stored(RefererRules, text)


def _read_list(document: Element, name: str) -> tuple[str, ...]:
    listed = find_one(document, name)
    patterns = () if listed is None else tuple(filter(None, find_texts(listed, "Referer")))
    if len(patterns) > REFERER_MAX_RULES:
        raise INVALID_ARGUMENT(
            f"{name} may hold {REFERER_MAX_RULES} entries.", ArgumentName=name, ArgumentValue=str(len(patterns))
        )
    for pattern in patterns:
        if not pattern.isprintable() or " " in pattern:
            shown = pattern[:128].encode("unicode_escape").decode()
            raise INVALID_ARGUMENT(
                "A Referer holds a space or a control character.", ArgumentName="Referer", ArgumentValue=shown
            )
    return patterns
