"""Heads that differ from one read before in nothing but their target, told without reading their headers again.

A client sends the same headers with every request, and so do many of a kind. What the parser made of such lines is
kept by their bytes; of the next head with these very lines only the request line is left to be read, and only in the
plainest form. Whatever is anything else is the parser's.
"""

from __future__ import annotations

from random import Random
from typing import Final

from coatcheck.core.limits import REQUEST_TARGET_MAX_BYTES

from .headers import Headers
from .http1_head import PATH_BYTES, Head

_KEPT: Final = 256  # a process; strangers can fill them, which costs others a little time
_LINES_MAX_BYTES: Final = 2048
_CHANCE: Final = 0.125  # of being kept when another must go
_END: Final = b"\r\n\r\n"
_METHODS: Final = {b"GET ": "GET", b"HEAD ": "HEAD"}
_VERSION: Final = b" HTTP/1.1"


class KnownHeads:
    """The header lines of one process. They end like a head, and hold no other end of one."""

    __slots__ = ("_chance", "_headers")

    def __init__(self, chance: Random | None = None) -> None:
        self._headers: dict[bytes, Headers] = {}
        self._chance = chance or Random()  # noqa: S311  no secret

    def find(self, data: bytes) -> Head | None:
        """The head that these bytes are, all of them; None where that is for the parser to say."""
        line_end = data.find(b"\r\n")
        headers = self._headers.get(data[line_end:])
        if headers is None:
            return None
        target_start = data.find(b" ", 0, 5) + 1
        method = _METHODS.get(data[:target_start])
        target_end = line_end - len(_VERSION)
        if method is None or target_end <= target_start or data[target_end:line_end] != _VERSION:
            return None  # (mypyc takes no slice that ends before it begins)
        target = data[target_start:target_end]
        if not target.startswith(b"/") or len(target) > REQUEST_TARGET_MAX_BYTES or target.translate(None, PATH_BYTES):
            return None
        path, _, query = target.partition(b"?")
        return Head(method, path, query, headers, True, False, False)

    def keep(self, data: bytes, head: Head) -> None:
        """What the parser made of these bytes, where it had read nothing before them that they go on with."""
        line_end = data.find(b"\r\n")
        lines = data[line_end:]
        if not head.keep_alive or head.has_body or head.is_old or "upgrade" in head.headers:
            return
        if lines.find(_END) != len(lines) - len(_END) or len(lines) > _LINES_MAX_BYTES:
            return
        if data[:line_end].count(b" ") != 2 or not data[:line_end].endswith(_VERSION):
            return
        if len(self._headers) >= _KEPT:
            if self._chance.random() > _CHANCE:
                return
            del self._headers[next(iter(self._headers))]
        self._headers[lines] = Headers(head.headers)
