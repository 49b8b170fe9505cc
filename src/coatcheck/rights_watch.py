"""Downloads that run are decided anew when keys, users, policies or buckets have changed: who may not read any more
gets nothing more.

Each worker looks for itself, at its own connections, several times a second; while nothing changes, that is to compare
one number. What is weighed again is what was weighed at first (time, address and object are those of the request's
begin), with the key, the policies and the bucket of now. An object's own ACL holds from the next request on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol, cast

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts
from coatcheck.core.errors import OssError
from coatcheck.identity.acting import NoAuthor, as_of_now, ask_for_caller
from coatcheck.identity.caller import Caller
from coatcheck.link_watch import Running
from coatcheck.ports.catalog import NotWritten
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot

_LOOK_S: Final = 0.25

log: Final = logging.getLogger("coatcheck")


class Decided(Protocol):
    """What a request was allowed by."""

    @property
    def caller(self) -> Caller: ...

    @property
    def action(self) -> Action: ...

    @property
    def facts(self) -> AccessFacts: ...


async def watch_rights(reads: Reads, running: Callable[[], Iterable[Running]]) -> None:
    """Runs until it is cancelled."""
    number = reads.number()
    while True:
        await asyncio.sleep(_LOOK_S)
        newest = reads.number()
        if newest == number:
            continue
        try:
            if await end_denied(reads, running()):
                number = newest
        except NotWritten:  # the database is away, so that nobody knows: the next look tells
            pass
        except Exception:
            log.exception("running downloads of who may not read any more cannot be looked for")


async def end_denied(reads: Reads, running: Iterable[Running]) -> bool:
    """Reset every connection whose reply its receiver would be refused now; False if some are to be looked at again in
    a moment. Raises: what `reads` raises."""
    are_ended = True
    looked: dict[Lookup, Snapshot] = {}

    async def look(lookup: Lookup) -> Snapshot:
        """Who has the same key asks for the same."""
        if lookup not in looked:
            looked[lookup] = await reads.read(lookup)
        return looked[lookup]

    for connection in list(running):
        exchange = connection.exchange
        if exchange is None or exchange.decided is None or exchange.reply is None:
            continue
        decided = cast("Decided", exchange.decided)
        if exchange.request.method != "GET" and decided.action is not Action.GET_OBJECT:
            continue  # what has changed something is answered
        if not await _is_allowed(decided, look) and connection.exchange is exchange:
            are_ended &= connection.reset()
    return are_ended


async def _is_allowed(decided: Decided, look: Callable[[Lookup], Awaitable[Snapshot]]) -> bool:
    facts, caller = decided.facts, decided.caller
    if facts.bucket is None:
        return True
    named = facts.bucket.name if facts.point is None else facts.point.alias
    snapshot = await look(replace(ask_for_caller(caller), bucket=named))
    bucket = snapshot.bucket()
    if bucket is None or bucket.bucket_id != facts.bucket.bucket_id:
        return facts.point is None  # a bucket goes when it is empty: what was deleted may be read to its end
    try:
        decide(as_of_now(caller, snapshot), decided.action, replace(facts, bucket=bucket, point=snapshot.point()))
    except (OssError, NoAuthor):
        return False
    return True
