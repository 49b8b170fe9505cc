"""Documents as S3 writes them: with its namespace on the root, ETags in lower case, an owner that is an account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from coatcheck.configurations.elements import Shape
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES, LIST_MAX_KEYS
from coatcheck.core.percent import encode_path
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.configuration import Handler
from coatcheck.wire.query import Query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_ROOT: Final = re.compile(rb"<(\w+)>")


def document(root: str, nodes: Iterable[Node]) -> bytes:
    """The document, whose names come back as they are."""
    text = write_xml(root, nodes, controls=True)
    return text.replace(f"<{root}>".encode(), f'<{root} xmlns="{NAMESPACE}">'.encode(), 1)


def in_namespace(run: Handler) -> Handler:
    """A handler of the other dialect whose document S3 has too: as S3 writes it."""

    async def written(call: Call) -> Reply:
        reply = await run(call)
        if reply.status != 200 or not isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=_ROOT.sub(rb'<\1 xmlns="%b">' % NAMESPACE.encode(), reply.body, count=1))

    written.__name__ = run.__name__  # the operation's name, which the log has
    return written


def show(root: str, nodes: Iterable[Node], headers: tuple[RawHeader, ...] = ()) -> Reply:
    """A document as the reply."""
    return Reply(200, ((b"Content-Type", b"application/xml"), *headers), document(root, nodes))


async def read_document(request: Request, root: str, shape: Shape, *, most: int = CONFIGURATION_MAX_BYTES) -> Element:
    """The request's XML body, which holds no element that the shape doesn't have.

    Raises: OssError MALFORMED_XML, and as `read_body`.
    """
    document = read_xml(await read_body(request, most=most), root)
    shape.check(document)
    return document


def refuse_unbuilt(document: Element, unbuilt: Mapping[str, str]) -> None:
    """Refuse elements that S3 has, and that aren't built, by their names.

    Args:
        unbuilt: the path of each, and what is said of it.
    Raises: OssError S3_NOT_BUILT.
    """
    for path, why in unbuilt.items():
        if document.find(path) is not None:
            raise S3_NOT_BUILT(why, Header=path.rpartition("/")[2])


def quoted(etag: str) -> str:
    return f'"{etag.lower()}"'


def owner(uid: str, name: str = "Owner") -> Node:
    return (name, (("ID", uid), ("DisplayName", uid)))


def read_number(query: Query, name: str, most: int = LIST_MAX_KEYS) -> int:
    """A count of a listing: more than there may be means as many as there may be. Raises: OssError INVALID_ARGUMENT."""
    return read_count(query.get(name), name, most)


def read_count(text: str | None, name: str, most: int, *, absent: int | None = None) -> int:
    """As `read_number`, wherever it was said. `absent`: what nothing means, if not as many as there may be."""
    if text is None or text == "":
        return most if absent is None else absent
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise INVALID_ARGUMENT(
            f"Argument {name} must be an integer between 0 and 2147483647", ArgumentName=name, ArgumentValue=text[:64]
        )
    return min(int(text), most)


def read_bytes(text: str, name: str) -> int:
    """How many bytes something has. Raises: OssError INVALID_ARGUMENT."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise INVALID_ARGUMENT(f"{name} is not a number of bytes.", ArgumentName=name, ArgumentValue=text[:64])
    return int(text)


def write_name(text: str) -> str:
    """A key or prefix that is asked for encoded: as in a query, but with "/" left bare."""
    return encode_path(text)
