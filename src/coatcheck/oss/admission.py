"""What a bucket's own settings say of how it may be asked, whoever asks: referers, HTTPS.

Judged before permissions, and only for buckets that have settings at all.
"""

from __future__ import annotations

from coatcheck.configurations import https, referer
from coatcheck.core.errors import DENIED_BY_REFERER, HTTPS_REQUIRED, TLS_VERSION_NOT_ALLOWED
from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.request import Request


def admit(bucket: Bucket, request: Request, caller: Caller) -> None:
    """Raises: OssError DENIED_BY_REFERER, HTTPS_REQUIRED, TLS_VERSION_NOT_ALLOWED."""
    for name, document in bucket.settings:
        if name == https.ONLY_NAME:
            if not request.secure:
                raise HTTPS_REQUIRED()
        elif name == https.NAME:
            _check_tls_version(document, request)
        elif name == referer.NAME and (caller.anonymous or caller.by_link):
            _check_referer(document, request)


def _check_tls_version(document: str, request: Request) -> None:
    used = request.tls_version or ""
    if not https.from_json(document).allows(used):
        raise TLS_VERSION_NOT_ALLOWED(TLSVersion=used)


def _check_referer(document: str, request: Request) -> None:
    if not referer.allows(referer.from_json(document), request.headers.get("referer") or ""):
        raise DENIED_BY_REFERER()
