"""The pipeline of S3: a request is read, its signer found, its words translated; then it goes the way of all requests.

What decides and acts is the pipeline of OSS (`oss/pipeline.py`), from the point where the caller is known. `dialect.py`
says which requests come here.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from msgspec.structs import replace

from coatcheck.core.errors import (
    INTERNAL_ERROR,
    NO_SUCH_BUCKET,
    NON_STANDARD_HOST,
    SIGNATURE_DOES_NOT_MATCH,
    UNSUPPORTED_SIGNATURE,
    OssError,
)
from coatcheck.core.s3_errors import S3_TWO_SIGNATURES, S3_V2_HEADER
from coatcheck.exchange import Exchange, read_unwritten
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import SignedFields, ask_for_key, find_key, identify, identify_form
from coatcheck.identity.readings import Reading
from coatcheck.oss.form_upload import find_key as find_form_key
from coatcheck.oss.limited_link import hold_to_register
from coatcheck.oss.pipeline import Pipeline, is_shared, note_log
from coatcheck.oss.row import LinkRoute
from coatcheck.oss.versions import named_version
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.damage import Damaged
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot
from coatcheck.settings import ServerSettings
from coatcheck.signing.s3_chunks import checks_of
from coatcheck.signing.s3_form_scheme import check_covered, read_s3_form_claim
from coatcheck.signing.s3_schemes import OSS_MARKS, read_s3_claim
from coatcheck.signing.s3_v2_scheme import S3_V2_HEADER as V2_HEADER
from coatcheck.signing.s3_v4_scheme import STREAMING, S3V4Claim, refuse_unsigned
from coatcheck.signing.scheme import Claim
from coatcheck.signing.verify import check_scope
from coatcheck.wire.aws_chunked import ChunkChecks
from coatcheck.wire.form import Form
from coatcheck.wire.query import Parameter, make_query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import (
    Addressing,
    Target,
    find_target,
    own_domain_target,
    read_host_name,
    read_own_domain_key,
    with_plain_plus,
)

from .body import with_s3_body
from .faults import write_refusal
from .forms import ROW as FORM
from .forms import translate_form
from .owners import check_owner
from .table import find_row
from .words import AMZ, read_headers, write_headers

_OSS_WORDS: Final = ("OSS4-HMAC-SHA256", "OSS2", "OSS")
_OF_SIGNATURES: Final = frozenset({"AWSAccessKeyId", "Expires", "Signature", "x-id"})


class S3Pipeline:
    """One a process, made with its first request."""

    def __init__(
        self, oss: Pipeline, reads: Reads, keyring: KeyUse, addressing: Addressing, settings: ServerSettings
    ) -> None:
        self._oss = oss
        self._reads = reads
        self._keyring = keyring
        self._addressing = addressing
        self._settings = settings

    async def answer(self, exchange: Exchange, reading: Reading | None = None) -> Reply:
        """Answer one request. Raises: only what is a fault of ours, and a cancellation.

        Args:
            reading: of the link that brought it, where one like it has verified before.
        """
        walk = self._walk if not exchange.request.proxy_host else self._walk_proxied
        reply = await self._answer(exchange, walk(exchange, reading))
        return await self._oss.share(exchange, reply) if is_shared(exchange) else reply

    def answer_form(
        self, exchange: Exchange, target: Target, bucket: Bucket | None, snapshot: Snapshot, form: Form
    ) -> Awaitable[Reply]:
        return self._answer(exchange, self._walk_form(exchange, target, bucket, snapshot, form))

    async def _answer(self, exchange: Exchange, walk: Awaitable[Reply]) -> Reply:
        refusal: OssError
        try:
            reply = await walk
        except OssError as error:
            refusal = error
        except Damaged:  # which object, and why, is in the log
            refusal = INTERNAL_ERROR("The stored bytes of this object are damaged.")
        except (NotWritten, Unknown) as error:
            refusal = read_unwritten(error)
        else:
            return self._finish(exchange, reply, write_headers(reply.headers))
        if self._oss.hints is not None:
            await self._oss.hints.give(refusal, exchange)
        return self.refuse(exchange, refusal)

    def refuse(self, exchange: Exchange, error: OssError) -> Reply:
        """The refusal as the client gets it."""
        exchange.note_refusal(error)
        request, request_id = exchange.request, exchange.request_id
        reply = write_refusal(error, method=request.method, host=request.host, request_id=request_id)
        region = ((b"x-amz-bucket-region", exchange.region.encode()),) if exchange.region else ()
        return self._finish(exchange, reply, reply.headers + region)

    def _finish(self, exchange: Exchange, reply: Reply, headers: tuple[RawHeader, ...]) -> Reply:
        request_id = exchange.request_id.encode()
        ids = (b"x-amz-request-id", request_id), (b"x-amz-id-2", request_id)
        return Reply(reply.status, headers + ids, reply.body, reply.content_length, reply.when_ended, has_ids=True)

    async def _walk_proxied(self, exchange: Exchange, reading: Reading | None) -> Reply:
        """S3 signs the host: the one that the client used, or else the one that came, which a proxy put in its place.

        The whole of the request is read by the host that its signature is of.
        """
        request = exchange.request
        try:
            return await self._walk(exchange, reading)
        except OssError as error:
            if error.fault is not SIGNATURE_DOES_NOT_MATCH:
                raise
        exchange.request = request.as_proxied()
        try:
            return await self._walk(exchange, self._oss.readings.find(exchange.request))
        except OssError as error:
            if error.fault is SIGNATURE_DOES_NOT_MATCH:
                exchange.request = request
            raise

    async def _walk(self, exchange: Exchange, reading: Reading | None) -> Reply:
        request, now, regions = exchange.request, exchange.now, self._settings.regions
        if reading is not None:
            snapshot = await self._reads.read(self._oss.lookup_again(request, reading))
            bucket = snapshot.bucket()
            known = None if bucket is None else self._oss.recognise(reading, snapshot, now)
            if bucket is not None and known is not None:
                return await self._go_on_by_link(exchange, reading, known, bucket, snapshot)
        _refuse_both(request)
        claim = read_s3_claim(request)
        if claim is not None and claim.scheme is V2_HEADER and not self._settings.s3_signature_v2:
            raise S3_V2_HEADER()
        exchange.claimed = "" if claim is None else claim.access_key_id
        named, target, snapshot = await self._find(request, claim)
        exchange.bucket, exchange.key = target.bucket or "", target.key or ""
        if claim is not None:
            check_scope(claim, regions=regions, target=target)
        bucket = snapshot.bucket()
        _note_bucket(exchange, bucket)
        row = find_row(request.method, target, request.query, request.headers)
        if bucket is None and target.bucket is not None and not row.makes_bucket:
            raise NO_SUCH_BUCKET(BucketName=target.bucket)
        caller, target, text = identify(request, claim, target, snapshot, self._keyring, now=now, regions=regions)
        signed_at_s = None if claim is None else claim.signed_at_s
        if caller.by_link and self._oss.is_held(exchange, caller, target, bucket, signed_at_s):
            caller = await hold_to_register(self._oss.register, exchange)
        translated = self._translate(request, claim, snapshot, caller, now)
        if claim is not None and caller.by_link and (named is not None or not request.proxy_host):
            route = LinkRoute(row, not translated.query.parameters and _is_plain(request), self.answer)
            domain = read_host_name(request.host) if named is None else ""
            self._oss.readings.keep(request, claim, target, text, (route, domain))
        exchange.request = translated
        if bucket is not None:
            check_owner(translated.headers, bucket)
        return await self._oss.go_on(row, exchange, target, caller, bucket, snapshot)

    async def _go_on_by_link(
        self, exchange: Exchange, reading: Reading, caller: Caller, bucket: Bucket, snapshot: Snapshot
    ) -> Reply:
        """By a link that has verified before: it is known to be well-formed, and has no body."""
        request, target, route = exchange.request, reading.target, reading.kind.route
        exchange.bucket = target.bucket or ""
        _note_bucket(exchange, bucket)
        if self._oss.is_held(exchange, caller, target, bucket, reading.signed_at_s):
            caller = await hold_to_register(self._oss.register, exchange)
        if not route.is_bare:  # else nobody reads what is left of the query
            exchange.request = _in_our_words(_with_hoisted(request, reading.kind.claim))
            check_owner(exchange.request.headers, bucket)
        return await self._oss.go_on(route.row, exchange, target, caller, bucket, snapshot)

    async def _walk_form(
        self, exchange: Exchange, target: Target, bucket: Bucket | None, snapshot: Snapshot, form: Form
    ) -> Reply:
        """A form is signed in its fields, so headers of S3 beside it are signed by nobody."""
        request, claim = exchange.request, read_s3_form_claim(form.fields)
        exchange.region = "" if bucket is None else bucket.region
        exchange.claimed = "" if claim is None else claim.access_key_id
        if claim is not None:
            refuse_unsigned(request.headers, ("host",))
        key = find_form_key(form, s3=True)
        poster = await identify_form(
            SignedFields(claim, {**form.fields, "bucket": target.bucket or ""}, check_covered),
            target,
            self._reads,
            self._keyring,
            now=exchange.now,
            regions=self._settings.regions,
        )
        headers = {name: value for name, value in request.headers.items() if not name.startswith(AMZ)}
        exchange.request = replace(request, headers=headers)
        form = translate_form(request, form)
        target = target._replace(key=key)
        return await self._oss.go_on_with_form(FORM, exchange, target, poster, bucket, snapshot, form)

    def _translate(
        self, request: Request, claim: Claim | None, snapshot: Snapshot, caller: Caller, now: float
    ) -> Request:
        """The verified request in the words that the operations' dialect reads, its body decoded and compared."""
        checks: ChunkChecks | None = None
        payload = ""
        if isinstance(claim, S3V4Claim):
            payload = claim.payload_line
            if payload in STREAMING:
                checks = checks_of(claim, find_key(claim, snapshot, self._keyring, now).access_key_secret)
        if caller.by_link and claim is not None:
            request = _with_hoisted(request, claim)
        return _in_our_words(with_s3_body(request, checks, payload))

    async def _find(self, request: Request, claim: Claim | None) -> tuple[Target | None, Target, Snapshot]:
        """What the address names by itself, if it does, and what it names at all; and all that the request can be seen
        to need. A "+" of a path is a plus in S3."""
        plain = request
        if b"+" in request.raw_path:
            plain = replace(request, raw_path=with_plain_plus(request.raw_path))
        named = target = find_target(plain, self._addressing, s3=True)
        who = ask_for_key(claim, self._keyring)
        version_id = named_version(request.query)
        if target is None:
            domain, key = read_host_name(request.host), read_own_domain_key(plain)
            lookup = Lookup(domain, who.access_key_id, who.role_uid, "", key, version_id)
            snapshot = await self._reads.read(lookup)
            try:
                target = own_domain_target(plain, self._addressing, snapshot.domain_bucket(), s3=True)
            except OssError as error:
                if error.fault is not NON_STANDARD_HOST or not request.proxy_host:
                    raise
            if target is None:  # the client's name is none of ours, so it means what the proxy's does
                return None, *(await self._find(request.as_proxied(), claim))[1:]
            if target.own_domain:
                return named, target, snapshot
        lookup = Lookup("", who.access_key_id, who.role_uid, target.bucket or "", target.key, version_id)
        return named, target, await self._reads.read(lookup)


def _note_bucket(exchange: Exchange, bucket: Bucket | None) -> None:
    """For the access log, and for SDKs, which read a bucket's region from whatever they are answered."""
    if bucket is None:
        return
    exchange.region = bucket.region
    if bucket.configurations:
        exchange.logged = note_log(bucket)


_IGNORED_IN_QUERY: Final = ("x-amz-checksum-", "x-amz-sdk-checksum-algorithm", "x-amz-security-token")


def _is_plain(request: Request) -> bool:
    return not any(name.startswith((AMZ, "x-oss-")) for name in (*request.headers, *request.query.first))


def _with_hoisted(request: Request, claim: Claim) -> Request:
    """A link's parameters that stand for headers, as headers."""
    hoisted = {
        name: value
        for name, value in request.query.first.items()
        if name.startswith(AMZ) and not name.startswith(_IGNORED_IN_QUERY)
    }
    if not isinstance(claim, S3V4Claim):
        first = request.query.first
        hoisted.update({name: first[name] for name in ("content-type", "content-md5") if name in first})
    return replace(request, headers={**hoisted, **request.headers})


def _in_our_words(request: Request) -> Request:
    """Without what only its signature needed."""
    kept = [
        Parameter(*parameter)
        for parameter in request.query.parameters
        if parameter[0] not in _OF_SIGNATURES and not parameter[0].lower().startswith(AMZ)
    ]
    return replace(request, headers=read_headers(request), query=make_query(kept))


def _refuse_both(request: Request) -> None:
    """A request is of one dialect. Raises: OssError S3_TWO_SIGNATURES, UNSUPPORTED_SIGNATURE."""
    authorization = request.headers.get("authorization")
    if authorization is not None and authorization.partition(" ")[0] in _OSS_WORDS:
        raise S3_TWO_SIGNATURES()
    if not OSS_MARKS.isdisjoint(request.query.first):
        raise UNSUPPORTED_SIGNATURE("A request is signed for S3 or for OSS, not for both.")
