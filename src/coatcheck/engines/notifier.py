"""Callbacks by HTTP, signed as OSS signs them: RSA with MD5 over the decoded path, the query, and the body.

The private key is the secret "callback", made by whichever process first needs it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from ..core.addresses import Network
from ..core.limits import CALLBACK_REPLY_MAX_BYTES, CALLBACK_TIMEOUT_S
from ..ports.notifier import Forbidden, Notice, Response, Unreachable, Webhook, WebhookKey
from ..ports.secrets import CALLBACK, SecretLost, SecretsInUse
from . import webhook_keys
from .outgoing import Outgoing, Sending, as_unreachable, path_of
from .trouble import tell_trouble

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_KEY_BITS: Final = 2048


class HttpNotifier:
    """See `ports.notifier`.

    Args:
        keys: where the private key is kept.
        key_url: where applications find the public key; told with every callback.
        allowed: networks that are allowed though they aren't public.
    """

    def __init__(
        self,
        keys: SecretsInUse,
        key_url: str,
        allowed: Sequence[Network] = (),
    ) -> None:
        self._secrets = keys
        self._key_url = key_url
        self._outgoing = Outgoing(allowed)
        self._key: RSAPrivateKey | None = None
        self.waiting = 0  # callbacks that are under way
        self.failed = 0

    def may_reach(self, host: str) -> bool:
        return self._outgoing.may_reach(host)

    async def send(self, notice: Notice) -> Response:
        self.waiting += 1
        try:
            return await self._send_in_time(notice)
        except (Unreachable, Forbidden):
            self.failed += 1
            raise
        finally:
            self.waiting -= 1

    async def _send_in_time(self, notice: Notice) -> Response:
        async with _in_time():
            return await self._send(notice)

    async def post(self, webhook: Webhook) -> int:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "coatcheck-notice",
            "webhook-id": webhook.id,
            "webhook-timestamp": str(webhook.at_s),
            "webhook-signature": webhook_keys.sign(webhook.key, webhook.id, webhook.at_s, webhook.body),
        }
        async with _in_time():
            return (await self._post(webhook.url, headers, webhook.body)).status

    def make_hmac_key(self) -> WebhookKey:
        return webhook_keys.make_hmac_key()

    def make_ed25519_key(self) -> WebhookKey:
        return webhook_keys.make_ed25519_key()

    async def public_key(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        key = await self._private_key()
        return key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    async def _send(self, notice: Notice) -> Response:
        path = path_of(urlsplit(notice.url))
        headers = {
            **({"Host": notice.host} if notice.host else {}),
            "Content-Type": notice.content_type,
            "User-Agent": "aliyun-oss-callback",
            "Authorization": await self._sign(path, notice.body),
            "x-oss-pub-key-url": b64encode(self._key_url.encode()).decode(),
            **dict(notice.headers),
        }
        return await self._post(notice.url, headers, notice.body)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        sending = Sending("POST", url, headers, body, CALLBACK_TIMEOUT_S)
        async with self._outgoing.open(sending) as answer:
            with as_unreachable():
                read = await _read(answer)
            return Response(answer.status_code, "content-length" in answer.headers, read)

    async def _sign(self, path: str, body: bytes) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        plain, mark, query = path.partition("?")
        text = unquote_to_bytes(plain) + (mark + query).encode() + b"\n" + body
        key = await self._private_key()
        return b64encode(key.sign(text, padding.PKCS1v15(), hashes.MD5())).decode()  # noqa: S303  the protocol's

    async def _private_key(self) -> RSAPrivateKey:
        if self._key is None:
            try:
                pem = await self._secrets.find(CALLBACK)
            except SecretLost as error:
                tell_trouble("callbacks cannot be signed", error)
                raise Unreachable("the server has lost its callback key") from None
            if pem is None:
                pem = await self._secrets.keep(CALLBACK, await asyncio.to_thread(make_callback_key))
            key = _read_key(pem)
            await self._secrets.note(CALLBACK, pem)
            self._key = key
        return self._key


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(CALLBACK_TIMEOUT_S):
            yield
    except TimeoutError:
        raise Unreachable(f"no answer within {CALLBACK_TIMEOUT_S:g} seconds") from None


async def _read(answer: httpx.Response) -> bytes | None:
    pieces, size = [], 0
    async for piece in answer.aiter_bytes():
        size += len(piece)
        if size > CALLBACK_REPLY_MAX_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def make_callback_key() -> bytes:
    """A new private key, PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, _KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(pem: bytes) -> RSAPrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
