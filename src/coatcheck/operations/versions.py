"""Versions: what a bucket says of them, and the ids they get."""

from __future__ import annotations

import base64
import secrets
from typing import Final

from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import NULL_VERSION

_BEGIN: Final = "CAEQ"


def propose_version_id() -> str:
    """What the catalog calls the next version, if it makes a new one: opaque, and free of "%" and "+"."""
    return _BEGIN + base64.urlsafe_b64encode(secrets.token_bytes(24)).decode()


def can_be_version_id(text: str) -> bool:
    """Whether a version may have been called so."""
    return text == NULL_VERSION or text.startswith(_BEGIN)


def version_id_for(bucket: Bucket) -> str:
    """The version id to propose for a write into the bucket."""
    return propose_version_id() if bucket.versioning else NULL_VERSION
