"""What a bucket's own settings say of how it may be asked, whoever asks: referers, HTTPS.

Judged before permissions, and only for buckets that have settings at all.
"""

from __future__ import annotations

from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.request import Request

from . import bucket_https, bucket_referer


def admit(bucket: Bucket, request: Request, caller: Caller) -> None:
    """Raises: OssError DENIED_BY_REFERER, HTTPS_REQUIRED, TLS_VERSION_NOT_ALLOWED."""
    for name, document in bucket.settings:
        if name == bucket_https.ONLY_SETTING:
            bucket_https.check_https(request)
        elif name == bucket_https.SETTING:
            bucket_https.check_tls_version(document, request)
        elif name == bucket_referer.SETTING and (caller.anonymous or caller.by_link):
            bucket_referer.check_referer(document, request.headers.get("referer"))
