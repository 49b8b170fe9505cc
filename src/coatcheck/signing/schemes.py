"""The signature schemes that are spoken, a row each. A further one is a file like `v4_scheme.py`, and its row here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from coatcheck.wire.request import Request

from .form_scheme import FORM_V1, FORM_V4
from .rpc import ACS3, RPC
from .scheme import Claim, Scheme
from .v1_scheme import V1_HEADER, V1_LINK
from .v2_scheme import V2_HEADER, V2_LINK
from .v4_scheme import V4_HEADER, V4_LINK

FOREIGN: Final = frozenset({"X-Amz-Algorithm", "X-Amz-Signature"})  # marks of schemes that we know and don't speak

Rows = tuple[Scheme[Any, Any], ...]


class Table(Struct, frozen=True):
    """The rows by the place of the signature, each in the order in which they are asked.

    Attributes:
        link_readers, header_readers: `read` of these rows, at hand for every request.
        marks: parameters any of which shows that a URL was meant to be signed.
    """

    links: Rows
    forms: Rows
    rpc: Rows
    link_readers: tuple[Callable[[Request], Claim | None], ...]
    header_readers: tuple[Callable[[Request], Claim | None], ...]
    marks: frozenset[str]


def make_table(*rows: Scheme[Any, Any]) -> Table:
    """The table of these rows."""
    links, headers, forms, rpc = (
        tuple(row for row in rows if row.place == place) for place in ("link", "header", "form", "rpc")
    )
    link_readers, header_readers = tuple(row.read for row in links), tuple(row.read for row in headers)
    return Table(links, forms, rpc, link_readers, header_readers, FOREIGN.union(*(row.marks for row in rows)))


ROWS: Final[Rows] = (V4_LINK, V2_LINK, V1_LINK, V4_HEADER, V1_HEADER, V2_HEADER, FORM_V4, FORM_V1, ACS3, RPC)
TABLE = make_table(*ROWS)
