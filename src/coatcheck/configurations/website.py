"""A bucket's website: read, stored, written, and asked what to serve. Pure.

A path is answered in this order: a routing rule that needs no error; the object itself (of a directory: its index);
and where that isn't there, a routing rule for the error, the index of the directory of that name, the error page.
Source: OSS API reference, PutBucketWebsite; static website hosting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.author import Author
from coatcheck.core.errors import INVALID_ARGUMENT, NOT_IMPLEMENTED, OBJECT_NAME_TOO_LONG, OssError
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES, WEBSITE_HEADERS_MAX, WEBSITE_RULES_MAX
from coatcheck.core.percent import encode_path
from coatcheck.core.xml import Node

from .elements import (
    find_choice,
    find_given_switch,
    find_number,
    find_one,
    find_switch,
    find_text,
    malformed,
    need_one,
    need_text,
    texts,
    write_switch,
)
from .mirror import CHILDREN, Mirror, mirror_nodes, read_mirror
from .stored import read_stored, write_stored

NAME: Final = "website"
ROOT: Final = "WebsiteConfiguration"

_ROUTING_RULE: Final = texts(
    "RuleNumber",
    Condition=texts(
        *("KeyPrefixEquals", "KeySuffixEquals", "HttpErrorCodeReturnedEquals"),
        IncludeHeader=texts("Key", "Equals", "StartsWith", "EndsWith"),
    ),
    Redirect=texts(
        *("EnableReplacePrefix", "HostName", "HttpRedirectCode", "PassQueryString", "Protocol", "RedirectType"),
        *("ReplaceKeyPrefixWith", "ReplaceKeyWith"),
        **CHILDREN,
    ),
    LuaConfig=texts("Script"),
)
SHAPE: Final = texts(
    IndexDocument=texts("Suffix", "SupportSubDir", "Type"),
    ErrorDocument=texts("HttpStatus", "Key"),
    RoutingRules=texts(RoutingRule=_ROUTING_RULE),
)

_MISSING: Final = 404
_KEY: Final = "${key}"  # in ReplaceKeyWith
_REDIRECTS: Final = ("301", "302", "307")
_HOST_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")


class HeaderCondition(Struct, frozen=True):
    """A request header that a rule asks for; None for what it doesn't ask."""

    name: str
    equals: str | None
    starts_with: str | None
    ends_with: str | None

    def holds(self, headers: Mapping[str, str]) -> bool:
        value = headers.get(self.name.lower())
        if value is None:
            return False
        return (
            (self.equals is None or value == self.equals)
            and (self.starts_with is None or value.startswith(self.starts_with))
            and (self.ends_with is None or value.endswith(self.ends_with))
        )


class RoutingRule(Struct, frozen=True):
    """One rule. `kind` is External, AliCDN (the same by another name), Internal or Mirror, which alone has a `mirror`;
    empty texts ask for nothing."""

    number: int
    kind: str
    prefix: str | None = None
    suffix: str | None = None
    error: int | None = None
    headers: tuple[HeaderCondition, ...] = ()
    protocol: str | None = None
    host: str | None = None
    code: str | None = None
    pass_query: bool = False
    replace_key: str | None = None
    replace_prefix: str | None = None
    enable_replace_prefix: bool | None = None
    mirror: Mirror | None = None

    def fits(self, key: str, headers: Mapping[str, str], error: int | None) -> bool:
        return (
            (self.error is None or self.error == error)
            and key.startswith(self.prefix or "")
            and key.endswith(self.suffix or "")
            and all(condition.holds(headers) for condition in self.headers)
        )

    def new_key(self, key: str) -> str:
        """Where a key is sent. Raises: OssError OBJECT_NAME_TOO_LONG, before anything that long is made."""
        copies = (self.replace_key or "").count(_KEY)
        made = self.replace(key) if copies * len(key) <= OBJECT_KEY_MAX_BYTES else None
        if made is None or len(made) > OBJECT_KEY_MAX_BYTES:
            raise OBJECT_NAME_TOO_LONG()
        return made

    def replace(self, key: str) -> str:
        if self.replace_key is not None:
            return self.replace_key.replace(_KEY, key)
        if self.replace_prefix is not None and self.enable_replace_prefix is not False:
            return self.replace_prefix + key[len(self.prefix or "") :]
        return key


class Website(Struct, frozen=True):
    """A website. `sub_dir_type` says what a missing path without slash does: 0 redirects, 1 is missing, 2 serves.
    `author`: who set it up, where it mirrors."""

    index: str = ""
    sub_dirs: bool = False
    sub_dir_type: int = 0
    error_key: str = ""
    error_status: int = 404
    rules: tuple[RoutingRule, ...] = ()
    author: Author | None = None

    @property
    def mirrors(self) -> bool:
        return any(rule.mirror is not None for rule in self.rules)

    def index_key(self, key: str) -> str:
        """The object that a path stands for."""
        if not self.index or (key and not key.endswith("/")):
            return key
        return (key if self.sub_dirs else "") + self.index

    def find_rule(self, key: str, headers: Mapping[str, str], error: int | None) -> RoutingRule | None:
        return next((rule for rule in self.rules if rule.fits(key, headers, error)), None)

    def find_mirror(self, key: str, headers: Mapping[str, str]) -> RoutingRule | None:
        """The rule by which a missing object is fetched."""
        rules = (rule for rule in self.rules if rule.mirror is not None)
        return next((rule for rule in rules if rule.fits(key, headers, _MISSING)), None)


def location(rule: RoutingRule, key: str, *, host: str, secure: bool, query: str) -> str:
    """Where a rule sends the client.

    Args:
        host, secure: of the request, for what the rule leaves open.
        query: the request's, passed on if the rule says so.
    """
    scheme = rule.protocol or ("https" if secure else "http")
    passed = f"?{query}" if rule.pass_query and query else ""
    return f"{scheme}://{rule.host or host}/{encode_path(rule.new_key(key))}{passed}"


# --- the document ----------------------------------------------------------------------------------------------------


def to_json(website: Website) -> str:
    return write_stored(website)


@lru_cache(maxsize=256)
def from_json(text: str) -> Website:
    return read_stored(Website, text)


def read(document: Element) -> Website:
    """A WebsiteConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT, NOT_IMPLEMENTED."""
    index, error, routing = (find_one(document, name) for name in ("IndexDocument", "ErrorDocument", "RoutingRules"))
    if index is None and error is None and routing is None:
        raise malformed("WebsiteConfiguration needs an IndexDocument, an ErrorDocument or RoutingRules.")
    website = Website()
    suffix, sub_dirs, kind = "", False, 0
    if index is not None:
        suffix = need_text(index, "Suffix")
        if "/" in suffix:
            raise _bad("The suffix of an index document holds no slash.", "Suffix", suffix)
        sub_dirs = find_switch(index, "SupportSubDir")
        kind = int(find_choice(index, "Type", ("0", "1", "2")) or 0)
    error_key, status = "", 404
    if error is not None:
        error_key = need_text(error, "Key")
        status = int(find_choice(error, "HttpStatus", ("200", "404")) or website.error_status)
    return Website(suffix, sub_dirs, kind, error_key, status, () if routing is None else _read_rules(routing))


def write(website: Website) -> list[Node]:
    nodes: list[Node] = []
    if website.index:
        nodes.append(
            (
                "IndexDocument",
                (
                    ("Suffix", website.index),
                    ("SupportSubDir", write_switch(website.sub_dirs)),
                    ("Type", website.sub_dir_type),
                ),
            )
        )
    if website.error_key:
        nodes.append(("ErrorDocument", (("Key", website.error_key), ("HttpStatus", website.error_status))))
    if website.rules:
        nodes.append(("RoutingRules", tuple(("RoutingRule", tuple(_rule_nodes(rule))) for rule in website.rules)))
    return nodes


def _read_rules(routing: Element) -> tuple[RoutingRule, ...]:
    elements = routing.findall("RoutingRule")
    if len(elements) > WEBSITE_RULES_MAX:
        raise _bad(f"There may be {WEBSITE_RULES_MAX} routing rules.", "RoutingRules", str(len(elements)))
    rules = tuple(sorted(map(_read_rule, elements), key=lambda rule: rule.number))
    if len({rule.number for rule in rules}) != len(rules):
        raise _bad("Each routing rule needs a number of its own.", "RuleNumber", "")
    return rules


def _read_rule(element: Element) -> RoutingRule:
    number = find_number(element, "RuleNumber", least=1)
    if number is None:
        raise malformed("RoutingRule needs a RuleNumber.")
    if find_one(element, "LuaConfig") is not None:
        raise NOT_IMPLEMENTED("Routing rules with LuaConfig are not built.", Header="LuaConfig")
    condition, redirect = need_one(element, "Condition"), need_one(element, "Redirect")
    kind = need_text(redirect, "RedirectType")
    if kind not in ("External", "AliCDN", "Internal", "Mirror"):
        raise _bad("RedirectType must be Mirror, External, Internal or AliCDN.", "RedirectType", kind)
    rule = RoutingRule(
        number,
        kind,
        find_text(condition, "KeyPrefixEquals"),
        find_text(condition, "KeySuffixEquals"),
        find_number(condition, "HttpErrorCodeReturnedEquals", least=400, most=599),
        tuple(_read_headers(condition)),
        find_choice(redirect, "Protocol", ("http", "https")),
        find_text(redirect, "HostName") or None,
        find_choice(redirect, "HttpRedirectCode", _REDIRECTS),
        find_switch(redirect, "PassQueryString"),
        find_text(redirect, "ReplaceKeyWith"),
        find_text(redirect, "ReplaceKeyPrefixWith"),
        find_given_switch(redirect, "EnableReplacePrefix"),
        read_mirror(redirect) if kind == "Mirror" else None,
    )
    if rule.mirror is not None and rule.error != _MISSING:
        raise _bad("Mirroring needs HttpErrorCodeReturnedEquals 404.", "HttpErrorCodeReturnedEquals", str(rule.error))
    if rule.replace_key is not None and rule.replace_prefix is not None:
        raise _bad("ReplaceKeyWith and ReplaceKeyPrefixWith exclude each other.", "ReplaceKeyWith", rule.replace_key)
    if rule.host is not None and not _HOST_CHARACTERS.issuperset(rule.host):
        raise _bad("HostName must be the name of a host.", "HostName", rule.host)
    if kind in ("External", "AliCDN") and not rule.host and rule.protocol is None and rule.replace("\0") == "\0":
        raise _bad("A redirect must change something of the address.", "Redirect", kind)
    return rule


def _read_headers(condition: Element) -> Iterator[HeaderCondition]:
    elements = condition.findall("IncludeHeader")
    if len(elements) > WEBSITE_HEADERS_MAX:
        raise _bad(f"There may be {WEBSITE_HEADERS_MAX} IncludeHeader.", "IncludeHeader", str(len(elements)))
    for element in elements:
        yield HeaderCondition(
            need_text(element, "Key"),
            find_text(element, "Equals"),
            find_text(element, "StartsWith"),
            find_text(element, "EndsWith"),
        )


def _rule_nodes(rule: RoutingRule) -> Iterator[Node]:
    yield "RuleNumber", rule.number
    condition: list[Node] = [
        *_given(("KeyPrefixEquals", rule.prefix), ("KeySuffixEquals", rule.suffix)),
        *_given(("HttpErrorCodeReturnedEquals", rule.error)),
    ]
    for header in rule.headers:
        asked = _given(("Equals", header.equals), ("StartsWith", header.starts_with), ("EndsWith", header.ends_with))
        condition.append(("IncludeHeader", (("Key", header.name), *asked)))
    yield "Condition", tuple(condition)
    replace = None if rule.enable_replace_prefix is None else write_switch(rule.enable_replace_prefix)
    yield (
        "Redirect",
        (
            ("RedirectType", rule.kind),
            ("PassQueryString", write_switch(rule.pass_query)),
            *_given(
                ("Protocol", rule.protocol),
                ("HostName", rule.host),
                ("HttpRedirectCode", rule.code),
                ("ReplaceKeyWith", rule.replace_key),
                ("ReplaceKeyPrefixWith", rule.replace_prefix),
                ("EnableReplacePrefix", replace),
            ),
            *(() if rule.mirror is None else mirror_nodes(rule.mirror)),
        ),
    )


def _given(*pairs: tuple[str, str | int | None]) -> list[Node]:
    return [(name, value) for name, value in pairs if value is not None]


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
