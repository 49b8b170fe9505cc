"""Callbacks by HTTP, signed as OSS signs them: RSA with MD5 over the decoded path, the query, and the body.

The private key is the secret "callback", made by whichever process first needs it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from ..core.addresses import Address, Network, is_metadata_name, may_reach, read_address
from ..core.limits import CALLBACK_REPLY_MAX_BYTES, CALLBACK_TIMEOUT_S
from ..ports.notifier import Forbidden, Notice, Response, Unreachable, Webhook, WebhookKey
from ..ports.secrets import CALLBACK, SecretLost, SecretsInUse
from . import webhook_keys
from .trouble import tell_trouble

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_KEY_BITS: Final = 2048


class HttpNotifier:
    """See `ports.notifier`. httpx and OpenSSL are loaded by the first callback, not before.

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
        self._allowed = tuple(allowed)
        self._key: RSAPrivateKey | None = None
        self._tls: ssl.SSLContext | None = None

    def may_reach(self, host: str) -> bool:
        address = read_address(host)
        return not is_metadata_name(host) if address is None else may_reach(address, self._allowed)

    async def send(self, notice: Notice) -> Response:
        async with _no_longer_than_allowed():
            headers = {
                "Host": notice.host,
                "Content-Type": notice.content_type,
                "User-Agent": "aliyun-oss-callback",
                "Authorization": await self._sign(_path_of(notice.url), notice.body),
                "x-oss-pub-key-url": b64encode(self._key_url.encode()).decode(),
                **dict(notice.headers),
            }
            return await self._post(notice.url, headers, notice.body)

    async def post(self, webhook: Webhook) -> int:
        async with _no_longer_than_allowed():
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "coatcheck-notice",
                "webhook-id": webhook.id,
                "webhook-timestamp": str(webhook.at_s),
                "webhook-signature": webhook_keys.sign(webhook.key, webhook.id, webhook.at_s, webhook.body),
            }
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

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        import httpx

        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._resolve(name, port)
        literal = f"[{address}]" if address.version == 6 else str(address)
        try:
            async with (
                httpx.AsyncClient(verify=self._tls_context(), trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST",
                    f"{parts.scheme}://{literal}:{port}{_path_of(url)}",
                    headers={**headers, "Host": headers.get("Host") or parts.netloc},
                    content=body,
                    extensions={"sni_hostname": name},
                    timeout=CALLBACK_TIMEOUT_S,
                ) as answer,
            ):
                announced = "content-length" in answer.headers
                return Response(answer.status_code, announced, await _read(answer))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def _resolve(self, name: str, port: int) -> Address:
        """The one address that will be connected to. Raises: Unreachable, Forbidden."""
        if is_metadata_name(name):
            raise Forbidden(name)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable("its name is not known") from None
        address = read_address(str(found[0][4][0])) if found else None
        if address is None:
            raise Unreachable("its name is not known")
        if not may_reach(address, self._allowed):
            raise Forbidden(name)
        return address

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
                pem = await self._secrets.keep(CALLBACK, await asyncio.to_thread(_make_key))
            key = _read_key(pem)
            await self._secrets.note(CALLBACK, pem)
            self._key = key
        return self._key

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


@asynccontextmanager
async def _no_longer_than_allowed() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(CALLBACK_TIMEOUT_S):
            yield
    except TimeoutError:
        raise Unreachable(f"no answer within {CALLBACK_TIMEOUT_S:g} seconds") from None


def _path_of(url: str) -> str:
    """Path and query, as they are sent."""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() or "/"


async def _read(answer: object) -> bytes | None:
    import httpx

    assert isinstance(answer, httpx.Response)
    pieces, size = [], 0
    async for piece in answer.aiter_bytes():
        size += len(piece)
        if size > CALLBACK_REPLY_MAX_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _make_key() -> bytes:
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
