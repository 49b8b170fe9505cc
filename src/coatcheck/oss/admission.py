"""What a bucket's configurations say of how it may be asked: referers, HTTPS, who pays, accelerate endpoints.

Judged before permissions, and only for buckets that have configurations at all, or are asked at such an endpoint.
"""

from __future__ import annotations

import time
from typing import Final

from coatcheck.configurations import (
    bucket_logging,
    cors,
    https,
    log_fields,
    qos,
    referer,
    request_payment,
    transfer_acceleration,
    website,
)
from coatcheck.core.errors import (
    DENIED_BY_REFERER,
    HTTPS_REQUIRED,
    REQUESTER_MUST_PAY,
    TLS_VERSION_NOT_ALLOWED,
    TRANSFER_ACCELERATION_DISABLED,
)
from coatcheck.exchange import LogPlace
from coatcheck.identity.caller import Caller
from coatcheck.operations.pacing import BucketMeters
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.request import Request

from .traffic_limit import check_request_rate

_PAYER: Final = "x-oss-request-payer"  # as a header or a parameter


class Rules:
    """What a bucket's documents say of every request, read from them once (`Bucket.made`).

    Attributes:
        cors, shares_always: its CORS rules as stored, and whether a reply to no page of another origin says something
            of them, too.
        log: where its access log goes; None for none.
        site, mirrors: its website, and whether that has mirrors.
        tls, https_only, referers, payment: None and False where nothing is demanded.
        limited: requests are counted.
        open: nothing of the kind is demanded of anybody.
    """

    __slots__ = (
        *("accelerated", "cors", "https_only", "limited", "log", "mirrors", "open", "payment", "referers"),
        *("shares_always", "site", "tls"),
    )

    def __init__(self, bucket: Bucket) -> None:
        find = bucket.configuration
        self.accelerated = transfer_acceleration.is_accelerated(find(transfer_acceleration.NAME))
        self.cors = find(cors.NAME)
        self.shares_always = self.cors is not None and cors.from_json(self.cors).vary
        self.log = _read_log(bucket)
        document = find(website.NAME)
        self.site = None if document is None else website.from_json(document)
        self.mirrors = self.site is not None and self.site.mirrors
        document = find(https.NAME)
        self.tls = None if document is None else https.from_json(document)
        self.https_only = find(https.ONLY_NAME) is not None
        document = find(referer.NAME)
        self.referers = None if document is None else referer.from_json(document)
        document = find(request_payment.NAME)
        self.payment = None if document is None else request_payment.from_json(document)
        self.limited = find(qos.NAME) is not None
        demands = (self.tls, self.referers, self.payment)
        self.open = not (self.limited or self.https_only) and all(demand is None for demand in demands)


def admit(
    bucket: Bucket, rules: Rules, request: Request, caller: Caller, meters: BucketMeters, *, accelerated: bool
) -> None:
    """By the rules of the bucket. Raises: OssError DENIED_BY_REFERER, HTTPS_REQUIRED, REQUESTER_MUST_PAY,
    TLS_VERSION_NOT_ALLOWED, QPS_LIMIT_EXCEEDED; or TRANSFER_ACCELERATION_DISABLED, where the request came to an
    accelerate endpoint.
    """
    if accelerated and not rules.accelerated:
        raise TRANSFER_ACCELERATION_DISABLED()
    if rules.open:
        return
    if rules.tls is not None and not rules.tls.allows(request.tls_version or ""):
        raise TLS_VERSION_NOT_ALLOWED(TLSVersion=request.tls_version or "")
    if rules.https_only and not request.secure:
        raise HTTPS_REQUIRED()
    # Requests on ?qosInfo itself aren't counted, so that nobody locks themselves out.
    if rules.limited and "qosInfo" not in request.query.first:
        check_request_rate(bucket, request, meters, time.monotonic())
    if rules.referers is not None and (caller.anonymous or caller.by_link):
        _check_referer(rules.referers, request)
    if rules.payment is not None and caller.account != bucket.owner:
        _check_payer(rules.payment, request, caller)


def _read_log(bucket: Bucket) -> LogPlace | None:
    document = bucket.configuration(bucket_logging.NAME)
    if document is None or not bucket_logging.from_json(document).bucket:
        return None
    return LogPlace(document, bucket.configuration(log_fields.NAME) or "", bucket.owner)


def _check_referer(rules: referer.RefererRules, request: Request) -> None:
    if not referer.allows(rules, request.headers.get("referer") or ""):
        raise DENIED_BY_REFERER()


def _check_payer(payment: request_payment.RequestPayment, request: Request, caller: Caller) -> None:
    sent = request.headers.get(_PAYER) or request.query.get(_PAYER) or ""
    offers = sent.lower() == "requester"
    if not payment.allows(owner=False, anonymous=caller.anonymous, offers=offers):
        raise REQUESTER_MUST_PAY()
