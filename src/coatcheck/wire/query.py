"""The raw query string <-> ordered pairs, decoded the way OSS decodes. Source: signing reference, CanonicalQuery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.percent import decode_query, encode


class Parameter(NamedTuple):
    """One decoded pair; `bare_equals` remembers that it was sent as "name=" rather than "name"."""

    name: str
    value: str
    bare_equals: bool = False


@dataclass(slots=True)
class Query:
    """All parameters in the order they came, and the first value of each name. Nobody changes one: it isn't frozen only
    because one is made for every request, and that would take three times as long.

    `parameters` holds every pair, repeats included: a signature covers them all. `first` is for reading: OSS takes the
    first of a repeated parameter.
    """

    parameters: tuple[Parameter, ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.first.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.first

    def count(self, name: str) -> int:
        return sum(1 for parameter in self.parameters if parameter.name == name)


NO_QUERY = Query()

# Links that were signed together, as those of one page are, differ in path and signature only, and other links of one
# signer share most of their pieces. Both are remembered; long ones are not, so that strangers cannot fill the memory.
_REMEMBERED_QUERY_BYTES: Final = 1024
_LAST_OF_A_LINK: Final = b"&x-oss-signature="


def read_query(raw: bytes) -> Query:
    """Any bytes are a query; nothing is refused here. "a", "a=" and "a=b" are parameters, empty pieces are dropped."""
    if not raw:
        return NO_QUERY
    if len(raw) > _REMEMBERED_QUERY_BYTES:
        return _read_pieces(raw, _read_piece)
    shared, separator, signature = raw.rpartition(_LAST_OF_A_LINK)
    if not separator or not signature.isalnum():
        return _read_pieces(raw, _read_known_piece)
    known, value = _read_shared(shared), signature.decode("ascii")
    return Query((*known.parameters, Parameter("x-oss-signature", value)), {"x-oss-signature": value, **known.first})


@lru_cache(maxsize=1024)
def _read_shared(raw: bytes) -> Query:
    return _read_pieces(raw, _read_known_piece)


def _read_pieces(raw: bytes, read: Callable[[str], Parameter]) -> Query:
    parameters = [read(piece) for piece in raw.decode("utf-8", "surrogateescape").split("&") if piece]
    first = {name: value for name, value, _ in parameters}
    if len(first) != len(parameters):
        first = {name: value for name, value, _ in reversed(parameters)}
    return Query(tuple(parameters), first)


def _read_piece(piece: str) -> Parameter:
    name, equals, value = piece.partition("=")
    if "%" in piece or "+" in piece:
        name, value = decode_query(name), decode_query(value)
    return Parameter(name, value, equals != "" and not value)


_read_known_piece = lru_cache(maxsize=2048)(_read_piece)


def write_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs -> text; an empty value is written as the bare name."""
    return "&".join(f"{encode(name)}={encode(value)}" if value else encode(name) for name, value in pairs)
