"""Put, Get and Delete of a bucket's documents, made from the rows of `configurations/table.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.configurations import table
from coatcheck.core.errors import Fault
from coatcheck.core.xml import Node, write_xml
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .documents_kept import drop_document, keep_document

Handler = Callable[[Call], Awaitable[Reply]]


class Route(NamedTuple):
    """What `oss/table.py` makes a row of."""

    method: str
    sub_resource: str
    run: Handler
    action: Action


def routes() -> Iterator[Route]:
    """PUT, GET and, where there is one, DELETE of every document."""
    for row in table.ROWS:
        yield Route("PUT", row.sub_resource, _named("put", row, _put(row)), row.put)
        yield Route("GET", row.sub_resource, _named("get", row, _get(row)), row.get)
        if row.delete is not None:
            yield Route("DELETE", row.sub_resource, _named("delete", row, _delete(row)), row.delete)


def _put(row: table.Row) -> Handler:
    document = row.document

    async def put(call: Call) -> Reply:
        """In place of what was there."""
        value = document.read(await read_document(call.request, document.ROOT, most=row.limit_bytes))
        await keep_document(call, document.NAME, document.to_json(value))
        return Reply(200)

    return put


def _get(row: table.Row) -> Handler:
    document = row.document

    async def get(call: Call) -> Reply:
        stored = call.this_bucket.configuration(document.NAME)
        if stored is not None:
            return show(document.ROOT, document.write(document.from_json(stored)))
        if isinstance(row.missing, Fault):
            raise row.missing(BucketName=call.this_bucket.name)
        return show(document.ROOT, document.write(row.missing))

    return get


def _delete(row: table.Row) -> Handler:
    async def delete(call: Call) -> Reply:
        """204 whether or not there was one."""
        await drop_document(call, row.document.NAME)
        return Reply(204)

    return delete


def show(root: str, nodes: Iterable[Node]) -> Reply:
    """A document as the reply."""
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml(root, nodes))


def _named(verb: str, row: table.Row, run: Handler) -> Handler:
    """By the operation's name, which the log and docs/compatibility.md have."""
    run.__name__ = f"{verb}_{row.operation}"
    return run
