"""Callbacks by HTTP, signed as OSS signs them: RSA with MD5 over the decoded path, the query, and the body.

`callback.key` in the data directory holds the server's private key, made by whichever process first needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from ..core.addresses import Address, Network, is_metadata_name, may_reach, read_address
from ..core.limits import CALLBACK_REPLY_MAX_BYTES, CALLBACK_TIMEOUT_S
from ..ports.notifier import Forbidden, Notice, Response, Unreachable
from .trouble import tell_trouble

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_KEY_BITS: Final = 2048


class HttpNotifier:
    """See `ports.notifier`. httpx and OpenSSL are loaded by the first callback, not before.

    Args:
        key_path: of the private key, PEM.
        key_url: where applications find the public key; told with every callback.
        allowed: networks that are allowed though they aren't public.
        needed: whether there was a key before, so that none is made in its place.
        note: told of the key before it is used first.
    """

    def __init__(
        self,
        key_path: Path,
        key_url: str,
        allowed: Sequence[Network] = (),
        *,
        needed: Callable[[], bool] = lambda: False,
        note: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._key_path = key_path
        self._key_url = key_url
        self._allowed = tuple(allowed)
        self._needed = needed
        self._note = note
        self._key: RSAPrivateKey | None = None
        self._tls: ssl.SSLContext | None = None

    def may_reach(self, host: str) -> bool:
        address = read_address(host)
        return not is_metadata_name(host) if address is None else may_reach(address, self._allowed)

    async def send(self, notice: Notice) -> Response:
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
            if self._needed() and not self._key_path.exists():
                tell_trouble("callbacks cannot be signed", f"{self._key_path} is missing; restore it from a backup")
                raise Unreachable("the server has lost its callback key")
            key, pem = await asyncio.to_thread(_open_key, self._key_path)
            if self._note is not None:
                await self._note(pem)
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


def _open_key(path: Path) -> tuple[RSAPrivateKey, bytes]:
    """The key of the file, and the file's content. Made if there is none: of several, the first to link it wins."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not path.exists():
        made = rsa.generate_private_key(65537, _KEY_BITS).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
        unfinished.unlink()
    pem = path.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key, pem
