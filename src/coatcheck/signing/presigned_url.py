"""A signed link, as callers get it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class PresignedUrl(NamedTuple):
    """A signed link: whoever has it may use it until it expires. `str()` gives the URL; `repr()` hides its signature.

    Attributes:
        expires_at_s: when it stops working, in Unix seconds.
        signed_headers: headers that must be sent with it, with exactly these values; names as they were given.
    """

    url: str
    method: str
    expires_at_s: int
    signed_headers: dict[str, str]

    @property
    def expires_at(self) -> datetime:
        """When it stops working, in UTC."""
        return datetime.fromtimestamp(self.expires_at_s, UTC)

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        address = self.url.partition("?")[0]
        return f"PresignedUrl({self.method} {address}, expires_at={self.expires_at:%Y-%m-%dT%H:%M:%SZ})"
