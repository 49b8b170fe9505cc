"""Small XML documents: written from pairs, read without DTD, entities or surprises.

Never a namespace on replies: three official SDKs stop reading when they meet one. Requests may come with any namespace
or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.limits import XML_MAX_DEPTH

XML_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'

# What XML 1.0 has no form for: control characters but tab, newline, return; surrogates; the two non-characters.
_FORBIDDEN: Final = {
    **{code: None for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)},
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
    0xFFFE: 0xFFFD,
    0xFFFF: 0xFFFD,
}
_ESCAPES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", 0x0D: "&#13;"}
_TEXT_TABLE: Final[dict[int, Any]] = {**_FORBIDDEN, **_ESCAPES}
# The same with references to what XML 1.0 forbids, for names that must come back: OSS writes control characters so, and
# SDKs read them.
_CONTROLS: Final = (*(code for code in _FORBIDDEN if 0 < code < 0x20), 0xFFFE, 0xFFFF)
_NAME_TABLE: Final[dict[int, Any]] = {**_TEXT_TABLE, **{code: f"&#x{code:X};" for code in _CONTROLS}}

# Those characters as references, as SDKs V2 write keys that hold them, or as they are; and what the parser sees
# instead: the end of the last private plane, which is text of nobody's.
_CONTROL: Final = re.compile(
    rb"&#(?:x0*([0-9A-Fa-f]{1,4})|0*([0-9]{1,5}));|([\x01-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf])"
)
_STAND_IN: Final = {code: 0x10FF00 + code % 0xFF00 for code in _CONTROLS}
_STAND_INS: Final = {stand_in: code for code, stand_in in _STAND_IN.items()}

Content = str | int | Sequence["Node"]
Node = tuple[str, Content]


def write_xml(root: str, children: Iterable[Node], *, controls: bool = False) -> bytes:
    """A document from (name, text) and (name, children) pairs, in the order given.

    Args:
        controls: it has names that must come back as they are: characters that XML 1.0 can't carry are written as
            references, which lenient readers take. Else they are dropped, and every reader takes the document.
    """
    parts = [XML_DECLARATION]
    _write(parts, (root, tuple(children)), "", _NAME_TABLE if controls else _TEXT_TABLE)
    return "".join(parts).encode("utf-8", "replace")


def escape_text(text: str, table: dict[int, Any]) -> str:
    """Text for an element."""
    return text if text.isalnum() and text.isascii() else text.translate(table)


def _write(parts: list[str], node: Node, indent: str, table: dict[int, Any]) -> None:
    name, content = node
    if isinstance(content, (str, int)):
        parts.append(f"{indent}<{name}>{escape_text(str(content), table)}</{name}>\n")
    elif not content:
        parts.append(f"{indent}<{name}></{name}>\n")
    else:
        parts.append(f"{indent}<{name}>\n")
        for child in content:
            _write(parts, child, indent + "  ", table)
        parts.append(f"{indent}</{name}>\n")


class _Builder(TreeBuilder):
    """Drops namespaces and refuses documents nested deeper than any of OSS's."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self._depth += 1
        if self._depth > XML_MAX_DEPTH:
            raise MALFORMED_XML(f"{MALFORMED_XML.message} It is nested deeper than {XML_MAX_DEPTH} elements.")
        return super().start(tag.rpartition("}")[2], {})

    def end(self, tag: Any, /) -> Any:
        self._depth -= 1
        return super().end(tag.rpartition("}")[2])


def read_xml(document: bytes, root: str, *, controls: bool = False) -> Element:
    """Parse an untrusted document whose root must be named `root`.

    Args:
        controls: texts may hold characters that XML 1.0 has no form for, as references or as they are.

    Raises:
        OssError: MALFORMED_XML, for anything else than well-formed XML without a DTD.
    """
    replaced = 0
    if controls and b"\0" not in document:
        document, replaced = _hide_controls(document)
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(document)
        element = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise MALFORMED_XML() from error
    if not isinstance(element, Element) or element.tag != root:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} The root element must be {root}.")
    if replaced:
        _show_controls(element, replaced)
    return element


def _hide_controls(document: bytes) -> tuple[bytes, int]:
    """The document with stand-ins for what the parser refuses, and how many those are."""
    replaced = 0

    def hide(found: re.Match[bytes]) -> bytes:
        nonlocal replaced
        code = _code_of(found)
        if code not in _STAND_IN:
            return found[0]
        replaced += 1
        return b"&#%d;" % _STAND_IN[code]

    return _CONTROL.sub(hide, document), replaced


def _code_of(found: re.Match[bytes]) -> int:
    hexadecimal, decimal, plain = found.groups()
    if plain is not None:
        return ord(plain.decode())
    return int(decimal) if hexadecimal is None else int(hexadecimal, 16)


def _show_controls(element: Element, replaced: int) -> None:
    """Put the characters back. Raises: OssError MALFORMED_XML, if a stand-in is the document's own or outside texts."""
    found = 0
    for each in element.iter():
        text = each.text or ""
        found += sum(ord(character) in _STAND_INS for character in text)
        each.text = text.translate(_STAND_INS)
    if found != replaced:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} Only texts may refer to control characters.")
