"""A whole server without HTTP: its services on memory engines, a clock that stands still, requests signed for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from coatcheck import Credentials, Presigner, sign_request
from coatcheck.background.mirror_run import MirrorRuns
from coatcheck.background.notices import Notices
from coatcheck.core.percent import decode
from coatcheck.core.reply_headers import is_sent
from coatcheck.engines.certificate_reader import PemCertificateReader
from coatcheck.engines.encrypted import EncryptingByteStore
from coatcheck.engines.fetcher import HttpFetcher
from coatcheck.engines.local_reads import LocalReads
from coatcheck.engines.master_keys import MasterKeys
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_arrivals import MemoryArrivals
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.memory_domains import MemoryDomains
from coatcheck.engines.memory_identities import MemoryIdentities
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.engines.memory_link_totals import MemoryLinkTotals
from coatcheck.engines.memory_links import MemoryLinks
from coatcheck.engines.passwords import Argon2Passwords
from coatcheck.exchange import Exchange, Listener
from coatcheck.link_desk.arrival_routes import ARRIVAL_ROUTES
from coatcheck.link_desk.routes import ROUTES
from coatcheck.link_desk.service import DeskPorts, LinkDesk
from coatcheck.link_desk.ticket_routes import TICKET_ROUTES
from coatcheck.operations.access_times import AccessNotes
from coatcheck.operations.commit import removed
from coatcheck.operations.context import Ports
from coatcheck.operations.limited import LimitedDownloads
from coatcheck.operations.pacing import BucketMeters
from coatcheck.oss.pipeline import Pipeline
from coatcheck.pages.writer import PageWriter
from coatcheck.ports.arrivals import Arrivals, NoArrivals
from coatcheck.ports.fetcher import Fetcher
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.link_audit import LinkAudit, NoLinkAudit
from coatcheck.ports.notifier import NoNotifier, Notifier
from coatcheck.ports.refusals import NoRefusals, Refusals
from coatcheck.ports.resolver import NoResolver, Resolver
from coatcheck.s3.dialect import S3Dialect
from coatcheck.services import LinkServices, make_services
from coatcheck.settings import ServerSettings
from coatcheck.tickets.lock import Lock, LockPorts
from coatcheck.tickets.presented import Guesses, TicketBook
from coatcheck.tickets.service import TicketPorts, TicketService
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import BodyFailed, Request
from coatcheck.wire.target import make_addressing

NOW = 1_772_694_489  # Thu, 05 Mar 2026 07:08:09 GMT
REQUEST_ID = "69A92BD9A1B2C3D4E5F60718"
REGION = "cn-hangzhou"

OWNER = AccessKey("OwnerKey", "owner-secret", "1000000000000001")
STRANGER = AccessKey("StrangerKey", "stranger-secret", "2000000000000002")
MASTER_KEYS = MasterKeys((bytes(range(32)),))
ANYBODY = None  # not signed


@dataclass
class GivenBody:
    """A body in pieces, which may fail behind the last one. It can be read once, as one from the wire."""

    pieces: list[bytes]
    failure: BodyFailed | None = None
    taken: int = 0
    begun: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        assert not self.begun, "a body is read twice"
        self.begun = True
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if self.failure is not None:
            raise self.failure


@dataclass
class Answer:
    """A reply as a client would see it; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    announced: int
    trace: Exchange

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    def text(self, path: str) -> str | None:
        return self.xml.findtext(path)

    def texts(self, path: str) -> list[str]:
        return [element.text or "" for element in self.xml.iterfind(path)]

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of an error document."""
        assert self.xml.tag == "Error"
        return self.status, self.text("Code") or ""


@dataclass
class House:
    """The server. Everything inside is open to a test's eyes."""

    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    store: MemoryByteStore = field(default_factory=MemoryByteStore)
    regions: tuple[str, ...] = (REGION,)
    refusals: Refusals = field(default_factory=NoRefusals)
    now: float = NOW
    strict_link_headers: bool = False
    options: dict[str, Any] = field(default_factory=dict)  # further settings of the server
    resolver: Resolver = field(default_factory=NoResolver)
    notifier: Notifier = field(default_factory=NoNotifier)
    fetcher: Fetcher = field(default_factory=HttpFetcher)
    audit: LinkAudit = field(default_factory=NoLinkAudit)
    listeners: tuple[Listener, ...] = ()
    arrivals: Arrivals = None  # type: ignore[assignment]  # in memory, as the next two
    links: Any = None
    tickets: Any = None
    keyring: MemoryKeyring = field(default_factory=lambda: MemoryKeyring(OWNER, STRANGER))

    def __post_init__(self) -> None:
        settings = ServerSettings(
            Path("nowhere"), regions=self.regions, strict_link_headers=self.strict_link_headers, **self.options
        )
        self.domains = MemoryDomains(self.catalog)
        self.identities = MemoryIdentities(self.keyring, self.catalog)
        if self.links is None:
            self.links = self.tickets = MemoryLinks()
            in_memory = isinstance(self.catalog, MemoryCatalog)
            self.arrivals = MemoryArrivals(self.catalog) if in_memory else NoArrivals()
        self.ports: Ports
        self.link_totals = MemoryLinkTotals(self.links)
        given: object = self.store  # engines that last encrypt by themselves
        self.encrypting = (
            given if isinstance(given, EncryptingByteStore) else EncryptingByteStore(self.store, MASTER_KEYS)
        )
        self.meters, self.accesses = BucketMeters(), AccessNotes()
        self.downloads = LimitedDownloads(self.links)
        ports = Ports(
            self.catalog,
            self.encrypting,
            self.domains,
            self.resolver,
            self.notifier,
            meters=self.meters,
            accesses=self.accesses,
            certificates=PemCertificateReader(),
            links=self.downloads,
            arrivals=self.arrivals,
            fetcher=self.fetcher,
            people=self.keyring,
        )
        self.mirrors = MirrorRuns(ports, self.keyring, Notices(), lambda: self.now)
        self.ports = ports = ports._replace(mirrors=self.mirrors)
        self.reads = reads = LocalReads(self.catalog, self.keyring, self.domains)
        addressing = make_addressing(self.regions, settings.domains)
        self.pages = PageWriter()
        self.pipeline = Pipeline(
            ports, reads, self.keyring, addressing, settings, show_refusal=self.pages.write_refusal
        )
        self.passwords = Argon2Passwords()
        desk = LinkDesk(
            DeskPorts(
                *(self.links, self.catalog, reads, self.keyring, addressing, self.regions),
                operations=ports,
                audit=self.audit,
                totals=self.link_totals,
                refusals=self.refusals,
                tickets=self.tickets,
                passwords=self.passwords,
                pages_host=settings.pages_host,
            ),
            (*ROUTES, *TICKET_ROUTES, *ARRIVAL_ROUTES),
        )
        book = TicketBook(self.tickets, self.links, self.keyring, Guesses())
        lock = Lock(LockPorts(self.tickets, self.passwords, self.keyring))
        tickets = TicketService(
            TicketPorts(*(book, lock, ports, self.pipeline.serve, self.pages), lambda: self.now, self.pipeline.admit)
        )
        links = LinkServices(lambda: desk, lambda: tickets, settings.pages_host)
        s3 = S3Dialect(self.pipeline, reads, self.keyring, addressing, settings)
        self.services = make_services(self.pipeline, self.keyring, reads, self.notifier, addressing, links, s3)

    async def ask(
        self,
        method: str,
        address: str,
        body: bytes | GivenBody = b"",
        headers: Mapping[str, str] | None = None,
        *,
        by: AccessKey | None = OWNER,
        host: str = "127.0.0.1:8000",
        chunked: bool = False,
        region: str = REGION,
    ) -> Answer:
        """Ask for a path-style address such as "/photos/a.txt?acl", both parts as they go on the wire."""
        given = dict(headers or {})
        if method in ("PUT", "POST"):
            given = ({"transfer-encoding": "chunked"} if chunked else {}) | given
            if not chunked and "content-length" not in given:
                given["content-length"] = str(len(body) if isinstance(body, bytes) else sum(map(len, body.pieces)))
        raw_path, _, raw_query = address.partition("?")
        query = read_query(raw_query.encode())
        if by is not None:
            pairs = [(name, value) for name, value, _ in query.parameters]
            given = _sign(by, method, raw_path, pairs, given, region, self.now)
        sent = {name.lower(): value for name, value in given.items()} | {"host": host}
        stream = body if isinstance(body, GivenBody) else GivenBody([body] if body else [])
        return await self.send(Request(method, raw_path.encode(), query, sent, body=stream))

    async def follow(
        self, url: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Use a link as whoever has it would."""
        host, _, rest = url.partition("://")[2].partition("/")
        raw_path, _, raw_query = rest.partition("?")
        sent = {"host": host, **{name.lower(): value for name, value in (headers or {}).items()}}
        if method == "PUT":
            sent["content-length"] = str(len(body))
        query = read_query(raw_query.encode())
        return await self.send(Request(method, b"/" + raw_path.encode(), query, sent, body=GivenBody([body])))

    def link(self, method: str, key: str | None, bucket: str = "photos", **options: Any) -> str:
        """A link signed by the owner; options as those of `Presigner.presign`."""
        presigner = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
        return str(presigner.presign(method, bucket, key, **{"now": self.now, **options}))

    async def send(self, request: Request) -> Answer:
        exchange = Exchange(request, REQUEST_ID, self.now, self.services.answer, self.listeners)
        try:
            answer = await read_reply(await exchange.answer(), exchange)
        except BaseException:
            await exchange.end(0, whole=False)
            raise
        await exchange.end(len(answer.body), whole=True)
        await removed()
        await self.downloads.settled()
        return answer

    async def with_bucket(self, name: str = "photos", acl: str = "private") -> House:
        made = await self.ask("PUT", f"/{name}/", headers={"x-oss-acl": acl})
        assert made.status == 200, made.body
        return self

    async def put(self, address: str, body: bytes = b"hello", headers: Mapping[str, str] | None = None) -> Answer:
        answer = await self.ask("PUT", address, body, headers)
        assert answer.status == 200, answer.body
        return answer

    def contents(self) -> dict[str, Any]:
        """Everything that is stored, to compare before with after."""
        return {
            "buckets": dict(self.catalog._buckets),
            "objects": {
                number: {key: tuple(versions) for key, versions in objects.items()}
                for number, objects in self.catalog._objects.items()
            },
            "uploads": {place: (upload, dict(parts)) for place, (upload, parts) in self.catalog._uploads.items()},
            "entries": {place: dict(entries) for place, entries in self.catalog.entries.items() if entries},
            "blobs": dict(self.store.blobs),
            "unkept": set(self.store.unkept),
            "garbage": set(self.catalog.garbage),
        }


async def read_reply(reply: Reply, trace: Exchange) -> Answer:
    headers = {name.decode().lower(): value.decode("utf-8", "surrogateescape") for name, value in reply.headers}
    assert len(headers) == len(reply.headers), "a header goes out twice"
    assert all(map(is_sent, headers)), "a header that no reply may have"
    if isinstance(reply.body, bytes):
        announced = len(reply.body) if reply.content_length is None else reply.content_length
        return Answer(reply.status, headers, reply.body, announced, trace)
    body = b"".join([chunk async for chunk in reply.body.chunks])
    return Answer(reply.status, headers, body, reply.body.size, trace)


async def together(*tasks: Any) -> list[Any]:
    return list(await asyncio.gather(*tasks))


def _sign(
    key: AccessKey,
    method: str,
    raw_path: str,
    pairs: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    region: str,
    now: float,
) -> dict[str, str]:
    bucket, _, raw_key = raw_path[1:].partition("/")
    credentials = Credentials(key.access_key_id, key.access_key_secret)
    return sign_request(
        method,
        bucket or None,
        decode(raw_key) or None,
        query=pairs,
        headers=headers,
        credentials=credentials,
        region=region,
        now=now,
    )
