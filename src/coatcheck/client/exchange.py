"""One HTTP exchange: the bytes of the address go out as given, and whatever fails comes back as a `ClientError`."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import httpx

from coatcheck import __version__

from .errors import ERROR_BODY_MAX_BYTES, ClientError, Unreachable, read_error

CONNECT_TIMEOUT_S: Final = 10.0
SILENCE_TIMEOUT_S: Final = 60.0  # no byte in either direction for this long
DOCUMENT_MAX_BYTES: Final = 32 * 1024**2  # a page of 1000 long, escaped keys is some 10 MiB

_NO_PROXIES: Final[dict[str, None]] = {"http://": None, "https://": None, "all://": None}
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))


def open_client(url: str, ca: Path | None = None) -> httpx.Client:
    """A client for `url`'s server; `ca` is the certificate of an authority that is trusted besides the usual ones.

    Proxies of the environment are for the world outside, not for this machine.

    Bodies must come as stored ("identity"): a body gzipped on the way has no ranges and another checksum.
    """
    return httpx.Client(
        headers={"User-Agent": f"coatcheck/{__version__}", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        verify=trusted(ca),
        mounts=_NO_PROXIES if is_this_machine(read_url(url).hostname or "") else None,
    )


@cache
def trusted(ca: Path | None = None) -> ssl.SSLContext:
    """The authorities that httpx trusts, read once: it takes longer than a whole exchange with this machine."""
    context = httpx.create_ssl_context()
    if ca is not None and ca.exists():
        context.load_verify_locations(ca)
    return context


def read_url(url: str) -> SplitResult:
    """The parts of an http:// or https:// address. Raises: ClientError when it isn't one."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise ClientError("InvalidUrl", "This is not an http:// or https:// address.")


@contextmanager
def exchange(
    client: httpx.Client,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    content: bytes | Iterable[bytes] | None = None,
) -> Iterator[httpx.Response]:
    """Send and yield the response with its body unread; failures in the block, while reading it, are translated too.

    Raises:
        Unreachable: no reply, or half of one.
        ClientError: status 300 or more (`read_error`), or an address nobody could send to.
    """
    try:
        request = client.build_request(
            method, url, headers=_encode(headers or {}), content=content, extensions=_exact_target(url)
        )
        response = client.send(request, stream=True)
        try:
            if response.status_code >= 300:
                raise read_error(response.status_code, _headers(response), read_up_to(response, ERROR_BODY_MAX_BYTES))
            yield response
        finally:
            response.close()
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise ClientError("InvalidUrl", "This is not an http:// or https:// address.") from None
    except httpx.TimeoutException as error:
        raise Unreachable("Timeout", f"{_server(url)} doesn't answer.", hint="try again") from error
    except httpx.ConnectError as error:
        raise Unreachable(
            "NoConnection", f"Can't connect to {_server(url)}: {_words(error)}.", hint="check the address"
        ) from error
    except httpx.TransportError as error:
        raise Unreachable("CutOff", f"The connection to {_server(url)} broke: {_words(error)}.") from error


def read_up_to(response: httpx.Response, limit_bytes: int) -> bytes:
    """The first `limit_bytes` of the body, or all of it."""
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) >= limit_bytes:
            break
    return bytes(body[:limit_bytes])


def read_document(response: httpx.Response) -> bytes:
    """A whole small body. Raises: ClientError when it isn't small."""
    body = read_up_to(response, DOCUMENT_MAX_BYTES)
    if len(body) >= DOCUMENT_MAX_BYTES:
        raise ClientError("AnswerTooLarge", f"{_server(str(response.url))} sent a document beyond all measure.")
    return body


def _exact_target(url: str) -> dict[str, bytes]:
    """httpx resolves "." and ".." in a path; keys may hold both, and a signature covers what was signed.

    Only where it makes a difference, since a target set by hand doesn't go through an HTTP proxy.
    """
    parts = read_url(url)
    target = quote(parts.path or "/", safe=_PRINTABLE) + (
        f"?{quote(parts.query, safe=_PRINTABLE)}" if parts.query else ""
    )
    wanted = target.encode("ascii")
    return {"target": wanted} if httpx.URL(url).raw_path != wanted else {}


def _encode(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Header values may hold any Unicode (x-oss-meta-*); they are signed and sent as UTF-8."""
    return {name.encode(): value.encode() for name, value in headers.items()}


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _server(url: str) -> str:
    """Scheme and host only: the rest of a presigned URL is a key."""
    parts = read_url(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _words(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address, or a name of one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
