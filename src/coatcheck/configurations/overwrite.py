"""Which objects may not be overwritten, and which callers may not do so. Pure.

Source: OSS API reference, PutBucketOverwriteConfig, GetBucketOverwriteConfig, DeleteBucketOverwriteConfig.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.access.policy import EVERYBODY, read_principal
from coatcheck.core.errors import INVALID_ARGUMENT, OssError
from coatcheck.core.limits import OVERWRITE_ID_MAX_BYTES, OVERWRITE_RULES_MAX, OVERWRITE_TEXT_MAX_CHARS
from coatcheck.core.wildcards import Wildcards
from coatcheck.core.xml import Node

from .elements import find_one, find_text, find_texts, malformed, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "overwrite"
ROOT: Final = "OverwriteConfiguration"
SHAPE: Final = texts(Rule=texts("ID", "Action", "Prefix", "Suffix", Principals=texts("Principal")))

_FORBID: Final = "forbid"  # the only action there is


class Rule(Struct, frozen=True):
    """Keys with this prefix and suffix are not overwritten by `principals`, patterns of `Caller.names`; by nobody, if
    there are none."""

    rule_id: str
    prefix: str = ""
    suffix: str = ""
    principals: tuple[str, ...] = ()

    def forbids(self, key: str, names: Collection[str]) -> bool:
        return key.startswith(self.prefix) and key.endswith(self.suffix) and self._means(names)

    def _means(self, names: Collection[str]) -> bool:
        if not self.principals or EVERYBODY in self.principals:
            return True
        return any(_means(pattern, name) for pattern in self.principals for name in names)


class OverwriteRules(Struct, frozen=True):
    rules: tuple[Rule, ...] = ()

    def forbids(self, key: str, names: Collection[str]) -> bool:
        """Whether an object of that key may not be replaced by somebody of those names (`Caller.names`)."""
        return any(rule.forbids(key, names) for rule in self.rules)


def read(document: Element) -> OverwriteRules:
    """An OverwriteConfiguration, each rule with an id. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    elements = document.findall("Rule")
    if not 1 <= len(elements) <= OVERWRITE_RULES_MAX:
        raise malformed(f"It needs 1 to {OVERWRITE_RULES_MAX} rules.")
    rules = tuple(map(_read_rule, elements))
    if len({rule.rule_id for rule in rules}) != len(rules):
        raise _bad("Each rule needs an ID of its own.", "ID", "")
    return OverwriteRules(rules)


def write(value: OverwriteRules) -> list[Node]:
    return [("Rule", _rule_nodes(rule)) for rule in value.rules]


def to_json(value: OverwriteRules) -> str:
    return write_stored(value)


@lru_cache(maxsize=256)
def from_json(text: str) -> OverwriteRules:
    return read_stored(OverwriteRules, text)


def _means(pattern: str, name: str) -> bool:
    return pattern == name or ("*" in pattern and Wildcards(pattern).match(name))


def _read_rule(element: Element) -> Rule:
    if need_text(element, "Action") != _FORBID:
        raise malformed(f"Action must be {_FORBID}.")
    rule_id = find_text(element, "ID") or secrets.token_hex(16)
    if len(rule_id.encode()) > OVERWRITE_ID_MAX_BYTES:
        raise _bad(f"The ID of a rule has at most {OVERWRITE_ID_MAX_BYTES} bytes.", "ID", rule_id)
    return Rule(rule_id, _read_end(element, "Prefix"), _read_end(element, "Suffix"), _read_principals(element))


def _read_end(element: Element, name: str) -> str:
    text = find_text(element, name, trimmed=False) or ""
    if len(text) > OVERWRITE_TEXT_MAX_CHARS:
        raise _bad(f"{name} has at most {OVERWRITE_TEXT_MAX_CHARS} characters.", name, text)
    return text


def _read_principals(element: Element) -> tuple[str, ...]:
    found = find_one(element, "Principals")
    if found is None:
        return ()
    names = tuple(text.strip() for text in find_texts(found, "Principal"))
    if not all(names):
        raise malformed("A Principal must not be empty.")
    try:
        return tuple(map(read_principal, names))
    except ValueError as error:
        raise _bad(f"Principal: {error}.", "Principal", "") from None


def _rule_nodes(rule: Rule) -> list[Node]:
    nodes: list[Node] = [("ID", rule.rule_id), ("Action", _FORBID), ("Prefix", rule.prefix), ("Suffix", rule.suffix)]
    principals: list[Node] = [("Principal", name) for name in rule.principals]
    return [*nodes, ("Principals", principals)] if principals else nodes


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
