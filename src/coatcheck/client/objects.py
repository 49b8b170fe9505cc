"""One object's facts, and copies that the server makes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import Final

from msgspec import Struct

from coatcheck.core.percent import encode

from .batch import run_all
from .connection import Connection
from .errors import ClientError
from .journal import StoredPart
from .listing import read_page
from .multipart import Completed, Target, abort, complete, initiate, try_again
from .transfer import CRC64_HEADER, Progress, check_crc64, read_crc64

COPY_MAX_BYTES: Final = 1024**3  # by one CopyObject; OSS's older limit, which every region keeps to
_COPY_PART_BYTES: Final = 256 * 1024**2
_COPIES_AT_ONCE: Final = 4
# What an object keeps when it is copied in parts; CopyObject keeps them by itself.
_KEPT: Final = {
    *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"),
    "x-oss-storage-class",
}


class ObjectAddress(Struct, frozen=True):
    """An object of the connection's server. `version_id` is "" for the newest version."""

    bucket: str
    key: str
    version_id: str = ""

    def __str__(self) -> str:
        return f"oss://{self.bucket}/{self.key}"


class ObjectFacts(Struct, frozen=True):
    """What HeadObject says; `etag` without quotes, `crc64` None where the server doesn't say, names in lower case."""

    size_bytes: int
    etag: str
    crc64: int | None
    content_type: str
    last_modified: datetime | None
    headers: Mapping[str, str]


def head_object(connection: Connection, address: ObjectAddress) -> ObjectFacts:
    """HeadObject. Raises: NotFound; ClientError."""
    query = [("versionId", address.version_id)] if address.version_id else []
    headers, _ = connection.send("HEAD", address.bucket, address.key, query=query)
    return ObjectFacts(
        int(headers.get("content-length") or 0),
        headers.get("etag", "").strip('"'),
        read_crc64(headers.get(CRC64_HEADER)),
        headers.get("content-type", ""),
        _read_date(headers.get("last-modified")),
        dict(headers),
    )


def _read_date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None


def copy_object(
    connection: Connection,
    source: ObjectAddress,
    target: ObjectAddress,
    progress: Progress,
    *,
    part_bytes: int = _COPY_PART_BYTES,
    above_bytes: int = COPY_MAX_BYTES,
) -> Completed:
    """Have the server copy an object with what it says of itself; no byte comes here.

    Raises: NotFound; ClientError, also when the source changes meanwhile; Damaged.
    """
    facts = head_object(connection, source)
    progress.begin(target.key, facts.size_bytes)
    name = f"/{source.bucket}/{encode(source.key)}"
    origin = {
        "x-oss-copy-source": f"{name}?versionId={source.version_id}" if source.version_id else name,
        "x-oss-copy-source-if-match": f'"{facts.etag}"',
    }
    if facts.size_bytes > above_bytes:
        return _copy_parts(connection, (origin, facts), target, progress, part_bytes)
    headers, body = connection.send("PUT", target.bucket, target.key, headers=origin)
    check_crc64(str(target), facts.crc64 or 0, read_crc64(headers.get(CRC64_HEADER)) if facts.crc64 else None)
    progress.advance(facts.size_bytes)
    etag = headers.get("etag") or read_page(body).findtext("ETag") or ""
    return Completed(facts.size_bytes, etag.strip('"'), facts.crc64 or 0)


def _copy_parts(
    connection: Connection,
    source: tuple[Mapping[str, str], ObjectFacts],
    target: ObjectAddress,
    progress: Progress,
    part_bytes: int,
) -> Completed:
    origin, facts = source
    kept = {name: value for name, value in facts.headers.items() if name in _KEPT or name.startswith("x-oss-meta-")}
    made = Target(target.bucket, target.key, kept)
    upload_id = initiate(connection, made)

    def copy(start: int) -> StoredPart:
        stop = min(start + part_bytes, facts.size_bytes)
        number = start // part_bytes + 1
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        headers = {**origin, "x-oss-copy-source-range": f"bytes={start}-{stop - 1}"}
        _, body = connection.send("PUT", target.bucket, target.key, query=query, headers=headers)
        progress.advance(stop - start)
        return StoredPart(number, read_page(body).findtext("ETag") or "", 0, stop - start)

    try:
        parts = []
        starts = range(0, facts.size_bytes, part_bytes)
        for outcome in run_all(starts, lambda start: try_again(lambda: copy(start), Event()), _COPIES_AT_ONCE):
            if outcome.result is None:
                raise outcome.failure or ClientError("NotCopied", f"{target} was not copied.")
            parts.append(outcome.result)
        parts.sort(key=lambda part: part.number)
        return complete(connection, made, upload_id, parts, facts.crc64)
    except BaseException:
        abort(connection, made, upload_id)
        raise
