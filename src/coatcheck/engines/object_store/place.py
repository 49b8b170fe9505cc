"""Where an object store is, and the client that speaks to it.

Credentials, endpoint and region come from the AWS_* variables, as everywhere; or the credentials from a file in the
form that AWS's tools have (`[default]`, `aws_access_key_id = ...`). They are never part of a URL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from ..directory_faults import BadDirectory

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MARKER: Final = "coatcheck-bytes"  # an object that says whose bytes are here; read to see whether the store answers

_TIMEOUTS: Final = {
    "timeout": "12h",  # of a whole body: obstore's own 30 s would cut every slow download
    "connect_timeout": "2s",
    "read_timeout": "60s",
}
PATIENCE_S: Final = 3  # clients wait
_FILE_WORDS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class BytePlace(Struct, frozen=True):
    """
    Attributes:
        url: "s3://bucket/prefix", or another scheme that obstore has.
        credentials: a file; None for the variables alone.
    """

    url: str
    credentials: Path | None = None


class BadPlace(BadDirectory):
    """The object store can't be used; the message says why, and what to do."""


def path_of(blob_id: str) -> str:
    """Its name in the store, under the prefix: spread over 256, so that lists and limits of requests are."""
    return f"{blob_id[:2]}/{blob_id}"


def make_client(
    place: BytePlace, environment: Mapping[str, str] = os.environ, *, patience_s: int = PATIENCE_S
) -> ObjectStore:
    """A client; nothing is sent yet.

    Args:
        patience_s: how long a request that fails is repeated.
    Raises: BadPlace.
    """
    try:
        from obstore.store import from_url
    except ImportError:
        raise BadPlace(f"{place.url} needs the package obstore. Install coatcheck[object-store].") from None
    options: dict[str, Any] = {}
    scheme = place.url.partition(":")[0]
    if scheme == "file":
        options = {"mkdir": True}
    elif scheme != "memory":
        options = {
            "client_options": dict(_TIMEOUTS),
            "retry_config": {
                "max_retries": patience_s,
                "retry_timeout": timedelta(seconds=patience_s),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(milliseconds=500),
                    "base": 2,
                },
            },
        }
    if scheme == "s3":
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL", "")
        options["config"] = {
            "region": environment.get("AWS_REGION", "us-east-1"),
            **_read_credentials(place.credentials),
        }
        options["client_options"]["allow_http"] = endpoint.startswith("http://")
    try:
        return from_url(place.url, **options)
    except Exception as error:  # of many kinds, none of which says more than its text
        raise BadPlace(f"{place.url} names no object store that can be used ({_first_line(error)}).") from None


def _read_credentials(file: Path | None) -> dict[str, str]:
    """Raises: BadPlace."""
    if file is None:
        return {}
    import configparser  # most servers never need it

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text("utf-8"))
        section = parser[os.environ.get("AWS_PROFILE", "default")]
        found = {word: section[word] for word in _FILE_WORDS if word in section}
    except (OSError, ValueError, KeyError, configparser.Error) as error:
        raise BadPlace(f"The credentials in {file} cannot be read ({type(error).__name__}).") from None
    if len(found) < len(_FILE_WORDS) - 1:
        raise BadPlace(f"{file} needs aws_access_key_id and aws_secret_access_key in its section [default].")
    return found


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
