"""How many rows a page has, as a client asks for it."""

from __future__ import annotations

from typing import Final

from .errors import INVALID_ARGUMENT
from .limits import LINK_PAGE_MAX

_PAGE: Final = 100


def read_page_size(text: str | None, default: int = _PAGE) -> int:
    """Raises: OssError INVALID_ARGUMENT."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LINK_PAGE_MAX):
        raise INVALID_ARGUMENT(f"limit has to be a whole number from 1 to {LINK_PAGE_MAX}.", ArgumentName="limit")
    return int(text)
