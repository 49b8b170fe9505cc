"""A file name -> the Content-Disposition that makes a browser save under it. Source: RFC 6266; RFC 8187, 3.2."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

_ATTR_CHARACTERS: Final = "!#$&+-.^_`|~"  # RFC 8187 attr-char, beside letters and digits: these stay bare
_NOT_QUOTED: Final = frozenset('"\\%')  # would end or escape the quoted string, or be decoded by some browsers


def write_disposition(file_name: str, *, inline: bool = False) -> str:
    """ "名字.pdf" -> an attachment with an ASCII name for old clients and the real one as filename*.

    Args:
        inline: the browser shows it, if it can; the name is for saving it then.

    Raises:
        ValueError: the name is empty, holds a path separator or a control character, or isn't Unicode text.
    """
    if not file_name or file_name.strip() != file_name:
        raise ValueError("a file name to download as must not be empty, nor begin or end with a space")
    if any(character in "/\\" or ord(character) < 32 or ord(character) == 127 for character in file_name):
        raise ValueError(f"a file name to download as must not hold a slash or a control character: {file_name!r}")
    fallback = "".join("_" if not c.isascii() or c in _NOT_QUOTED else c for c in file_name)
    kind = "inline" if inline else "attachment"
    if fallback == file_name:
        return f'{kind}; filename="{file_name}"'
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(file_name, safe=_ATTR_CHARACTERS)}"
