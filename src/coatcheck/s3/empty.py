"""What tools only ask for: the documents of configurations that are never set here, and what says that one isn't.

Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.errors import Fault
from coatcheck.core.s3_errors import S3_NO_REPLICATION
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.row import Level, Row
from coatcheck.wire.reply import Reply

from .documents import show

Handler = Callable[[Call], Awaitable[Reply]]

_DOCUMENTS: Final[tuple[tuple[str, str, tuple[Node, ...], Action], ...]] = (
    ("notification", "NotificationConfiguration", (), Action.GET_BUCKET_INFO),
)
_MISSING: Final[tuple[tuple[str, Fault, Action], ...]] = (
    ("replication", S3_NO_REPLICATION, Action.GET_BUCKET_REPLICATION),
)


def rows() -> Iterator[Row]:
    for sub_resource, root, nodes, action in _DOCUMENTS:
        yield Row("GET", Level.BUCKET, sub_resource, _show(sub_resource, root, nodes), action)
    for sub_resource, fault, action in _MISSING:
        yield Row("GET", Level.BUCKET, sub_resource, _refuse(sub_resource, fault), action)


def _show(sub_resource: str, root: str, nodes: tuple[Node, ...]) -> Handler:
    async def get(_: Call) -> Reply:
        return show(root, nodes)

    return _named(sub_resource, get)


def _refuse(sub_resource: str, fault: Fault) -> Handler:
    async def get(call: Call) -> Reply:
        raise fault(BucketName=call.this_bucket.name)

    return _named(sub_resource, get)


def _named(sub_resource: str, run: Handler) -> Handler:
    """By the operation's name, which the log has."""
    run.__name__ = f"get_bucket_{sub_resource.replace('-', '_').lower()}"
    return run
