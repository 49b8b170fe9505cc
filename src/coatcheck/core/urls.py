"""Addresses of other servers that clients name: what they may look like. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def find_host(url: str) -> str | None:
    """The host of an http or https address, without brackets; None for anything else, or what no address is.

    Users and passwords have no place in it, nor have characters that could end a line or a word of a request.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
        return None
    return host
