"""A bucket's policy. It is stored as the text that was put, and given back so; its grammar is `access/policy.py`'s.

Source: OSS API reference, PutBucketPolicy.
"""

from __future__ import annotations

from typing import Final

from coatcheck.access.policy import Kind, PolicyFault, read_policy
from coatcheck.core.errors import INVALID_POLICY_DOCUMENT
from coatcheck.ports.bucket import POLICY

NAME: Final = POLICY
SYNTAX_EC: Final = "0030-00000005"
_VERSION_EC: Final = "0030-00000002"


def check(text: str) -> None:
    """Whether it can be the policy of a bucket, or of an access point. Raises: OssError INVALID_POLICY_DOCUMENT."""
    try:
        read_policy(text, Kind.BUCKET)
    except PolicyFault as fault:
        syntax = fault.place.startswith("line ")
        ec = _VERSION_EC if fault.place == "Version" else SYNTAX_EC if syntax else ""
        raise INVALID_POLICY_DOCUMENT(f"Invalid Policy: {fault}.", ec=ec) from None
