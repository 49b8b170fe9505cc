"""What a file is: by its first bytes, and by what its sender says. Pure.

The table is of what people send: pictures, films, sound, PDF, archives. A type that has a row is believed only of bytes
that begin as the row says; of all others nothing is proved, so they are kept as bytes that no browser opens. Source:
WHATWG MIME Sniffing, 6 and 7; the formats' own specifications.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from typing import Final

from coatcheck.core.wildcards import Wildcards

HEAD_BYTES: Final = 512  # looked at
OCTETS: Final = "application/octet-stream"

_STARTS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt  ", "video/quicktime"),
    (4, b"ftypM4A ", "audio/mp4"),
    (4, b"ftypisom", "video/mp4"),
    (4, b"ftypiso2", "video/mp4"),
    (4, b"ftypmp41", "video/mp4"),
    (4, b"ftypmp42", "video/mp4"),
    (4, b"ftypavc1", "video/mp4"),
    (4, b"ftypM4V ", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (8, b"AVI LIST", "video/x-msvideo"),
    (8, b"WAVEfmt ", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_PROVED: Final = frozenset(kind for _, _, kind in _STARTS)
# What begins as another type does, being built on it.
_BUILT_ON: Final[dict[str, tuple[str, ...]]] = {
    "application/zip": (
        "application/vnd.openxmlformats-officedocument.*",
        "application/vnd.oasis.opendocument.*",
        "application/epub+zip",
    ),
    "video/webm": ("video/x-matroska", "audio/webm"),
    "video/mp4": ("audio/mp4", "video/quicktime"),
    "image/heif": ("image/heic", "image/avif"),
    "audio/ogg": ("video/ogg", "audio/opus"),
}
_SAME: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/x-pdf": "application/pdf",
}
_PLAIN: Final = frozenset({"text/plain", "text/csv", "text/markdown", "application/json"})
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f")
_BY_NAME: Final = mimetypes.MimeTypes()  # Python's own table, not the machine's
for _ending in ("webp", "heic", "avif"):
    _BY_NAME.add_type(f"image/{_ending}", f".{_ending}")
_BY_NAME.add_type("text/markdown", ".md")


def find_type(name: str, declared: str, head: bytes, allowed: Sequence[str]) -> str | None:
    """The media type that a file is kept with; OCTETS where it isn't proved, or none is wanted; None: it is refused.

    Args:
        declared: as its sender says; what says nothing is known by the name's end.
        head: its first bytes, HEAD_BYTES of them or all.
        allowed: media types, "image/*" among them; empty for any, of which none is kept.
    """
    if not allowed:
        return OCTETS
    claimed, found = _read_claim(name, declared), find_proved(head)
    if found is None and claimed in _PROVED:
        return None
    kind = claimed if found is None or _is_built_on(claimed, found) else found
    if not any(Wildcards(pattern.lower()).match(kind) for pattern in allowed):
        return None
    if found is not None or (kind in _PLAIN and _is_plain(head)):
        return kind
    return OCTETS


def find_proved(head: bytes) -> str | None:
    """The type whose files begin so; None if the table doesn't know."""
    for at, start, kind in _STARTS:
        if head.startswith(start, at):
            return kind
    return None


def _read_claim(name: str, declared: str) -> str:
    kind = declared.partition(";")[0].strip().lower()
    kind = _SAME.get(kind, kind)
    if _TYPE.fullmatch(kind) is None or kind in (OCTETS, "application/x-www-form-urlencoded"):
        guessed, encoding = _BY_NAME.guess_type(f"file.{name.rpartition('.')[2]}")
        kind = OCTETS if guessed is None or encoding is not None else guessed
    return kind


def _is_built_on(kind: str, found: str) -> bool:
    return any(Wildcards(pattern).match(kind) for pattern in _BUILT_ON.get(found, ()))


def _is_plain(head: bytes) -> bool:
    """Text that no browser takes for a page: not with "<" before all else."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < len(head) - 3:  # else only its last character is cut in two
            return False
    return not _CONTROLS & frozenset(head) and not head.lstrip(b"\xef\xbb\xbf \t\r\n\f").startswith(b"<")
