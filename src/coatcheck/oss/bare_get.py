"""GetObject where only the object, and the right to read it, has a say: so nearly all links are followed.

What such a request is answered with is the same for everybody who may read the object, so it is made once, for as long
as the object is remembered. Whether they may is decided each time. Anything else that may change the reply (a range, a
condition, an override, a document of the bucket) makes it a request like all others, which `object_get` answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts, Decision, read_bare_facts
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller
from coatcheck.operations.archive import ARCHIVE_CLASSES
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.get import content_at_hand
from coatcheck.ports.bucket import OWNERSHIP, POLICY, PUBLIC_ACCESS_BLOCK, TAGGING, Bucket
from coatcheck.ports.object import DELETE_MARKER, SYMLINK, ObjectRecord
from coatcheck.ports.snapshot import Snapshot
from coatcheck.settings import ServerSettings
from coatcheck.wire.headers import Headers
from coatcheck.wire.http1_writing import UnsafeHeader, make_written
from coatcheck.wire.reply import Reply
from coatcheck.wire.target import Target

from .gzip_reply import is_compressible
from .metadata import write_object_headers
from .object_headers import is_run

# What clients send with everything. Only names that are known here are, so that none that is added elsewhere is missed.
_SAYING_NOTHING: Final = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "cache-control", "connection", "cookie", "dnt", "forwarded"),
        *("host", "keep-alive", "pragma", "priority", "referer", "upgrade-insecure-requests", "user-agent", "via"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"),
    }
)
_BY_BROWSERS: Final = "sec-"
_DECIDED_ON: Final = frozenset({OWNERSHIP, POLICY, PUBLIC_ACCESS_BLOCK, TAGGING})  # `decide` reads these
_GET_OBJECT: Final = Action.GET_OBJECT  # looking into an Enum takes time


class _Made:
    """What is made of a record.

    Attributes:
        reply: None where something else has a say, after all. Without a body where that is a file.
        is_run, is_compressible: what settings have a say in.
    """

    __slots__ = ("is_compressible", "is_run", "reply")

    def __init__(self, reply: Reply | None, *, is_run: bool, is_compressible: bool) -> None:
        self.reply = reply
        self.is_run = is_run
        self.is_compressible = is_compressible


def answer_bare(
    exchange: Exchange,
    target: Target,
    caller: Caller,
    bucket: Bucket,
    snapshot: Snapshot,
    settings: ServerSettings,
    ports: Ports,
) -> Reply | None:
    """The reply to a GET of an object whose query says nothing but who signed it; None where more than that counts.

    Raises: OssError, the refusal.
    """
    if caller.limits is not None or settings.force_download or not _are_bare(exchange.request.headers):
        return None
    if not bucket.made(_is_bare) or snapshot.point() is not None:
        return None
    if target.accelerated or (target.region is not None and target.region != bucket.region):
        return None
    record = snapshot.found() if target.key == snapshot.lookup.key else None  # the signature may have meant another
    if record is None:
        return None
    made: _Made | None = record.made
    if made is None:
        made = _make(record)
    if made.is_run and not settings.pages_host:
        return None
    if made.is_compressible and settings.gzip:
        return None
    if made.reply is None:
        return None
    facts = _find_facts(exchange, target, bucket, record, settings)
    exchange.operation = "get_object"
    exchange.access_key_id, exchange.key = caller.access_key_id, target.key or ""
    grant = decide(caller, _GET_OBJECT, facts)
    grant.need(_GET_OBJECT)
    exchange.decided = Decision(caller, _GET_OBJECT, facts)
    if record.body is not None:
        return made.reply
    content = content_at_hand(Context(ports, caller, exchange.now, facts.request), grant, record)
    return None if content is None else Reply(200, made.reply.headers, content)


def _find_facts(
    exchange: Exchange, target: Target, bucket: Bucket, record: ObjectRecord, settings: ServerSettings
) -> AccessFacts:
    asked = read_bare_facts(exchange.request)
    region = target.region or settings.regions[0]
    return AccessFacts(bucket, target.key, record, False, asked, exchange.now, target.bucket or "", region)


def _are_bare(headers: Mapping[str, str]) -> bool:
    """Whether none of the headers changes what a GET is answered with."""
    if not isinstance(headers, Headers):
        return _say_nothing(headers)
    if headers.is_bare is None:
        headers.is_bare = _say_nothing(headers)
    return headers.is_bare


def _says_nothing(name: str) -> bool:
    return name in _SAYING_NOTHING or name.startswith(_BY_BROWSERS)


def _say_nothing(headers: Mapping[str, str]) -> bool:
    return all(map(_says_nothing, headers))


def _is_bare(bucket: Bucket) -> bool:
    """Whether no document of the bucket changes what a GET is answered with."""
    return not bucket.versioning and _DECIDED_ON.issuperset([name for name, _ in bucket.configurations])


def _make(record: ObjectRecord) -> _Made:
    made = _Made(None, is_run=False, is_compressible=False)
    if not _has_more(record):
        headers = write_object_headers(record)
        try:
            reply = Reply(200, make_written(headers), record.body or b"")
            made = _Made(reply, is_run=is_run(headers), is_compressible=is_compressible(record, headers))
        except UnsafeHeader:  # which whoever answers it finds, too
            pass
    object.__setattr__(record, "made", made)
    return made


def _has_more(record: ObjectRecord) -> bool:
    """Whether there is more to be said, or asked, of it than of nearly all objects."""
    kept: Any = record.retention or record.legal_hold or record.restore
    return bool(
        kept
        or record.tags
        or record.encryption
        or record.damaged
        or record.kind in (SYMLINK, DELETE_MARKER)
        or record.storage_class in ARCHIVE_CLASSES
    )
