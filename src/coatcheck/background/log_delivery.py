"""Delivering access logs: each hour of a bucket becomes an object where its owner wants it, as who set that up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from coatcheck.configurations import bucket_logging
from coatcheck.configurations.bucket_logging import Logging
from coatcheck.core.limits import LOG_KEPT_MAX_BYTES, LOG_KEPT_S
from coatcheck.identity.caller import Caller
from coatcheck.operations.context import Ports

from .acting import Identities, act_as, assume, context_of
from .log_segments import HOUR_S, Delivery, Header, Segments
from .notices import Notices
from .writing import find_place, find_target, write_object

_SESSION: Final = "oss-logging"

log = logging.getLogger("coatcheck")


class LogDelivery(NamedTuple):
    """What delivers, and with what."""

    segments: Segments
    ports: Ports
    identities: Identities
    notices: Notices

    async def run(self, now: float) -> int:
        """Deliver the hours that are over; how many became objects. What can't be delivered stays for a while.

        Args:
            now: Unix seconds.
        """
        deliveries = await asyncio.to_thread(self.segments.gather, int(now // HOUR_S))
        left: list[tuple[Delivery, Header]] = []
        for delivery in deliveries:
            header = await asyncio.to_thread(delivery.header)
            if header is None:
                await asyncio.to_thread(delivery.remove)
            elif not await self._try(delivery, header, now):
                left.append((delivery, header))
        await self._drop_old(left, now)
        return len(deliveries) - len(left)

    async def _try(self, delivery: Delivery, header: Header, now: float) -> bool:
        work = f"logging bucket={header.bucket}"
        try:
            await self._deliver(delivery, header, now)
        except Exception as error:
            self.notices.ended(work, error)
            return False
        self.notices.goes(work)
        await asyncio.to_thread(delivery.remove)
        return True

    async def _deliver(self, delivery: Delivery, header: Header, now: float) -> None:
        """An object that is there already was stored before a crash: its name is this delivery's alone."""
        logging = bucket_logging.from_json(header.document)
        caller = await self._caller(logging, now)
        context = context_of(self.ports, caller, now)
        target = await find_target(context, logging.bucket, owner=caller.account)
        place = await find_place(context, target, object_name(logging.prefix, header.bucket, delivery))
        if place.found is None:
            await write_object(context, place, delivery.chunks(), content_type=b"text/plain")

    async def _caller(self, logging: Logging, now: float) -> Caller:
        author = await act_as(logging.author, self.identities)
        if not logging.role:
            return author
        arn = logging.role if ":" in logging.role else f"acs:ram::{author.account}:role/{logging.role}"
        return await assume(arn, author, self.identities, session=_SESSION, now=now)

    async def _drop_old(self, left: Sequence[tuple[Delivery, Header]], now: float) -> None:
        """The oldest come first."""
        size = sum(delivery.size for delivery, _ in left)
        for delivery, header in left:
            too_old = now - (delivery.hour + 1) * HOUR_S > LOG_KEPT_S
            if not too_old and size <= LOG_KEPT_MAX_BYTES:
                continue
            size -= delivery.size
            await asyncio.to_thread(delivery.remove)
            hour = time.strftime("%Y-%m-%dT%HZ", time.gmtime(delivery.hour * HOUR_S))
            log.warning("dropped: logging bucket=%s hour=%s bytes=%d", header.bucket, hour, delivery.size)


def object_name(prefix: str, source: str, delivery: Delivery) -> str:
    """OSS's name of a log object: TargetPrefix, SourceBucket, the hour's beginning in UTC, and the unique text."""
    begin = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime(delivery.hour * HOUR_S))
    return f"{prefix}{source}{begin}-{delivery.token}"
