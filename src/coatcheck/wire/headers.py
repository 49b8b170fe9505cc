"""Headers that many requests, or many replies, have in common. Nobody changes them; what follows is worked out once."""

from __future__ import annotations

from typing import Any, NoReturn

RawHeader = tuple[bytes, bytes]


class Headers(dict[str, str]):
    """Headers that several requests share, so nobody changes them: who needs others makes a dict of them.

    What follows from them alone is worked out by whoever asks first, and written down here.

    Attributes:
        signed: those that the signature of a link may depend on (`identity.readings`); None before anybody asked.
        is_bare: none of them changes what a GET is answered with (`oss.bare_get`); None before anybody asked.
    """

    __slots__ = ("is_bare", "signed")

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(headers)
        self.signed: str | None = None
        self.is_bare: bool | None = None

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("headers that requests share are not changed")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = _refuse
    pop = popitem = clear = _refuse


class WrittenHeaders(tuple[RawHeader, ...]):
    """Headers that many replies have, as `http1_writing` writes them: whoever makes others of them loses `lines`.

    Attributes:
        lines: all of them, with line ends between them.
    """

    lines: bytes
