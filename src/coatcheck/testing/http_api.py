"""The controls by HTTP, for tests in any language; on a listener of their own, beside the OSS.

A page in a browser reaches loopback too, so whoever asks has to show that it is no page and was let in: the token in a
header on each call, JSON and nothing else, no Origin, and a Host that is ours.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from coatcheck.core.addresses import read_address
from coatcheck.core.limits import TEST_DOCUMENT_MAX_BYTES
from coatcheck.exchange import Begin, Exchange
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request
from coatcheck.wire.target import read_host_name

from .controls import CONTROLS, run
from .documents import Refused
from .kit import SteeredServer
from .openapi import ROOT, TOKEN_HEADER, write_openapi

_JSON: Final = b"application/json"


class Door(Struct, frozen=True):
    """Who is let in.

    Attributes:
        host: that is listened on.
        token: what every call has to show.
    """

    host: str
    token: str

    def takes(self, host: str) -> bool:
        """Whether a Host header is one of ours. A name that a stranger's DNS could lead here is none: with a loopback
        address only loopback's names, otherwise addresses and names of one label, as containers have."""
        name = read_host_name(host)
        address = read_address(name.strip("[]"))
        if name == "localhost" or name == self.host:
            return True
        if is_loopback(self.host):
            return address is not None and address.is_loopback
        return address is not None or (bool(name) and "." not in name)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches it."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class _No(Exception):
    """A refusal: status, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def begin_controls(server: SteeredServer, door: Door) -> Begin:
    """How exchanges with the controls begin."""

    async def answer(exchange: Exchange) -> Reply:
        try:
            return await _answer(server, door, exchange.request)
        except _No as no:
            return _write({"error": no.sentence}, no.status)
        except Refused as refused:
            return _write({"error": str(refused)}, 400)

    def begin(request: Request, request_id: str, now: float) -> Exchange:
        return Exchange(request, request_id, now, answer)

    return begin


async def _answer(server: SteeredServer, door: Door, request: Request) -> Reply:
    _let_in(door, request)
    path = request.raw_path.decode("ascii", "replace")
    if path == f"{ROOT}openapi.json":
        return _write(write_openapi(), 200)
    name = path.removeprefix(ROOT)
    if not path.startswith(ROOT) or name not in CONTROLS:
        raise _No(404, f"There is no such control. There are: {', '.join(CONTROLS)}.")
    if request.method != "POST":
        raise _No(405, "Controls are asked with POST.")
    return _write(await run(server, name, await _read_document(request)), 200)


def _let_in(door: Door, request: Request) -> None:
    """Raises: _No."""
    if not door.takes(request.host):
        raise _No(403, "This Host isn't ours: the controls are asked by the address that the ready line names.")
    if "origin" in request.headers:
        raise _No(403, "The controls aren't for web pages: a request with an Origin is refused.")
    shown = request.headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(shown, door.token.encode()):
        raise _No(401, f"Send the token of the ready line, or of COATCHECK_TEST_TOKEN, in {TOKEN_HEADER}.")


async def _read_document(request: Request) -> Mapping[str, Any]:
    """Raises: _No, Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _No(415, "The controls take JSON: send Content-Type: application/json.")
    text = await _read_body(request.body.chunks())
    try:
        document = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        raise Refused("The body is no JSON.") from None
    if not isinstance(document, dict):
        raise Refused("The body is no JSON object.")
    return document


async def _read_body(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > TEST_DOCUMENT_MAX_BYTES:
                raise _No(413, f"A document of the controls has at most {TEST_DOCUMENT_MAX_BYTES} bytes.")
    except BodyFailed:
        raise _No(400, "The body broke off.") from None
    return bytes(body)


def _write(document: Mapping[str, Any], status: int) -> Reply:
    headers = ((b"Content-Type", _JSON), (b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))
    return Reply(status, headers, json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
