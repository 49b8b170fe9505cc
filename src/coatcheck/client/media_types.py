"""What a file is, for browsers: by its name, and for texts by their first bytes."""

from __future__ import annotations

import codecs
import mimetypes
from typing import Final

SAMPLE_BYTES: Final = 1024**2  # of a text, to see whether it is UTF-8
_COMPRESSED_TYPES: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
# What people read, and systems have no type for, or one that browsers save instead of showing.
_TEXTS: Final = frozenset(["cfg", "conf", "env", "ini", "log", "properties", "toml", "yaml", "yml"])


def guess_type(name: str, sample: bytes = b"", *, whole: bool = True) -> str:
    """A file's name -> its media type; "a.tar.gz" is gzip, since that is what the bytes are.

    Args:
        sample: the file's first bytes: a text that is UTF-8 gets "; charset=utf-8", because browsers take it for
            something else otherwise.
        whole: the sample is the whole file; else it may end within a character.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _TEXTS:
        kind: str | None = "text/plain"
    elif extension == "md":
        kind = "text/markdown"
    else:
        kind, encoding = mimetypes.guess_type(name, strict=False)
        if encoding:
            return _COMPRESSED_TYPES.get(encoding, "application/octet-stream")
    if kind is not None and kind.startswith("text/") and sample and _is_utf8(sample, whole):
        return f"{kind}; charset=utf-8"
    return kind or "application/octet-stream"


def _is_utf8(sample: bytes, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True
