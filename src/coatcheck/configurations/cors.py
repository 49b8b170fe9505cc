"""A bucket's CORS rules: read, stored, written, matched. Pure.

A rule is found in the order of the document: the first whose origins, methods and (for a preflight) headers all fit.
Source: OSS API reference, PutBucketCors and OptionObject.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import CORS_RULE_BEYOND_LIMIT, INVALID_ARGUMENT
from coatcheck.core.limits import CORS_MAX_AGE_S, CORS_MAX_RULES, CORS_ORIGIN_MAX_CHARS
from coatcheck.core.reply_headers import RawHeader
from coatcheck.core.xml import Node

from .elements import find_number, find_switch, find_text, find_texts, malformed, texts, write_switch
from .stored import read_stored, write_stored

NAME: Final = "cors"
ROOT: Final = "CORSConfiguration"
SHAPE: Final = texts(
    "ResponseVary",
    CORSRule=texts("AllowedHeader", "AllowedMethod", "AllowedOrigin", "ExposeHeader", "MaxAgeSeconds"),
)

_METHODS: Final = ("GET", "PUT", "DELETE", "POST", "HEAD")
_TOKEN: Final = frozenset("!#$%&'+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REMEMBERED_ORIGIN_CHARS: Final = 256  # longer ones are no page's, and shall not fill the memory
_VARY: Final = (b"vary", b"Origin")


class CorsRule(Struct, frozen=True):
    """One rule; `origins` and `headers` may each hold one `*`. Headers are in lower case, as OSS gives them back.
    `rule_id` is S3's, and shown there alone."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None
    rule_id: str | None = None


class Cors(Struct, frozen=True):
    """All rules in order. `vary`: every reply of the bucket says that it depends on the origin."""

    rules: tuple[CorsRule, ...]
    vary: bool = False


# --- the document ----------------------------------------------------------------------------------------------------


def read(document: Element, *, most: int = CORS_MAX_RULES) -> Cors:
    """A CORSConfiguration of at most `most` rules.

    Raises: OssError MALFORMED_XML, INVALID_ARGUMENT, CORS_RULE_BEYOND_LIMIT.
    """
    rules = document.findall("CORSRule")
    if not rules:
        raise malformed("There must be a CORSRule.")
    if len(rules) > most:
        raise CORS_RULE_BEYOND_LIMIT()
    vary = find_switch(document, "ResponseVary")
    return Cors(tuple(map(_read_rule, rules)), vary)


def write(cors: Cors) -> list[Node]:
    nodes: list[Node] = [("CORSRule", rule_nodes(rule)) for rule in cors.rules]
    return [*nodes, ("ResponseVary", write_switch(cors.vary))]


def to_json(cors: Cors) -> str:
    return write_stored(cors)


@lru_cache(maxsize=256)
def from_json(text: str) -> Cors:
    return read_stored(Cors, text)


def rule_nodes(rule: CorsRule) -> list[Node]:
    """What both dialects show of a rule."""
    return [
        *(("AllowedOrigin", origin) for origin in rule.origins),
        *(("AllowedMethod", method) for method in rule.methods),
        *(("AllowedHeader", header) for header in rule.headers),
        *(("ExposeHeader", header) for header in rule.exposed),
        *([] if rule.max_age_s is None else [("MaxAgeSeconds", rule.max_age_s)]),
    ]


def _read_rule(element: Element) -> CorsRule:
    origins, methods = find_texts(element, "AllowedOrigin"), find_texts(element, "AllowedMethod")
    if not origins or not methods:
        raise malformed("A CORSRule needs an AllowedOrigin and an AllowedMethod.")
    for origin in origins:
        _check("AllowedOrigin", origin, origin.isascii() and origin.isprintable() and " " not in origin, stars=1)
    for method in methods:
        _check("AllowedMethod", method, method in _METHODS)
    headers, exposed = find_texts(element, "AllowedHeader"), find_texts(element, "ExposeHeader")
    for header in headers:
        _check("AllowedHeader", header, _TOKEN.issuperset(header.replace("*", "")), stars=1)
    for header in exposed:
        _check("ExposeHeader", header, _TOKEN.issuperset(header))
    return CorsRule(origins, methods, tuple(map(str.lower, headers)), exposed, _read_max_age(element))


def _check(name: str, value: str, legal: bool, *, stars: int = 0) -> None:
    if not value or not legal or value.count("*") > stars:
        shown = value[:128].encode("unicode_escape").decode()
        raise INVALID_ARGUMENT(f"{name} is not valid in a CORS rule.", ArgumentName=name, ArgumentValue=shown)


def _read_max_age(rule: Element) -> int | None:
    if not find_text(rule, "MaxAgeSeconds"):
        return None
    return find_number(rule, "MaxAgeSeconds", most=CORS_MAX_AGE_S, wrong=INVALID_ARGUMENT)


# --- matching --------------------------------------------------------------------------------------------------------


def preflight_headers(cors: Cors, origin: str, method: str, requested: str | None) -> tuple[RawHeader, ...] | None:
    """What a preflight is answered; None if no rule allows it.

    Args:
        method: of the request to come.
        requested: Access-Control-Request-Headers, if it was sent; within the limits of `preflight.py`.
    """
    names = [name.strip() for name in (requested or "").split(",") if name.strip()]
    asked = frozenset(map(str.lower, names))
    if not all(map(_TOKEN.issuperset, asked)):
        return None
    for rule in cors.rules:
        if method in rule.methods and _allows_origin(rule, origin) and _allows_headers(rule.headers, asked):
            allowed = [(b"access-control-allow-headers", ", ".join(names).encode())] if names else []
            return (*_origin_headers(rule, origin, cors.vary), *allowed, *_shared_headers(rule))
    return None


def sharing_headers(text: str, origin: str | None, method: str) -> tuple[RawHeader, ...]:
    """What any other reply carries, so that a page of `origin` may read it; nothing that allows if no rule does.

    Args:
        text: the stored document.
    """
    if origin is None or len(origin) > _REMEMBERED_ORIGIN_CHARS:
        return _sharing_headers(from_json(text), origin, method)
    return _remembered_headers(text, origin, method)


@lru_cache(maxsize=1024)
def _remembered_headers(text: str, origin: str, method: str) -> tuple[RawHeader, ...]:
    return _sharing_headers(from_json(text), origin, method)


def _sharing_headers(cors: Cors, origin: str | None, method: str) -> tuple[RawHeader, ...]:
    if origin is not None:
        for rule in cors.rules:
            if method in rule.methods and _allows_origin(rule, origin):
                return (*_origin_headers(rule, origin, cors.vary), *_shared_headers(rule))
    return (_VARY,) if cors.vary else ()


def _origin_headers(rule: CorsRule, origin: str, vary: bool) -> tuple[RawHeader, ...]:
    """A rule for everybody says so; another names the one origin, which no cache may give to a second one."""
    if "*" in rule.origins:
        return ((b"access-control-allow-origin", b"*"), *((_VARY,) if vary else ()))
    return ((b"access-control-allow-origin", origin.encode()), _VARY)


def _shared_headers(rule: CorsRule) -> list[RawHeader]:
    headers = [(b"access-control-allow-methods", ", ".join(rule.methods).encode())]
    if rule.exposed:
        headers.append((b"access-control-expose-headers", ", ".join(rule.exposed).encode()))
    if rule.max_age_s is not None:
        headers.append((b"access-control-max-age", b"%d" % rule.max_age_s))
    return headers


def _allows_origin(rule: CorsRule, origin: str) -> bool:
    legal = len(origin) <= CORS_ORIGIN_MAX_CHARS and origin.isascii() and origin.isprintable()
    return legal and any(_fits(pattern, origin) for pattern in rule.origins)


def _allows_headers(headers: tuple[str, ...], asked: frozenset[str]) -> bool:
    """Whether a rule's headers cover all names. Those without a `*` are looked up; only the others are gone through."""
    literal, patterns = _sorted_headers(headers)
    return "*" in patterns or all(any(_fits(pattern, name) for pattern in patterns) for name in asked - literal)


@lru_cache(maxsize=256)
def _sorted_headers(headers: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """A rule's headers in lower case, each once: plain names, and patterns."""
    folded = frozenset(map(str.lower, headers))
    patterns = tuple(sorted(header for header in folded if "*" in header))
    return folded.difference(patterns), patterns


def _fits(pattern: str, text: str) -> bool:
    """With at most one `*` a pattern is a beginning and an end."""
    start, star, end = pattern.partition("*")
    if not star:
        return text == pattern
    return len(text) >= len(start) + len(end) and text.startswith(start) and text.endswith(end)
