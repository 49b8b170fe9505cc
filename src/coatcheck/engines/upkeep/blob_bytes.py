"""The bytes of blobs, read without a server: paced, compared with what was written, decrypted where need be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from ...core.digests import EMPTY_CRC64, update_crc64
from ...linux import drop_cached
from ...ports.byte_store import is_encrypted
from ...ports.damage import Damaged
from ...ports.object import Segment
from ..blob_paths import BlobPaths
from ..encrypted import CHUNK_BYTES, open_chunks
from ..master_keys import MasterKeys

_PIECE_BYTES: Final = 256 * 1024


class Stopped(Exception):
    """The server ends; what is left is for another time."""


class Pace:
    """No more than so many bytes a second, on the whole; 0 for as many as there are."""

    def __init__(self, bytes_per_s: float, stop: threading.Event) -> None:
        self.bytes_per_s = bytes_per_s
        self.stop = stop
        self._due = 0.0

    def take(self, size: int) -> None:
        """Wait until so many bytes more have been due. Raises: Stopped."""
        if self.stop.is_set():
            raise Stopped
        if self.bytes_per_s:
            now = time.monotonic()
            self._due = max(self._due, now) + size / self.bytes_per_s
            if self._due > now and self.stop.wait(self._due - now):
                raise Stopped


class BlobBytes:
    """Reads blobs of a data directory."""

    def __init__(self, paths: BlobPaths, keys: MasterKeys, pace: Pace) -> None:
        self._paths, self._keys, self._pace = paths, keys, pace

    def fault_of(self, blob_id: str, size: int | None, crc64: int | None) -> str:
        """Why a blob isn't what was written; "" if it is, or if only an object's own sum can tell.

        Raises: FileNotFoundError, Stopped.
        """
        try:
            if is_encrypted(blob_id):
                for _ in self._decrypted(blob_id, 0):
                    pass
                return ""
            if crc64 is None:
                return ""
            found_size, found = self._sum(blob_id)
        except Damaged as damage:
            return damage.reason
        except FileNotFoundError:
            raise
        except OSError as error:
            return f"its file can't be read: {error.strerror}"
        if found_size != size:
            return f"its file has {found_size} bytes, not {size}"
        return "" if found == crc64 else "its CRC-64 is another one"

    def sum_of(self, segments: Sequence[Segment]) -> int:
        """CRC-64 of what segments hold together. Raises: Damaged, OSError, Stopped."""
        crc64 = EMPTY_CRC64
        for segment in segments:
            left = segment.stop - segment.start
            for piece in self._content(segment):
                crc64, left = update_crc64(piece, crc64), left - len(piece)
            if left:
                raise Damaged("its file is shorter than it should be", segment.blob_id)
        return crc64

    def _content(self, segment: Segment) -> Iterator[bytes]:
        blob_id, start, stop = segment
        if not is_encrypted(blob_id):
            yield from self._pieces(blob_id, start, stop)
            return
        at = start // CHUNK_BYTES * CHUNK_BYTES
        for chunk in self._decrypted(blob_id, at // CHUNK_BYTES):
            if at >= stop:
                return
            yield chunk[max(start - at, 0) : stop - at]
            at += CHUNK_BYTES

    def _decrypted(self, blob_id: str, first: int) -> Iterator[bytes]:
        """Chunks from that number on. Raises: Damaged."""
        with open(self._paths.blob(blob_id), "rb") as file:
            for chunk in open_chunks(file, blob_id, self._keys, first):
                self._pace.take(len(chunk))
                yield chunk

    def _sum(self, blob_id: str) -> tuple[int, int]:
        crc64, size = EMPTY_CRC64, 0
        for piece in self._pieces(blob_id, 0, None):
            crc64, size = update_crc64(piece, crc64), size + len(piece)
        return size, crc64

    def _pieces(self, blob_id: str, start: int, stop: int | None) -> Iterator[bytes]:
        """As the disk has them, as far as the system lets one say so: what it remembers of the file is dropped."""
        with open(self._paths.blob(blob_id), "rb", buffering=0) as file:
            drop_cached(file.fileno())
            file.seek(start)
            while stop is None or start < stop:
                piece = file.read(_PIECE_BYTES if stop is None else min(_PIECE_BYTES, stop - start))
                if not piece:
                    return
                self._pace.take(len(piece))
                start += len(piece)
                yield piece
