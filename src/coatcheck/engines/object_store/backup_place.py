"""A backup in an object store, under the prefix of its URL.

What has a name there is whole: an object appears when all of its bytes are there, and bytes that turn out not to be
those that were wanted never get so far. The manifest and the snapshot are made in a local directory, which goes at the
end, and uploaded from there.

There are no locks in an object store. Two backups of one data directory at the same time are kept apart by that
directory (`blob_hold`). Those of two copies of it, on two machines, aren't; so the manifest is only replaced if it is
still the one that this backup began from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError

from ...core.digests import EMPTY_CRC64, update_crc64
from ..blob_hold import HeldByOther
from ..directory_faults import BadDirectory
from ..upkeep.copying import make_folder, read_pieces, sum_blob, write_blob
from ..upkeep.manifest import BLOBS, NAME, SNAPSHOTS, Head, KeptBlob, ManifestWriter, read_files
from ..upkeep.place import Kept, WantedBlob
from .line import describe
from .place import BadPlace
from .start import say_next_step

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_IN_ONE_REQUEST_BYTES: Final = 5 * 1024**2  # what is larger goes in parts of this size: S3 has none that are smaller
_PARTS_AT_ONCE: Final = 2
_READ_BYTES: Final = 1024**2
_LISTED_AT_ONCE: Final = 1000


class _Unwanted(Exception):
    """Ends an upload whose bytes aren't what was wanted, before they have a name."""


class ObjectPlace:
    """See the module, and `upkeep.place.Place`.

    Args:
        name: the URL, without credentials.
    """

    at_once = 8  # each holds 15 MiB at most

    def __init__(self, name: str, client: ObjectStore) -> None:
        self.name, self.given_up = name, Event()
        self.folder = Path()
        self._client = client
        self._began_from: str | None = None  # ETag of the manifest

    @contextmanager
    def taking(self, data: Path) -> Iterator[None]:
        del data
        with self._asking():
            found = obstore.list_with_delimiter(self._client)
            names = [*found["common_prefixes"], *(entry["path"] for entry in found["objects"])]
        if strange := sorted(name for name in names if name not in (NAME, SNAPSHOTS, BLOBS)):
            raise BadDirectory(
                f"{self.name} has other things in it ({strange[0]}). Name an empty bucket or prefix, or a backup."
            )
        with self.reading():
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory(prefix="coatcheck-backup-") as folder:
            self.folder = Path(folder)
            self._began_from = self._manifest_etag()
            if self._began_from is not None:
                self._fetch(NAME)
            yield

    def list_blobs(self, shard: str) -> Mapping[str, int]:
        return {path.rpartition("/")[2]: size for path, size in self._list(f"{BLOBS}/{shard}")}

    def keep_blob(self, wanted: WantedBlob, stored: int | None) -> Kept:
        """What is there already is whole, so its own file says what it must be: nothing is fetched to be compared."""
        blob = wanted.blob
        if stored is not None:
            here = blob if wanted.known else KeptBlob(blob.name, *sum_blob(wanted.source))
            if here.size == stored:
                return Kept(here, "kept")
        expected = (blob.size, blob.crc64) if wanted.known else None
        return Kept(KeptBlob(blob.name, *self._put(wanted.source, blob.path, expected)), "copied")

    def drop_blobs(self, names: Sequence[str]) -> None:
        self._delete([f"{BLOBS}/{name[:2]}/{name}" for name in names])

    def keep_snapshot(self, name: str) -> None:
        folder = self.folder / SNAPSHOTS / name
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._put(str(path), path.relative_to(self.folder).as_posix(), None)

    def drop_snapshots(self, kept: str) -> None:
        self._delete([path for path, _ in self._list(SNAPSHOTS) if path.split("/")[1] != kept])

    def keep_manifest(self, manifest: ManifestWriter) -> None:
        manifest.finish()
        if self._manifest_etag() != self._began_from:
            raise HeldByOther(f"Another backup was taken to {self.name} meanwhile. Repeat this one.")
        self._put(str(self.folder / NAME), NAME, None)

    def fetch_snapshot(self, head: Head) -> None:
        for kept in read_files(self.folder):
            with suppress(FileNotFoundError):
                self._fetch(f"{SNAPSHOTS}/{head.snapshot}/{kept.path}")

    def fetch_blob(self, kept: KeptBlob, target: str) -> tuple[int, int]:
        return write_blob(self._read(kept.path), target, (kept.size, kept.crc64))

    # --- what the store is asked ---

    def _manifest_etag(self) -> str | None:
        """None if there is none."""
        with self._asking():
            try:
                return str(obstore.head(self._client, NAME)["e_tag"])
            except FileNotFoundError:
                return None

    def _fetch(self, path: str) -> None:
        """Into the local directory. Raises: FileNotFoundError."""
        make_folder((self.folder / path).parent)
        write_blob(self._read(path), str(self.folder / path))

    def _read(self, path: str) -> Iterator[bytes]:
        """Raises: FileNotFoundError."""
        with self._asking():
            for piece in obstore.get(self._client, path).stream(min_chunk_size=_READ_BYTES):
                self._go_on()
                yield bytes(piece)

    def _put(self, source: str, path: str, expected: tuple[int, int] | None) -> tuple[int, int]:
        """Bytes and CRC-64; there is no object if they aren't the expected. Raises: FileNotFoundError (the source)."""
        with open(source, "rb") as file:
            upload = _Upload(read_pieces(file), expected, self.given_up)
            try:
                with self._asking():
                    if os.fstat(file.fileno()).st_size <= _IN_ONE_REQUEST_BYTES:
                        obstore.put(self._client, path, b"".join(upload), use_multipart=False)
                    else:
                        obstore.put(
                            self._client,
                            path,
                            iter(upload),
                            chunk_size=_IN_ONE_REQUEST_BYTES,
                            max_concurrency=_PARTS_AT_ONCE,
                        )
            except FileNotFoundError:
                raise BadPlace(f"{self.name} is not there any more. Look at the store.") from None
            except Exception:  # obstore's own word for what its source raises says less than the source
                if not upload.is_unwanted:
                    raise
        return upload.size, upload.crc64

    def _list(self, prefix: str) -> Iterator[tuple[str, int]]:
        with self._asking():
            for page in obstore.list(self._client, prefix=f"{prefix}/", chunk_size=_LISTED_AT_ONCE):
                for entry in page:
                    yield entry["path"], entry["size"]

    def _delete(self, paths: Sequence[str]) -> None:
        with self._asking():
            for at in range(0, len(paths), _LISTED_AT_ONCE):
                with suppress(FileNotFoundError):  # S3 doesn't mind; others do
                    obstore.delete(self._client, paths[at : at + _LISTED_AT_ONCE])

    def _go_on(self) -> None:
        if self.given_up.is_set():
            raise BadPlace(f"{self.name}: given up.")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Raises: BadPlace, for what the client raises."""
        try:
            yield
        except BaseError as error:
            raise BadPlace(say_next_step(self.name, describe(error))) from None


class _Upload:
    """Pieces on their way, summed; they don't end if they aren't what was expected: then `is_unwanted`."""

    def __init__(self, pieces: Iterator[bytes], expected: tuple[int, int] | None, given_up: Event) -> None:
        self._pieces, self._expected, self._given_up = pieces, expected, given_up
        self.size, self.crc64 = 0, EMPTY_CRC64
        self.is_unwanted = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size, self.crc64 = self.size + len(piece), update_crc64(piece, self.crc64)
            if self._given_up.is_set():
                raise _Unwanted
            yield piece
        if self._expected not in (None, (self.size, self.crc64)):
            self.is_unwanted = True
            raise _Unwanted
