"""What a backup consists of, with digests: `manifest.jsonl`, a JSON object a line.

    {"coatcheck_backup": 1, "snapshot": NAME, "source": UID, "made_at": UNIX_SECONDS, "keys_elsewhere": [NAME, ...]}
    {"file": PATH, "size": BYTES, "sha256": HEX}       below snapshots/NAME/: the catalog, keys, settings
    {"blob": NAME, "size": BYTES, "crc64": HEX}        below blobs/; sorted by name
    {"end": true, "files": N, "blobs": N, "bytes": N, "sha256": HEX}

The last line has the digest of all lines before it: without it there is no backup. The name of a blob's file is its id;
of an encrypted one with a digest of its header behind it (`ID.XXXXXXXX`), since a rotation of the master key changes
that and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ..blob_paths import sync_directory

NAME: Final = "manifest.jsonl"
SNAPSHOTS: Final = "snapshots"
BLOBS: Final = "blobs"
CATALOG: Final = "catalog.sqlite"
_FORM: Final = 1


class NoBackup(Exception):
    """There is no whole backup; the message says what is wrong."""


class Head(Struct, frozen=True):
    """Of which moment and data directory a backup is.

    Attributes:
        snapshot: name of the directory below snapshots/ that has the catalog and the keys.
        source: the root account's uid, by which the data directory is known again.
        made_at: Unix seconds: the moment of the catalog.
        keys_elsewhere: names of keys that the catalog needs and that came from the environment.
    """

    snapshot: str
    source: str
    made_at: int
    keys_elsewhere: tuple[str, ...] = ()


class KeptFile(NamedTuple):
    """A file of the snapshot."""

    path: str
    size: int
    sha256: str


class KeptBlob(NamedTuple):
    """A blob's file: its bytes as they lie on the disk, and their CRC-64."""

    name: str
    size: int
    crc64: int

    @property
    def blob_id(self) -> str:
        return self.name.partition(".")[0]

    @property
    def path(self) -> str:
        return f"{BLOBS}/{self.name[:2]}/{self.name}"


class ManifestWriter:
    """Writes a manifest beside the old one; `finish` puts it in the place of that. Files come first, then blobs."""

    def __init__(self, target: Path, head: Head) -> None:
        self._target = target
        self._unfinished = target / f"{NAME}.new"
        self._unfinished.unlink(missing_ok=True)
        self._file = open(os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115
        self._digest = hashlib.sha256()
        self.files = self.blobs = self.bytes = 0
        facts = {"snapshot": head.snapshot, "source": head.source, "made_at": head.made_at}
        self._write({"coatcheck_backup": _FORM, **facts, "keys_elsewhere": list(head.keys_elsewhere)})

    def add_file(self, kept: KeptFile) -> None:
        self.files += 1
        self.bytes += kept.size
        self._write({"file": kept.path, "size": kept.size, "sha256": kept.sha256})

    def add_blob(self, kept: KeptBlob) -> None:
        self.blobs += 1
        self.bytes += kept.size
        self._write({"blob": kept.name, "size": kept.size, "crc64": f"{kept.crc64:016x}"})

    def finish(self) -> None:
        """From here on the backup is whole, durably."""
        digest = self._digest.hexdigest()
        self._write({"end": True, "files": self.files, "blobs": self.blobs, "bytes": self.bytes, "sha256": digest})
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self._target / NAME)
        sync_directory(self._target)

    def close(self) -> None:
        """Leave nothing behind that isn't finished. May be called twice."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)

    def _write(self, facts: dict[str, Any]) -> None:
        line = json.dumps(facts, ensure_ascii=False).encode() + b"\n"
        self._digest.update(line)
        self._file.write(line)


def find_head(target: Path, name: str) -> Head | None:
    """As `verify_manifest`; None if there is no manifest yet. Raises: NoBackup, for one that is damaged."""
    if not (target / NAME).exists():
        return None
    return verify_manifest(target, name)


def verify_manifest(target: Path, name: str) -> Head:
    """Read all of a manifest, and hold it against its digest.

    Args:
        name: what people call the place that has it.
    Raises: NoBackup.
    """
    digest, head, last = hashlib.sha256(), None, b""
    try:
        with open(target / NAME, "rb") as file:
            for line in file:
                digest.update(last)
                head = head or _read_head(line)
                last = line
        end = json.loads(last)
    except FileNotFoundError:
        raise NoBackup(f"{name} has no {NAME}: it is no backup, or one that was broken off. Repeat it.") from None
    except (ValueError, KeyError, TypeError):
        end = {}
    if head is None or not isinstance(end, dict) or end.get("sha256") != digest.hexdigest():
        raise NoBackup(f"{name}/{NAME} is damaged or cut short. Take another backup.")
    return head


def read_files(target: Path) -> Iterator[KeptFile]:
    """Of a manifest that was verified."""
    for facts in _lines(target):
        if "file" in facts:
            yield KeptFile(facts["file"], facts["size"], facts["sha256"])
        elif "blob" in facts:
            return


def read_blobs(target: Path) -> Iterator[KeptBlob]:
    """Of a manifest that was verified, sorted by name; none where there is no manifest."""
    with suppress(FileNotFoundError):
        for facts in _lines(target):
            if "blob" in facts:
                yield KeptBlob(facts["blob"], facts["size"], int(facts["crc64"], 16))


def _lines(target: Path) -> Iterator[Any]:
    with open(target / NAME, "rb") as file:
        for line in file:
            yield json.loads(line)


def _read_head(line: bytes) -> Head:
    facts = json.loads(line)
    if facts["coatcheck_backup"] != _FORM:
        raise NoBackup("This backup was made by a newer coatcheck. Restore it with that.")
    return Head(facts["snapshot"], facts["source"], facts["made_at"], tuple(facts["keys_elsewhere"]))
