"""Keys that notices are signed with, and the signatures: HMAC-SHA256 or Ed25519 over id, time and body.

Source: the Standard Webhooks specification: signed is "ID.TIME.BODY"; keys are whsec_, whsk_ and whpk_ with base64,
signatures "v1," and "v1a," with base64.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

from ..ports.notifier import WebhookKey

_SECRET, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_KEY_BYTES: Final = 32


def make_hmac_key() -> WebhookKey:
    return WebhookKey(_SECRET + b64encode(secrets.token_bytes(_KEY_BYTES)).decode(), "")


def make_ed25519_key() -> WebhookKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return WebhookKey(_PRIVATE + b64encode(key.private_bytes_raw()).decode(), _PUBLIC + b64encode(public).decode())


def sign(key: str, webhook_id: str, at_s: int, body: bytes) -> str:
    """The value of the header webhook-signature."""
    text = f"{webhook_id}.{at_s}.".encode() + body
    if key.startswith(_SECRET):
        mac = hmac.new(b64decode(key.removeprefix(_SECRET)), text, hashlib.sha256)
        return f"v1,{b64encode(mac.digest()).decode()}"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(b64decode(key.removeprefix(_PRIVATE)))
    return f"v1a,{b64encode(private.sign(text)).decode()}"
