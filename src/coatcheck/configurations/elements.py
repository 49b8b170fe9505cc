"""Reading the elements of a document, strictly: none is there that isn't known, none twice, each has the form it needs.

The only readers of switches, numbers and lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct, field

from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML, Fault, OssError


class Shape(Struct, frozen=True):
    """What may stand in an element; `open`: anything.

    Any other is refused: a slip such as `RefererLst` would leave open what somebody meant to close, and nobody would
    see it.
    """

    children: Mapping[str, Shape] = field(default_factory=dict)
    open: bool = False

    def check(self, element: Element) -> None:
        """Raises: OssError MALFORMED_XML, which names the element that isn't known."""
        if self.open:
            return
        if self.children and any(text and not text.isspace() for text in (element.text, *(e.tail for e in element))):
            raise malformed(f"{element.tag} holds elements, and no text.")
        for child in element:
            shape = self.children.get(child.tag)
            if shape is None:
                raise malformed(f"There is no element {str(child.tag)[:128]} in {element.tag}.")
            shape.check(child)


_TEXT: Final = Shape()
ANYTHING: Final = Shape(open=True)


def texts(*names: str, **others: Shape) -> Shape:
    """The shape of an element that holds texts of those names, and others of a shape of their own."""
    return Shape({**dict.fromkeys(names, _TEXT), **others})


def find_one(parent: Element, name: str) -> Element | None:
    """The child of that name. Raises: OssError MALFORMED_XML, if there are several."""
    found = parent.findall(name)
    if len(found) > 1:
        raise malformed(f"{name} may be given once.")
    return found[0] if found else None


def need_one(parent: Element, name: str) -> Element:
    """Raises: OssError MALFORMED_XML, if there is none or several."""
    found = find_one(parent, name)
    if found is None:
        raise malformed(f"{parent.tag} needs {name}.")
    return found


def find_text(parent: Element, name: str, *, trimmed: bool = True) -> str | None:
    """The text of the child of that name; None if there is none. Raises: OssError MALFORMED_XML."""
    found = find_one(parent, name)
    if found is None:
        return None
    if len(found):
        raise malformed(f"{name} must hold text alone.")
    text = found.text or ""
    return text.strip() if trimmed else text


def need_text(parent: Element, name: str) -> str:
    """A text that must be there and not empty. Raises: OssError MALFORMED_XML."""
    text = find_text(parent, name)
    if not text:
        raise malformed(f"{parent.tag} needs {name}.")
    return text


def find_texts(parent: Element, name: str) -> tuple[str, ...]:
    """The texts of all children of that name, untrimmed; "" for an empty one."""
    return tuple(child.text or "" for child in parent.findall(name))


def find_switch(parent: Element, name: str, *, default: bool = False) -> bool:
    """ "true" or "false" in any case, since oss2 sends Python's own. Raises: OssError MALFORMED_XML."""
    text = find_text(parent, name)
    return _read_switch(text, name) if text else default


def find_given_switch(parent: Element, name: str) -> bool | None:
    """The same, but None if it isn't there."""
    return None if find_one(parent, name) is None else find_switch(parent, name)


def need_switch(parent: Element, name: str) -> bool:
    """One that must be there. Raises: OssError MALFORMED_XML."""
    return _read_switch(find_text(parent, name) or "", name)


def _read_switch(text: str, name: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise malformed(f"{name} must be true or false.")
    return text.lower() == "true"


def find_number(
    parent: Element, name: str, *, least: int = 0, most: int = 2**31 - 1, wrong: Fault = MALFORMED_XML
) -> int | None:
    """A whole number. Raises: OssError `wrong` (not a number), INVALID_ARGUMENT (out of bounds)."""
    text = find_text(parent, name)
    if text is None:
        return None
    digits = text.isascii() and text.isdigit() and len(text) <= 19
    if not digits and wrong is MALFORMED_XML:
        raise malformed(f"{name} must be a whole number.")
    if not digits or not least <= int(text) <= most:
        raise INVALID_ARGUMENT(
            f"{name} must be between {least} and {most}.", ArgumentName=name, ArgumentValue=text[:32]
        )
    return int(text)


def find_choice(parent: Element, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, spelled exactly so; an empty element, as OSS's Go SDK V2 sends for what isn't set, is none.

    Raises: OssError INVALID_ARGUMENT.
    """
    text = find_text(parent, name) or None
    if text is not None and text not in choices:
        raise INVALID_ARGUMENT(
            f"{name} must be one of {', '.join(choices)}.", ArgumentName=name, ArgumentValue=text[:128]
        )
    return text


def need_choice(parent: Element, name: str, choices: Collection[str]) -> str:
    """The same where one has to be given. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    need_text(parent, name)
    text = find_choice(parent, name, choices)
    assert text is not None
    return text


def write_switch(value: bool) -> str:
    return "true" if value else "false"


def malformed(why: str) -> OssError:
    return MALFORMED_XML(f"{MALFORMED_XML.message} {why}")
