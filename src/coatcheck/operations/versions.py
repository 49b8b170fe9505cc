"""Versions: what a bucket says of them, and the ids they get."""

from __future__ import annotations

import base64
import secrets

from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import NULL_VERSION


def propose_version_id() -> str:
    """What the catalog calls the next version, if it makes a new one: opaque, and free of "%" and "+"."""
    return "CAEQ" + base64.urlsafe_b64encode(secrets.token_bytes(24)).decode()


def version_id_for(bucket: Bucket) -> str:
    """The version id to propose for a write into the bucket."""
    return propose_version_id() if bucket.versioning else NULL_VERSION
