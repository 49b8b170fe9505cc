"""Telling an application of an upload: one signed POST to an address that the uploader named, and its answer.

The address is somebody else's word, so an engine resolves it once, refuses what isn't public unless the operator allows
it, connects to exactly the address it looked at, follows no redirect, and bounds time and size.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Unreachable(Exception):
    """There was no answer; the text says why."""


class Forbidden(Exception):
    """The address isn't one that this server may be sent to."""


class Notice(Struct, frozen=True):
    """What is sent.

    Attributes:
        url: http or https.
        host: for the Host header; "" for the URL's own.
        headers: further headers; the signature, the length and the like are the engine's.
    """

    url: str
    host: str
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Response(Struct, frozen=True):
    """What came back. `announced` is false where there was no Content-Length; `body` is None if it is too long."""

    status: int
    announced: bool
    body: bytes | None


class Webhook(Struct, frozen=True):
    """A notice to an owner of links.

    Attributes:
        id: the same for each attempt.
        at_s: of this attempt, Unix seconds; signed with the id and the body.
        key: the secret of a `WebhookKey`.
    """

    url: str
    id: str
    at_s: int
    body: bytes
    key: str

    def __repr__(self) -> str:
        return f"Webhook({self.id}, address and key hidden)"


class WebhookKey(Struct, frozen=True):
    """What notices are signed with.

    Attributes:
        public: what they are checked with; "" where that is the secret itself.
    """

    secret: str
    public: str


class Notifier(Protocol):
    def may_reach(self, host: str) -> bool:
        """False for an address that is refused as it stands; a name is only looked up by `send`."""
        ...

    async def send(self, notice: Notice) -> Response:
        """Raises: Unreachable, Forbidden."""
        ...

    async def post(self, webhook: Webhook) -> int:
        """Send a signed notice as JSON; the status of the answer. Raises: Unreachable, Forbidden."""
        ...

    def make_hmac_key(self) -> WebhookKey: ...

    def make_ed25519_key(self) -> WebhookKey: ...

    async def public_key(self) -> bytes:
        """The key that signatures are checked with, PEM. Made when first asked for, and the same from then on."""
        ...


class NoNotifier:
    """Where nobody can be told."""

    def may_reach(self, host: str) -> bool:
        return False

    async def send(self, notice: Notice) -> Response:
        raise Forbidden(notice.url)

    async def post(self, webhook: Webhook) -> int:
        raise Forbidden(webhook.url)

    def make_hmac_key(self) -> WebhookKey:
        return WebhookKey("whsec_", "")

    def make_ed25519_key(self) -> WebhookKey:
        return WebhookKey("whsk_", "whpk_")

    async def public_key(self) -> bytes:
        raise Unreachable("This server has no key.")
