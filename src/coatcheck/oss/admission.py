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
    find = bucket.configuration
    if (document := find(https.NAME)) is not None:
        _check_tls_version(document, request)
    if not request.secure and find(https.ONLY_NAME) is not None:
        raise HTTPS_REQUIRED()
    # Requests on ?qosInfo itself aren't counted, so that nobody locks themselves out.
    if (document := find(qos.NAME)) is not None and "qosInfo" not in request.query:
        check_request_rate(document, bucket, request, meters, asyncio.get_running_loop().time())
    if (caller.anonymous or caller.by_link) and (document := find(referer.NAME)) is not None:
        _check_referer(document, request)
    if caller.account != bucket.owner and (document := find(request_payment.NAME)) is not None:
        _check_payer(document, request, caller)


def _check_tls_version(document: str, request: Request) -> None:
    used = request.tls_version or ""
    if not https.from_json(document).allows(used):
        raise TLS_VERSION_NOT_ALLOWED(TLSVersion=used)


def _check_referer(document: str, request: Request) -> None:
    if not referer.allows(referer.from_json(document), request.headers.get("referer") or ""):
        raise DENIED_BY_REFERER()


def _check_payer(document: str, request: Request, caller: Caller) -> None:
    sent = request.headers.get(_PAYER) or request.query.get(_PAYER) or ""
    offers = sent.lower() == "requester"
    if not request_payment.from_json(document).allows(owner=False, anonymous=caller.anonymous, offers=offers):
        raise REQUESTER_MUST_PAY()
