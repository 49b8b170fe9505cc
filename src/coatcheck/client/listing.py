"""What is there: buckets, objects, and deleting many of them. Pages are fetched as they are needed, one at a time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import filterfalse, islice
from typing import Final
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct

from coatcheck.core.limits import LIST_MAX_KEYS, MULTI_DELETE_MAX_KEYS
from coatcheck.core.percent import decode_query

from .connection import Connection
from .errors import ClientError

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DELETE_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<Delete><Quiet>false</Quiet>'


class Bucket(Struct, frozen=True):
    """One line of ListBuckets."""

    name: str
    created_at: datetime
    region: str


class Object(Struct, frozen=True):
    """One line of a listing; `etag` without quotes."""

    key: str
    size_bytes: int
    last_modified: datetime
    etag: str
    storage_class: str


class Folder(Struct, frozen=True):
    """A common prefix: all keys that go on from here, as one line."""

    prefix: str


def list_buckets(connection: Connection) -> Iterator[Bucket]:
    """Every bucket of the account, by name."""
    marker = ""
    while True:
        query = [("max-keys", str(LIST_MAX_KEYS)), *([("marker", marker)] if marker else [])]
        page = read_page(connection.send("GET", query=query)[1])
        for entry in page.iter("Bucket"):
            region = _text(entry, "Location").removeprefix("oss-")
            yield Bucket(_text(entry, "Name"), _moment(entry, "CreationDate"), region)
        marker = _text(page, "NextMarker")
        if not _is_truncated(page) or not marker:
            return


def list_objects(
    connection: Connection, bucket: str, prefix: str = "", *, recursive: bool = True, page_keys: int = LIST_MAX_KEYS
) -> Iterator[Object | Folder]:
    """Objects whose key starts with `prefix`, in key order; not recursive, what lies below a "/" is one `Folder`."""
    token = ""
    while True:
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", str(page_keys))]
        query += [(name, value) for name, value in (("prefix", prefix), ("continuation-token", token)) if value]
        query += [] if recursive else [("delimiter", "/")]
        page = read_page(connection.send("GET", bucket, query=query)[1])
        entries: list[Object | Folder] = [_read_object(entry) for entry in page.iter("Contents")]
        entries += [Folder(decode_query(_text(entry, "Prefix"))) for entry in page.iter("CommonPrefixes")]
        yield from sorted(entries, key=_order)
        token = decode_query(_text(page, "NextContinuationToken"))
        if not _is_truncated(page) or not token:
            return


class Version(Struct, frozen=True):
    """One line of ListObjectVersions. Of a delete marker `size_bytes` is 0."""

    key: str
    version_id: str
    latest: bool
    deleted: bool
    size_bytes: int
    last_modified: datetime


def list_versions(connection: Connection, bucket: str, prefix: str = "") -> Iterator[Version]:
    """Every version and delete marker of the keys that start with `prefix`, the newest of a key first."""
    markers: list[tuple[str, str]] = []
    while True:
        query = [("versions", ""), ("encoding-type", "url"), ("max-keys", str(LIST_MAX_KEYS)), *markers]
        query += [("prefix", prefix)] if prefix else []
        page = read_page(connection.send("GET", bucket, query=query)[1])
        yield from (_read_version(entry) for entry in page if entry.tag in ("Version", "DeleteMarker"))
        key, version_id = decode_query(_text(page, "NextKeyMarker")), _text(page, "NextVersionIdMarker")
        if not _is_truncated(page) or not key:
            return
        markers = [("key-marker", key), *([("version-id-marker", version_id)] if version_id else [])]


def list_below(connection: Connection, bucket: str, key: str) -> Iterator[Object]:
    """What a directory of files would be: the object itself, if it is there, and everything below `key` + "/"."""
    if key and not key.endswith("/"):
        first = _first(connection, bucket, key)
        if first is not None and first.key == key:
            yield first
        key += "/"
    yield from _objects(list_objects(connection, bucket, key))


def is_listed(connection: Connection, bucket: str, key: str) -> bool:
    """Whether an object is there. A symlink that leads nowhere is: a listing doesn't follow it, as HeadObject does."""
    first = _first(connection, bucket, key)
    return first is not None and first.key == key


def _first(connection: Connection, bucket: str, prefix: str) -> Object | None:
    return next(_objects(list_objects(connection, bucket, prefix, page_keys=1)), None)


def delete_object(connection: Connection, bucket: str, key: str) -> None:
    """DeleteObject; OSS counts a missing object as deleted."""
    connection.send("DELETE", bucket, key)


def delete_objects(connection: Connection, bucket: str, keys: Iterable[str]) -> Iterator[str]:
    """Delete many, a thousand a request; yields each key once it is gone.

    Raises:
        ClientError: the server left some standing.
    """
    left = iter(keys)
    while batch := list(islice(left, MULTI_DELETE_MAX_KEYS)):
        for key in filterfalse(_fits_xml, batch):
            delete_object(connection, bucket, key)
            yield key
        gone = _delete_batch(connection, bucket, [key for key in batch if _fits_xml(key)])
        yield from (key for key in batch if key in gone)
        if kept := [key for key in batch if _fits_xml(key) and key not in gone]:
            raise ClientError("NotDeleted", f"The server kept {len(kept)} objects, the first is {kept[0]!r}.")


def _delete_batch(connection: Connection, bucket: str, keys: list[str]) -> set[str]:
    if not keys:
        return set()
    names = "".join(f"<Object><Key>{escape(key, {chr(13): '&#13;'})}</Key></Object>" for key in keys)
    body = f"{_DELETE_HEAD}{names}</Delete>".encode()
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    headers = {"Content-MD5": digest, "Content-Type": "application/xml"}
    query = [("delete", ""), ("encoding-type", "url")]
    page = read_page(connection.send("POST", bucket, query=query, headers=headers, content=body)[1])
    return {decode_query(_text(entry, "Key")) for entry in page.iter("Deleted")}


def _fits_xml(key: str) -> bool:
    """XML 1.0 has no way to write most control characters; such a key is deleted by its own request."""
    return _NOT_XML.search(key) is None


def _objects(entries: Iterable[Object | Folder]) -> Iterator[Object]:
    return (entry for entry in entries if isinstance(entry, Object))


def _order(entry: Object | Folder) -> bytes:
    return (entry.key if isinstance(entry, Object) else entry.prefix).encode("utf-8", "surrogateescape")


def _read_version(entry: Element) -> Version:
    return Version(
        decode_query(_text(entry, "Key")),
        _text(entry, "VersionId"),
        _text(entry, "IsLatest").lower() == "true",
        entry.tag == "DeleteMarker",
        int(_text(entry, "Size") or 0),
        _moment(entry, "LastModified"),
    )


def _read_object(entry: Element) -> Object:
    size = _text(entry, "Size")
    if not (size.isascii() and size.isdigit()):
        raise _strange()
    return Object(
        decode_query(_text(entry, "Key")),
        int(size),
        _moment(entry, "LastModified"),
        _text(entry, "ETag").strip('"'),
        _text(entry, "StorageClass"),
    )


def read_page(body: bytes) -> Element:
    """An XML document of the server's. Raises: ClientError when it is none."""
    try:
        page: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        raise _strange() from None
    return page


def _text(parent: Element, name: str) -> str:
    return parent.findtext(name) or ""


def _is_truncated(page: Element) -> bool:
    return _text(page, "IsTruncated").lower() == "true"


def _moment(entry: Element, name: str) -> datetime:
    try:
        return datetime.fromisoformat(_text(entry, name))
    except ValueError:
        raise _strange() from None


def _strange() -> ClientError:
    return ClientError("StrangeAnswer", "The server's answer can't be read.", hint="is this an OSS endpoint?")
