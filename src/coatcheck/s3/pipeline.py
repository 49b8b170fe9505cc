"""The pipeline of S3: a request is read, its signer found, its words translated; then it goes the way of all requests.

What decides and acts is the pipeline of OSS (`oss/pipeline.py`), from the point where the caller is known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from coatcheck.access.acl import DEFAULT
from coatcheck.core.errors import (
    INTERNAL_ERROR,
    NO_SUCH_BUCKET,
    UNSUPPORTED_SIGNATURE,
    OssError,
)
from coatcheck.core.s3_errors import S3_TWO_SIGNATURES, S3_V2_HEADER
from coatcheck.exchange import Exchange, read_unwritten
from coatcheck.identity.caller import Caller
from coatcheck.identity.identify import ask_for_key, find_key, identify
from coatcheck.identity.readings import Reading
from coatcheck.oss.limited_link import hold_to_register
from coatcheck.oss.pipeline import Pipeline, note_log
from coatcheck.oss.row import Row
from coatcheck.oss.versions import is_version_id
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import NotWritten, Unknown
from coatcheck.ports.damage import Damaged
from coatcheck.ports.keyring import KeyUse
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot
from coatcheck.settings import ServerSettings
from coatcheck.signing import schemes
from coatcheck.signing.s3_chunks import checks_of
from coatcheck.signing.s3_schemes import is_signed_as_s3, read_s3_claim
from coatcheck.signing.s3_v2_scheme import S3_V2_HEADER as V2_HEADER
from coatcheck.signing.s3_v4_scheme import STREAMING, S3V4Claim
from coatcheck.signing.scheme import Claim
from coatcheck.signing.verify import check_scope
from coatcheck.wire.aws_chunked import ChunkChecks
from coatcheck.wire.query import Parameter, make_query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import (
    Addressing,
    Target,
    find_target,
    is_s3_host,
    own_domain_target,
    read_host_name,
    with_plain_plus,
)

from .acl import refuse_acl
from .body import with_s3_body
from .faults import write_refusal
from .table import find_row
from .words import AMZ, read_headers, write_headers

_OSS_WORDS: Final = ("OSS4-HMAC-SHA256", "OSS2", "OSS")
_OSS_MARKS: Final = schemes.TABLE.marks - schemes.FOREIGN - {"Signature", "Expires"}
_OF_SIGNATURES: Final = frozenset({"AWSAccessKeyId", "Expires", "Signature", "x-id"})


def is_s3(request: Request, addressing: Addressing) -> bool:
    """Whether a request is in the S3 dialect: by its signature, then by its headers, then by the host it names."""
    if is_signed_as_s3(request):
        return True
    first, headers = request.query.first, request.headers
    if "x-oss-signature" in first or "authorization" in headers or not _OSS_MARKS.isdisjoint(first):
        return False
    names = "\n".join(headers)
    if "x-oss-" in names:
        return False
    return AMZ in names or is_s3_host(request.host, addressing)


class S3Pipeline:
    """One a process."""

    def __init__(
        self, oss: Pipeline, reads: Reads, keyring: KeyUse, addressing: Addressing, settings: ServerSettings
    ) -> None:
        self._oss = oss
        self._reads = reads
        self._keyring = keyring
        self._addressing = addressing
        self._settings = settings

    def takes(self, request: Request) -> bool:
        return is_s3(request, self._addressing)

    async def answer(self, exchange: Exchange) -> Reply:
        """Answer one request. Raises: only what is a fault of ours, and a cancellation."""
        request = exchange.request
        refusal: OssError
        try:
            reply = await self._walk(exchange)
        except OssError as error:
            refusal = error
        except Damaged:  # which object, and why, is in the log
            refusal = INTERNAL_ERROR("The stored bytes of this object are damaged.")
        except (NotWritten, Unknown) as error:
            refusal = read_unwritten(error)
        else:
            return self._finish(exchange, reply, write_headers(reply.headers))
        exchange.note_refusal(refusal)
        request_id = exchange.request_id
        reply = write_refusal(refusal, method=request.method, host=request.host, request_id=request_id)
        return self._finish(exchange, reply, reply.headers)

    def _finish(self, exchange: Exchange, reply: Reply, headers: tuple[RawHeader, ...]) -> Reply:
        status, _, body, content_length, when_ended = reply
        request_id = exchange.request_id.encode()
        ids = (b"x-amz-request-id", request_id), (b"x-amz-id-2", request_id)
        return Reply(status, headers + ids, body, content_length, when_ended)

    async def _walk(self, exchange: Exchange) -> Reply:
        request, now, regions = exchange.request, exchange.now, self._settings.regions
        reading = self._oss.readings.find(request)
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
        if bucket is not None and bucket.configurations:
            exchange.logged = note_log(bucket)
        row = find_row(request.method, target, request.query, request.headers)
        if bucket is None and target.bucket is not None and not row.makes_bucket:
            raise NO_SUCH_BUCKET(BucketName=target.bucket)
        caller, target, text = identify(request, claim, target, snapshot, self._keyring, now=now, regions=regions)
        signed_at_s = None if claim is None else claim.signed_at_s
        if caller.by_link and self._oss.is_held(exchange, caller, target, bucket, signed_at_s):
            caller = await hold_to_register(self._oss.register, exchange)
        translated = self._translate(request, claim, snapshot, target, caller, now)
        if claim is not None and caller.by_link and (named is not None or not request.proxy_host):
            route = Route(row, not translated.query.parameters and _is_plain(request))
            domain = read_host_name(request.host) if named is None else ""
            self._oss.readings.keep(request, claim, target, text, (route, domain))
        exchange.request = translated
        if bucket is not None and bucket.configurations and target.key is not None:
            refuse_acl(bucket, translated.headers.get("x-oss-object-acl", DEFAULT))
        return await self._oss.go_on(row, exchange, target, caller, bucket, snapshot)

    async def _go_on_by_link(
        self, exchange: Exchange, reading: Reading, caller: Caller, bucket: Bucket, snapshot: Snapshot
    ) -> Reply:
        """By a link that has verified before: it is known to be well-formed, and has no body."""
        request, target, route = exchange.request, reading.target, reading.kind.route
        exchange.bucket = target.bucket or ""
        if bucket.configurations:
            exchange.logged = note_log(bucket)
        if self._oss.is_held(exchange, caller, target, bucket, reading.signed_at_s):
            caller = await hold_to_register(self._oss.register, exchange)
        if not route.is_plain:  # else nobody reads what is left of the query
            exchange.request = _in_our_words(_with_hoisted(request, reading.kind.claim), target)
        return await self._oss.go_on(route.row, exchange, target, caller, bucket, snapshot)

    def _translate(
        self, request: Request, claim: Claim | None, snapshot: Snapshot, target: Target, caller: Caller, now: float
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
        return _in_our_words(with_s3_body(request, checks, payload), target)

    async def _find(self, request: Request, claim: Claim | None) -> tuple[Target | None, Target, Snapshot]:
        """What the address names by itself, if it does, and what it names at all; and all that the request can be seen
        to need. A "+" of a path is a plus in S3."""
        plain = request
        if b"+" in request.raw_path:
            plain = request._replace(raw_path=with_plain_plus(request.raw_path))
        named = target = find_target(plain, self._addressing, s3=True)
        who = ask_for_key(claim, self._keyring)
        version_id = request.query.get("versionId")
        version_id = version_id if version_id is None or is_version_id(version_id) else None
        if target is None:
            domain = read_host_name(request.host)
            found = (await self._reads.read(Lookup(domain=domain))).domain_bucket()
            target = own_domain_target(plain, self._addressing, found, s3=True)
        lookup = Lookup("", who.access_key_id, who.role_uid, target.bucket or "", target.key, version_id)
        return named, target, await self._reads.read(lookup)


_IGNORED_IN_QUERY: Final = ("x-amz-checksum-", "x-amz-sdk-checksum-algorithm", "x-amz-security-token")


class Route(NamedTuple):
    """Where a link leads. `is_plain`: there is nothing in it to be translated."""

    row: Row
    is_plain: bool


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
    return request._replace(headers={**hoisted, **request.headers})


def _in_our_words(request: Request, target: Target) -> Request:
    """Without what only its signature needed."""
    kept = make_query(
        Parameter(*parameter)
        for parameter in request.query.parameters
        if parameter[0] not in _OF_SIGNATURES and not parameter[0].lower().startswith(AMZ)
    )
    return request._replace(headers=read_headers(request, of_bucket=target.key is None), query=kept)


def _refuse_both(request: Request) -> None:
    """A request is of one dialect. Raises: OssError S3_TWO_SIGNATURES, UNSUPPORTED_SIGNATURE."""
    authorization = request.headers.get("authorization")
    if authorization is not None and authorization.partition(" ")[0] in _OSS_WORDS:
        raise S3_TWO_SIGNATURES()
    if not _OSS_MARKS.isdisjoint(request.query.first):
        raise UNSUPPORTED_SIGNATURE("A request is signed for S3 or for OSS, not for both.")
