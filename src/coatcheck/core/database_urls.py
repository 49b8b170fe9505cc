"""URLs of databases, and how they may be shown. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

SCHEMES: Final = ("postgresql", "postgres")
_SECRET: Final = ("password", "sslpassword")
_HIDDEN: Final = "***"


def is_database(url: str) -> bool:
    return url.partition("://")[0] in SCHEMES and "://" in url


def has_password(url: str) -> bool:
    return is_database(url) and shown(url) != _rewritten(url, hidden=False)


def shown(url: str) -> str:
    """With *** for each password. Any other text is as it is. Raises: ValueError, for a URL that can't be read."""
    return _rewritten(url, hidden=True) if is_database(url) else url


def _rewritten(url: str, *, hidden: bool) -> str:
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    if colon:
        user = f"{name}:{_HIDDEN if hidden and password else password}"
    query = [
        (key, _HIDDEN if hidden and key.lower() in _SECRET else value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    written = urlencode(query, safe="*/", quote_via=quote)
    return urlunsplit((parts.scheme, f"{user}{at}{hosts}", parts.path, written, parts.fragment))
