"""The headers stored with an object, and the headers an object goes out with.

Source: OSS API reference, PutObject and GetObject; metadata reference (standard headers, x-oss-meta-*).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import ANONYMOUS_OVERRIDE, INVALID_ARGUMENT, UNSIGNED_HEADER_FORBIDDEN
from coatcheck.core.limits import STORED_HEADER_MAX_CHARS, USER_METADATA_MAX_BYTES
from coatcheck.core.reply_headers import OVERRIDDEN, STANDARD, is_persistent, is_token
from coatcheck.core.times import write_http_date
from coatcheck.identity.caller import Caller
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_META_PREFIX: Final = "x-oss-meta-"
_PERSISTENT: Final = "x-oss-persistent-headers"
_PERSISTENT_MAX_CHARS: Final = 2 * USER_METADATA_MAX_BYTES  # of base64, with room for blanks

# Stored with the object and given back; OSS leaves them unsigned unless the signer lists them.
_UNSIGNED_STANDARD: Final = tuple(name for name in STANDARD if name != "content-type")

_OVERRIDE: Final = "response-"
_OVERRIDES: Final = {f"{_OVERRIDE}{name}": name.encode() for name in OVERRIDDEN}
_OVERRIDE_NAMES: Final = frozenset(_OVERRIDES)


def read_stored_headers(headers: Mapping[str, str], caller: Caller, *, strict: bool) -> tuple[RawHeader, ...]:
    """What a write stores of its request's headers.

    Args:
        headers: the request's, names in lower case.
        caller: who writes; a link's signer may have listed headers.
        strict: refuse standard headers on a link whose signer didn't list them.
    Raises:
        OssError: UNSIGNED_HEADER_FORBIDDEN, INVALID_ARGUMENT (user metadata, or one header, over 8 KiB; a header that
            no reply may have).
    """
    stored = [("content-type", headers.get("content-type") or DEFAULT_CONTENT_TYPE)]
    for name in _UNSIGNED_STANDARD:
        value = headers.get(name)
        if value:
            if strict and caller.by_link and name not in caller.signed_headers:
                raise UNSIGNED_HEADER_FORBIDDEN(Header=name)
            stored.append((name, value))
    user = [(name, value) for name, value in headers.items() if name.startswith(_META_PREFIX)]
    if sum(len(name) + len(value.encode("utf-8", "surrogateescape")) for name, value in user) > USER_METADATA_MAX_BYTES:
        raise INVALID_ARGUMENT(
            f"The total size of user metadata must not exceed {USER_METADATA_MAX_BYTES} bytes.",
            ArgumentName="x-oss-meta-*",
        )
    for name, _ in user:
        if not is_token(name):
            raise INVALID_ARGUMENT(
                "The name of user metadata holds a character that no header's has.", ArgumentName=name[:128]
            )
    stored.extend(user)
    persistent = headers.get(_PERSISTENT)
    if persistent:
        stored.extend(_read_persistent(persistent).items())
    for name, value in stored:
        if len(value) > STORED_HEADER_MAX_CHARS:
            raise INVALID_ARGUMENT(f"{name} is longer than {STORED_HEADER_MAX_CHARS} characters.", ArgumentName=name)
    return tuple((_raw(name), _raw(value)) for name, value in stored)


def _read_persistent(text: str) -> dict[str, str]:
    """ "name:base64,name2:base64": headers of the uploader's own, which go out with the object.

    Raises: OssError INVALID_ARGUMENT: not of that form, or a name that an uploader can't choose.
    """
    if len(text) > _PERSISTENT_MAX_CHARS:
        raise INVALID_ARGUMENT(f"{_PERSISTENT} holds more than {USER_METADATA_MAX_BYTES} bytes.")
    stored: dict[str, str] = {}
    for item in text.split(","):
        name, colon, encoded = item.partition(":")
        name = name.strip().lower()
        try:
            value = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError:
            colon = value = ""
        if not colon or not is_token(name) or name in stored or any(sign < " " or sign == "\x7f" for sign in value):
            raise INVALID_ARGUMENT(
                f"{_PERSISTENT} must be name:base64(value), and more of these behind commas.",
                ArgumentName=_PERSISTENT,
                ArgumentValue=text[:1024],
            )
        if not is_persistent(name):
            raise INVALID_ARGUMENT(
                f"The header {name[:128]} cannot be stored with an object; names of your own begin with x-custom-.",
                ArgumentName=_PERSISTENT,
                ArgumentValue=name[:128],
            )
        stored[name] = value
    if sum(len(name) + len(value.encode()) for name, value in stored.items()) > USER_METADATA_MAX_BYTES:
        raise INVALID_ARGUMENT(f"{_PERSISTENT} holds more than {USER_METADATA_MAX_BYTES} bytes.")
    return stored


def write_object_headers(record: ObjectRecord) -> list[RawHeader]:
    """The headers of a GET or HEAD of the whole object, without its length."""
    headers = [
        *record.headers,
        (b"etag", b'"%b"' % record.etag.encode()),
        _write_last_modified(record.last_modified),
        *_write_kind(record.kind, record.storage_class),
        (b"x-oss-hash-crc64ecma", b"%d" % record.crc64),
    ]
    if record.kind == "Normal":
        headers.append((b"content-md5", write_content_md5(record.etag)))
    elif record.kind == "Appendable":
        headers.append((b"x-oss-next-append-position", b"%d" % record.size))
        if record.sealed_at is not None:
            headers.append((b"x-oss-sealed-time", write_http_date(record.sealed_at).encode()))
    if record.tags:
        headers.append((b"x-oss-tagging-count", b"%d" % len(record.tags)))
    return headers


@lru_cache(maxsize=4096)
def _write_last_modified(moment_s: int) -> RawHeader:
    return b"last-modified", write_http_date(moment_s).encode()


@lru_cache(maxsize=64)
def _write_kind(kind: str, storage_class: str) -> tuple[RawHeader, ...]:
    """What all objects of a kind and a class have in common."""
    return (
        (b"accept-ranges", b"bytes"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-oss-object-type", kind.encode()),
        (b"x-oss-storage-class", storage_class.encode()),
    )


def force_download(headers: list[RawHeader]) -> list[RawHeader]:
    """Have browsers save instead of show: `inline`, and no disposition at all, become `attachment`.

    OSS does so under its own names, never under an own domain, so that nobody's page runs there.
    """
    disposition = next((value for name, value in headers if name == b"content-disposition"), b"")
    kind, semicolon, parameters = disposition.partition(b";")
    if kind.strip().lower() in (b"", b"inline"):
        disposition = b"attachment" + semicolon + parameters
    kept = [header for header in headers if header[0] != b"content-disposition"]
    return [*kept, (b"content-disposition", disposition), (b"x-oss-force-download", b"true")]


def apply_overrides(headers: list[RawHeader], query: Query, caller: Caller) -> list[RawHeader]:
    """Replace what `response-*` parameters name; they are signed, so nobody but the signer chose them.

    Raises: OssError ANONYMOUS_OVERRIDE, INVALID_ARGUMENT (a line break or NUL in a value; another header).
    """
    if _OVERRIDE not in (query.canonical or " ".join(query.first)):  # links have the former: 0.05 us
        return headers
    _refuse_other_overrides(query)
    if _OVERRIDE_NAMES.isdisjoint(query.first):
        return headers
    if caller.anonymous:
        raise ANONYMOUS_OVERRIDE()
    chosen = {
        _OVERRIDES[name]: _read_override(name, value) for name, value in query.first.items() if name in _OVERRIDES
    }
    chosen = {name: value for name, value in chosen.items() if value}
    return [header for header in headers if header[0] not in chosen] + list(chosen.items())


def _refuse_other_overrides(query: Query) -> None:
    for name in query.first:
        if name.startswith(_OVERRIDE) and name not in _OVERRIDE_NAMES:
            raise INVALID_ARGUMENT(
                f"The header {name.removeprefix(_OVERRIDE)[:128]} cannot be chosen by a request.",
                ArgumentName=name[:128],
            )


def _read_override(name: str, value: str) -> bytes:
    if any((character < " " and character != "\t") or character == "\x7f" for character in value):
        raise INVALID_ARGUMENT(
            f"{name} holds a character that no header may hold.", ArgumentName=name, ArgumentValue=value
        )
    return _raw(value)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
