"""OptionObject: the browser's preflight. Never signed; answered from the bucket's CORS rules. And what they vary by.

Source: OSS API reference, OptionObject.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import cors
from coatcheck.core.errors import BAD_PREFLIGHT, CORS_NOT_ALLOWED
from coatcheck.core.limits import CORS_REQUESTED_MAX, CORS_REQUESTED_MAX_CHARS
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target


def answer_preflight(request: Request, target: Target, bucket: Bucket | None) -> Reply:
    """Whether a page of that origin may send the request it has in mind; the object need not exist.

    Raises:
        OssError: BAD_PREFLIGHT, CORS_NOT_ALLOWED.
    """
    origin, method = request.headers.get("origin"), request.headers.get("access-control-request-method")
    if not origin:
        raise BAD_PREFLIGHT()
    if not method:
        raise BAD_PREFLIGHT("Insufficient information. Request Access-Control-Request-Method header needed.")
    requested = request.headers.get("access-control-request-headers", "")
    if len(requested) > CORS_REQUESTED_MAX_CHARS or requested.count(",") >= CORS_REQUESTED_MAX:
        raise BAD_PREFLIGHT(
            f"Access-Control-Request-Headers has more than {CORS_REQUESTED_MAX} names or {CORS_REQUESTED_MAX_CHARS}"
            " characters."
        )
    document = None if bucket is None else bucket.configuration(cors.NAME)
    if document is not None:
        headers = cors.preflight_headers(cors.from_json(document), origin, method, requested)
        if headers is not None:
            return Reply(200, headers)
    kind = "BUCKET" if target.key is None else "OBJECT"
    raise CORS_NOT_ALLOWED(Method=method[:32], ResourceType=kind)


def join_vary(headers: tuple[RawHeader, ...]) -> tuple[RawHeader, ...]:
    """The headers with one Vary, which names all that the reply depends on."""
    names = [value for name, value in headers if name == _VARY]
    if len(names) < 2:
        return headers
    return (*[header for header in headers if header[0] != _VARY], (_VARY, b", ".join(names)))


_VARY: Final = b"vary"
