"""Uploads in parts: several at once, each tried again, the whole resumed after an interruption; copies in parts.

1. A journal (`journal`) may know an upload of the same file that isn't finished. The server is asked which of its parts
   it has; what both know isn't sent again.
2. Threads send what is missing. Each part's CRC-64 is compared with the server's reply.
3. The upload is completed, and the CRC-64 of the whole, combined of the parts', compared with the server's.
4. Interrupted, the journal and the parts on the server stay. What the server has forgotten is started over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

from msgspec import Struct

from coatcheck.core.digests import EMPTY_CRC64, combine_crc64, update_crc64
from coatcheck.core.limits import PARTS_MAX

from .batch import run_all
from .connection import Connection
from .errors import ClientError, Unreachable
from .journal import Journal, StoredPart, Undertaking
from .listing import read_page
from .transfer import CRC64_HEADER, RETRY_DELAYS_S, Progress, check_crc64, read_crc64

PART_BYTES: Final = 16 * 1024**2
CONNECTIONS: Final = 4  # parts sent at once; this times the size of a part is the memory used
_STREAM_GROWS_EVERY: Final = 1000  # parts: a stream of unknown length must not run out of part numbers
_READ_BYTES: Final = 1024**2


class Target(Struct, frozen=True):
    """The object that is made, and the headers that it gets."""

    bucket: str
    key: str
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return f"oss://{self.bucket}/{self.key}"


class Completed(Struct, frozen=True):
    """A finished upload; `etag` without quotes; `resumed_bytes` had been sent by an earlier run."""

    size_bytes: int
    etag: str
    crc64: int
    resumed_bytes: int = 0


def choose_part_bytes(size_bytes: int, least_bytes: int = PART_BYTES) -> int:
    """Whole MiB beyond the least, so large that the parts' numbers suffice."""
    if size_bytes <= least_bytes * PARTS_MAX:
        return least_bytes
    needed = -(-size_bytes // PARTS_MAX)
    return -(-needed // _READ_BYTES) * _READ_BYTES


def upload_parts(
    connection: Connection,
    file: Path,
    target: Target,
    progress: Progress,
    *,
    state: Path,
    part_bytes: int = PART_BYTES,
) -> Completed:
    """Upload a file in parts, going on where an earlier run was interrupted.

    Args:
        state: the directory of journals.
    Raises:
        ClientError: refused; FileChanged; `Damaged`; `Unreachable` when retries are used up (a later run goes on).
    """
    facts = file.stat()
    undertaking = Undertaking(
        connection.profile.endpoint,
        target.bucket,
        target.key,
        os.path.abspath(file),
        facts.st_size,
        facts.st_mtime_ns,
        choose_part_bytes(facts.st_size, part_bytes),
        tuple(sorted(target.headers.items())),
    )
    journal = Journal(state, undertaking)
    try:
        upload = _FileUpload(connection, file, target, journal, progress)
        try:
            return upload.run()
        except _Forgotten:
            journal.begin("")  # aborted, or swept away, while nobody worked on it
            return upload.run()
    except Unreachable as error:
        kept = "the parts that arrived are kept, the same command goes on from there"
        error.hint = f"{error.hint}; {kept}" if error.hint else kept
        raise
    finally:
        journal.close()


class _Forgotten(Exception):
    """The server doesn't know this upload any more."""


class _FileUpload:
    def __init__(
        self, connection: Connection, file: Path, target: Target, journal: Journal, progress: Progress
    ) -> None:
        self._connection = connection
        self._file = file
        self._target = target
        self._journal = journal
        self._progress = progress
        self._plan = journal.undertaking

    def run(self) -> Completed:
        journal, plan = self._journal, self._plan
        if journal.upload_id:
            try:
                journal.keep(self._numbers_there())
            except ClientError as error:
                if error.status != 404:
                    raise
                raise _Forgotten from None
        else:
            journal.begin(initiate(self._connection, self._target))
        resumed_bytes = sum(part.size_bytes for part in journal.parts.values())
        self._progress.begin(self._file.name, plan.size_bytes, resumed_bytes)
        with self._file.open("rb", buffering=0) as source:
            self._send_missing(source.fileno())
        self._check_unchanged()
        parts = [journal.parts[number] for number in sorted(journal.parts)]
        done = complete(self._connection, self._target, journal.upload_id, parts)
        journal.discard()
        return Completed(done.size_bytes, done.etag, done.crc64, resumed_bytes)

    def _numbers_there(self) -> set[int]:
        """Parts that the server has as the journal has noted them."""
        there = dict(list_parts(self._connection, self._target, self._journal.upload_id))
        return {number for number, part in self._journal.parts.items() if there.get(number) == part.etag.strip('"')}

    def _send_missing(self, descriptor: int) -> None:
        plan = self._plan
        count = -(-plan.size_bytes // plan.part_bytes)
        missing = [number for number in range(1, count + 1) if number not in self._journal.parts]
        halt = Event()

        def work(number: int) -> None:
            if not halt.is_set():
                self._journal.add(self._send(descriptor, number, halt))

        try:
            for outcome in run_all(missing, work, CONNECTIONS):
                if outcome.failure is not None:
                    raise outcome.failure
        finally:
            halt.set()

    def _send(self, descriptor: int, number: int, halt: Event) -> StoredPart:
        position = (number - 1) * self._plan.part_bytes
        length = min(self._plan.part_bytes, self._plan.size_bytes - position)
        data = _read_at(descriptor, position, length)
        if len(data) < length:
            raise _changed(self._file)
        return send_part(self._connection, self._target, self._journal.upload_id, (number, data), self._progress, halt)

    def _check_unchanged(self) -> None:
        facts = self._file.stat()
        if (facts.st_size, facts.st_mtime_ns) != (self._plan.size_bytes, self._plan.modified_ns):
            abort(self._connection, self._target, self._journal.upload_id)
            self._journal.discard()
            raise _changed(self._file)


def _changed(file: Path) -> ClientError:
    return ClientError("FileChanged", f"{file} changed while it was read.", hint="try again")


def _read_at(descriptor: int, position: int, length: int) -> bytes:
    pieces = []
    while length and (piece := os.pread(descriptor, length, position)):
        pieces.append(piece)
        position, length = position + len(piece), length - len(piece)
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]


def upload_stream(
    connection: Connection, first: bytes, source: BinaryIO, target: Target, progress: Progress
) -> Completed:
    """Upload a stream of unknown length in parts, in order; what was read can't be read again, so nothing is resumed.

    Args:
        first: its beginning, as long as a part.
    Raises: as `upload_parts`; then nothing stays on the server.
    """
    upload_id = initiate(connection, target)
    try:
        parts = []
        for number, data in enumerate(_pieces(first, source), 1):
            parts.append(send_part(connection, target, upload_id, (number, data), progress, Event()))
        return complete(connection, target, upload_id, parts)
    except BaseException:
        abort(connection, target, upload_id)
        raise


def _pieces(first: bytes, source: BinaryIO) -> Iterator[bytes]:
    data, number = first, 1
    while data:
        yield data
        number += 1
        data = read_fully(source, len(first) * (1 + number // _STREAM_GROWS_EVERY))


def read_fully(source: BinaryIO, length: int) -> bytes:
    """So many bytes of a pipe, or all that are left."""
    data = bytearray()
    while len(data) < length and (piece := source.read(min(_READ_BYTES, length - len(data)))):
        data += piece
    return bytes(data)


# --- the requests ----------------------------------------------------------------------------------------------------
def initiate(connection: Connection, target: Target) -> str:
    """InitiateMultipartUpload: the upload id."""
    query = [("uploads", "")]
    _, body = connection.send("POST", target.bucket, target.key, query=query, headers=target.headers, content=b"")
    upload_id = read_page(body).findtext("UploadId")
    if not upload_id:
        raise ClientError("StrangeAnswer", "The server's answer can't be read.", hint="is this an OSS endpoint?")
    return upload_id


def send_part(
    connection: Connection,
    target: Target,
    upload_id: str,
    part: tuple[int, bytes],
    progress: Progress,
    halt: Event,
) -> StoredPart:
    """UploadPart, tried again where it may help. Raises: ClientError; Damaged; Unreachable."""
    number, data = part
    query = [("partNumber", str(number)), ("uploadId", upload_id)]
    crc64 = update_crc64(data)
    gone = 0

    def sent(n_bytes: int) -> None:
        nonlocal gone
        gone += n_bytes
        progress.advance(n_bytes)

    def attempt() -> StoredPart:
        nonlocal gone
        progress.advance(-gone)
        gone = 0
        answer, _ = connection.send("PUT", target.bucket, target.key, query=query, content=data, sent=sent)
        check_crc64(f"{target}, part {number}", crc64, read_crc64(answer.get(CRC64_HEADER)))
        return StoredPart(number, answer.get("etag", ""), crc64, len(data))

    return try_again(attempt, halt)


def try_again(attempt: Callable[[], StoredPart], halt: Event) -> StoredPart:
    """What may pass by itself is tried again, after a while."""
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            return attempt()
        except ClientError as error:
            passes = isinstance(error, Unreachable) or (error.status is not None and error.status >= 500)
            if not passes or delay_s is None or halt.is_set():
                raise
            halt.wait(delay_s)
    raise AssertionError("the last attempt returns or raises")


def list_parts(connection: Connection, target: Target, upload_id: str) -> Iterator[tuple[int, str]]:
    """ListParts: number and ETag, without quotes, of each."""
    marker = ""
    while True:
        query = [("uploadId", upload_id), *([("part-number-marker", marker)] if marker else [])]
        page = read_page(connection.send("GET", target.bucket, target.key, query=query)[1])
        for entry in page.iter("Part"):
            yield int(entry.findtext("PartNumber") or 0), (entry.findtext("ETag") or "").strip('"')
        marker = page.findtext("NextPartNumberMarker") or ""
        if (page.findtext("IsTruncated") or "").lower() != "true" or not marker:
            return


def complete(
    connection: Connection, target: Target, upload_id: str, parts: Sequence[StoredPart], crc64: int | None = None
) -> Completed:
    """CompleteMultipartUpload.

    Args:
        crc64: of the whole, where the parts' aren't known.
    Raises: ClientError; Damaged.
    """
    whole = crc64 if crc64 is not None else combine_parts(parts)
    entries = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag></Part>" for part in parts
    )
    body = f"<CompleteMultipartUpload>{entries}</CompleteMultipartUpload>".encode()
    query = [("uploadId", upload_id)]
    answer, document = connection.send("POST", target.bucket, target.key, query=query, content=body)
    check_crc64(str(target), whole, read_crc64(answer.get(CRC64_HEADER)))
    etag = answer.get("etag") or read_page(document).findtext("ETag") or ""
    return Completed(sum(part.size_bytes for part in parts), etag.strip('"'), whole)


def combine_parts(parts: Iterable[StoredPart]) -> int:
    """CRC-64 of the whole."""
    crc64 = EMPTY_CRC64
    for part in parts:
        crc64 = combine_crc64(crc64, part.crc64, part.size_bytes)
    return crc64


def abort(connection: Connection, target: Target, upload_id: str) -> None:
    """AbortMultipartUpload; a failure of it is nobody's concern, the server forgets uploads in time."""
    with suppress(ClientError):
        connection.send("DELETE", target.bucket, target.key, query=[("uploadId", upload_id)])
