"""Parts of a link as they are written in its URL: the path of a key, and the caller's own parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from coatcheck.core.errors import OssError
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import encode, encode_path
from coatcheck.core.times import write_http_date

from .disposition import write_disposition
from .moments import read_moment
from .options import LinkOptions
from .refusal import PresignError

Pieces = tuple[tuple[str, str], ...]  # encoded names and values

_OPTION_NAMES: Final = (  # in the order of the SDK's GetObjectRequest
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
    "x-oss-traffic-limit",
    "x-oss-process",
)
_NO_OPTIONS: Final = (None,) * len(_OPTION_NAMES)
SIGNATURE_NAMES: Final = frozenset(
    {
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-signature",
        "x-oss-security-token",
        "x-oss-additional-headers",
        "OSSAccessKeyId",
        "Expires",
        "Signature",
        "security-token",
        # An OSS link that has one of these would be taken for one of S3.
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "AWSAccessKeyId",
    }
)


def encode_key(key: str | None) -> str:
    """The path of a key; empty for the bucket itself. Raises: PresignError."""
    if key is None:
        return ""
    try:
        check_object_key(key, len(key) if key.isascii() else len(key.encode()))
    except UnicodeEncodeError:
        raise PresignError("the key holds a lone surrogate; that isn't Unicode text.") from None
    except OssError as error:
        raise PresignError(f"the key can't be an object's: {error.message}") from None
    return encode_path(key)


def join(pieces: Iterable[tuple[str, str]]) -> str:
    """A query; a parameter with an empty value is its bare name."""
    return "&".join([f"{name}={value}" if value else name for name, value in pieces])


def write_parameters(options: LinkOptions) -> Pieces:
    """The caller's own parameters, in the order in which they go out. Raises: PresignError."""
    chosen = _named(options)
    if not options.query and chosen == _NO_OPTIONS:
        return ()
    parameters = dict(options.query or {})
    for name, value in zip(_OPTION_NAMES, chosen, strict=True):
        if value is None:
            continue
        if name in parameters:
            raise PresignError(f"{name} is given twice: in query and as an option.")
        parameters[name] = write_http_date(read_moment(value)) if isinstance(value, datetime) else str(value)
    return _encode(parameters)


def _named(options: LinkOptions) -> tuple[object, ...]:
    """The values of `_OPTION_NAMES`."""
    return (
        options.response_cache_control,
        options.response_content_disposition if options.download_as is None else _disposition(options),
        options.response_content_encoding,
        options.response_content_language,
        options.response_content_type,
        options.response_expires,
        options.version_id,
        options.traffic_limit,
        options.process,
    )


def _disposition(options: LinkOptions) -> str:
    if options.response_content_disposition is not None:
        raise PresignError("give download_as or response_content_disposition, not both.")
    try:
        return write_disposition(options.download_as or "")
    except ValueError as error:
        raise PresignError(str(error)) from None


def _encode(parameters: Mapping[str, str]) -> Pieces:
    for name in parameters:
        if not name or name in SIGNATURE_NAMES:
            raise PresignError(f"{name!r} can't be a parameter of the caller: the signature uses it.")
    try:
        return tuple([(encode(name), encode(value)) for name, value in parameters.items()])
    except UnicodeEncodeError:
        raise PresignError("a parameter holds a lone surrogate; that isn't Unicode text.") from None
