"""How fast a bucket may be used, by what it says of that. Source: OSS API reference,
PutBucketQoSInfo."""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import qos
from coatcheck.ports.bucket import Bucket

from .pacing import BucketMeters, Limits, Pace

UP: Final = "upload"
DOWN: Final = "download"
REQUESTS: Final = "qps"
_GBIT: Final = 10**9

_Paces = dict[tuple[str, bool], Pace]


def shared_pace(meters: BucketMeters, bucket: Bucket, kind: str, *, intranet: bool) -> Pace:
    """What the requests of a bucket share: meters of bits a second, or of requests; empty for no limit.

    Args:
        kind: UP, DOWN or REQUESTS.
        intranet: through an internal endpoint.
    Raises: OssError BANDWIDTH_FORBIDDEN.
    """
    paces = bucket.made(_no_paces)
    pace = paces.get((kind, intranet))
    if pace is None:
        pace = paces[kind, intranet] = meters.find_all(bucket.bucket_id, _limits(bucket, kind, intranet))
    return pace


def _no_paces(_: Bucket) -> _Paces:
    """Filled in as they are asked for."""
    return {}


def _limits(bucket: Bucket, kind: str, intranet: bool) -> Limits:
    document = bucket.configuration(qos.NAME)
    if document is None:
        return ()
    unit = 1 if kind == REQUESTS else _GBIT
    return tuple((name, limit * unit) for name, limit in qos.limits_of(document, kind, intranet=intranet))
