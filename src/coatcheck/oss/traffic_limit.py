"""How fast a body may come or go: by x-oss-traffic-limit, and by what its bucket says of bandwidths.

Source: OSS API reference, single-connection bandwidth throttling; PutBucketQoSInfo.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import qos
from coatcheck.core.errors import INVALID_ARGUMENT, QPS_LIMIT_EXCEEDED
from coatcheck.core.limits import QPS_BURST_S, TRAFFIC_LIMIT_MAX_BITS_PER_S, TRAFFIC_LIMIT_MIN_BITS_PER_S
from coatcheck.operations.bandwidth import DOWN as DOWN
from coatcheck.operations.bandwidth import REQUESTS, shared_pace
from coatcheck.operations.bandwidth import UP as UP
from coatcheck.operations.pacing import BucketMeters, Meter, Pace, longest_wait, pass_on
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.request import Request
from coatcheck.wire.target import read_host_name

from .call import Call

_RETRY: Final = ((b"Retry-After", b"1"),)


def find_pace(call: Call, direction: str, *, limit: str | None = None) -> Pace | None:
    """How fast the body of a request may go; None for as fast as it can.

    Args:
        direction: UP or DOWN.
        limit: of a form, its field x-oss-traffic-limit.
    Raises: OssError INVALID_ARGUMENT, BANDWIDTH_FORBIDDEN.
    """
    rate = read_traffic_limit(call.request) if limit is None else read_rate(limit)
    alone = () if rate is None else (Meter(rate),)
    bucket = call.this_bucket
    shared: Pace = ()
    if bucket.configurations and bucket.configuration(qos.NAME) is not None:
        shared = shared_pace(call.ports.meters, bucket, direction, intranet=_is_internal(call.request))
    return (*alone, *shared) or None


def check_request_rate(bucket: Bucket, request: Request, meters: BucketMeters, now: float) -> None:
    """Count one request.

    Args:
        now: of a clock that never goes back.
    Raises: OssError QPS_LIMIT_EXCEEDED, BANDWIDTH_FORBIDDEN.
    """
    found = shared_pace(meters, bucket, REQUESTS, intranet=_is_internal(request))
    if longest_wait(found, now) >= QPS_BURST_S:
        raise QPS_LIMIT_EXCEEDED(headers=_RETRY)
    pass_on(1, found, now)


def _is_internal(request: Request) -> bool:
    """Whether the request came to an internal endpoint: there is no other sign of a network here."""
    host = request.host
    return "-internal." in host.lower() and "-internal." in read_host_name(host)


def read_traffic_limit(request: Request) -> int | None:
    """x-oss-traffic-limit, from the query or a header, in bit/s. Raises: OssError INVALID_ARGUMENT."""
    by_query, by_header = request.query.get("x-oss-traffic-limit"), request.headers.get("x-oss-traffic-limit")
    if by_query is None and by_header is None:
        return None
    return read_rate(by_query or by_header or "", once=by_query is None or by_header is None)


def read_rate(text: str, *, once: bool = True) -> int:
    """The value of x-oss-traffic-limit, in bit/s. Raises: OssError INVALID_ARGUMENT."""
    legal = once and text.isascii() and text.isdigit() and len(text) <= 12
    if not legal or not TRAFFIC_LIMIT_MIN_BITS_PER_S <= int(text) <= TRAFFIC_LIMIT_MAX_BITS_PER_S:
        raise INVALID_ARGUMENT(
            f"x-oss-traffic-limit must be given once, as {TRAFFIC_LIMIT_MIN_BITS_PER_S} to "
            f"{TRAFFIC_LIMIT_MAX_BITS_PER_S} bit/s.",
            ArgumentName="x-oss-traffic-limit",
            ArgumentValue=text,
        )
    return int(text)
