"""What a downloaded file is called. The name comes from strangers, so only a plain file name is left of it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

NAME_MAX_BYTES: Final = 240  # file systems take 255; ".part.json.new" must fit behind it
NAMELESS: Final = "download"

_EXTENDED: Final = re.compile(r"filename\*\s*=\s*([^'\s;]*)'[^';]*'([^;\s]+)", re.IGNORECASE)
_QUOTED: Final = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_TOKEN: Final = re.compile(r"filename\s*=\s*([^;\"\s]+)", re.IGNORECASE)


def read_disposition_name(header: str) -> str | None:
    """The file name in a Content-Disposition header, as sent, or None; filename* comes first (RFC 6266, 4.3)."""
    if found := _EXTENDED.search(header):
        charset, encoded = found.groups()
        if charset.lower() in ("utf-8", "iso-8859-1"):
            return unquote_to_bytes(encoded).decode(charset, "replace")
    if found := _QUOTED.search(header):
        return re.sub(r"\\(.)", r"\1", found[1])
    if found := _TOKEN.search(header):
        return found[1]
    return None


def read_url_name(url: str) -> str:
    """The last part of a URL's path, decoded."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def make_safe_name(name: str) -> str:
    """Any text -> a name for a new file in the current directory.

    No directories (of either slash), no control or invisible characters, no leading dot (a stranger may not write
    .bashrc), never longer than a file system takes; the extension survives. "download" when nothing is left.
    """
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    visible = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    return _shorten(visible.strip().lstrip(". ")) or NAMELESS


def _shorten(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= NAME_MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = f"{dot}{extension}".encode() if stem and len(extension) <= 16 else b""
    return (encoded[: NAME_MAX_BYTES - len(tail)] + tail).decode(errors="ignore")
