"""Callbacks by HTTP, signed as OSS signs them: RSA with MD5 over the decoded path, the query, and the body.

The private key is the secret "callback", made by whichever process first needs it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from ..core.addresses import Address, Network, is_metadata_name, may_reach, read_address
from ..core.limits import CALLBACK_REPLY_MAX_BYTES, CALLBACK_TIMEOUT_S
from ..ports.notifier import Forbidden, Notice, Response, Unreachable
from ..ports.secrets import CALLBACK, SecretLost, SecretsInUse
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
        self.waiting = 0  # callbacks that are under way
        self.failed = 0

    def may_reach(self, host: str) -> bool:
        address = read_address(host)
        return not is_metadata_name(host) if address is None else may_reach(address, self._allowed)

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
        try:
            async with asyncio.timeout(CALLBACK_TIMEOUT_S):
                return await self._send(notice)
        except TimeoutError:
            raise Unreachable(f"no answer within {CALLBACK_TIMEOUT_S:g} seconds") from None

    async def public_key(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        key = await self._private_key()
        return key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    async def _send(self, notice: Notice) -> Response:
        import httpx

        parts = urlsplit(notice.url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._resolve(name, port)
        literal = f"[{address}]" if address.version == 6 else str(address)
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        headers = {
            "Host": notice.host or parts.netloc,
            "Content-Type": notice.content_type,
            "User-Agent": "aliyun-oss-callback",
            "Authorization": await self._sign(path, notice.body),
            "x-oss-pub-key-url": b64encode(self._key_url.encode()).decode(),
            **dict(notice.headers),
        }
        try:
            async with (
                httpx.AsyncClient(verify=self._tls_context(), trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST",
                    f"{parts.scheme}://{literal}:{port}{path}",
                    headers=headers,
                    content=notice.body,
                    extensions={"sni_hostname": name},
                    timeout=CALLBACK_TIMEOUT_S,
                ) as answer,
            ):
                body = await _read(answer)
                return Response(answer.status_code, "content-length" in answer.headers, body)
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
