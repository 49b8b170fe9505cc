"""What a bucket's configurations say of how it may be asked: referers, HTTPS, who pays, accelerate endpoints.

Judged before permissions, and only for buckets that have configurations at all, or are asked at such an endpoint.
"""

from __future__ import annotations

import asyncio
from typing import Final

from coatcheck.configurations import https, qos, referer, request_payment, transfer_acceleration
from coatcheck.core.errors import (
    DENIED_BY_REFERER,
    HTTPS_REQUIRED,
    REQUESTER_MUST_PAY,
    TLS_VERSION_NOT_ALLOWED,
    TRANSFER_ACCELERATION_DISABLED,
)
from coatcheck.identity.caller import Caller
from coatcheck.operations.pacing import BucketMeters
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.request import Request

from .traffic_limit import check_request_rate

_PAYER: Final = "x-oss-request-payer"  # as a header or a parameter


def admit(bucket: Bucket, request: Request, caller: Caller, meters: BucketMeters, *, accelerated: bool) -> None:
    """Raises: OssError DENIED_BY_REFERER, HTTPS_REQUIRED, REQUESTER_MUST_PAY, TLS_VERSION_NOT_ALLOWED,
    QPS_LIMIT_EXCEEDED; or TRANSFER_ACCELERATION_DISABLED, where the request came to an accelerate endpoint.
    """
    if accelerated and not transfer_acceleration.is_accelerated(bucket.configuration(transfer_acceleration.NAME)):
        raise TRANSFER_ACCELERATION_DISABLED()
    for name, document in bucket.configurations:
        if name == https.ONLY_NAME:
            if not request.secure:
                raise HTTPS_REQUIRED()
        elif name == https.NAME:
            _check_tls_version(document, request)
        elif name == referer.NAME and (caller.anonymous or caller.by_link):
            _check_referer(document, request)
        elif name == request_payment.NAME:
            _check_payer(document, request, caller, owner=caller.account == bucket.owner)
        elif name == qos.NAME and "qosInfo" not in request.query:  # so that nobody locks themselves out
            check_request_rate(document, bucket, request, meters, asyncio.get_running_loop().time())


def _check_tls_version(document: str, request: Request) -> None:
    used = request.tls_version or ""
    if not https.from_json(document).allows(used):
        raise TLS_VERSION_NOT_ALLOWED(TLSVersion=used)


def _check_referer(document: str, request: Request) -> None:
    if not referer.allows(referer.from_json(document), request.headers.get("referer") or ""):
        raise DENIED_BY_REFERER()


def _check_payer(document: str, request: Request, caller: Caller, *, owner: bool) -> None:
    sent = request.headers.get(_PAYER) or request.query.get(_PAYER) or ""
    offers = sent.lower() == "requester"
    if not request_payment.from_json(document).allows(owner=owner, anonymous=caller.anonymous, offers=offers):
        raise REQUESTER_MUST_PAY()
