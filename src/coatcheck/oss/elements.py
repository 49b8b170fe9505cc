"""Reading the elements of a configuration document, strictly: none is there twice, and each has the form it needs."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree.ElementTree import Element

from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML, OssError


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


def find_switch(parent: Element, name: str, *, default: bool = False) -> bool:
    """ "true" or "false" in any case, since oss2 sends Python's own. Raises: OssError MALFORMED_XML."""
    text = find_text(parent, name)
    if not text:
        return default
    if text.lower() not in ("true", "false"):
        raise malformed(f"{name} must be true or false.")
    return text.lower() == "true"


def find_number(parent: Element, name: str, *, least: int = 0, most: int = 2**31 - 1) -> int | None:
    """A whole number. Raises: OssError MALFORMED_XML (not a number), INVALID_ARGUMENT (out of bounds)."""
    text = find_text(parent, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise malformed(f"{name} must be a whole number.")
    number = int(text)
    if not least <= number <= most:
        raise INVALID_ARGUMENT(f"{name} must be between {least} and {most}.", ArgumentName=name, ArgumentValue=text)
    return number


def find_choice(parent: Element, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, spelled exactly so. Raises: OssError INVALID_ARGUMENT."""
    text = find_text(parent, name)
    if text is not None and text not in choices:
        raise INVALID_ARGUMENT(
            f"{name} must be one of {', '.join(choices)}.", ArgumentName=name, ArgumentValue=text[:128]
        )
    return text


def write_switch(value: bool) -> str:
    return "true" if value else "false"


def malformed(why: str) -> OssError:
    return MALFORMED_XML(f"{MALFORMED_XML.message} {why}")
