"""The members of an archive, held in little memory: some 60 bytes each, and their keys.

100,000 members with keys of 60 bytes are 13 MB, and 8 more while their names are given out, whatever their sizes. They
are held, and not listed anew page by page while they are sent, since the end of a ZIP file says again what stands
before each member: the whole of it has to be one state of the bucket, or it is no archive.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from struct import pack
from typing import Final, NamedTuple

_END: Final = b"\xff"  # a byte that no text in UTF-8 has
_FORM: Final = b"zip 1"  # goes into each archive's ETag: another layout of the same members is another file


class Member(NamedTuple):
    """One object, as it was when the archive was put together.

    Attributes:
        bucket: its number among the archive's buckets.
        version_id: None for the current one.
        name: in the archive; ends with "/" for an empty folder.
        size: bytes.
        etag, modified: of the object, and Unix seconds.
    """

    bucket: int
    key: str
    version_id: str | None
    name: str
    size: int
    etag: str
    modified: int


class Members:
    """Members in the order in which they come. Added first, then read."""

    def __init__(self) -> None:
        self._texts = bytearray()
        self._ends = array("Q")
        self._name_sizes = array("H")
        self._sizes = array("Q")
        self._modified = array("q")
        self._buckets = array("H")
        self._digest = blake2b(_FORM, digest_size=16)

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def held_bytes(self) -> int:
        """About what they take, with what a layout of them adds."""
        return len(self._texts) + 64 * len(self._ends)

    def add(self, member: Member) -> None:
        bucket, key, version_id, name, size, etag, modified = member
        version = b"" if version_id is None else b"=" + version_id.encode()
        held_name = b"%d" % (len(key) - len(name)) if key.endswith(name) else b"/" + name.encode()
        text = _END.join((key.encode(), version, held_name, etag.encode()))
        self._texts += text
        self._name_sizes.append(len(name.encode()))
        self._ends.append(len(self._texts))
        self._sizes.append(size)
        self._modified.append(modified)
        self._buckets.append(bucket)
        self._digest.update(pack("<IHQq", len(text), bucket, size, modified) + text)

    def note_bucket(self, bucket_id: int) -> None:
        """A bucket is part of what the archive is."""
        self._digest.update(pack("<Q", bucket_id))

    def etag(self) -> str:
        """A strong one: other members, or other bytes of one, and it is another. 32 upper-case hex digits."""
        return self._digest.hexdigest().upper()

    def size(self, number: int) -> int:
        return self._sizes[number]

    def name_size(self, number: int) -> int:
        """Of the name, bytes."""
        return self._name_sizes[number]

    def modified(self, number: int) -> int:
        """Unix seconds."""
        return self._modified[number]

    def name(self, number: int) -> bytes:
        """In the archive, as UTF-8."""
        key, _, name, _ = self._text(number)
        return _read_name(key, name)

    def is_folder(self, number: int) -> bool:
        return self._sizes[number] == 0 and self.name(number).endswith(b"/")

    def member(self, number: int) -> Member:
        key, version, name, etag = self._text(number)
        return Member(
            self._buckets[number],
            key.decode(),
            version[1:].decode() if version else None,
            _read_name(key, name).decode(),
            self._sizes[number],
            etag.decode(),
            self._modified[number],
        )

    def identity(self, number: int, bucket_id: int) -> bytes:
        """16 bytes that only this content of this object has."""
        key, version, _, etag = self._text(number)
        facts = pack("<QQq", bucket_id, self._sizes[number], self._modified[number])
        return blake2b(facts + _END.join((key, version, etag)), digest_size=16).digest()

    def _text(self, number: int) -> list[bytes]:
        start = self._ends[number - 1] if number else 0
        return bytes(self._texts[start : self._ends[number]]).split(_END)


def _read_name(key: bytes, name: bytes) -> bytes:
    if name.startswith(b"/"):
        return name[1:]
    return key.decode()[int(name) :].encode()
