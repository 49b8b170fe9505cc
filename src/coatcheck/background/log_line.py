"""A finished request -> its line in a bucket's access log. Pure.

Texts of strangers stand in quotes; quotes, backslashes, control characters and bytes that aren't ASCII are written
\\xHH, so that no line can be faked. Values that would let a reader act as the one who signed are written "-", in the
URI and in the Referer, which may be a link.

Source: OSS, fields of access logs, in their order; PutUserDefinedLogFieldsConfig.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import astuple

from coatcheck.configurations import log_fields
from coatcheck.core.limits import LOG_FIELDS_MAX_BYTES, LOG_TEXT_MAX_CHARS
from coatcheck.core.operation_names import write_operation
from coatcheck.core.percent import decode_query, encode
from coatcheck.core.times import write_log_date
from coatcheck.exchange import Exchange, Logged

_NOTHING: Final = "-"
_EMPTY: Final = '"-"'
_QUOTED: Final = {number: f"\\x{number:02X}" for number in (*range(32), 34, 92, 127)}


class LogEntry(Struct, frozen=True):
    """What a line says, without what was asked and answered at length: thousands of them may wait.

    Attributes:
        bucket: the source bucket's name.
        logged: where its log was to go when the request came, and who asked for what.
        path, parameters: of the URI, decoded parameters in their order; none for a link.
        link: the raw query of a link, in the one spelling that it would be given here; else empty.
        query: the first value of each parameter.
        ended_at: Unix seconds.
        refusal, operation: "" for none; `operation` in snake case.
    """

    bucket: str
    logged: Logged
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
    request_id: str
    operation: str
    key: str
    refusal: str
    access_key_id: str


def entry_of(exchange: Exchange) -> LogEntry | None:
    """None where the bucket has no log."""
    logged, request = exchange.logged, exchange.request
    if logged is None:
        return None
    link = b"" if request.query.canonical is None else request.query.raw  # to read its parameters takes long
    return LogEntry(
        exchange.bucket,
        logged,
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
        exchange.request_id,
        exchange.operation,
        exchange.key,
        exchange.refusal,
        exchange.access_key_id,
    )


def write_line(entry: LogEntry) -> bytes:
    """With its line feed. Thousands a second are written beside the requests, so what many lines share is remembered,
    and what is plain takes no detour."""
    fields = astuple(entry)
    (bucket, logged, client, ended_at, method, path, parameters, link, _, version, headers) = fields[:11]
    (status, sent_bytes, seconds, request_id, operation, key, refusal, access_key_id) = fields[11:]
    length = headers.get("content-length", "")
    if not length.isdigit():
        length = "0"
    size = logged.size
    if size is None and operation in _UPLOADS:
        size = int(length)
    if parameters or len(path) + len(link) > _REMEMBERED_MAX:
        asked = _write_asked(method, path, link, version, parameters)
    else:
        asked = _remembered_asked(method, path, link, version)
    behind = _shared(_write_behind, logged.place.owner, logged.storage_class, access_key_id)
    return (
        f"{client or _NOTHING} - - [{write_log_date(int(ended_at))}] {asked} {status or _NOTHING} {sent_bytes}"
        f" {int(seconds * 1000 + 0.5)} {_said(headers)}"
        f' "{request_id}" "true" {_shared(_write_done, logged.requester, operation, bucket, key)}'
        f" {_NOTHING if size is None else size} {int(logged.cost_s * 1000 + 0.5)}"
        f' "{refusal or _NOTHING}" {length} {behind}'
        f"{_chosen(entry) if logged.place.fields else ''}\n"
    ).encode("ascii")


_REMEMBERED_MAX: Final = 1024  # characters: what strangers send at length must not fill the memory


def _write_asked(
    method: str, path: bytes, link: bytes, version: str, parameters: tuple[tuple[str, str, bool], ...] = ()
) -> str:
    return _quoted(f"{method} {_uri(path, link, parameters)} HTTP/{version}")


_remembered_asked = lru_cache(maxsize=4096)(_write_asked)


def _said(headers: Mapping[str, str]) -> str:
    """What the client says of itself."""
    return _shared(_write_said, headers.get("referer", ""), headers.get("user-agent", ""), headers.get("host", ""))


def _write_said(referer: str, agent: str, host: str) -> str:
    return f"{_quoted(_hide_in_url(referer))} {_quoted(agent)} {_quoted(host)}"


def _write_done(requester: str, operation: str, bucket: str, key: str) -> str:
    return f'"{requester or _NOTHING}" "{write_operation(operation) or _NOTHING}" "{bucket}" {_quoted(encode(key))}'


def _write_behind(owner: str, storage_class: str, access_key_id: str) -> str:
    return f'"{owner}" - "-" "{storage_class.lower() or _NOTHING}" "-" "-" {_quoted(access_key_id)}'


def _shared(write: Callable[..., str], *texts: str) -> str:
    """What `write` makes of the texts, which many lines have in common."""
    return _remembered(write, *texts) if sum(map(len, texts)) <= _REMEMBERED_MAX else write(*texts)


@lru_cache(maxsize=4096)
def _remembered(write: Callable[..., str], *texts: str) -> str:
    return write(*texts)


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


def _uri(raw_path: bytes, link: bytes, parameters: tuple[tuple[str, str, bool], ...]) -> str:
    path = raw_path.decode("utf-8", "surrogateescape")
    pieces = list(_written(link) if link else _encoded(parameters))
    return f"{path}?{'&'.join(pieces)}" if pieces else path


def _written(link: bytes) -> Iterator[str]:
    for piece in link.decode().split("&"):
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
    wanted = _wanted(entry.logged.place.fields)
    sent = [(kind, name, (entry.headers if kind == _HEADERS else entry.query).get(key)) for kind, name, key in wanted]
    if all(value is None for *_, value in sent):
        return _NONE_CHOSEN
    left = LOG_FIELDS_MAX_BYTES
    given: dict[str, dict[str, str]] = {_HEADERS: {}, _PARAMETERS: {}}
    truncated = False
    for kind, name, value in sent:
        if value is None:
            continue
        if kind == _HEADERS and name.lower() == "referer":
            value = _hide_in_url(value)
        room = max(left - len(name.encode()), 0)
        raw = value.encode("utf-8", "surrogateescape")
        truncated = truncated or len(raw) > room
        given[kind][name] = raw[:room].decode("utf-8", "replace")
        left = max(room - len(raw), 0)
    return _write_chosen({"truncated": truncated, **given})


def _write_chosen(fields: Mapping[str, object]) -> str:
    return f' "{b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode()}"'


_HEADERS, _PARAMETERS = "headers", "querys"
_NONE_CHOSEN: Final = _write_chosen({"truncated": False, _HEADERS: {}, _PARAMETERS: {}})


@lru_cache(maxsize=256)
def _wanted(document: str) -> tuple[tuple[str, str, str], ...]:
    """Kind, name as it was chosen, and as it is looked up, of all that may be shown."""
    fields = log_fields.from_json(document)
    headers = tuple((_HEADERS, name, name.lower()) for name in fields.headers if not log_fields.is_secret(name))
    return headers + tuple((_PARAMETERS, name, name) for name in fields.parameters if not log_fields.is_secret(name))
