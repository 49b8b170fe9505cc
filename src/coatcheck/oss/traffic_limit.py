"""x-oss-traffic-limit: how fast a body may come or go.

Source: OSS API reference, single-connection bandwidth throttling.
"""

from __future__ import annotations

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import TRAFFIC_LIMIT_MAX_BITS_PER_S, TRAFFIC_LIMIT_MIN_BITS_PER_S
from coatcheck.wire.request import Request


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
