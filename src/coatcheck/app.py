"""The composition root: opens the engines, wires the services, runs the server. The only file that sees every room."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coatcheck.access_schedule import flush_accesses, keep_accesses
from coatcheck.background.access_log import AccessLog
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.background.key_locks import KeyLocks
from coatcheck.background.leader import leaders_in
from coatcheck.background.link_audit import LinkAuditLog
from coatcheck.background.log_segments import Segments
from coatcheck.background.mirrors import Mirrors
from coatcheck.background.notices import Notices
from coatcheck.background.schedule import end, keep_doing
from coatcheck.background.works import OF_EACH_GATEWAY, Works
from coatcheck.clock import Clock, wall_clock
from coatcheck.core.addresses import Network, read_network
from coatcheck.core.errors import OssError
from coatcheck.engines.certificate_reader import PemCertificateReader
from coatcheck.engines.certificates import keep_own_domains
from coatcheck.engines.dns import DnsResolver
from coatcheck.engines.fetcher import HttpFetcher
from coatcheck.engines.notifier import HttpNotifier
from coatcheck.engines.opening import MEMORY, not_opened, open_store, read_place
from coatcheck.engines.passwords import Argon2Passwords
from coatcheck.engines.refusal_ring import FILE_NAME as REFUSALS
from coatcheck.engines.refusal_ring import RefusalRing
from coatcheck.engines.render_pool import RenderLimits, RenderPool
from coatcheck.engines.results import RememberingRenderer
from coatcheck.engines.select_pool import SelectPool
from coatcheck.exchange import Begin, Exchange, Exchanges, Listener
from coatcheck.exchange import Pipeline as Exchanged
from coatcheck.lifecycle_schedule import keep_lifecycle
from coatcheck.link_watch import Running, watch_links
from coatcheck.operations.access_times import AccessNotes
from coatcheck.operations.context import Ports
from coatcheck.operations.limited import LimitedDownloads
from coatcheck.operations.pacing import BucketMeters
from coatcheck.oss.pipeline import Pipeline
from coatcheck.ports.domains import Domains
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.refusals import NoRefusals
from coatcheck.ports.secrets import SecretsInUse
from coatcheck.ports.store import Store
from coatcheck.refusal_log import RefusalLog
from coatcheck.request_log import RequestLog
from coatcheck.rights_watch import watch_rights
from coatcheck.root_credentials import RootCredentials
from coatcheck.s3.dialect import S3Dialect
from coatcheck.scrub_schedule import keep_scrubbing
from coatcheck.seen import SeenByOne
from coatcheck.server_log import begin_log, open_request_log
from coatcheck.services import CALLBACK_KEY_PATH, LinkServices, make_services
from coatcheck.settings import ServerSettings
from coatcheck.signing.scheme import Claim
from coatcheck.sweep_schedule import keep_sweeping
from coatcheck.watch import Sources, Watch
from coatcheck.wire.asgi import Application, Receive, Send
from coatcheck.wire.forwarded import TrustedProxies
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Addressing, make_addressing

if TYPE_CHECKING:
    from coatcheck.link_desk.service import LinkDesk
    from coatcheck.tickets.service import TicketService

_FORGET_RESULTS_S: Final = 3600.0
_TIDYING_AFTER_S: Final = 1.0  # after the start, whose first requests it would hold up

_DOMAINS_POLL_S: Final = 1.0
_GC_THRESHOLD: Final = 20_000  # allocations between two looks for cycles; a request makes none


class Server:
    """What one process serves with: the data directory opened, the rooms wired.

    Whoever carries bytes calls `open`, begins exchanges with what that gives, and calls `close` when none is running.
    An ASGI server does so through the lifespan messages.
    """

    def __init__(self, settings: ServerSettings, root: RootCredentials, clock: Clock = wall_clock) -> None:
        self._settings = settings
        self._root = root
        self._clock = clock
        self._engines: Store | None = None
        self._ports: Ports | None = None
        self._renderers: tuple[RememberingRenderer, RenderPool] | None = None
        self._selector = SelectPool()
        self._passwords = Argon2Passwords()
        self._downloads: LimitedDownloads | None = None
        self._application: Application | None = None
        self._log: RequestLog | None = None
        self._ring = RefusalRing(settings.data / REFUSALS) if settings.store != MEMORY else None
        self._refusals: RefusalLog | None = None
        self._domain_watch: asyncio.Task[None] | None = None
        self._lifecycle: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._noting: asyncio.Task[None] | None = None
        self._access_log: AccessLog | None = None
        self._mirrors: Mirrors | None = None
        self._notices = Notices()
        self._link_audit: LinkAuditLog | None = None
        self._audit_segments = AuditSegments(settings.data / "link-audit")
        self._background: list[asyncio.Task[None]] = []
        self._watch = Watch(settings)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._application is not None:
            await self._application(scope, receive, send)

    @property
    def store(self) -> Store:
        """Once it is open."""
        assert self._engines is not None
        return self._engines

    @property
    def ports(self) -> Ports:
        """Once it is open."""
        assert self._ports is not None
        return self._ports

    async def _live(self, receive: Receive, send: Send) -> None:
        begin_log(self._settings)
        await receive()
        try:
            await self.open()
        except not_opened() as error:
            logging.getLogger("coatcheck").error("the data directory cannot be opened: %s", error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        except Exception as error:
            logging.getLogger("coatcheck").exception("the data directory cannot be opened")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        settle_memory()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> Begin:
        """Open the store. Nothing of the process but files and tasks is touched. Raises: what `open_store` raises."""
        settings = self._settings
        place = read_place(settings.bytes_url, settings.bytes_credentials)
        self._engines = open_store(settings.store_url, self._clock, data=settings.data, place=place)
        reads, keyring = self._engines.reads, self._engines.keyring
        account = await keyring.root_account()
        keyring.hold(AccessKey(self._root.access_key_id, self._root.access_key_secret, account))
        self._downloads = LimitedDownloads(self._engines.links)
        self._renderers = renderer, pool = _open_renderer(settings, self._clock)
        self._forgetting = asyncio.create_task(_forget_results(renderer))
        networks = [read_network(text) for text in settings.callback_networks]
        notifier = _make_notifier(settings, self._engines.secrets, networks)
        self._ports = ports = Ports(
            self._engines.catalog,
            self._engines.byte_store,
            self._engines.domains,
            DnsResolver(),
            notifier,
            renderer,
            meters=BucketMeters(settings.workers),
            accesses=AccessNotes(),
            selector=self._selector,
            certificates=PemCertificateReader(),
            links=self._downloads,
            content_sums=self._engines.content_sums,
            fetcher=HttpFetcher(networks),
            arrivals=self._engines.arrivals,
            people=keyring,
        )
        notices = self._notices
        locks = KeyLocks(settings.data / "mirror.lock")
        self._mirrors = Mirrors(ports, keyring, notices, self._clock, locks)
        self._ports = ports = ports._replace(mirrors=self._mirrors)
        addressing = make_addressing(settings.regions, settings.domains)
        oss = Pipeline(ports, reads, keyring, addressing, settings, self.signers_now, _show_refusal)
        links = self._make_link_services(self._engines, ports, oss, addressing)
        s3 = S3Dialect(oss, reads, keyring, addressing, settings)
        services = make_services(oss, keyring, reads, ports.notifier, addressing, links, s3, self.signers_now)
        self._watch.sources = Sources(self._engines, pool, self._selector, notifier, links.desk, self._notices)
        proxies = TrustedProxies(settings.trusted_proxies) if settings.trusted_proxies else None

        async def answer_proxied(exchange: Exchange) -> Reply:
            assert proxies is not None
            exchange.request = proxies.see_through(exchange.request)
            return await services.answer(exchange)

        leader_of = leaders_in(settings.data, self._engines.leases)
        self._begin_background(ports, notices)
        begin = self.begin_with(services.answer if proxies is None else answer_proxied)
        self._application = Application(begin, body_timeout_s=settings.body_timeout_s, clock=self._clock)
        if settings.tls_self_signed:
            self._domain_watch = asyncio.create_task(_keep_domains(settings.data, self._engines.domains))
        if settings.lifecycle_hour is not None:
            self._lifecycle = asyncio.create_task(
                keep_lifecycle(ports, leader_of, hour=settings.lifecycle_hour, clock=self._clock)
            )
        files = settings.store_url.startswith("file:") and self._engines.byte_store.removal_grace_s == 0
        if settings.scrub_every_days and files:  # an object store has scrubbing of its own
            self._background.append(asyncio.create_task(_keep_scrubbing(settings, self._clock)))
        self._sweeping = asyncio.create_task(keep_sweeping(ports, leader_of("sweep"), self._clock))
        self._ports, self._noting = ports, asyncio.create_task(keep_accesses(ports))
        return begin

    def _make_link_services(self, store: Store, ports: Ports, oss: Pipeline, addressing: Addressing) -> LinkServices:
        @cache
        def desk() -> LinkDesk:
            from coatcheck.background.audit_reading import AuditReading
            from coatcheck.link_desk.arrival_routes import ARRIVAL_ROUTES
            from coatcheck.link_desk.routes import ROUTES
            from coatcheck.link_desk.service import DeskPorts, LinkDesk
            from coatcheck.link_desk.ticket_routes import TICKET_ROUTES

            made_with = DeskPorts(
                *(store.links, store.catalog, store.reads, store.keyring, addressing, self._settings.regions),
                operations=ports,
                audit=AuditReading(self._audit_segments, is_on=self._settings.link_audit_days > 0),
                totals=store.link_totals,
                refusals=self._ring or NoRefusals(),
                tickets=store.tickets,
                passwords=self._passwords,
                pages_host=self._settings.pages_host,
            )
            return LinkDesk(made_with, (*ROUTES, *TICKET_ROUTES, *ARRIVAL_ROUTES))

        @cache
        def tickets() -> TicketService:
            from coatcheck.pages.writer import PageWriter
            from coatcheck.tickets.lock import Lock, LockPorts
            from coatcheck.tickets.presented import Guesses, TicketBook
            from coatcheck.tickets.service import TicketPorts, TicketService

            book = TicketBook(store.tickets, store.links, store.keyring, Guesses())
            lock = Lock(LockPorts(store.tickets, self._passwords, store.keyring))
            return TicketService(TicketPorts(book, lock, ports, oss.serve, PageWriter(), self._clock, oss.admit))

        return LinkServices(desk, tickets, self._settings.pages_host)

    def _begin_background(self, ports: Ports, notices: Notices) -> None:
        """What goes on without a request."""
        assert self._engines is not None
        data, days = self._settings.data, self._settings.link_audit_days
        segments = Segments(data / "access-log")
        self._access_log = AccessLog(segments, self._clock)
        if days:
            self._link_audit = LinkAuditLog(self._audit_segments)
        works = Works(ports, self._engines, notices, self._clock, segments, self._audit_segments, days)
        of_all, of_each = leaders_in(data, self._engines.leases), leaders_in(data)
        for name, run in works.by_name().items():
            leader = (of_each if name in OF_EACH_GATEWAY else of_all)(name)
            doing = keep_doing(run, leader, self._clock, name)
            self._background.append(asyncio.create_task(doing))

    def begin_with(self, answer: Exchanged) -> Begin:
        """How exchanges begin: each is answered by `answer`, and has its line in the log."""
        self._log = log = open_request_log(self._settings)
        listeners: list[Listener] = [log.note, *self._watch.listeners()]
        if self._ring is not None:
            self._refusals = RefusalLog(self._ring.write)
            listeners.append(self._refusals.note)
        others = (self._access_log, self._link_audit)
        listeners.extend(listener.note for listener in others if listener is not None)

        return Exchanges(answer, listeners).begin

    def signers_now(self, claim: Claim, now: float) -> float:
        """What the clock of whoever signed says now: ours. Unix seconds."""
        return now

    @property
    def domains(self) -> Domains:
        """Own domains. Only while the store is open."""
        assert self._engines is not None
        return self._engines.domains

    async def watch_running(self, running: Callable[[], Iterable[Running]]) -> None:
        """See `link_watch` and `rights_watch`; once it is open, until it is cancelled."""
        assert self._downloads is not None
        links = watch_links(self._downloads, running, self._clock)
        await asyncio.gather(links, watch_rights(self.store.reads, running))

    def be_seen(self, place: SeenByOne) -> None:
        """Before it is open: where it counts what is seen of it."""
        self._watch.place = place

    def watch(self, connections: Callable[[], int]) -> Begin | None:
        """Once it is open: begin to look at what there is; the exchanges of the admin listener, where it has one."""
        return self._watch.begin(connections, self._log)

    def take_samples(self) -> None:
        """Once a second."""
        self._watch.sample()

    async def close(self) -> None:
        """End what runs beside the requests, and close the data directory."""
        if self._access_log is not None:
            self._access_log.close()
        if self._link_audit is not None:
            self._link_audit.close()
        tasks = (self._lifecycle, self._sweeping, self._noting, *self._background)
        await asyncio.gather(*(end(task) for task in tasks if task is not None))
        if self._mirrors is not None:
            await self._mirrors.close()
        if self._ports is not None:
            await flush_accesses(self._ports)
        if self._domain_watch is not None:
            self._domain_watch.cancel()
        if self._forgetting is not None:
            self._forgetting.cancel()
        for renderer in self._renderers or ():
            renderer.close()
        self._selector.close()
        self._passwords.close()
        if self._downloads is not None:
            await self._downloads.settled()
        if self._engines is not None:
            self._engines.close()
        if self._refusals is not None:
            self._refusals.close()
        await self._watch.close()
        if self._log is not None:
            self._log.close()


def _show_refusal(request: Request, error: OssError, request_id: str, now: float) -> Reply:
    """In a page."""
    from coatcheck.pages.writer import PageWriter

    return PageWriter().write_refusal(request, error, request_id, now)


def _make_notifier(settings: ServerSettings, secrets: SecretsInUse, networks: Sequence[Network]) -> HttpNotifier:
    scheme = "https" if settings.tls_cert else "http"
    own = f"{scheme}://{settings.host}:{settings.port}{CALLBACK_KEY_PATH.decode()}"
    return HttpNotifier(secrets, settings.callback_key_url or own, networks)


async def _keep_scrubbing(settings: ServerSettings, clock: Clock) -> None:
    await asyncio.sleep(_TIDYING_AFTER_S)
    from coatcheck.engines.upkeep.scrubber import LocalScrubber  # nothing that serves in memory loads it

    scrubber = LocalScrubber(settings.data, settings.scrub_rate_bytes, clock)
    await keep_scrubbing(scrubber, settings.data, every_days=settings.scrub_every_days, clock=clock)


async def _keep_domains(data: Path, domains: Domains) -> None:
    """Tell the server's first process, which makes the certificate, of which own domains there are."""
    while True:
        try:
            keep_own_domains(data, [domain.name for domain in await domains.list_domains()])
        except OSError as error:
            logging.getLogger("coatcheck").warning("the list of own domains cannot be written: %s", error)
        await asyncio.sleep(_DOMAINS_POLL_S)


async def _forget_results(renderer: RememberingRenderer) -> None:
    """Every worker does so, in turn or at once: to remove what another has removed does no harm."""
    await asyncio.sleep(_TIDYING_AFTER_S)
    while True:
        try:
            await renderer.forget_unused()
        except OSError as error:
            logging.getLogger("coatcheck").warning("remembered pictures cannot be removed: %s", error)
        await asyncio.sleep(_FORGET_RESULTS_S)


def _open_renderer(settings: ServerSettings, clock: Clock) -> tuple[RememberingRenderer, RenderPool]:
    """Nothing is started, or even loaded, before the first picture is asked for."""
    limits = RenderLimits(
        processes=settings.image_processes,
        queue=settings.image_queue,
        timeout_s=settings.image_timeout_s,
        memory_bytes=settings.image_memory_bytes,
        font_directories=settings.image_fonts,
        eighth_from=settings.image_eighth_from,
    )
    results = settings.data / "results"
    pool = RenderPool(limits, results / "scratch")
    return RememberingRenderer(
        pool,
        results,
        most_bytes=settings.image_cache_bytes,
        sharers=settings.workers,
        clock=clock,
        look=f"{settings.image_eighth_from} {settings.image_fonts}",
    ), pool


def settle_memory() -> None:
    """For a process that does nothing else. What is loaded now stays: collections needn't look at it, and needn't be so
    frequent (6 % of a GET)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
