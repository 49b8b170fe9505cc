"""The pipeline of OSS: one request through the rooms, in order.

Its order is the security story: address, bucket, who, route, may they, and only then the operation. Every fault
leaves in one place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from coatcheck.access.decide import decide, owns
from coatcheck.access.facts import AccessFacts, read_request_facts
from coatcheck.configurations import cors
from coatcheck.core.errors import (
    INTERNAL_ERROR,
    NO_SUCH_BUCKET,
    NON_STANDARD_HOST,
    WRONG_ENDPOINT,
    OssError,
)
from coatcheck.exchange import Exchange, Logged, read_unwritten
from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.identity.identify import Poster, SignedFields, ask_for_key, identify, identify_form, recognise
from coatcheck.identity.readings import Reading, Readings
from coatcheck.operations.capacity import has_quota
from coatcheck.operations.context import Context, Ports
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.damage import Damaged
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot
from coatcheck.settings import ServerSettings
from coatcheck.signing.claim import read_form_claim
from coatcheck.signing.scheme import Claim, SignersNow, one_clock
from coatcheck.signing.url_parts import SIGNATURE_NAMES
from coatcheck.signing.verify import check_scope
from coatcheck.wire.browser import follows_link
from coatcheck.wire.form import Form, FormMemory
from coatcheck.wire.query import NO_QUERY, Query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import NO_HEADERS, Request
from coatcheck.wire.target import (
    Addressing,
    Target,
    find_target,
    own_domain_target,
    read_host_name,
    read_own_domain_key,
    second_reading,
)

from .admission import Rules, admit
from .asking import NOTHING
from .bare_get import answer_bare
from .bucket_qos import BRINGING_BYTES, admit_body
from .call import Call, PostedForm
from .claims import find_claim
from .form_dialects import OtherForms, read_posted
from .form_upload import find_content_type, find_key
from .hints import Hints
from .limited_link import hold_to_register
from .preflight import answer_preflight, join_vary
from .row import LinkRoute
from .side_effects import check_side_effects
from .table import Row, find_row, is_form, may_make_bucket, row_without_bucket
from .through_point import check_point
from .versions import is_version_id, named_version
from .website_visit import Visit

ShowRefusal = Callable[[Request, OssError, str, float], Reply]
"""The request, the refusal, the request's id, Unix seconds -> a page with the refusal's status."""


_GET_OBJECT: Final = find_row("GET", Target("bucket", "key"), NO_QUERY, NO_HEADERS)


class Pipeline:
    """The rooms, wired. One a process.

    Attributes:
        other_forms: set by the other dialect, if there is one.
    """

    other_forms: OtherForms | None = None

    def __init__(
        self,
        ports: Ports,
        reads: Reads,
        keyring: KeyUse,
        addressing: Addressing,
        settings: ServerSettings,
        signers_now: SignersNow = one_clock,
        show_refusal: ShowRefusal | None = None,
    ) -> None:
        self._show_refusal = show_refusal
        self._ports = ports
        self._reads = reads
        self._keyring = keyring
        self._addressing = addressing
        self._settings = settings
        self._signers_now = signers_now
        self.register = ports.links.register
        self._form_memory = FormMemory()
        self.readings = Readings()
        self._bare_route = LinkRoute(_GET_OBJECT, True, self.answer)
        self.hints = Hints(settings.regions, reads, keyring) if settings.hints else None

    async def answer(self, exchange: Exchange, reading: Reading | None = None) -> Reply:
        """Answer one request; what it was is noted in the exchange on the way.

        Args:
            reading: of the link that brought it, where one like it has verified before.
        Raises: only what is a fault of ours, and a cancellation.
        """
        refusal: OssError | None = None
        try:
            reply = await self._walk(exchange, reading)
        except OssError as error:
            refusal = error
        except Damaged:  # which object, and why, is in the log
            reply = exchange.refuse(INTERNAL_ERROR("The stored bytes of this object are damaged."))
        except (NotWritten, Unknown) as error:
            reply = exchange.refuse(read_unwritten(error))
        if refusal is not None:  # outside of the handler: to wait in one goes wrong where mypyc compiles it
            if self.hints is not None:
                await self.hints.give(refusal, exchange)
            reply = self._refuse(exchange, refusal)
            refusal = None  # its traceback holds this frame, and all that was read: a circle that would stay for long
        if exchange.logged is not None:
            exchange.logged.cost_s = exchange.running_s()
        return await self.share(exchange, reply) if is_shared(exchange) else reply

    def _refuse(self, exchange: Exchange, error: OssError) -> Reply:
        """As OSS does; to somebody who followed a link in a browser, in a page."""
        if self._show_refusal is not None and follows_link(exchange.request):
            exchange.note_refusal(error)
            return self._show_refusal(exchange.request, error, exchange.request_id, exchange.now)
        return exchange.refuse(error)

    async def serve(self, exchange: Exchange, caller: Caller, target: Target) -> Reply:
        """What `exchange.request` asks, of a target and as a caller that something else than its signature named.

        Raises: OssError; what the ports raise.
        """
        request = exchange.request
        lookup = Lookup(bucket=target.bucket or "", key=target.key, version_id=named_version(request.query))
        snapshot = await self._reads.read(lookup)
        bucket = self._check_bucket(target, snapshot.bucket())
        exchange.bucket = target.bucket or ""
        if bucket is not None and bucket.configurations:
            exchange.logged = note_log(bucket)
        row = find_row(request.method, target, request.query, request.headers)
        return await self.go_on(row, exchange, target, caller, bucket, snapshot)

    def admit(self, bucket: Bucket, request: Request, caller: Caller) -> None:
        """Whether the bucket lets itself be asked so, by who came through another service. Raises: OssError."""
        admit(bucket, bucket.made(Rules), request, caller, self._ports.meters, accelerated=False)

    async def _walk(self, exchange: Exchange, reading: Reading | None) -> Reply:
        request, now, regions = exchange.request, exchange.now, self._settings.regions
        if reading is not None:
            snapshot = await self._reads.read(self.lookup_again(request, reading))
            bucket = snapshot.bucket()
            caller = None if bucket is None else self.recognise(reading, snapshot, now)
            if bucket is not None and caller is not None:
                exchange.bucket = reading.target.bucket or ""
                if bucket.configurations:
                    exchange.logged = note_log(bucket)
                if self.is_held(exchange, caller, reading.target, bucket, reading.signed_at_s):
                    caller = await hold_to_register(self.register, exchange)
                route = reading.kind.route
                if route.is_bare:
                    reply = self._answer_bare(exchange, reading.target, caller, bucket, snapshot)
                    if reply is not None:
                        return reply
                return await self.go_on(route.row, exchange, reading.target, caller, bucket, snapshot)
        # Whatever isn't so any more is refused in the words, and in the order, in which it is refused at first.
        named = find_target(request, self._addressing)
        claim, refusal = find_claim(request, named)
        snapshot = await self._reads.read(self._lookup(request, named, claim))
        target = named
        if target is None:
            target, snapshot = await self._own_domain(request, claim, snapshot)
        exchange.bucket, exchange.key = target.bucket or "", target.key or ""
        exchange.claimed = "" if claim is None else claim.access_key_id
        bucket = snapshot.bucket()
        if bucket is not None and bucket.configurations:
            exchange.logged = note_log(bucket)
        if request.method == "OPTIONS":
            return answer_preflight(request, target, self._check_bucket(target, bucket))
        if request.method == "POST" and is_form(target, request.query):
            return await self._take_form(exchange, target, bucket, snapshot)
        if refusal is not None:
            raise refusal
        if claim is not None:
            check_scope(claim, regions=regions, target=target)
        if bucket is None and target.bucket is not None and not _may_make_bucket(request, target):
            raise NO_SUCH_BUCKET(BucketName=target.bucket)
        caller, target, text = identify(
            request, claim, target, snapshot, self._keyring, now=now, regions=regions, signers_now=self._signers_now
        )
        if caller.by_link and claim is not None and self.is_held(exchange, caller, target, bucket, claim.signed_at_s):
            caller = await hold_to_register(self.register, exchange)
        # After the signature has settled which address was meant.
        row = find_row(request.method, target, request.query, request.headers)
        if bucket is None:
            row = row_without_bucket(row)
        if claim is not None and claim.scheme.is_link:
            is_bare = row is _GET_OBJECT and SIGNATURE_NAMES.issuperset(request.query.first)
            if not (named is None and request.proxy_host):
                domain = read_host_name(request.host) if named is None else ""
                route = self._bare_route if is_bare else LinkRoute(row, False, self.answer)
                self.readings.keep(request, claim, target, text, (route, domain))
            if is_bare and bucket is not None:
                reply = self._answer_bare(exchange, target, caller, bucket, snapshot)
                if reply is not None:
                    return reply
        return await self.go_on(row, exchange, target, caller, bucket, snapshot)

    def _answer_bare(
        self, exchange: Exchange, target: Target, caller: Caller, bucket: Bucket, snapshot: Snapshot
    ) -> Reply | None:
        return answer_bare(exchange, target, caller, bucket, snapshot, self._settings, self._ports)

    def is_held(
        self, exchange: Exchange, caller: Caller, target: Target, bucket: Bucket | None, signed_at_s: int | None
    ) -> bool:
        """Whether the register of links has a say; that a link brought the request is noted."""
        name = target.bucket if bucket is None else bucket.name
        exchange.link = UsedLink(caller, name or "", target.key or "", signed_at_s)
        if not self.register.in_use():
            return False
        return self.register.may_say(caller.link, caller.access_key_id, name or "", target.key or "")

    def go_on(
        self,
        row: Row,
        exchange: Exchange,
        target: Target,
        caller: Caller,
        bucket: Bucket | None,
        snapshot: Snapshot,
    ) -> Awaitable[Reply]:
        """Who asks for what is known."""
        exchange.operation = row.name
        exchange.access_key_id, exchange.key = caller.access_key_id, target.key or ""
        bucket = None if row.makes_bucket else self._check_bucket(target, bucket)
        return self._admit(row, exchange, target, caller, bucket, snapshot)

    def lookup_again(self, request: Request, reading: Reading) -> Lookup:
        """As `_lookup`, for a link that has verified before."""
        kind, target = reading.kind, reading.target
        who = kind.who or ask_for_key(kind.claim, self._keyring)
        bucket = "" if kind.domain else target.bucket or ""
        version_id = None if kind.route.is_bare else named_version(request.query)
        return Lookup(kind.domain, who.access_key_id, who.role_uid, bucket, target.key, version_id)

    def recognise(self, reading: Reading, snapshot: Snapshot, now: float) -> Caller | None:
        """Who asks by a link that has verified before; None if it wouldn't now, or its domain is another bucket's."""
        target = reading.target
        if reading.kind.domain and snapshot.domain_bucket() != (target.bucket if target.own_domain else None):
            return None
        return recognise(reading, snapshot, self._keyring, now)

    def _lookup(self, request: Request, target: Target | None, claim: Claim | None) -> Lookup:
        """All that the request can be seen to need, to be read at once."""
        who = ask_for_key(claim, self._keyring)
        version_id = named_version(request.query)
        if target is None:
            key, domain = read_own_domain_key(request), read_host_name(request.host)
            return replace(who, domain=domain, key=key, version_id=version_id)
        return Lookup("", who.access_key_id, who.role_uid, target.bucket or "", target.key, version_id)

    async def _take_form(self, exchange: Exchange, target: Target, bucket: Bucket | None, snapshot: Snapshot) -> Reply:
        """A form to a bucket that isn't there is refused before a byte of it is read."""
        request, other = exchange.request, self.other_forms
        row = find_row(request.method, target, request.query, request.headers)
        exchange.operation = row.name
        with self._form_memory.share() as share:
            try:
                bucket = self._check_bucket(target, bucket)
                form = await read_posted(request, share)
            except OssError as error:
                if other is not None and other.takes_form(request, {}):
                    return other.refuse(exchange, error)
                raise
            if other is not None and other.takes_form(request, form.fields):
                return await other.answer_form(exchange, target, bucket, snapshot, form)
            poster, target = await self._identify_form(exchange, target, form)
            return await self.go_on_with_form(row, exchange, target, poster, bucket, snapshot, form)

    async def go_on_with_form(
        self,
        row: Row,
        exchange: Exchange,
        target: Target,
        poster: Poster,
        bucket: Bucket | None,
        snapshot: Snapshot,
        form: Form,
    ) -> Reply:
        """Who posts it is known: forms are held to the register of links as links are."""
        caller = poster.caller
        if caller.by_link and self.is_held(exchange, caller, target, bucket, poster.signed_at_s):
            caller = await hold_to_register(self.register, exchange)
        exchange.access_key_id, exchange.key = caller.access_key_id, target.key or ""
        exchange.operation = row.name
        return await self._admit(row, exchange, target, caller, bucket, snapshot, PostedForm(form, poster.sizes))

    def _admit(
        self,
        row: Row,
        exchange: Exchange,
        target: Target,
        caller: Caller,
        bucket: Bucket | None,
        snapshot: Snapshot,
        form: PostedForm | None = None,
    ) -> Awaitable[Reply]:
        """What the bucket's configurations say; the reply is then to be awaited (a coroutine less on every request)."""
        request, point = exchange.request, snapshot.point()
        if point is not None:
            check_point(row.name)
        if bucket is not None and (bucket.configurations or target.accelerated):
            rules = bucket.made(Rules)
            exchange.cors = rules.cors if rules.shares_always or "origin" in request.headers else None
            if exchange.logged is not None:
                principal = caller.principal
                exchange.logged.requester = caller.account if principal is None else principal.uid
            if target.accelerated or not rules.open:
                admit(bucket, rules, request, caller, self._ports.meters, accelerated=target.accelerated)
            if row.is_page and point is None and rules.site is not None:
                at_folder = target.key is not None and target.key.endswith("/")
                if caller.anonymous or at_folder or (rules.mirrors and target.key is not None):
                    visit = Visit(
                        *(rules.site, exchange, target, caller, bucket, snapshot),
                        *(self._ports, self._reads, self._perform),
                    )
                    return visit.serve_page() if caller.anonymous else visit.serve_missing(row)
        return self._perform(row, exchange, target, caller, bucket, snapshot, form)

    async def _perform(
        self,
        row: Row,
        exchange: Exchange,
        target: Target,
        caller: Caller,
        bucket: Bucket | None,
        snapshot: Snapshot,
        form: PostedForm | None = None,
    ) -> Reply:
        """What is there, may they, and then the operation."""
        request, now = exchange.request, exchange.now
        found = await self._find_object(row, caller, bucket, target, snapshot, request.query)
        if exchange.logged is not None and found is not None and row.reads_object:
            exchange.logged.size, exchange.logged.storage_class = found.size, found.storage_class
        facts = AccessFacts(
            bucket,
            target.key,
            found,
            "versionId" in request.query.first,
            read_request_facts(request),
            now,
            target.bucket or "",
            target.region or self._settings.regions[0],
            None,
            (),
            snapshot.point(),
        )
        if row.asks is not NOTHING and not (row.asks.new_only and found is not None):
            named = request.headers if form is None else form.form.fields
            facts = replace(facts, acl=row.asks.find_acl(named), tags=row.asks.find_tags(named))
        grant = decide(caller, row.action, facts)
        exchange.decided = call = Call(
            request,
            target,
            Context(self._ports, caller, now, facts.request, facts.point),
            grant,
            self._settings,
            bucket,
            found,
            exchange.request_id,
            form,
            facts,
        )
        if request.method in ("PUT", "POST"):
            check_side_effects(call)
            if bucket is not None and row.name in BRINGING_BYTES and has_quota(bucket):
                await admit_body(call, row.name)
        return await row.run(call)

    async def _identify_form(self, exchange: Exchange, target: Target, form: Form) -> tuple[Poster, Target]:
        """A form says in its fields who sends it and where to: signatures in its headers or its URL don't count."""
        key = find_key(form)
        fields = {**form.fields, "bucket": target.bucket or "", "content-type": find_content_type(form)}
        poster = await identify_form(
            SignedFields(read_form_claim(fields), fields),
            target,
            self._reads,
            self._keyring,
            now=exchange.now,
            regions=self._settings.regions,
            signers_now=self._signers_now,
        )
        return poster, target._replace(key=key)

    async def _own_domain(self, request: Request, claim: Claim | None, snapshot: Snapshot) -> tuple[Target, Snapshot]:
        """The target under a name that may be an own domain, else under the name that the proxy gave the client's; and
        what is there."""
        try:
            target = own_domain_target(request, self._addressing, snapshot.domain_bucket())
        except OssError as error:
            if error.fault is not NON_STANDARD_HOST or not request.proxy_host:
                raise
            target = None
        if target is None:
            return await self._proxied(request, claim)
        if target.own_domain:
            return target, snapshot
        return target, await self._reads.read(self._lookup(request, target, claim))

    async def _proxied(self, request: Request, claim: Claim | None) -> tuple[Target, Snapshot]:
        """The target under the name that the proxy gave the client's, and what is there."""
        as_proxied = request.as_proxied()
        named = find_target(as_proxied, self._addressing)
        snapshot = await self._reads.read(self._lookup(as_proxied, named, claim))
        return (named, snapshot) if named is not None else await self._own_domain(as_proxied, claim, snapshot)

    async def share(self, exchange: Exchange, reply: Reply) -> Reply:
        """Let the page that asked read the reply, a refusal too, if the bucket's CORS rules allow its origin."""
        request = exchange.request
        exchange.reply = reply  # it is open, and what follows may fail
        if request.method == "OPTIONS" or not exchange.bucket:
            return reply
        document = exchange.cors
        if not document:  # it was refused before its bucket was looked at
            bucket = (await self._reads.read(Lookup(bucket=exchange.bucket))).bucket()
            document = None if bucket is None else bucket.configuration(cors.NAME)
        if document is None:
            return reply
        headers = cors.sharing_headers(document, request.headers.get("origin"), request.method)
        return replace(reply, headers=join_vary((*reply.headers, *headers))) if headers else reply

    def _check_bucket(self, target: Target, bucket: Bucket | None) -> Bucket | None:
        """The bucket that was found, which is there and in the region of the address; None if none is addressed."""
        if target.bucket is None:
            return None
        if bucket is None:
            raise NO_SUCH_BUCKET(BucketName=target.bucket)
        if target.region is not None and target.region != bucket.region:
            endpoint = f"oss-{bucket.region}.{self._settings.domains[0]}"
            raise WRONG_ENDPOINT(Bucket=target.bucket, Endpoint=endpoint)
        return bucket

    async def _find_object(
        self, row: Row, caller: Caller, bucket: Bucket | None, target: Target, snapshot: Snapshot, query: Query
    ) -> ObjectRecord | None:
        """The object, or the version of it that is asked for: for rows that read it, and for a stranger, since its ACL
        may be what lets them write."""
        if bucket is None or target.key is None:
            return None
        if row.reads_object or snapshot.point() is not None or not owns(caller, bucket):
            version_id = query.get("versionId")
            if version_id is not None and not is_version_id(version_id):
                return None  # permission first; the operation says what is wrong with it
            if (target.key, version_id) == (
                snapshot.lookup.key,
                snapshot.lookup.version_id,
            ) and snapshot.bucket() is bucket:
                return snapshot.found()
            return await self._ports.catalog.find_object(bucket.bucket_id, target.key, version_id)
        return None


def is_shared(exchange: Exchange) -> bool:
    """Whether CORS rules have a say."""
    return bool(exchange.cors) or (exchange.cors is not None and "origin" in exchange.request.headers)


def note_log(bucket: Bucket) -> Logged | None:
    """What is to be noted of a request to a bucket that has a log."""
    place = bucket.made(Rules).log
    return None if place is None else Logged(place)


def _may_make_bucket(request: Request, target: Target) -> bool:
    """By either reading of the address: only the signature says which was meant."""
    if not may_make_bucket(request.method, request.query):
        return False
    other = second_reading(request, target)
    return target.key is None or (other is not None and other.key is None)
