"""Server-side encryption: what an upload asks for, and what a reply says of it.

AES256 is done by the byte store; an object's record says AES256 where all its bytes are encrypted on disk. The rule of
a bucket, for uploads that don't ask, is `configurations/encryption.py`'s. Source: OSS API reference, server-side
encryption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.configurations.encryption import HEADER, check_algorithm
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.operations.encryption import AES256, bucket_encryption
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import RawHeader

from .call import Call

_KEY_ID: Final = "x-oss-server-side-encryption-key-id"
_DATA: Final = "x-oss-server-side-data-encryption"
_SAID: Final = ((HEADER.encode(), AES256.encode()),)


def read_encryption(call: Call) -> str:
    """As `find_encryption`, by the request's headers."""
    return find_encryption(call.request.headers, call.this_bucket)


def find_encryption(named: Mapping[str, str], bucket: Bucket) -> str:
    """How an upload is to be kept, by its header or else by its bucket: AES256, or "" for as it is.

    Raises: OssError INVALID_ENCRYPTION_ALGORITHM, KMS_NOT_ENABLED, NOT_IMPLEMENTED, INVALID_ARGUMENT.
    """
    asked = named.get(HEADER)
    if asked is not None:
        check_algorithm(asked)
    for name in (_KEY_ID, _DATA):
        if name in named:
            raise INVALID_ARGUMENT(
                f"{name} is not applicable if the sse algorithm is not KMS.", ArgumentName=name, ArgumentValue=""
            )
    if asked is not None:
        return asked
    return bucket_encryption(bucket)


def encryption_headers(algorithm: str) -> tuple[RawHeader, ...]:
    """What a reply says of how the bytes are kept."""
    return _SAID if algorithm else ()
