"""The bytes of one object behind a ticket: OSS's own reply to its maker, with what a shared link adds."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from enum import StrEnum
from typing import Any, Final, Protocol

from msgspec.structs import replace

from coatcheck.core.percent import encode_path
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.operations.limited import name_part
from coatcheck.ports.tickets import Names, Ticket
from coatcheck.signing.disposition import write_disposition
from coatcheck.wire.query import Parameter, make_query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.target import Target

from .presented import Good

_NEVER_PASSED_ON: Final = frozenset({"authorization", "cookie"})
_ADDED: Final[tuple[RawHeader, ...]] = (
    (b"cache-control", b"private, no-store"),
    (b"content-security-policy", b"sandbox"),  # whatever a stored file says, it runs nothing beside our pages
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"accept, accept-language, sec-fetch-mode"),
    (b"x-robots-tag", b"noindex"),
)
_UNSAFE: Final = frozenset("/\\\x7f")
_REPLACED: Final = frozenset(name for name, _ in _ADDED)


class Way(StrEnum):
    """How a browser asks for an object, by the name of the parameter."""

    DOWNLOAD = "download"
    INLINE = "inline"  # to play it in a page
    PREVIEW = "preview"  # a small picture of it, which is no use of the link


_SMALL: Final = "image/auto-orient,1/resize,w_320,h_320"
_MEDIUM: Final = "image/auto-orient,1/resize,w_960,h_960"


class ServeObject(Protocol):
    """How OSS answers `exchange.request` about a target, as a caller. Raises: OssError."""

    def __call__(self, exchange: Exchange, caller: Caller, target: Target) -> Awaitable[Reply]: ...


async def serve_object(serve: ServeObject, exchange: Exchange, good: Good, key: str, way: Way | None = None) -> Reply:
    """GET or HEAD of one object.

    Args:
        way: how a browser asked for it; None: as the ticket says.
    Raises: OssError.
    """
    ticket, request, caller = good.ticket, exchange.request, good.caller
    inline = ticket.inline if way is None else way is not Way.DOWNLOAD
    disposition = write_disposition(name_file(ticket, key), inline=inline)
    process = ticket.process
    if way is Way.PREVIEW:
        limited = caller.limits is not None and caller.limits.downloads is not None
        process, caller = _SMALL if limited else _MEDIUM, replace(caller, limits=None)
    parameters = [Parameter("response-content-disposition", disposition)]
    if ticket.version_id:
        parameters.append(Parameter("versionId", ticket.version_id))
    if process:
        parameters.append(Parameter("x-oss-process", process))
    if ticket.names is not Names.OBJECT:
        caller = replace(caller, part=name_part(key))
    # From here on it is a request for the object: logs say its path, and nothing knows the code.
    exchange.request = replace(
        request,
        raw_path=f"/{good.bucket}/{encode_path(key)}".encode(),
        query=make_query(parameters),
        headers={name: value for name, value in request.headers.items() if name not in _NEVER_PASSED_ON},
    )
    exchange.link = UsedLink(caller, good.bucket, key, good.link.registered_at)
    reply = await serve(exchange, caller, Target(good.bucket, key))
    return add_headers(reply)


def write_json(document: Any, status: int = 200) -> Reply:
    """For programs."""
    body = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
    return add_headers(Reply(status, ((b"Content-Type", b"application/json"),), body))


def add_headers(reply: Reply) -> Reply:
    """What every reply to a ticket says to browsers, caches and robots."""
    kept = tuple(header for header in reply.headers if header[0].lower() not in _REPLACED)
    return replace(reply, headers=(*kept, *_ADDED))


def name_file(ticket: Ticket, key: str) -> str:
    """The name under which a receiver gets an object."""
    if ticket.names is Names.OBJECT and ticket.file_name:
        return ticket.file_name
    name = key.rstrip("/").rpartition("/")[2]
    return "".join("_" if ord(sign) < 32 or sign in _UNSAFE else sign for sign in name).strip() or "file"
