"""A finished request -> its line in a bucket's access log. Pure.

Texts of strangers stand in quotes; quotes, backslashes, control characters and bytes that aren't ASCII are written
\\xHH, so that no line can be faked. Values that would let a reader act as the one who signed are written "-", in the
URI and in the Referer, which may be a link.

Source: OSS, fields of access logs, in their order; PutUserDefinedLogFieldsConfig.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from coatcheck.configurations import log_fields
from coatcheck.core.limits import LOG_FIELDS_MAX_BYTES, LOG_TEXT_MAX_CHARS
from coatcheck.core.operation_names import write_operation
from coatcheck.core.percent import decode_query, encode
from coatcheck.core.times import write_log_date
from coatcheck.exchange import Exchange

_NOTHING: Final = "-"
_EMPTY: Final = '"-"'
_QUOTED: Final = {number: f"\\x{number:02X}" for number in (*range(32), 34, 92, 127)}


class LogEntry(NamedTuple):
    """What a line says, without what was asked and answered at length: thousands of them may wait.

    Attributes:
        bucket, document: the source bucket's name, and where its log was to go when the request came, as stored.
        fields: the stored document of the fields that were chosen; "" for none.
        path, parameters: of the URI, decoded parameters in their order; none for a link.
        link: the raw query of a link, in the one spelling that it would be given here; else empty.
        query: the first value of each parameter.
        ended_at: Unix seconds.
        refusal, operation: "" for none; `operation` in snake case.
        owner, requester: uids; "" for an anonymous requester.
        size: of the object, bytes; None where it isn't known.
    """

    bucket: str
    document: str
    fields: str
    client: str
    ended_at: float
    method: str
    path: bytes
    parameters: tuple[tuple[str, str, bool], ...]
    link: bytes
    query: Mapping[str, str]
    version: str
    headers: Mapping[str, str]
    status: int
    sent_bytes: int
    seconds: float
    cost_s: float
    request_id: str
    requester: str
    operation: str
    key: str
    size: int | None
    refusal: str
    owner: str
    storage_class: str
    access_key_id: str


def entry_of(exchange: Exchange) -> LogEntry | None:
    """None where the bucket has no log."""
    logged, request = exchange.logged, exchange.request
    if logged is None:
        return None
    link = b"" if request.query.canonical is None else request.query.raw  # to read its parameters takes long
    return LogEntry(
        exchange.bucket,
        logged.document,
        logged.fields,
        request.client,
        exchange.now + exchange.seconds,
        request.method,
        request.raw_path,
        () if link else request.query.parameters,
        link,
        request.query.first,
        "1.1" if request.takes_chunks else "1.0",
        request.headers,
        0 if exchange.reply is None else exchange.reply.status,
        exchange.sent_bytes,
        exchange.seconds,
        logged.cost_s,
        exchange.request_id,
        logged.requester,
        exchange.operation,
        exchange.key,
        logged.size,
        exchange.refusal,
        logged.owner,
        logged.storage_class,
        exchange.access_key_id,
    )


def write_line(entry: LogEntry) -> bytes:
    """With its line feed. Thousands a second are written beside the requests, so what is plain takes no detour."""
    headers = entry.headers
    length = headers.get("content-length", "")
    if not length.isdigit():
        length = "0"
    size = entry.size
    if size is None and entry.operation in _UPLOADS:
        size = int(length)
    referer = headers.get("referer")
    before = f"{entry.client or _NOTHING} - - [{write_log_date(int(entry.ended_at))}]"
    asked = (
        f"{_quoted(f'{entry.method} {_uri(entry)} HTTP/{entry.version}')} {entry.status or _NOTHING}"
        f" {entry.sent_bytes} {entry.seconds * 1000:.0f} {_quoted(_hide_in_url(referer)) if referer else _EMPTY}"
        f" {_quoted(headers.get('user-agent', ''))} {_quoted(headers.get('host', ''))}"
    )
    operation = write_operation(entry.operation) or _NOTHING
    done = (
        f'"{entry.request_id}" "true" "{entry.requester or _NOTHING}" "{operation}" "{entry.bucket}"'
        f" {_quoted(encode(entry.key))} {_NOTHING if size is None else size} {entry.cost_s * 1000:.0f}"
        f' "{entry.refusal or _NOTHING}" {length} "{entry.owner}"'
    )
    behind = f'- "-" "{entry.storage_class.lower() or _NOTHING}" "-" "-" {_quoted(entry.access_key_id)}'
    chosen = f' "{_chosen(entry)}"' if entry.fields else ""
    return f"{before} {asked} {done} {behind}{chosen}\n".encode("ascii")


_UPLOADS: Final = frozenset({"put_object", "append_object", "upload_part"})


def _quoted(text: str) -> str:
    text = text[:LOG_TEXT_MAX_CHARS]
    if not text.isascii():
        return f'"{"".join([_CODES[byte] for byte in text.encode("utf-8", "surrogateescape")])}"'
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"' if text else _EMPTY
    return f'"{text.translate(_QUOTED)}"'


_CODES: Final = [_QUOTED.get(byte, chr(byte)) if byte < 128 else f"\\x{byte:02X}" for byte in range(256)]


# --- what nobody may read from a log ---------------------------------------------------------------------------------


def _uri(entry: LogEntry) -> str:
    path = entry.path.decode("utf-8", "surrogateescape")
    pieces = list(_written(entry))
    return f"{path}?{'&'.join(pieces)}" if pieces else path


def _written(entry: LogEntry) -> Iterator[str]:
    if not entry.link:
        yield from _encoded(entry.parameters)
        return
    for piece in entry.link.decode().split("&"):
        name, _, value = piece.partition("=")
        yield f"{name}=-" if value and _is_hidden(name) else piece


@lru_cache(maxsize=512)
def _is_hidden(encoded_name: str) -> bool:
    return len(encoded_name) > _NAME_MAX_CHARS or log_fields.is_secret(decode_query(encoded_name))


def _encoded(parameters: tuple[tuple[str, str, bool], ...]) -> Iterator[str]:
    for name, value, bare_equals in parameters:
        written, secret = _parameter(name) if len(name) <= _NAME_MAX_CHARS else (encode(name), True)
        if not value:
            yield f"{written}=" if bare_equals else written
        else:
            yield f"{written}=-" if secret else f"{written}={encode(value)}"


_NAME_MAX_CHARS: Final = 64  # of a parameter that OSS has; of longer ones the value isn't shown


@lru_cache(maxsize=512)
def _parameter(name: str) -> tuple[str, bool]:
    """A parameter's name as it is written, and whether its value is not."""
    return encode(name), log_fields.is_secret(name)


def _hide_in_url(url: str) -> str:
    """A URL that may be a link: of its query, what is secret is written "-"."""
    if "?" not in url:
        return url
    page, _, rest = url.partition("?")
    pairs = parse_qsl(rest.partition("#")[0], keep_blank_values=True, errors="surrogateescape", separator="&")
    return page + "?" + "&".join(_encoded(tuple((name, value, True) for name, value in pairs)))


def _chosen(entry: LogEntry) -> str:
    """The fields that the bucket's owner chose, as OSS writes them: base64 of JSON, cut at so many bytes."""
    wanted = log_fields.from_json(entry.fields)
    left = LOG_FIELDS_MAX_BYTES
    given: dict[str, dict[str, str]] = {"headers": {}, "querys": {}}
    truncated = False
    sources = (("headers", wanted.headers, entry.headers), ("querys", wanted.parameters, entry.query))
    for kind, names, source in sources:
        for name in names:
            value = source.get(name.lower() if kind == "headers" else name)
            if value is None or log_fields.is_secret(name):
                continue
            if kind == "headers" and name.lower() == "referer":
                value = _hide_in_url(value)
            room = max(left - len(name.encode()), 0)
            raw = value.encode("utf-8", "surrogateescape")
            truncated = truncated or len(raw) > room
            given[kind][name] = raw[:room].decode("utf-8", "replace")
            left = max(room - len(raw), 0)
    return b64encode(json.dumps({"truncated": truncated, **given}, separators=(",", ":")).encode()).decode()
