"""Which service a request is for: rows, asked in order, each with a pipeline of its own; the last takes what is left.

A service that isn't OSS lives where no bucket can be: on host names of its own, or at paths that no bucket could have
under the names that the server answers to as a whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from coatcheck.core.errors import LINK_ROUTE_UNKNOWN
from coatcheck.core.record import Record
from coatcheck.exchange import Exchange, Pipeline
from coatcheck.identity.readings import Readings
from coatcheck.link_desk.address import PREFIX as LINKS
from coatcheck.oss.pipeline import Pipeline as OssPipeline
from coatcheck.oss.row import LinkRoute
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.notifier import Notifier
from coatcheck.ports.snapshot import Reads
from coatcheck.s3.dialect import S3Dialect
from coatcheck.signing.scheme import SignersNow, one_clock
from coatcheck.tickets.address import PREFIX as TICKETS
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Addressing, names_a_bucket, read_host_name

from . import aws_sts, sts

if TYPE_CHECKING:
    from coatcheck.link_desk.service import LinkDesk
    from coatcheck.tickets.service import TicketService

CALLBACK_KEY_PATH: Final = b"/.coatcheck/callback-key.pem"  # no bucket can have that name

OPERATIONS: Final = (
    "sts",
    "callback_key",
    "links",
    "ticket",
    "ticket_archive",
)  # what requests that aren't OSS's are called in the log


class Service(Record, frozen=True):
    """One row.

    Attributes:
        takes: whether a request is for it; looks at no more than it must, for it is asked of every request.
    """

    name: str
    takes: Callable[[Request], bool]
    answer: Pipeline


class LinkServices(Record, frozen=True):
    """What is done with links beside following them.

    Attributes:
        desk: the service of that name, made when it is first asked for; the same each time.
        tickets: as `desk`.
        pages_host: the name for tickets and their pages alone; "" for the server's own names.
    """

    desk: Callable[[], LinkDesk]
    tickets: Callable[[], TicketService]
    pages_host: str = ""


class Services:
    """The rows, as one pipeline.

    Args:
        readings: of links that some of the services have taken before.
    """

    def __init__(self, rows: Sequence[Service], otherwise: Pipeline, readings: Readings) -> None:
        self._rows = tuple((row.takes, row.answer) for row in rows)
        self._otherwise = otherwise
        self._readings = readings

    def answer(self, exchange: Exchange) -> Awaitable[Reply]:
        """The reply, to be awaited, of the service that the request is for. (A coroutine less on every request.)"""
        request = exchange.request
        reading = self._readings.find(request)
        if reading is not None:  # whose it is was found out when it was read
            route: LinkRoute = reading.kind.route
            return route.answer(exchange, reading)
        for takes, answer in self._rows:
            if takes(request):
                return answer(exchange)
        return self._otherwise(exchange)


def make_services(
    oss: OssPipeline,
    keyring: KeyUse,
    reads: Reads,
    notifier: Notifier,
    addressing: Addressing,
    links: LinkServices,
    s3: S3Dialect,
    signers_now: SignersNow = one_clock,
) -> Services:
    """The services of this server; OSS has every request that no other takes."""

    def takes_sts(request: Request) -> bool:
        if request.raw_path != b"/" or not sts.is_sts(request):
            return False
        return sts.is_sts_host(request) or not names_a_bucket(request, addressing)

    def takes_callback_key(request: Request) -> bool:
        return request.raw_path == CALLBACK_KEY_PATH and not names_a_bucket(request, addressing)

    async def answer_sts(exchange: Exchange) -> Reply:
        exchange.operation = "sts"
        answered = await sts.answer(exchange.request, keyring, reads, exchange.request_id, exchange.now, signers_now)
        reply, exchange.access_key_id, exchange.refusal = answered
        return reply

    async def answer_callback_key(exchange: Exchange) -> Reply:
        """The key with which applications check that a callback is ours."""
        exchange.operation = "callback_key"
        pem = await notifier.public_key()
        return Reply(200, ((b"Content-Type", b"application/x-pem-file"),), pem)

    def takes_aws_sts(request: Request) -> bool:
        if request.raw_path != b"/" or not aws_sts.is_aws_sts(request):
            return False
        return sts.is_sts_host(request) or not names_a_bucket(request, addressing)

    async def answer_aws_sts(exchange: Exchange) -> Reply:
        exchange.operation = "sts"
        answered = await aws_sts.answer(exchange.request, keyring, reads, exchange.request_id, exchange.now, s3.regions)
        reply, exchange.access_key_id, exchange.refusal = answered
        return reply

    rows = (
        Service("AWS's STS", takes_aws_sts, answer_aws_sts),
        Service("sts", takes_sts, answer_sts),
        Service("callback key", takes_callback_key, answer_callback_key),
        *_link_rows(links, addressing),
        Service("S3", s3.takes, s3.answer),
    )
    return Services(rows, oss.answer, oss.readings)


def _link_rows(links: LinkServices, addressing: Addressing) -> tuple[Service, ...]:
    """What is done with links beside following them."""
    pages_host = links.pages_host

    def takes_links(request: Request) -> bool:
        return request.raw_path.startswith(LINKS) and not names_a_bucket(request, addressing)

    async def answer_links(exchange: Exchange) -> Reply:
        exchange.operation = "links"
        answered = await links.desk().answer(exchange.request, exchange.request_id, exchange.now)
        reply, exchange.access_key_id, exchange.refusal = answered
        return reply

    def takes_ticket(request: Request) -> bool:
        if not request.raw_path.startswith(TICKETS):
            return False
        if pages_host:
            return read_host_name(request.host) == pages_host
        return not names_a_bucket(request, addressing)

    def answer_ticket(exchange: Exchange) -> Awaitable[Reply]:
        return links.tickets().answer(exchange)

    def takes_pages_host(request: Request) -> bool:
        return read_host_name(request.host) == pages_host

    async def answer_pages_host(exchange: Exchange) -> Reply:
        """Objects have another origin than pages, so that what is stored can't reach into them."""
        raise LINK_ROUTE_UNKNOWN()

    rows = (Service("links", takes_links, answer_links), Service("tickets", takes_ticket, answer_ticket))
    return (*rows, Service("pages", takes_pages_host, answer_pages_host)) if pages_host else rows
