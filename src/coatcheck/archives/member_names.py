"""Object keys -> names in an archive that can be unpacked anywhere, and never outside of the folder it is unpacked in.

A key is any text; a name in an archive becomes a path on the disk of somebody who trusts us. So every part of it is a
plain file name on Linux, macOS and Windows; two names never mean the same file (also where case or Unicode's form makes
no difference), and no name is both a file and a folder. What is changed is changed the same way each time, from the
keys and their order alone: a download that is resumed finds the same names.
"""

from __future__ import annotations

import unicodedata
from hashlib import blake2b
from typing import Final

from coatcheck.core.limits import ARCHIVE_PART_MAX_BYTES, OBJECT_KEY_MAX_BYTES

_REPLACED: Final = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "_"),  # control characters
    **dict.fromkeys((0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "_"),
    **dict.fromkeys((*range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF), "_"),
    **{ord(letter): "_" for letter in '\\:*?"<>|'},  # Windows; ":" names drives and streams there
}
_DEVICES: Final = frozenset(
    (
        *("con", "prn", "aux", "nul", "conin$", "conout$"),
        *(f"{device}{number}" for device in ("com", "lpt") for number in "0123456789¹²³"),
    )
)
_SUFFIX_MAX_CHARS: Final = 16  # of a file name's extension, which a change leaves in its place


class MemberNames:
    """Names of one archive, given out one after the other.

    It remembers a number of 8 bytes for each name and folder, so it is kept while names are given out and no longer.
    """

    def __init__(self) -> None:
        self._files: set[int] = set()
        self._folders: set[int] = set()
        self._head = self._inner = (
            ""  # the folder of the last file, as it came and as it is named: often the next one's
        )

    def name(self, path: str) -> str:
        """The safe name of a key, or of what is left of it behind a prefix.

        A path that ends with "/" is an empty folder, whose name ends so too; "" where nothing is left of it, or the
        folder is there already.
        """
        is_folder = path.endswith("/")
        path = path[:OBJECT_KEY_MAX_BYTES]  # no key is longer; a ZIP says sizes of names in 16 bits
        if is_folder:
            count, folder = len(self._folders), self._folder(path)
            return folder if len(self._folders) > count else ""
        head, _, part = path.rpartition("/")
        if head != self._head:
            self._head, self._inner = head, self._folder(head)
        return self._take(self._inner, _safe_part(part), path) if part else ""

    def _folder(self, path: str) -> str:
        folder = ""
        for part in path.split("/"):
            if part:
                folder = self._enter(folder, _safe_part(part))
        return folder

    def _enter(self, folder: str, part: str) -> str:
        """A folder within a folder; where a file has its name another one, and the same for all that follows."""
        inner, digest = folder + part, b""
        while (number := _number(inner)) in self._files:
            digest = _digest(folder + part, digest)
            inner = folder + _marked(part, digest)
        self._folders.add(number)
        return inner + "/"

    def _take(self, folder: str, part: str, path: str) -> str:
        name, digest = folder + part, b""
        while (number := _number(name)) in self._files or number in self._folders:
            digest = _digest(path, digest)
            name = folder + _marked(part, digest)
        self._files.add(number)
        return name


def _safe_part(part: str) -> str:
    safe = part.translate(_REPLACED)
    if safe[-1] in ". ":  # Windows drops them; "." and ".." are among these
        safe = safe.rstrip(". ") + "_" * (len(safe) - len(safe.rstrip(". ")))
    if safe[0] == " ":
        safe = "_" + safe[1:]
    if safe.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        safe = "_" + safe
    if len(safe) > ARCHIVE_PART_MAX_BYTES // 4 and len(safe.encode()) > ARCHIVE_PART_MAX_BYTES:
        safe = _marked(safe, _digest(part, b""))
    return safe


def _marked(part: str, digest: bytes) -> str:
    """A name that says that it was changed, with its extension, and no longer than it may be."""
    stem, dot, suffix = part.rpartition(".")
    if not stem or len(suffix) > _SUFFIX_MAX_CHARS:
        stem, dot, suffix = part, "", ""
    tail = f"~{digest.hex()}{dot}{suffix}"
    room = ARCHIVE_PART_MAX_BYTES - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore") + tail


def _digest(path: str, before: bytes) -> bytes:
    return blake2b(path.encode("utf-8", "surrogatepass"), key=before, digest_size=4).digest()


def _number(name: str) -> int:
    """The same for all names that some file system takes for one."""
    folded = name.lower() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
    return int.from_bytes(blake2b(folded.encode(), digest_size=8).digest())
