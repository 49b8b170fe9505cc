"""The password of a ticket: asked for once, and remembered for an hour, in a cookie or for programs in this worker.

Every way to what the ticket names goes through here. The limit is asked before the password is looked at, and it is
looked at outside the loop, one at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from typing import Final, NamedTuple

from coatcheck.core.addresses import name_client
from coatcheck.core.limits import (
    TICKET_PASSWORD_MAX_CHARS,
    TICKET_TRIES_MAX,
    TICKET_TRIES_WINDOW_S,
    TICKET_UNLOCKED_S,
)
from coatcheck.core.ticket_errors import (
    TICKET_BUSY,
    TICKET_PASSWORD_NEEDED,
    TICKET_PASSWORD_WRONG,
    TICKET_TRIED_TOO_OFTEN,
)
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.passwords import Passwords, TooManyPasswords
from coatcheck.ports.tickets import Ticket, Tickets
from coatcheck.wire.reply import RawHeader
from coatcheck.wire.request import Request

from .presented import Good

_COOKIE: Final = "coatcheck"
_PURPOSE: Final = "ticket-cookie"
_BASIC: Final = ((b"WWW-Authenticate", b'Basic realm="coatcheck link", charset="UTF-8"'),)
_REMEMBERED_MAX: Final = 4096


class LockPorts(NamedTuple):
    tickets: Tickets
    passwords: Passwords
    keyring: KeyUse


class Lock:
    """Whether whoever presents a ticket knows its password."""

    def __init__(self, ports: LockPorts) -> None:
        self._ports = ports
        self._key = os.urandom(32)
        self._known: dict[bytes, float] = {}  # digests of passwords that were right -> Unix seconds until when

    async def check(self, good: Good, request: Request, now: float) -> None:
        """Raises: OssError TICKET_PASSWORD_NEEDED, TICKET_PASSWORD_WRONG, TICKET_TRIED_TOO_OFTEN, TICKET_BUSY."""
        ticket = good.ticket
        if not ticket.password or self._has_cookie(ticket, request, now):
            return
        password = _read_basic(request.headers.get("authorization", ""))
        if password is None:
            raise TICKET_PASSWORD_NEEDED(headers=_BASIC)
        known = hmac.digest(self._key, f"{ticket.id}\0{ticket.password}\0{password}".encode(), "sha256")
        if self._known.get(known, 0) >= now:
            return
        await self.try_password(good, password, request.client, now)
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        self._known[known] = now + TICKET_UNLOCKED_S

    async def try_password(self, good: Good, password: str, client: str, now: float) -> None:
        """Raises: OssError TICKET_PASSWORD_WRONG, TICKET_TRIED_TOO_OFTEN, TICKET_BUSY."""
        ticket, receiver = good.ticket, name_client(client)
        tickets, passwords, _ = self._ports
        if not await tickets.take_try(ticket.id, receiver, TICKET_TRIES_MAX, TICKET_TRIES_WINDOW_S, int(now)):
            raise TICKET_TRIED_TOO_OFTEN(headers=((b"Retry-After", b"%d" % TICKET_TRIES_WINDOW_S),))
        try:
            fits = len(password) <= TICKET_PASSWORD_MAX_CHARS and await passwords.fits(password, ticket.password)
        except TooManyPasswords:
            raise TICKET_BUSY(headers=((b"Retry-After", b"1"),)) from None
        if not fits:
            raise TICKET_PASSWORD_WRONG(headers=_BASIC)
        await tickets.forget_tries(ticket.id, receiver)

    def make_cookie(self, good: Good, now: float, *, secure: bool) -> RawHeader:
        """What lets a browser that gave the right password back in, for an hour."""
        ticket = good.ticket
        text = json.dumps([ticket.id, int(now) + TICKET_UNLOCKED_S, _digest(ticket)])
        sealed = self._ports.keyring.seal_token(text, _PURPOSE)
        parts = [f"{_name(secure=secure)}={sealed}", f"Path={good.address}", f"Max-Age={TICKET_UNLOCKED_S}"]
        parts += ["HttpOnly", "SameSite=Strict", *(["Secure"] if secure else [])]
        return b"Set-Cookie", "; ".join(parts).encode()

    def _has_cookie(self, ticket: Ticket, request: Request, now: float) -> bool:
        sealed = _read_cookie(request.headers.get("cookie", ""), _name(secure=request.secure))
        text = self._ports.keyring.open_token(sealed, _PURPOSE) if sealed else None
        if text is None:
            return False
        link_id, until, digest = json.loads(text)
        return bool(link_id == ticket.id and now <= until and hmac.compare_digest(digest, _digest(ticket)))


def _name(*, secure: bool) -> str:
    return f"__Secure-{_COOKIE}" if secure else _COOKIE


def _digest(ticket: Ticket) -> str:
    """Another password, another digest."""
    return hashlib.sha256(ticket.password.encode()).hexdigest()


def _read_cookie(header: str, name: str) -> str:
    from http.cookies import CookieError, SimpleCookie  # few servers have a locked ticket, and none at its start

    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _read_basic(header: str) -> str | None:
    """The password of Basic authentication; the user's name doesn't matter. None without one."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    return text.partition(":")[2]
