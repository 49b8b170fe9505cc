"""OptionObject: the browser's preflight. Never signed; answered from the bucket's CORS rules.

Source: OSS API reference, OptionObject.
"""

from __future__ import annotations

from coatcheck.core.errors import BAD_PREFLIGHT, CORS_NOT_ALLOWED
from coatcheck.wire.request import Request


def refuse_preflight(request: Request) -> Exception:
    """Without CORS rules every preflight is refused; the sentence says what was missing."""
    if not request.headers.get("origin"):
        return BAD_PREFLIGHT()
    if not request.headers.get("access-control-request-method"):
        return BAD_PREFLIGHT("Insufficient information. Request Access-Control-Request-Method header needed.")
    return CORS_NOT_ALLOWED()
