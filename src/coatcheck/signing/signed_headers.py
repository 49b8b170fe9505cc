"""What a signature says of the headers that will be sent with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from . import v4
from .refusal import PresignError


class SignedHeaders(NamedTuple):
    """What a signature says of headers.

    Attributes:
        headers: lower-case names; of all headers given, signed or not.
        additional: sorted names of those signed by choice; `additional_line` is the line they make.
        again: the signed ones, by the names they were given: they must be sent with the link.
    """

    headers: dict[str, str]
    additional: tuple[str, ...]
    additional_line: str
    again: dict[str, str]


NO_HEADERS: Final = SignedHeaders({}, (), "", {})


def sign_headers(given: Mapping[str, str], additional: Iterable[str], base: str = "") -> SignedHeaders:
    """
    Args:
        additional: names of headers to sign by choice.
        base: the URL that the request goes to; where it is known, its host needn't be given to be signed.
    Raises:
        PresignError: a header that can't be sent, or isn't given.
    """
    headers = read_headers(given)
    chosen = sorted({name.lower() for name in additional if not v4.is_always_signed(name.lower())})
    if "host" in chosen and base:
        headers.setdefault("host", base.split("/")[2])
    absent = [name for name in chosen if name not in headers]
    if absent:
        raise PresignError(f"additional header {absent[0]} has no value; give it in headers too.")
    again = {
        name: value for name, value in given.items() if v4.is_always_signed(name.lower()) or name.lower() in chosen
    }
    return SignedHeaders(headers, tuple(chosen), ";".join(chosen), again)


def read_headers(given: Mapping[str, str]) -> dict[str, str]:
    """With names in lower case. Raises: PresignError: a header that can't be sent."""
    headers = {name.lower(): value.strip(" \t") for name, value in given.items()}
    if len(headers) != len(given):
        raise PresignError("a header is given twice, in different spellings.")
    for name, value in headers.items():
        if not name or not name.isascii() or any(c.isspace() or c in ":;" for c in name):
            raise PresignError(f"{name!r} is not a header name.")
        if any(character in "\r\n\0" for character in value):
            raise PresignError(f"the value of header {name} holds a line break.")
    return headers
