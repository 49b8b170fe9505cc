"""The raw query string <-> ordered pairs, decoded the way OSS decodes. Source: signing reference, CanonicalQuery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from coatcheck.core.percent import UNRESERVED, decode_query, encode


class Parameter(NamedTuple):
    """One decoded pair; `bare_equals` remembers that it was sent as "name=" rather than "name"."""

    name: str
    value: str
    bare_equals: bool = False


Parameters = tuple[Parameter, ...]
_PLAIN: Final = UNRESERVED + b"&="


class Query:
    """All parameters in the order they came, and the first value of each name. Nobody changes one.

    Attributes:
        raw: as it arrived; empty for one that was made of pairs.
        first: for reading: OSS takes the first of a repeated parameter.
        canonical: the text of every parameter but the signature of V4, sorted by name, if each came once and in the one
            spelling that `percent.encode` would give it, as all SDKs send them; None if only `parameters` can tell.
    """

    __slots__ = ("_canonical", "_first", "_parameters", "raw")

    def __init__(
        self,
        raw: bytes,
        first: Mapping[str, str] | None = None,
        canonical: str | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.raw = raw
        self._first = first  # None: nobody has asked yet, and of many links nobody does
        self._canonical = canonical
        self._parameters = parameters

    @property
    def first(self) -> Mapping[str, str]:
        if self._first is None:
            self._read()
        assert self._first is not None
        return self._first

    @property
    def canonical(self) -> str | None:
        if self._first is None:
            self._read()
        return self._canonical

    @property
    def is_read(self) -> bool:
        """Whether anybody has asked for a parameter by its name; of most links nobody needs one."""
        return self._first is not None

    @property
    def parameters(self) -> Parameters:
        """Every pair, repeats included: a signature covers them all."""
        if self._parameters is None:
            self._parameters = _read_pieces(self.raw)
        return self._parameters

    def _read(self) -> None:
        read = _read_link(self.raw) if len(self.raw) <= _REMEMBERED_QUERY_BYTES else None
        if read is not None:
            self._first, self._canonical = read
            return
        parameters = self.parameters
        first = {name: value for name, value, _ in parameters}
        if len(first) != len(parameters):
            first = {name: value for name, value, _ in reversed(parameters)}
        self._first = first

    @property
    def has_repeats(self) -> bool:
        return self.canonical is None and len(self.first) != len(self.parameters)

    def get(self, name: str) -> str | None:
        return self.first.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.first

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Query) and self.parameters == other.parameters

    def __hash__(self) -> int:
        return hash(self.parameters)

    def __repr__(self) -> str:
        return f"Query({[name for name, _, _ in self.parameters]}, values hidden)"

    def count(self, name: str) -> int:
        return sum(1 for parameter in self.parameters if parameter.name == name)


def make_query(parameters: Iterable[Parameter]) -> Query:
    """The query of these pairs, in this order."""
    kept = tuple(parameters)
    return Query(b"", {name: value for name, value, _ in reversed(kept)}, None, kept)


NO_QUERY: Final = make_query(())

# The links of one signer differ in path, date and signature only. What they share is remembered; long texts are not, so
# that strangers cannot fill the memory.
_REMEMBERED_QUERY_BYTES: Final = 1024
_DATE_CHARS: Final = 16


class _Names(NamedTuple):
    """What a dialect calls the two parameters in which a signer's links differ; `raw_*`: as they stand in a URL."""

    signature: str
    date: str
    raw_signature: bytes
    raw_date: bytes


_OSS: Final = _Names("x-oss-signature", "x-oss-date", b"&x-oss-signature=", b"x-oss-date=")
_S3: Final = _Names("X-Amz-Signature", "X-Amz-Date", b"&X-Amz-Signature=", b"X-Amz-Date=")


def read_query(raw: bytes) -> Query:
    """Any bytes are a query; nothing is refused here. "a", "a=" and "a=b" are parameters, empty pieces are dropped."""
    return Query(raw) if raw else NO_QUERY


def _read_link(raw: bytes) -> tuple[dict[str, str], str] | None:
    """The first values and the canonical text of a V4 link in canonical spelling; None if it is anything else."""
    names = _OSS
    before, found, behind = raw.partition(names.raw_signature)
    if not found:
        names = _S3
        before, found, behind = raw.partition(names.raw_signature)
        if not found:
            return None
    raw_signature, more, after = behind.partition(b"&")
    head, dated, rest = (before + more + after).partition(names.raw_date)
    raw_date = rest[:_DATE_CHARS]
    if not (raw_signature.isalnum() and raw_date.isalnum()):
        return None
    shared = _read_shared(head + dated + rest[_DATE_CHARS:], names)
    if shared is None:
        return None
    start, end, first = shared
    date = raw_date.decode()
    first = first.copy()  # which has both names: a dict that grows takes longer
    first[names.date], first[names.signature] = date, raw_signature.decode()
    return first, f"{start}{date}{end}"


@lru_cache(maxsize=1024)
def _read_shared(raw: bytes, names: _Names) -> tuple[str, str, dict[str, str]] | None:
    """Of a link without its signature and the value of its date: the canonical text before and behind that value, and
    the values of all parameters, with the two left open; None if any isn't in its canonical spelling.

    Of what has to be encoded only "/" is looked for, since every link has it in its credential.
    """
    if raw.replace(b"%2F", b"").translate(None, _PLAIN):
        return None
    date = names.raw_date.decode()
    pairs = [piece.split("=") for piece in raw.decode().replace(date, f"{date}0", 1).split("&")]
    try:
        encoded = dict(pairs)  # two parts each, or ValueError
    except ValueError:
        return None
    if len(encoded) != len(pairs) or "" in encoded or "" in encoded.values() or names.signature in encoded:
        return None
    pairs.sort()
    start, _, end = "&".join(["=".join(pair) for pair in pairs]).partition(f"{date}0")
    if encoded.get(names.date) != "0" or date in start + end:
        return None
    first = {name.replace("%2F", "/"): value.replace("%2F", "/") for name, value in encoded.items()}
    first[names.signature] = ""
    return start + date, end, first


def _read_pieces(raw: bytes) -> Parameters:
    return tuple([_read_piece(piece) for piece in raw.decode("utf-8", "surrogateescape").split("&") if piece])


def _read_piece(piece: str) -> Parameter:
    name, equals, value = piece.partition("=")
    if "%" in piece or "+" in piece:
        name, value = decode_query(name), decode_query(value)
    return Parameter(name, value, equals != "" and not value)


def write_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs -> text; an empty value is written as the bare name."""
    return "&".join(f"{encode(name)}={encode(value)}" if value else encode(name) for name, value in pairs)
