"""How fast the bodies of a bucket may come or go, by what the bucket says of it. Source: OSS API reference,
PutBucketQoSInfo."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from coatcheck.configurations import qos
from coatcheck.ports.bucket import Bucket

from .pacing import BucketMeters, Pace

UP: Final = "upload"
DOWN: Final = "download"
_GBIT: Final = 10**9


def shared_pace(meters: BucketMeters, bucket: Bucket, direction: str, *, intranet: bool) -> Pace:
    """What the bodies of a bucket share; empty for no limit.

    Args:
        direction: UP or DOWN.
        intranet: through an internal endpoint.
    Raises: OssError BANDWIDTH_FORBIDDEN.
    """
    document = bucket.configuration(qos.NAME)
    if document is None:
        return ()
    return meters.find_all(bucket.bucket_id, _rates(document, direction, intranet))


@lru_cache(maxsize=1024)
def _rates(document: str, direction: str, intranet: bool) -> tuple[tuple[str, int], ...]:
    """In bit/s."""
    return tuple((name, limit * _GBIT) for name, limit in qos.limits_of(document, direction, intranet=intranet))
