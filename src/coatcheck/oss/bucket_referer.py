"""PutBucketReferer, GetBucketReferer, and the rules applied: which pages may link here.

Source: OSS API reference, the operations of those names and hotlink protection.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import DENIED_BY_REFERER, INVALID_ARGUMENT, MALFORMED_XML
from coatcheck.core.limits import REFERER_COMPARED_MAX_CHARS, REFERER_MAX_CHARS, REFERER_MAX_RULES
from coatcheck.core.wildcards import WildcardSet
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .settings_kept import keep_setting

ROOT: Final = "RefererConfiguration"
SETTING: Final = "referer"


@dataclass(frozen=True, slots=True)
class RefererRules:
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


async def put_bucket_referer(call: Call) -> Reply:
    """PutBucketReferer: replaces everything; an empty list allows everybody again."""
    rules = read_rules(await read_document(call.request, ROOT))
    if sum(map(len, (*rules.white, *rules.black))) > REFERER_MAX_CHARS:
        raise INVALID_ARGUMENT(f"The referers have more than {REFERER_MAX_CHARS} characters.", ArgumentName="Referer")
    await keep_setting(call, SETTING, write_rules(rules).decode())
    return Reply(200)


async def get_bucket_referer(call: Call) -> Reply:
    """GetBucketReferer: the defaults where nothing was ever set."""
    document = call.this_bucket.setting(SETTING)
    body = write_rules(RefererRules()) if document is None else document.encode()
    return Reply(200, ((b"Content-Type", b"application/xml"),), body)


def check_referer(document: str, referer: str | None) -> None:
    """Judge a request by the stored rules. Raises: OssError DENIED_BY_REFERER."""
    if not allows(stored_rules(document), referer or ""):
        raise DENIED_BY_REFERER()


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
    return WildcardSet(patterns)


def read_rules(document: Element) -> RefererRules:
    """A RefererConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    truncate_query = _read_switch(document, "AllowTruncateQueryString", "true")
    truncate_path = _read_switch(document, "TruncatePath", "false")
    if truncate_path and not truncate_query:
        raise INVALID_ARGUMENT(
            "TruncatePath also truncates the query: AllowTruncateQueryString must not be false.",
            ArgumentName="AllowTruncateQueryString",
            ArgumentValue="false",
        )
    return RefererRules(
        _read_switch(document, "AllowEmptyReferer", None),
        truncate_query,
        truncate_path,
        _read_list(document, "RefererList"),
        _read_list(document, "RefererBlacklist"),
    )


@lru_cache(maxsize=256)
def stored_rules(text: str) -> RefererRules:
    """The rules of a stored document, their patterns in lower case, as referers are compared."""
    rules = read_rules(read_xml(text.encode(), ROOT))
    white, black = tuple(map(str.lower, rules.white)), tuple(map(str.lower, rules.black))
    return RefererRules(rules.allow_empty, rules.truncate_query, rules.truncate_path, white, black)


def write_rules(rules: RefererRules) -> bytes:
    nodes: list[Node] = [
        ("AllowEmptyReferer", _write_switch(rules.allow_empty)),
        ("AllowTruncateQueryString", _write_switch(rules.truncate_query)),
        ("TruncatePath", _write_switch(rules.truncate_path)),
        ("RefererList", tuple(("Referer", pattern) for pattern in rules.white)),
    ]
    if rules.black:
        nodes.append(("RefererBlacklist", tuple(("Referer", pattern) for pattern in rules.black)))
    return write_xml(ROOT, nodes)


def _read_switch(document: Element, name: str, default: str | None) -> bool:
    text = document.findtext(name, default)
    if text is None or text.lower() not in ("true", "false"):
        raise MALFORMED_XML(f"{MALFORMED_XML.message} {name} must be true or false.")
    return text.lower() == "true"


def _write_switch(value: bool) -> str:
    return "true" if value else "false"


def _read_list(document: Element, name: str) -> tuple[str, ...]:
    patterns = tuple(text for element in document.findall(f"{name}/Referer") if (text := element.text or ""))
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
