"""The service: who asks, which route, and what an error looks like. Every request is signed in its headers (V4).

OSS's V4 signs no body, so what changes something says the SHA-256 of its body in `x-oss-coatcheck-sha256`, which is
signed as every `x-oss-*` header is; and `x-oss-coatcheck-nonce`, by which it counts once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.facts import RequestFacts, read_request_facts
from coatcheck.core.errors import (
    ANONYMOUS_FORBIDDEN,
    ENTITY_TOO_LARGE,
    LINK_BODY_MISMATCH,
    LINK_FROM_A_PAGE,
    LINK_NONCE_NEEDED,
    LINK_NONCE_USED,
    LINK_ROUTE_UNKNOWN,
    METHOD_NOT_ALLOWED,
    OssError,
)
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, LINK_REQUEST_MAX_BYTES
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, identify
from coatcheck.operations.context import Ports
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.keyring import Keyring
from coatcheck.ports.link_audit import LinkAudit, NoLinkAudit
from coatcheck.ports.link_totals import LinkTotals, NoLinkTotals
from coatcheck.ports.links import Links
from coatcheck.ports.passwords import NoPasswords, Passwords
from coatcheck.ports.refusals import NoRefusals, Refusals
from coatcheck.ports.snapshot import Reads
from coatcheck.ports.tickets import NoTickets, Tickets
from coatcheck.signing.claim import read_claim
from coatcheck.signing.v4_scheme import V4_HEADER
from coatcheck.signing.verify import check_scope
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request
from coatcheck.wire.target import Addressing, Target

from .address import PREFIX

_DIGEST: Final = "x-oss-coatcheck-sha256"
_NONCE: Final = "x-oss-coatcheck-nonce"
_NONCE_FORM: Final = re.compile(r"[A-Za-z0-9]{16,64}")
_CHANGES: Final = frozenset({"POST", "PUT", "DELETE"})


class DeskPorts(NamedTuple):
    links: Links
    catalog: Catalog
    reads: Reads
    keyring: Keyring
    addressing: Addressing
    regions: Collection[str]
    operations: Ports
    audit: LinkAudit = NoLinkAudit()
    totals: LinkTotals = NoLinkTotals()
    refusals: Refusals = NoRefusals()
    tickets: Tickets = NoTickets()
    passwords: Passwords = NoPasswords()
    pages_host: str = ""


class Asked(NamedTuple):
    """One verified request.

    Attributes:
        name: the last part of the path, of routes that name something.
    """

    ports: DeskPorts
    caller: Caller
    request: Request
    facts: RequestFacts
    body: bytes
    now: float
    name: str = ""


Answer = tuple[int, Any]
Handler = Callable[[Asked], Awaitable[Answer]]


class Route(NamedTuple):
    """One row.

    Attributes:
        path: below /.coatcheck/v1/; its `{id}` stands for one part.
        cancels: it ends links.
    """

    method: str
    path: str
    run: Handler
    cancels: bool = False


class LinkDesk:
    """The routes, as a pipeline."""

    def __init__(self, ports: DeskPorts, routes: Collection[Route]) -> None:
        self._ports = ports
        self._routes = routes
        self.cancellations = 0  # that were carried out

    async def answer(self, request: Request, request_id: str, now: float) -> tuple[Reply, str, str]:
        """Answer one request.

        Returns: the reply, the access key id (for the log), and the code of the refusal, "" if it isn't one.
        """
        access_key_id = ""
        try:
            if "origin" in request.headers:
                raise LINK_FROM_A_PAGE()
            path = request.raw_path.removeprefix(PREFIX).decode("ascii", "replace")
            caller = await self._identify(request, path, now)
            access_key_id = caller.access_key_id
            route, name = self._find(request.method, path)
            body = await _read_body(request)
            if request.method in _CHANGES:
                await self._check_change(request, caller, body, now)
            facts = read_request_facts(request)
            status, document = await route.run(Asked(self._ports, caller, request, facts, body, now, name))
            self.cancellations += route.cancels
        except OssError as error:
            return _write_fault(error, request_id), access_key_id, error.code
        reply = document if isinstance(document, Reply) else _write(status, document)
        return reply, access_key_id, ""

    async def _identify(self, request: Request, path: str, now: float) -> Caller:
        """Raises: OssError, for who isn't known, or came by a link."""
        claim = read_claim(request)
        if claim is None or claim.scheme is not V4_HEADER:  # V1 leaves the parameters of the URL unsigned
            raise ANONYMOUS_FORBIDDEN("Requests to this address have a V4 signature in their Authorization header.")
        ports, target = self._ports, Target(".coatcheck", f"v1/{path}")
        check_scope(claim, regions=ports.regions, target=target)
        snapshot = await ports.reads.read(ask_for_key(claim, ports.keyring))
        caller, _, _ = identify(request, claim, target, snapshot, ports.keyring, now=now, regions=ports.regions)
        return caller

    def _find(self, method: str, path: str) -> tuple[Route, str]:
        found = [(route, name) for route in self._routes if (name := _fit(route.path, path)) is not None]
        for route, name in found:
            if route.method == method:
                return route, name
        if found:
            raise METHOD_NOT_ALLOWED(
                Method=method, headers=((b"Allow", ", ".join(route.method for route, _ in found).encode()),)
            )
        raise LINK_ROUTE_UNKNOWN()

    async def _check_change(self, request: Request, caller: Caller, body: bytes, now: float) -> None:
        """Raises: OssError LINK_BODY_MISMATCH, LINK_NONCE_NEEDED, LINK_NONCE_USED."""
        digest = request.headers.get(_DIGEST, "")
        if digest != hashlib.sha256(body).hexdigest():
            raise LINK_BODY_MISMATCH()
        nonce = request.headers.get(_NONCE, "")
        if _NONCE_FORM.fullmatch(nonce) is None:
            raise LINK_NONCE_NEEDED()
        good_until = int(now) + 2 * CLOCK_SKEW_MAX_S
        if not await self._ports.keyring.use_nonce(caller.access_key_id, f"link/{nonce}", good_until, int(now)):
            raise LINK_NONCE_USED()


def _fit(pattern: str, path: str) -> str | None:
    """What stands for the pattern's `{id}`, "" for a pattern without one; None if the path doesn't fit."""
    start, _, end = pattern.partition("{id}")
    if start == pattern:
        return "" if path == pattern else None
    if not path.startswith(start) or not path.endswith(end) or len(path) <= len(start) + len(end):
        return None
    name = path[len(start) : len(path) - len(end)]
    return None if "/" in name else name


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.body.chunks():
            body += chunk
            if len(body) > LINK_REQUEST_MAX_BYTES:
                raise ENTITY_TOO_LARGE()
    except BodyFailed:
        raise LINK_BODY_MISMATCH("The body broke off.") from None
    return bytes(body)


def _write_fault(error: OssError, request_id: str) -> Reply:
    fault = {"code": error.code, "message": error.message, "ec": error.ec, "request_id": request_id, **error.facts}
    reply = _write(error.status, {"error": fault})
    return replace(reply, headers=(*reply.headers, *error.headers))


def _write(status: int, document: Any) -> Reply:
    headers = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"))
    return Reply(status, headers, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
