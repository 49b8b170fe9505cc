"""An object that a bucket is to fetch from another server, and how far that has come: an entry of the bucket. Pure.

Source: OSS API reference, PutAsyncFetchTask, GetAsyncFetchTask.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.author import Author
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_DIGEST, OssError
from coatcheck.core.limits import CALLBACK_MAX_BYTES, FETCH_URL_MAX_BYTES
from coatcheck.core.urls import find_host
from coatcheck.core.xml import Node

from .elements import find_switch, find_text, need_text, texts, write_switch
from .stored import read_stored, write_stored
from .task import FRESH, Progress

WAITING: Final = "fetchTask"  # the kind of entries that aren't done
DONE: Final = "fetchTaskDone"
ROOT: Final = "AsyncFetchTaskConfiguration"
SHAPE: Final = texts(
    *("Url", "Object", "Host", "ContentMD5", "Callback", "StorageClass", "IgnoreSameKey", "CallbackWhenFailed")
)
_MD5_BYTES: Final = 16


class Told(Struct, frozen=True):
    """Who hears of the end: what `operations.callback.Callback` has."""

    urls: tuple[str, ...]
    host: str
    body: str
    body_type: str
    variables: tuple[tuple[str, str], ...] = ()


class Content(Struct, frozen=True):
    """What was fetched; `crc64` as decimal text."""

    etag: str
    size: int
    crc64: str
    content_type: str


class FetchTask(Struct, frozen=True):
    """One task.

    Attributes:
        key: of the object that it makes.
        host: for the Host header; "" for the address's own.
        content_md5: of the content, in base64; "" if it isn't known.
        callback: as it was sent; `told` is what it asks for.
        storage_class: "" for the bucket's.
        ignore_same_key: an object that the key has is replaced; else the task fails.
        content: what is about to be stored, then what is.
    """

    url: str
    key: str
    host: str = ""
    content_md5: str = ""
    callback: str = ""
    storage_class: str = ""
    ignore_same_key: bool = True
    callback_when_failed: bool = False
    told: Told | None = None
    author: Author | None = None
    content: Content | None = None
    progress: Progress = FRESH

    @property
    def md5(self) -> bytes | None:
        return base64.b64decode(self.content_md5) if self.content_md5 else None


def read(document: Element) -> FetchTask:
    """An AsyncFetchTaskConfiguration; empty elements say nothing, as some SDKs send them. Raises: OssError
    MALFORMED_XML, INVALID_ARGUMENT, INVALID_DIGEST."""
    host = find_text(document, "Host") or ""
    if not host.isascii() or not host.isprintable() or " " in host:
        raise _bad("Host is not the name of a host.", "Host", host)
    callback = find_text(document, "Callback") or ""
    if len(callback) > CALLBACK_MAX_BYTES:
        raise _bad(f"Callback has at most {CALLBACK_MAX_BYTES} bytes.", "Callback", callback)
    return FetchTask(
        _check_url(need_text(document, "Url")),
        _need_key(document),
        host,
        _check_md5(find_text(document, "ContentMD5") or ""),
        callback,
        find_text(document, "StorageClass") or "",
        find_switch(document, "IgnoreSameKey", default=True),
        find_switch(document, "CallbackWhenFailed"),
    )


def write(task: FetchTask) -> list[Node]:
    """The TaskInfo that says what was asked for. oss2 needs all of it but the last."""
    nodes: list[Node] = [
        ("Url", task.url),
        ("Object", task.key),
        ("Host", task.host),
        ("ContentMD5", task.content_md5),
        ("Callback", task.callback),
        ("IgnoreSameKey", write_switch(task.ignore_same_key)),
    ]
    return [*nodes, ("StorageClass", task.storage_class)] if task.storage_class else nodes


def to_json(task: FetchTask) -> str:
    return write_stored(task)


def from_json(text: str) -> FetchTask:
    return read_stored(FetchTask, text)


def _need_key(document: Element) -> str:
    """Blanks at either end are the key's."""
    need_text(document, "Object")
    return find_text(document, "Object", trimmed=False) or ""


def _check_url(url: str) -> str:
    if len(url) > FETCH_URL_MAX_BYTES:
        raise _bad(f"Url has at most {FETCH_URL_MAX_BYTES} bytes.", "Url", url)
    if find_host(url) is None:
        raise _bad("Url is not an address of http or https.", "Url", "")
    return url


def _check_md5(text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise INVALID_DIGEST() from None
    if text and len(decoded) != _MD5_BYTES:
        raise INVALID_DIGEST()
    return text


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])
